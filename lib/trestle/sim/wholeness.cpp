#include "trestle/sim/wholeness.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

namespace trestle::sim {
namespace {

/// Longer than any lookup may take.
constexpr Duration kLookupMax = std::chrono::seconds(60);

/// Sets that are joined; each is named by one of its members.
class Parts {
 public:
  explicit Parts(std::size_t members) : leader_(members), count_(members) {
    std::iota(leader_.begin(), leader_.end(), std::size_t{0});
  }
  void join(std::size_t left, std::size_t right) {
    left = leader_of(left);
    right = leader_of(right);
    if (left == right) return;
    leader_[left] = right;
    --count_;
  }
  std::size_t count() const { return count_; }

 private:
  std::size_t leader_of(std::size_t member) {
    while (leader_[member] != member) {
      leader_[member] = leader_[leader_[member]];
      member = leader_[member];
    }
    return member;
  }

  std::vector<std::size_t> leader_;
  std::size_t count_;
};

/// Positions in `nodes` by id.
std::vector<std::pair<NodeId, std::size_t>> by_id(const World& world,
                                                  const std::vector<NodeIndex>& nodes) {
  std::vector<std::pair<NodeId, std::size_t>> places;
  for (std::size_t place = 0; place < nodes.size(); ++place) {
    places.emplace_back(world.identity(nodes[place]).id, place);
  }
  std::sort(places.begin(), places.end());
  return places;
}

/// Calls `visit(place, other place)` for each link of one of the nodes to another of them.
template <typename Visit>
void for_each_link(const World& world, const std::vector<NodeIndex>& nodes, const Visit& visit) {
  const auto places = by_id(world, nodes);
  for (std::size_t place = 0; place < nodes.size(); ++place) {
    if (!world.is_running(nodes[place])) continue;
    for (const node::PeerStatus& peer : world.node(nodes[place]).status(world.now()).peers) {
      const auto found =
          std::ranges::lower_bound(places, peer.id, {}, &std::pair<NodeId, std::size_t>::first);
      if (found != places.end() && found->first == peer.id) visit(place, found->second);
    }
  }
}

NodeId draw_id(Rng& rng) {
  const std::uint64_t high = rng.next();
  const std::uint64_t middle = rng.next();
  const auto low = static_cast<std::uint32_t>(rng.next());
  return {high, middle, low};
}

struct Asked {
  OperationKey operation;
  NodeIndex asker = kNoNode;
  NodeId target{};
};

void compare(const World& world, const std::vector<NodeIndex>& nodes, const Asked& asked,
             const node::OperationEnded& end, std::size_t nearest, Agreement& agreement) {
  std::vector<NodeId> truth;
  for (const NodeIndex node : nodes) {
    if (node != asked.asker) truth.push_back(world.identity(node).id);
  }
  const std::size_t wanted = std::min(nearest, truth.size());
  std::ranges::partial_sort(truth, truth.begin() + static_cast<std::ptrdiff_t>(wanted), {},
                            [&](const NodeId& id) { return distance(id, asked.target); });
  truth.resize(wanted);
  agreement.wanted += wanted;
  for (const NodeId& id : truth) {
    const bool is_named =
        std::ranges::find(end.contacts, id, &wire::Contact::id) != end.contacts.end();
    if (is_named) ++agreement.named;
  }
}

}  // namespace

std::size_t parts_of(const World& world, const std::vector<NodeIndex>& nodes) {
  Parts parts(nodes.size());
  for_each_link(world, nodes, [&](std::size_t one, std::size_t other) { parts.join(one, other); });
  return parts.count();
}

LinkSpread links_of(const World& world, const std::vector<NodeIndex>& nodes) {
  std::vector<std::size_t> links(nodes.size(), 0);
  for_each_link(world, nodes, [&](std::size_t one, std::size_t) { ++links[one]; });
  if (links.empty()) return {};
  const auto [least, most] = std::ranges::minmax(links);
  return {least, most};
}

Agreement measure_agreement(World& world, const std::vector<NodeIndex>& nodes, std::size_t lookups,
                            std::size_t nearest, Rng rng) {
  Agreement agreement;
  std::vector<Asked> asked;
  for (std::size_t lookup = 0; lookup < lookups; ++lookup) {
    const NodeIndex asker = nodes[static_cast<std::size_t>(rng.below(nodes.size()))];
    const NodeId target = draw_id(rng);
    ++agreement.lookups;
    const auto begun = world.find(asker, target);
    if (!begun) {
      ++agreement.failed;
      continue;
    }
    asked.push_back({*begun, asker, target});
  }
  const Instant until = after(world.now(), kLookupMax);
  const auto is_under_way = [&](const Asked& one) { return world.ended(one.operation) == nullptr; };
  while (std::ranges::any_of(asked, is_under_way) && world.next_event() <= until) {
    if (!world.step()) break;
  }
  for (const Asked& one : asked) {
    const node::OperationEnded* end = world.ended(one.operation);
    if (end == nullptr || end->code != ErrorCode::none) ++agreement.failed;
    if (end == nullptr) continue;
    compare(world, nodes, one, *end, nearest, agreement);
    world.forget(one.operation);
  }
  return agreement;
}

}  // namespace trestle::sim
