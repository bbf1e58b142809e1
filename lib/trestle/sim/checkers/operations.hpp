#pragma once

#include "trestle/base/flat_map.hpp"
#include "trestle/sim/world.hpp"

namespace trestle::sim::checkers {

struct OperationsOptions {
  /// No operation of a user may take longer: a lookup is bounded by 15 s (X31), a put is a lookup
  /// and a round of stores. Counted anew from the end of a pause of the node's process.
  Duration operation_max = std::chrono::seconds(60);
};

/// Every operation that was accepted ends exactly once, in time; nothing ends that was not begun.
class Operations : public Observer {
 public:
  explicit Operations(const OperationsOptions& options = {}) : options_(options) {}
  Interest interest() const override {
    return Interest::in({HappeningKind::operation_accepted, HappeningKind::operation_ended,
                         HappeningKind::stopped, HappeningKind::killed},
                        Interest::Events::every);
  }
  void observe(World& world, const Happening& happening) override;
  void after_event(World& world) override;

  std::uint64_t accepted() const { return accepted_; }
  std::uint64_t ended() const { return ended_; }
  /// Time from the beginnings to the ends of all that ended.
  Duration waited() const { return waited_; }
  std::uint64_t lost_with_node() const { return lost_with_node_; }
  std::size_t under_way() const { return open_.size(); }

 private:
  OperationsOptions options_;
  FlatMap<OperationKey, Instant> open_;  ///< Until when.
  Duration waited_{};
  Instant earliest_ = kNever;
  std::uint64_t accepted_ = 0;
  std::uint64_t ended_ = 0;
  std::uint64_t lost_with_node_ = 0;
};

}  // namespace trestle::sim::checkers
