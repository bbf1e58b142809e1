#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "trestle/sim/world.hpp"

namespace trestle::sim::checkers {

struct BoundsOptions {
  /// Every node is looked at once in this time.
  Duration round = std::chrono::seconds(60);
  /// Looks in a row that find a connection which nobody uses: one may be just about to be closed.
  std::uint32_t idle_looks_max = 3;
};

/// I8: every bound that a node's own figures tell of is respected, and none falls below zero. I18:
/// the connections that a node believes in are those that its driver gave it, so none is forgotten
/// on either side. I17: each of them has a user. Looks at a few nodes at a time, in turn.
class Bounds : public Observer {
 public:
  explicit Bounds(const BoundsOptions& options = {}) : options_(options) {}
  Interest interest() const override { return Interest::in({}, Interest::Events::every); }
  /// That figure of that node has a bound of its own. `figure` must have static storage.
  void expect(NodeIndex node, std::string_view figure, std::uint64_t max);
  void observe(World&, const Happening&) override {}
  void after_event(World& world) override;

  std::uint64_t looks() const { return looks_; }

 private:
  void look_at(World& world, NodeIndex node);
  void look_at_connections(World& world, NodeIndex node, const node::Status& status);

  struct Own {
    NodeIndex node = kNoNode;
    std::string_view figure;
    std::uint64_t max = 0;
  };

  BoundsOptions options_;
  std::vector<Own> own_;
  std::vector<std::uint32_t> idle_looks_;  ///< By node: in a row, with a connection nobody uses.
  Instant next_look_{};
  NodeIndex next_node_ = 0;
  std::uint64_t looks_ = 0;
};

}  // namespace trestle::sim::checkers
