#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "trestle/base/assertion.hpp"
#include "trestle/base/flat_map.hpp"
#include "trestle/base/time.hpp"

namespace trestle::inline base {

/// How often something may happen: `at_once` times after a pause, and once more every `every`.
struct Pace {
  Duration every{};
  std::uint32_t at_once = 1;

  /// Rounded down, so that whoever keeps to the stated rate is never refused.
  static constexpr Pace per_second(std::uint32_t count, std::uint32_t at_once) {
    return {Duration(std::chrono::seconds(1)) / static_cast<std::int64_t>(std::max(count, 1u)),
            at_once};
  }
};

/// What is left of a pace. A policy of one word (the generic cell rate algorithm): the instant at
/// which everything taken so far has been earned.
class RateAccount {
 public:
  /// How long until there is one; zero: now.
  Duration wait(Instant now, const Pace& pace) const {
    const Duration owed = std::max(earned_at_ - now, Duration::zero());
    return std::max(owed + pace.every - pace.every * pace.at_once, Duration::zero());
  }
  bool has_one(Instant now, const Pace& pace) const { return wait(now, pace) == Duration::zero(); }
  /// Takes one, there or not: for whoever has looked before, or learns the price afterwards.
  void charge(Instant now, const Pace& pace) {
    earned_at_ = after(std::max(earned_at_, now), pace.every);
  }
  /// Takes one if there is one. What is refused costs nothing.
  [[nodiscard]] bool take(Instant now, const Pace& pace) {
    if (!has_one(now, pace)) return false;
    charge(now, pace);
    return true;
  }
  /// As good as an account that was never used.
  bool is_even(Instant now) const { return earned_at_ <= now; }
  Instant earned_at() const { return earned_at_; }

 private:
  Instant earned_at_{};
};

/// An account for each of many: peers, addresses. Who owes nothing is forgotten as soon as the
/// place is needed. Beyond that the one that owes least is, and gains least by it: nobody can push
/// out whoever took much by inventing others.
template <typename Key>
class RateAccounts {
 public:
  explicit RateAccounts(std::size_t accounts_max) : accounts_max_(accounts_max) {
    TRESTLE_ASSERT(accounts_max > 0);
  }

  Duration wait(Instant now, const Key& key, const Pace& pace) const {
    const RateAccount* known = accounts_.find(key);
    return known == nullptr ? Duration::zero() : known->wait(now, pace);
  }
  bool has_one(Instant now, const Key& key, const Pace& pace) const {
    return wait(now, key, pace) == Duration::zero();
  }
  void charge(Instant now, const Key& key, const Pace& pace) { at(now, key).charge(now, pace); }
  [[nodiscard]] bool take(Instant now, const Key& key, const Pace& pace) {
    if (!has_one(now, key, pace)) return false;
    charge(now, key, pace);
    return true;
  }
  /// Whether this one has an account, or could be given one without forgetting anybody who owes.
  bool has_place(Instant now, const Key& key) {
    if (accounts_.contains(key) || accounts_.size() < accounts_max_) return true;
    forget_even(now);
    return accounts_.size() < accounts_max_;
  }

  std::size_t size() const { return accounts_.size(); }

 private:
  RateAccount& at(Instant now, const Key& key) {
    if (!has_place(now, key)) {
      accounts_.erase(std::ranges::min_element(
          accounts_, {}, [](const auto& entry) { return entry.second.earned_at(); }));
    }
    return *accounts_.insert(key, {}).first;
  }
  void forget_even(Instant now) {
    accounts_.erase_if([now](const auto& entry) { return entry.second.is_even(now); });
  }

  std::size_t accounts_max_;
  FlatMap<Key, RateAccount> accounts_;
};

}  // namespace trestle::inline base
