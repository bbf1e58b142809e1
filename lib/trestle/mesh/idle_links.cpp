// Which links nobody uses, and letting go of those that are worth nothing.

#include <algorithm>
#include <utility>
#include <vector>

#include "trestle/mesh/mesh.hpp"

namespace trestle::mesh {

void Mesh::on_used(Instant now, const NodeId& peer, Use use) {
  Link* link = links_.find(peer);
  if (link == nullptr) return;
  link->used = now;
  if (use == Use::service) {
    link->served = now;
  } else if (after(link->served, options_.idle.unserved) <= now && may_spare_links()) {
    idle_check_at_ = std::min(idle_check_at_, after(now, options_.idle.unused));
    deadline_ = std::min(deadline_, idle_check_at_);
  }
}

/// Only those between nodes: a bridge lives by the links it has, and peers of the old dialect take
/// the end of one for a failure.
std::vector<NodeId> Mesh::idle_links(Instant now, const Idleness& idle) const {
  std::vector<std::pair<Instant, NodeId>> found;
  for (const auto& [peer, link] : links_) {
    const bool is_node =
        link.peer.dialect == wire::Dialect::native && link.peer.role == wire::Role::node;
    const bool is_idle =
        after(link.used, idle.unused) <= now && after(link.served, idle.unserved) <= now;
    if (is_node && is_idle) found.emplace_back(link.used, peer);
  }
  std::sort(found.begin(), found.end());
  std::vector<NodeId> peers;
  peers.reserve(found.size());
  for (const auto& [used, peer] : found) peers.push_back(peer);
  return peers;
}

bool Mesh::may_spare_links() const {
  const bool is_node = self_.role == wire::Role::node;
  return worth_ != nullptr && is_node && links_.size() > options_.links_target;
}

std::vector<NodeId> Mesh::spare_links(Instant now, const Idleness& idle,
                                      std::size_t count_max) const {
  if (!may_spare_links()) return {};
  const std::vector<NodeId> found = idle_links(now, idle);
  if (found.empty()) return {};
  const std::size_t most = std::min(count_max, links_.size() - options_.links_target);
  return worth_->links_to_spare(found, links_, most);
}

std::size_t Mesh::let_go(Instant now, const Idleness& idle, std::size_t count_max) {
  const std::vector<NodeId> spared = spare_links(now, idle, count_max);
  for (const NodeId& peer : spared) end_link(now, peer, ErrorCode::idle);
  stats_.links_let_go += spared.size();
  return spared.size();
}

void Mesh::let_go_of_idle(Instant now) {
  let_go(now, options_.idle_when_full, links_.size());
  pump(now);
}

void Mesh::let_go_idle(Instant now) {
  if (!may_spare_links()) {
    idle_check_at_ = kNever;
    return;
  }
  const bool is_due = idle_check_at_ <= now;
  if (!is_due && idle_check_at_ != kNever) return;
  if (is_due) let_go(now, options_.idle, links_.size());
  const Duration interval = options_.idle_check_interval;
  idle_check_at_ = next_idle(now, after(now, rng_.between(interval, 2 * interval)));
}

Instant Mesh::next_idle(Instant now, Instant latest) const {
  for (const auto& [peer, link] : links_) {
    const Instant idle_at = after(link.used, options_.idle.unused);
    const bool is_upkeep = after(link.served, options_.idle.unserved) <= now;
    if (is_upkeep && idle_at > now) latest = std::min(latest, idle_at);
  }
  return latest;
}

}  // namespace trestle::mesh
