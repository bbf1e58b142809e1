#include "trestle/sim/checkers/bounds.hpp"

#include <algorithm>
#include <string>
#include <string_view>

#include "trestle/dht/ask_pacing.hpp"
#include "trestle/dht/record_store.hpp"
#include "trestle/link/channel_set.hpp"
#include "trestle/mesh/mesh_options.hpp"
#include "trestle/node/member/carrier.hpp"
#include "trestle/node/member/record_verifier.hpp"

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
    {"dht.asks_waiting", dht::AskPacingOptions{}.waiting_max},
    {"verify.held",
     node::RecordVerifierOptions{}.held_max +
         mesh::MeshOptions{}.links_max* node::RecordVerifierOptions{}.held_per_link_assured},
    {"carrier.under_way", node::CarrierOptions{}.carried_max},
    {"mesh.known", mesh::MeshOptions{}.links_max + mesh::CandidatesOptions{}.candidates_max},
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

/// Those for whom a member holds connections; beside them there is one to a bootstrap node.
constexpr std::string_view kUsersOfConnections[] = {"mesh.links", "mesh.dialling", "link.pending",
                                                    "desk.bootstraps"};
constexpr std::uint64_t kRegistrations = 1;

/// What a figure is when more was taken from it than was put in.
constexpr std::uint64_t kBelowZero = std::uint64_t{1} << 63;

void check(World& world, NodeIndex node, std::string_view name, std::uint64_t value,
           std::uint64_t max) {
  if (value <= max) return;
  world.report_violation("I8: every bound is respected",
                         "n" + std::to_string(node) + ": " + std::string(name) + " is " +
                             std::to_string(value) + ", at most " + std::to_string(max));
}

}  // namespace

void Bounds::expect(NodeIndex node, std::string_view figure, std::uint64_t max) {
  own_.push_back({node, figure, max});
}

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
  for (const auto& [name, value] : status.counters) {
    if (value < kBelowZero) continue;
    world.report_violation("I8: no figure falls below zero",
                           "n" + std::to_string(node) + ": " + std::string(name) + " is " +
                               std::to_string(static_cast<std::int64_t>(value)));
  }
  for (const Bound& bound : kBounds) {
    if (const std::uint64_t* value = figure(status, bound.figure)) {
      check(world, node, bound.figure, *value, bound.max);
    }
  }
  for (const auto& [owner, name, max] : own_) {
    const std::uint64_t* value = owner == node ? figure(status, name) : nullptr;
    if (value != nullptr) check(world, node, name, *value, max);
  }
  for (const Pair& pair : kPairs) {
    const std::uint64_t* value = figure(status, pair.figure);
    const std::uint64_t* max = figure(status, pair.max);
    if (value != nullptr && max != nullptr) check(world, node, pair.figure, *value, *max);
  }
  look_at_connections(world, node, status);
}

void Bounds::look_at_connections(World& world, NodeIndex node, const node::Status& status) {
  const bool holds_all_in_channels =
      world.role(node) == wire::Role::node || world.role(node) == wire::Role::bridge;
  const std::uint64_t* believed = figure(status, "link.connections");
  const std::size_t given = world.network().open_ends(node);
  if (holds_all_in_channels && believed != nullptr && *believed != given) {
    world.report_violation("I18: a node's connections are those its driver gave it",
                           "n" + std::to_string(node) + " believes in " +
                               std::to_string(*believed) + ", there are " + std::to_string(given));
  }
  if (node >= idle_looks_.size()) idle_looks_.resize(node + 1, 0);
  if (!holds_all_in_channels || believed == nullptr) return;
  std::uint64_t used = kRegistrations;
  for (const std::string_view user : kUsersOfConnections) {
    if (const std::uint64_t* value = figure(status, user)) used += *value;
  }
  idle_looks_[node] = *believed > used ? idle_looks_[node] + 1 : 0;
  if (idle_looks_[node] < options_.idle_looks_max) return;
  world.report_violation("I17: whatever connection is held, somebody uses it",
                         "n" + std::to_string(node) + " holds " + std::to_string(*believed) +
                             " for minutes, and has a use for " + std::to_string(used));
}

}  // namespace trestle::sim::checkers
