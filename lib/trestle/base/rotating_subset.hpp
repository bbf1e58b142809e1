#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "trestle/base/node_id.hpp"
#include "trestle/base/rng.hpp"
#include "trestle/base/time.hpp"

namespace trestle::inline base {

struct RotatingSubsetOptions {
  /// Of all that could be named, so many are to one asker. As many as one answer may name: however
  /// often somebody asks within a turn, it hears of no more.
  std::size_t size = 20;
  /// After this the subsets are others. A day: who asks all day long meets two turns, and learns
  /// forty of a thousand from one who knows them all (T27).
  Duration turn = std::chrono::hours(24);
};

/// Who of many may be named to whom: a few to each asker, the same ones until the turn is over. A
/// policy.
///
/// Each asker has an order of its own among all candidates, and its subset is whoever stands first
/// of those that can be named at the moment: where one goes, the next in order takes its place.
/// Over all askers every candidate, and every set of them, is named equally often. The orders hang
/// on a number that is drawn once and told to nobody, so that no id can be made which is named to
/// a chosen asker. It is a shuffle, not a cipher: an asker that was named thousands could find the
/// number.
class RotatingSubset {
 public:
  RotatingSubset(const RotatingSubsetOptions& options, Rng rng);

  /// What all orders go by instead of the id: 64 bits that nobody else can tell. The same as long
  /// as this subset lives, so that whoever keeps many candidates works it out once for each.
  struct Mark {
    std::uint64_t bits = 0;
  };
  Mark mark_of(const NodeId& candidate) const;

  /// One asker's order at that time.
  class Order {
   public:
    /// Lower stands first.
    std::uint64_t place_of(Mark candidate) const { return mixed(seed_ ^ candidate.bits); }

   private:
    friend class RotatingSubset;
    explicit Order(std::uint64_t seed) : seed_(seed) {}
    std::uint64_t seed_;
  };
  Order order(Instant now, const NodeId& asker) const;

  /// Somebody who can be named at the moment.
  struct Candidate {
    std::uint64_t place = 0;  ///< In the asker's order.
    std::size_t index = 0;    ///< The caller's own.
  };
  /// Leaves up to `count` of the asker's few: a uniform choice among them, in random order. The
  /// same with every standard library.
  void draw(std::vector<Candidate>& candidates, std::size_t count, Rng& rng) const;

  std::size_t size() const { return options_.size; }

 private:
  /// Spreads each bit over all of them: the finisher of SplitMix64 (Steele, Lea and Flood, 2014).
  static constexpr std::uint64_t mixed(std::uint64_t bits) {
    bits = (bits ^ bits >> 30) * 0xbf58476d1ce4e5b9;
    bits = (bits ^ bits >> 27) * 0x94d049bb133111eb;
    return bits ^ bits >> 31;
  }
  static constexpr std::uint64_t mixed_with(std::uint64_t seed, const NodeId& id) {
    seed = mixed(seed ^ id.high());
    seed = mixed(seed ^ id.middle());
    return mixed(seed ^ id.low());
  }

  RotatingSubsetOptions options_;
  std::uint64_t orders_secret_;
  std::uint64_t marks_secret_;
};

}  // namespace trestle::inline base
