#include "trestle/dht/replica_plan.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "trestle/base/assertion.hpp"

namespace trestle::dht {
namespace {

/// The tasks of one plan by the position of their peer.
class Tasks {
 public:
  explicit Tasks(std::span<const wire::Contact> peers) : peers_(peers), known_(peers.size()) {}

  void add(std::uint32_t peer, ReplicaTask::Kind kind, std::uint32_t record) {
    auto& place = known_[peer][static_cast<std::size_t>(kind)];
    if (place == 0) {
      tasks_.push_back({.peer = peers_[peer], .kind = kind, .records = {}});
      place = static_cast<std::uint32_t>(tasks_.size());
    }
    tasks_[place - 1].records.push_back(record);
  }
  std::size_t given_to(std::uint32_t peer) const {
    const auto place = known_[peer][static_cast<std::size_t>(ReplicaTask::Kind::gift)];
    return place == 0 ? 0 : tasks_[place - 1].records.size();
  }
  std::vector<ReplicaTask> take() { return std::move(tasks_); }

 private:
  std::span<const wire::Contact> peers_;
  /// For each peer and kind the task's number, from 1; 0 is none yet.
  std::vector<std::array<std::uint32_t, 3>> known_;
  std::vector<ReplicaTask> tasks_;
};

struct Ranked {
  NodeId distance{};
  std::uint32_t peer = 0;
  friend auto operator<=>(const Ranked&, const Ranked&) = default;
};

}  // namespace

bool keeps_replicas(const wire::Contact& contact) {
  return contact.role == wire::Role::node && contact.dialect != wire::Dialect::legacy;
}

KeyRegion known_region(const NodeId& target, std::span<const wire::Contact> nearest,
                       std::size_t copies) {
  if (nearest.size() < copies || nearest.empty()) return {};
  const unsigned shared = common_prefix_bits(target, nearest.back().id);
  return region_around(target, std::min(shared + 1, NodeId::kBits));
}

std::size_t rank_of(const NodeId& id, const NodeId& place, std::span<const wire::Contact> peers,
                    const NodeId& except) {
  return static_cast<std::size_t>(
      std::count_if(peers.begin(), peers.end(), [&](const wire::Contact& peer) {
        return peer.id != except && keeps_replicas(peer) && closer(place, peer.id, id);
      }));
}

ReplicaPlan plan_replicas(const NodeId& self, const NodeId& centre,
                          std::span<const KeptRecord> records, std::span<const wire::Contact> peers,
                          Delegation delegation, const ReplicaPlanOptions& options) {
  TRESTLE_ASSERT(options.copies >= 2);
  ReplicaPlan plan;
  Tasks tasks(peers);
  std::vector<Ranked> keepers;
  std::vector<Ranked> old_peers;
  for (std::uint32_t record = 0; record < records.size(); ++record) {
    const NodeId& place = records[record].place;
    keepers.clear();
    old_peers.clear();
    for (std::uint32_t peer = 0; peer < peers.size(); ++peer) {
      if (peers[peer].id == self || peers[peer].role != wire::Role::node) continue;
      auto& list = keeps_replicas(peers[peer]) ? keepers : old_peers;
      list.push_back({.distance = distance(place, peers[peer].id), .peer = peer});
    }
    std::sort(keepers.begin(), keepers.end());
    const NodeId own = distance(place, self);
    // Beyond the last that should keep it nobody is given it, old or new.
    const NodeId* limit =
        keepers.size() >= options.copies ? &keepers[options.copies - 1].distance : nullptr;
    const bool among_nearest = limit == nullptr || own < *limit;
    if (records[record].legacy) {
      for (const Ranked& old : old_peers) {
        if (limit != nullptr && *limit < old.distance) continue;
        if (tasks.given_to(old.peer) >= options.gifts_per_peer_max) continue;
        tasks.add(old.peer, ReplicaTask::Kind::gift, record);
      }
    }
    if (keepers.empty()) {
      plan.alone.push_back(record);
      continue;
    }
    const std::size_t wanted = std::min(keepers.size(), options.copies - (among_nearest ? 1 : 0));
    if (among_nearest || delegation == Delegation::never) {
      for (std::size_t rank = 0; rank < wanted; ++rank) {
        tasks.add(keepers[rank].peer, ReplicaTask::Kind::offer, record);
      }
      continue;
    }
    const auto nearest_to_centre =
        std::min_element(keepers.begin(), keepers.begin() + static_cast<std::ptrdiff_t>(wanted),
                         [&](const Ranked& left, const Ranked& right) {
                           return closer(centre, peers[left.peer].id, peers[right.peer].id);
                         });
    tasks.add(nearest_to_centre->peer, ReplicaTask::Kind::delegate, record);
  }
  plan.tasks = tasks.take();
  return plan;
}

}  // namespace trestle::dht
