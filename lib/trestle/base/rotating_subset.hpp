#pragma once

#include <cstddef>
#include <cstdint>

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

  /// One asker's order at that time.
  class Order {
   public:
    /// Lower stands first.
    std::uint64_t place_of(const NodeId& candidate) const;

   private:
    friend class RotatingSubset;
    explicit Order(std::uint64_t seed) : seed_(seed) {}
    std::uint64_t seed_;
  };
  Order order(Instant now, const NodeId& asker) const;

  std::size_t size() const { return options_.size; }

 private:
  RotatingSubsetOptions options_;
  std::uint64_t secret_;
};

}  // namespace trestle::inline base
