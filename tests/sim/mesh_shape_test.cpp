// What a network that nobody arranges looks like, and how its members hear of each other.

#include <algorithm>
#include <cstdio>
#include <map>
#include <queue>
#include <set>

#include "catch.hpp"
#include "seeds.hpp"
#include "small_world.hpp"

namespace trestle::sim::test {
namespace {

using namespace std::chrono_literals;

/// Who is linked to whom, members by position.
std::vector<std::vector<std::size_t>> graph_of(const World& world) {
  std::map<NodeId, std::size_t> places;
  for (NodeIndex node = 1; node < world.size(); ++node) {
    places.emplace(world.identity(node).id, places.size());
  }
  std::vector<std::vector<std::size_t>> graph(places.size());
  for (NodeIndex node = 1; node < world.size(); ++node) {
    for (const node::PeerStatus& peer : world.node(node).status(world.now()).peers) {
      const auto place = places.find(peer.id);
      if (place != places.end()) graph[node - 1].push_back(place->second);
    }
  }
  return graph;
}

/// The largest share, over all nodes, of pairs whose shortest paths lead through it (pairs with
/// several count in parts), in per mille: Brandes' betweenness.
std::uint64_t hub_share(const std::vector<std::vector<std::size_t>>& graph) {
  const std::size_t nodes = graph.size();
  std::vector<double> between(nodes, 0);
  for (std::size_t source = 0; source < nodes; ++source) {
    std::vector<int> depth(nodes, -1);
    std::vector<double> paths(nodes, 0);
    std::vector<double> dependency(nodes, 0);
    std::vector<std::size_t> order{source};
    depth[source] = 0;
    paths[source] = 1;
    for (std::size_t next = 0; next < order.size(); ++next) {
      const std::size_t node = order[next];
      for (const std::size_t other : graph[node]) {
        if (depth[other] < 0) {
          depth[other] = depth[node] + 1;
          order.push_back(other);
        }
        if (depth[other] == depth[node] + 1) paths[other] += paths[node];
      }
    }
    for (std::size_t index = order.size(); index-- > 1;) {
      const std::size_t node = order[index];
      for (const std::size_t other : graph[node]) {
        if (depth[other] + 1 != depth[node]) continue;
        dependency[other] += paths[other] / paths[node] * (1 + dependency[node]);
      }
      between[node] += dependency[node];
    }
  }
  const double pairs = static_cast<double>(nodes * (nodes - 1));
  return static_cast<std::uint64_t>(1000 * *std::max_element(between.begin(), between.end()) /
                                    pairs);
}

/// The pairs that have no link, by name; empty for a full mesh.
std::string missing_pairs(const std::vector<std::vector<std::size_t>>& graph) {
  std::string missing;
  for (std::size_t one = 0; one < graph.size(); ++one) {
    for (std::size_t other = one + 1; other < graph.size(); ++other) {
      if (std::ranges::find(graph[one], other) != graph[one].end()) continue;
      missing += "n" + std::to_string(one + 1) + "-n" + std::to_string(other + 1) + " ";
    }
  }
  return missing;
}

TEST_CASE("P-BM-3: nodes that join at once end in a mesh, full up to nine, without a hub") {
  for (std::uint32_t members = 2; members <= 30; members += members < 10 ? 1 : 4) {
    CAPTURE(members);
    Plan plan = quiet_plan(members, members, 1);
    plan.start_spacing = Duration::zero();
    Trial trial(plan);
    World& world = trial.world();
    if (members < 9) {
      do {
        world.run_for(100ms);
      } while (world.now() < Instant(60s) && !missing_pairs(graph_of(world)).empty());
      std::fprintf(stderr, "  %u nodes are a full mesh after %lld ms\n", members + 1,
                   static_cast<long long>(world.now().time_since_epoch() / 1ms));
    }
    world.run_until(Instant(60s));
    REQUIRE_FALSE(world.violation());
    const auto graph = graph_of(world);
    std::size_t fewest = SIZE_MAX;
    for (const auto& links : graph) fewest = std::min(fewest, links.size());
    if (graph.size() <= 9) CHECK(missing_pairs(graph).empty());
    CHECK(fewest >= std::min<std::size_t>(8, graph.size() - 1));
    CHECK(hub_share(graph) <= 500);
  }
}

TEST_CASE("the measure of hubs knows a star from a ring") {
  CHECK(hub_share({{1, 2, 3}, {0}, {0}, {0}}) == 500);  // and 1/2 is all that three leaves allow
  CHECK(hub_share({{1, 2, 3, 4, 5}, {0}, {0}, {0}, {0}, {0}}) == 666);
  CHECK(hub_share({{1, 3}, {0, 2}, {1, 3}, {2, 0}}) == 83);
}

/// Who announced whom to whom, and when links came up.
class Announcing : public Observer {
 public:
  void observe(World& world, const Happening& happening) override {
    if (happening.kind != HappeningKind::frame_ordered) return;
    for (const RecordHead& record : happening.records) {
      if (record.name == "announce") told.push_back({world.now(), happening.node, happening.peer});
    }
  }
  struct Told {
    Instant at{};
    NodeIndex from = kNoNode;
    NodeIndex to = kNoNode;
  };
  std::vector<Told> told;
};

TEST_CASE("P-CR-18: a newcomer is announced to every linked member within a second, once") {
  for (std::uint64_t seed = 1; seed <= seeds_or(100); ++seed) {
    CAPTURE(seed);
    Plan plan = quiet_plan(seed, 10);
    Trial trial(plan);
    World& world = trial.world();
    const NodeIndex newcomer = static_cast<NodeIndex>(world.size() - 1);
    // Everybody but the last, who comes when the others know each other.
    world.schedule(Instant(plan.start_spacing * newcomer) + 1us,
                   [&](World& when) { when.kill(newcomer); });
    world.run_until(plan.settled + 90s);
    const auto members_known = world.size() - 2;
    Announcing announcing;
    world.add_observer(announcing);
    const Instant begins = world.now();
    const auto heard = [&] {
      std::uint64_t news = 0;
      for (NodeIndex node = 1; node < newcomer; ++node) {
        news += counter(world, node, "mesh.announcements_heard_total");
      }
      return news;
    };
    const std::uint64_t heard_before = heard();
    // Under an identity that nobody has met: the seat's own is known since its first moment.
    world.start(newcomer);
    std::map<NodeIndex, std::set<NodeIndex>> links_before;
    for (NodeIndex node = 1; node < newcomer; ++node) {
      for (const node::PeerStatus& peer : world.node(node).status(world.now()).peers) {
        for (NodeIndex other = 1; other < newcomer; ++other) {
          if (world.identity(other).id == peer.id) links_before[node].insert(other);
        }
      }
    }
    world.run_for(30s);
    REQUIRE_FALSE(world.violation());
    REQUIRE_FALSE(announcing.told.empty());
    std::map<NodeIndex, std::set<NodeIndex>> told_by;
    std::map<NodeIndex, Instant> linked_at;  // who had a link to the newcomer first, and when
    for (const LogNews& news : world.logs()) {
      if (news.at < begins) continue;
      const bool is_of_newcomer = news.record.peer == world.identity(newcomer).id;
      if (news.record.event == "mesh.link_up" && is_of_newcomer) {
        linked_at.emplace(news.node, news.at);
      }
      // A link that was let go before its node met the newcomer.
      if (news.record.event != "mesh.link_down" || linked_at.contains(news.node)) continue;
      for (NodeIndex other = 1; other < newcomer; ++other) {
        if (news.record.peer == world.identity(other).id) links_before[news.node].erase(other);
      }
    }
    for (const Announcing::Told& told : announcing.told) {
      CHECK(told.at - begins < 30s);
      REQUIRE(linked_at.contains(told.from));
      CHECK(told.at - linked_at[told.from] <= 1s);
      CHECK(told_by[told.from].insert(told.to).second);  // once each
    }
    for (const auto& [from, to] : told_by) {
      CHECK(to == links_before[from]);
      CHECK_FALSE(to.contains(newcomer));
    }
    CHECK(heard() - heard_before <= members_known);  // nobody takes it for news twice
    CHECK(links_of(world, newcomer) >= 8);           // MESH-02
  }
}

TEST_CASE("P-CR-5: every connection that fails is logged once, with its peer and a reason") {
  Plan plan = quiet_plan(8, 12);
  plan.world.network.reset_per_million = 5'000;
  plan.world.network.lost_dial_per_million = 200'000;
  plan.world.network.slow_dial_per_million = 100'000;
  plan.world.news_max = 1'000'000;
  Trial trial(plan);
  World& world = trial.world();
  world.run_for(1h);
  REQUIRE_FALSE(world.violation());
  std::map<std::pair<NodeIndex, std::string>, std::uint64_t> logged;
  for (const LogNews& news : world.logs()) {
    const std::string event(news.record.event);
    if (event != "mesh.dial_failed" && event != "mesh.link_down" && event != "mesh.link_refused") {
      continue;
    }
    ++logged[{news.node, event}];
    CHECK_FALSE(news.record.peer.is_zero());
    CHECK(news.record.code != ErrorCode::none);
    CHECK_FALSE(news.record.detail.empty());
  }
  std::uint64_t failures = 0;
  for (NodeIndex node = 1; node < world.size(); ++node) {
    CAPTURE(node);
    CHECK(logged[{node, "mesh.dial_failed"}] == counter(world, node, "mesh.dials_failed_total"));
    CHECK(logged[{node, "mesh.link_down"}] == counter(world, node, "mesh.links_down_total"));
    CHECK(logged[{node, "mesh.link_refused"}] == counter(world, node, "mesh.links_refused_total"));
    failures += counter(world, node, "mesh.dials_failed_total");
    failures += counter(world, node, "mesh.links_down_total");
  }
  CHECK(failures > 50);
}

}  // namespace
}  // namespace trestle::sim::test
