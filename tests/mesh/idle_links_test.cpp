// Links that nobody uses: which are let go, when, and which never.

#include "mesh_world.hpp"

namespace trestle::test {
namespace {

using mesh::Direction;
using std::chrono::minutes;
using std::chrono::seconds;

/// Odd ids are dear, even ones worth nothing.
class OddIsDear : public mesh::LinkWorth {
 public:
  std::optional<NodeId> link_to_give_up(const wire::Contact&,
                                        const FlatMap<NodeId, mesh::Link>&) const override {
    return std::nullopt;
  }
  std::vector<NodeId> links_to_spare(std::span<const NodeId> idle,
                                     const FlatMap<NodeId, mesh::Link>&,
                                     std::size_t count_max) const override {
    ++looks;
    std::vector<NodeId> spared;
    for (const NodeId& peer : idle) {
      if (peer.low() % 2 == 0 && spared.size() < count_max) spared.push_back(peer);
    }
    return spared;
  }
  bool is_neighbour(const NodeId& peer) const override { return peer.low() % 2 == 1; }

  mutable int looks = 0;
};

/// Somebody with links to 1, 2, 3, ... and on.
struct Linked {
  explicit Linked(std::uint64_t links, std::size_t links_max = 200) {
    mesh::MeshOptions options;
    options.links_max = links_max;
    wire::Contact self = mesh_contact(5000);
    self.role = wire::Role::node;
    mesh.emplace(self, options, Rng(1));
    mesh->value_links_by(&worth);
    for (std::uint64_t peer = 1; peer <= links; ++peer) link(mesh_contact(peer));
  }
  void link(wire::Contact peer, Direction direction = Direction::accepted) {
    mesh->on_link_opened(now, mesh_connection(peer.id.low()), peer, direction);
    drain();
  }
  void drain() {
    while (auto effect = mesh->poll_effect()) {
      if (const auto* down = std::get_if<mesh::LinkDown>(&*effect)) {
        CHECK(down->code == ErrorCode::idle);
        let_go.push_back(down->peer.low());
      }
      if (const auto* announced = std::get_if<mesh::AnnouncePeer>(&*effect)) {
        told_of.push_back(announced->peer.id.low());
      }
    }
  }
  void pass(Duration time) {
    const Instant until = now + time;
    while (mesh->next_deadline() <= until) {
      now = std::max(now, mesh->next_deadline());
      mesh->on_deadline(now);
      drain();
    }
    now = until;
  }
  void use(std::uint64_t peer) { mesh->on_used(now, mesh_contact(peer).id, mesh::Use::service); }
  void keep_up(std::uint64_t peer) { mesh->on_used(now, mesh_contact(peer).id, mesh::Use::upkeep); }

