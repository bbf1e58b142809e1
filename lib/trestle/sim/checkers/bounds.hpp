#pragma once

#include <cstdint>

#include "trestle/sim/world.hpp"

namespace trestle::sim::checkers {

struct BoundsOptions {
  /// Every node is looked at once in this time.
  Duration round = std::chrono::seconds(60);
};

/// I8: every bound that a node's own figures tell of is respected. I18: the connections that a node
/// believes in are those that its driver gave it, so none is forgotten on either side. Looks at a
/// few nodes at a time, in turn.
class Bounds : public Observer {
 public:
  explicit Bounds(const BoundsOptions& options = {}) : options_(options) {}
  void observe(World&, const Happening&) override {}
  void after_event(World& world) override;

  std::uint64_t looks() const { return looks_; }

 private:
  void look_at(World& world, NodeIndex node);

  BoundsOptions options_;
  Instant next_look_{};
  NodeIndex next_node_ = 0;
  std::uint64_t looks_ = 0;
};

}  // namespace trestle::sim::checkers
