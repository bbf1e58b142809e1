#include "trestle/sim/checkers/bounds.hpp"

#include <algorithm>
#include <string>
#include <string_view>

#include "trestle/dht/record_store.hpp"
#include "trestle/link/channel_set.hpp"
#include "trestle/mesh/mesh_options.hpp"

namespace trestle::sim::checkers {
namespace {

/// A figure that never exceeds a number.
struct Bound {
  std::string_view figure;
  std::uint64_t max;
};

const Bound kBounds[] = {
    {"link.pending", link::ChannelSetOptions{}.pending_max},
    {"mesh.links", mesh::MeshOptions{}.links_max},
    {"mesh.dialling", mesh::MeshOptions{}.links_max},
    {"dht.records", dht::RecordQuotaOptions{}.records_max},
    {"dht.record_bytes", dht::RecordQuotaOptions{}.bytes_max},
};

/// A figure that never exceeds another of the same node.
struct Pair {
  std::string_view figure;
  std::string_view max;
};

constexpr Pair kPairs[] = {
    {"desk.in_service", "desk.in_service_max"},
    {"desk.waiting", "desk.waiting_max"},
    {"desk.waiting_peak", "desk.waiting_max"},
    {"pool.requests_under_way", "pool.requests_max"},
};

const std::uint64_t* figure(const node::Status& status, std::string_view name) {
  const auto found =
      std::ranges::find(status.counters, name, &std::pair<std::string_view, std::uint64_t>::first);
  return found == status.counters.end() ? nullptr : &found->second;
}

void check(World& world, NodeIndex node, std::string_view name, std::uint64_t value,
           std::uint64_t max) {
  if (value <= max) return;
  world.report_violation("I8: every bound is respected",
                         "n" + std::to_string(node) + ": " + std::string(name) + " is " +
                             std::to_string(value) + ", at most " + std::to_string(max));
}

}  // namespace

void Bounds::after_event(World& world) {
  if (world.now() < next_look_ || world.size() == 0) return;
  const Duration pause =
      std::max(Duration(1), options_.round / static_cast<Duration::rep>(world.size()));
  next_look_ = after(world.now(), pause);
  if (next_node_ >= world.size()) next_node_ = 0;
  look_at(world, next_node_++);
}

void Bounds::look_at(World& world, NodeIndex node) {
  if (!world.is_running(node)) return;
  ++looks_;
  const node::Status status = world.node(node).status(world.now());
  for (const Bound& bound : kBounds) {
    if (const std::uint64_t* value = figure(status, bound.figure)) {
      check(world, node, bound.figure, *value, bound.max);
    }
  }
  for (const Pair& pair : kPairs) {
    const std::uint64_t* value = figure(status, pair.figure);
    const std::uint64_t* max = figure(status, pair.max);
    if (value != nullptr && max != nullptr) check(world, node, pair.figure, *value, *max);
  }
  const bool holds_all_in_channels =
      world.role(node) == wire::Role::node || world.role(node) == wire::Role::bridge;
  const std::uint64_t* believed = figure(status, "link.connections");
  const std::size_t given = world.network().open_ends(node);
  if (holds_all_in_channels && believed != nullptr && *believed != given) {
    world.report_violation("I18: a node's connections are those its driver gave it",
                           "n" + std::to_string(node) + " believes in " +
                               std::to_string(*believed) + ", there are " + std::to_string(given));
  }
}

}  // namespace trestle::sim::checkers
