#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "trestle/bridge/admission_policy.hpp"

/// One bridge owner's rules. `bridge_policy.cpp` runs them on real sockets, `churn_study.cpp` tries
/// the very same class on 2,000 simulated newcomers.
///
///   * Friends go first.
///   * Whoever comes from a banned host stays outside.
///   * One host may bring so many newcomers in a while; the next is told when to come back.
class HouseRules final : public trestle::bridge::AdmissionPolicy {
 public:
  struct Options {
    std::vector<trestle::NodeId> friends{};
    std::vector<std::string> banned_hosts{};
    std::size_t per_host_max = 2;
    trestle::Duration per_host_within = std::chrono::minutes(1);
    std::size_t hosts_max = 10'000;  ///< Remembered: what strangers make us keep is bounded.
  };

  explicit HouseRules(Options options) : options_(std::move(options)) {}

  trestle::bridge::Verdict judge(trestle::Instant now, const trestle::bridge::Newcomer& newcomer,
                                 const trestle::bridge::Load&) override {
    using trestle::bridge::Priority;
    using trestle::bridge::Verdict;
    if (contains(options_.friends, newcomer.contact.id)) return Verdict::admit(Priority::urgent);
    const std::string host(host_of(newcomer.contact.address));
    if (contains(options_.banned_hosts, host)) return Verdict::refuse(host + " is not welcome");
    Visits& visits = visits_of(now, host);
    if (visits.count < options_.per_host_max) {
      ++visits.count;
      return Verdict::admit();
    }
    return Verdict::defer(visits.since + options_.per_host_within - now,
                          host + " brought too many of late");
  }

  /// `10.0.0.7` of `ws://10.0.0.7:9000/`.
  static std::string_view host_of(std::string_view url) {
    const std::size_t scheme = url.find("://");
    if (scheme != url.npos) url.remove_prefix(scheme + 3);
    return url.substr(0, url.find_first_of(":/"));
  }

 private:
  struct Visits {
    trestle::Instant since{};
    std::size_t count = 0;
  };

  template <typename Value>
  static bool contains(const std::vector<Value>& values, const Value& value) {
    return std::find(values.begin(), values.end(), value) != values.end();
  }
  Visits& visits_of(trestle::Instant now, const std::string& host) {
    const auto is_over = [&](const auto& entry) {
      return now - entry.second.since >= options_.per_host_within;
    };
    if (visits_.size() >= options_.hosts_max) std::erase_if(visits_, is_over);
    if (visits_.size() >= options_.hosts_max) visits_.clear();
    const auto place = visits_.try_emplace(host, Visits{now, 0}).first;
    if (is_over(*place)) place->second = {now, 0};
    return place->second;
  }

  Options options_;
  std::map<std::string, Visits> visits_;
};
