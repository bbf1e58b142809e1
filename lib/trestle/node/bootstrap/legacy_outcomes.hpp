#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "trestle/wire/legacy/raw_json.hpp"
#include "trestle/wire/legacy/signalling.hpp"

namespace trestle::node {

/// How a browser's NAT behaves, as its profile says (protocol of the old dialect, section 3.5).
enum class NatType : std::uint8_t { open, easy, hard, unknown };

NatType nat_type_of(std::string_view text);
/// `natType` in a connection profile.
NatType nat_type_of(const std::optional<wire::legacy::RawJson>& profile);

/// What browsers report about their connection attempts, counted by both sides' NATs. A policy:
/// sixteen pairs of counters, whatever is reported.
class LegacyOutcomes {
 public:
  void count(const wire::legacy::ConnectionOutcome& outcome);
  void count(const wire::legacy::ProfileUpdate& profile);

  /// The share of attempts between two such NATs that succeeded, as a JSON fraction such as `0.83`;
  /// nothing before there are enough of them to say so.
  std::optional<wire::legacy::RawJson> success_rate(NatType left, NatType right) const;

  std::uint64_t successes() const { return successes_; }
  std::uint64_t failures() const { return failures_; }
  std::uint64_t profiles() const { return profiles_; }

 private:
  static constexpr std::size_t kNatTypes = 4;
  /// One attempt in twenty is a step of 5 %: fewer attempts say less than that.
  static constexpr std::uint64_t kAttemptsEnough = 20;

  struct Pair {
    std::uint64_t attempts = 0;
    std::uint64_t successes = 0;
  };
  static std::size_t index_of(NatType left, NatType right);

  std::array<Pair, kNatTypes * kNatTypes> pairs_{};
  std::uint64_t successes_ = 0;
  std::uint64_t failures_ = 0;
  std::uint64_t profiles_ = 0;
};

}  // namespace trestle::node