  const OddIsDear worth;
  std::optional<mesh::Mesh> mesh;
  Instant now = kStart;
  std::vector<std::uint32_t> let_go;
  std::vector<std::uint32_t> told_of;
};

TEST_CASE("a link that nobody used for five minutes is let go if it is worth nothing") {
  Linked linked(20);
  linked.pass(minutes(4));
  CHECK(linked.let_go.empty());
  linked.use(4);
  linked.pass(minutes(3));
  std::ranges::sort(linked.let_go);
  CHECK(linked.let_go == std::vector<std::uint32_t>{2, 6, 8, 10, 12, 14, 16, 18, 20});
  CHECK(linked.mesh->stats().links_let_go == 9);
  CHECK(linked.mesh->stability().report(linked.now).unexpected == 0);
  linked.pass(minutes(5));
  CHECK(linked.let_go.back() == 4);
  CHECK(linked.mesh->links().size() == 10);
}

TEST_CASE("a link that was dialled for upkeep alone is let go before it is pinged") {
  Linked linked(20);
  for (const std::uint64_t peer : {30u, 31u, 32u})
    linked.link(mesh_contact(peer), Direction::dialled);
  linked.pass(seconds(15));
  for (const std::uint64_t peer : {30u, 31u}) linked.keep_up(peer);
  linked.use(32);
  linked.pass(seconds(19));
  CHECK(linked.let_go.empty());
  linked.pass(seconds(1));
  CHECK(linked.let_go == std::vector<std::uint32_t>{30});  // 31 is dear
  linked.pass(minutes(4));
  CHECK(linked.let_go == std::vector<std::uint32_t>{30});
  linked.pass(minutes(3));
  CHECK(std::ranges::count(linked.let_go, 32u) == 1);
}

TEST_CASE("a link that served somebody is not let go because upkeep uses it") {
  Linked linked(10);
  linked.link(mesh_contact(30), Direction::dialled);
  linked.use(30);
  linked.pass(minutes(1));
  linked.keep_up(30);
  linked.pass(minutes(3));
  CHECK(linked.let_go.empty());
}

TEST_CASE("the links that are aimed for are kept, whatever they are worth") {
  Linked linked(0);
  for (std::uint64_t peer = 2; peer <= 24; peer += 2) linked.link(mesh_contact(peer));
  linked.pass(minutes(30));
  CHECK(linked.mesh->links().size() == mesh::MeshOptions{}.links_target);
}

TEST_CASE("bridges and peers of the old dialect are never let go") {
  Linked linked(9);
  wire::Contact bridge = mesh_contact(100);
  bridge.role = wire::Role::bridge;
  linked.link(bridge);
  linked.link(mesh_contact(102, wire::Dialect::legacy));
  linked.pass(minutes(30));
  CHECK(linked.mesh->find(bridge.id));
  CHECK(linked.mesh->find(mesh_contact(102).id));
}

TEST_CASE(
    "who is full gives up an idle link for a newcomer, and for a dial that somebody waits for") {
  Linked linked(20, 20);
  linked.now += seconds(10);
  linked.link(mesh_contact(30));
  CHECK(linked.mesh->stats().links_refused == 1);  // none is idle yet
  linked.now += seconds(11);
  for (std::uint64_t peer = 3; peer <= 20; ++peer) linked.use(peer);
  SECTION("a newcomer") {
    linked.link(mesh_contact(34));
    CHECK(linked.mesh->stats().links_refused == 2);  // for a stranger twenty seconds are too few
    linked.now += minutes(5);
    linked.link(mesh_contact(32));
    CHECK(linked.mesh->find(mesh_contact(32).id));
    REQUIRE(!linked.let_go.empty());
    CHECK(linked.let_go.front() == 2);
  }
  SECTION("a dial") {
    const int looks = linked.worth.looks;
    CHECK(linked.mesh->connect(linked.now, mesh_contact(32)));
    linked.drain();
    CHECK(linked.let_go == std::vector<std::uint32_t>{2});
    CHECK(linked.worth.looks == looks + 1);
  }
}

TEST_CASE("who is full gives up one link for each dial, however long that takes") {
  Linked linked(20, 20);
  linked.now += seconds(21);
  CHECK(linked.mesh->connect(linked.now, mesh_contact(32)));
  CHECK(linked.mesh->connect(linked.now, mesh_contact(34)));
  linked.mesh->on_deadline(linked.now);
  linked.mesh->on_contact(linked.now, mesh_contact(36));
  linked.drain();
  CHECK(linked.let_go == std::vector<std::uint32_t>{2, 4});
}

TEST_CASE("who is full of links in use refuses a dial") {
  Linked linked(20, 20);
  linked.now += seconds(30);
  for (std::uint64_t peer = 1; peer <= 20; ++peer) linked.use(peer);
  CHECK(linked.mesh->connect(linked.now, mesh_contact(32)).error() == ErrorCode::busy);
  CHECK(linked.let_go.empty());
}

TEST_CASE("MESH-01: newcomers are announced by their neighbours alone") {
  Linked linked(9);
  linked.pass(seconds(10));
  linked.link(mesh_contact(40));
  CHECK(linked.told_of.empty());
  linked.link(mesh_contact(41));
  CHECK(linked.told_of == std::vector<std::uint32_t>{41});
}

}  // namespace
}  // namespace trestle::test
