// The limit of links: who is kept is its owner's judgement, that it is kept is the mesh's
// (ROUTE-04, P-CR-23).

#include "mesh_world.hpp"

namespace trestle::test {
namespace {

using mesh::Direction;
using std::chrono::minutes;
using std::chrono::seconds;

/// The smaller the id the more it is worth; a newcomer must be worth half as much again.
class SmallIsDear : public mesh::LinkWorth {
 public:
  std::optional<NodeId> link_to_give_up(const wire::Contact& newcomer,
                                        const FlatMap<NodeId, mesh::Link>& links) const override {
    std::optional<NodeId> least;
    for (const auto& [peer, link] : links) {
      if (!least || *least < peer) least = peer;
    }
    if (!least || 3 * newcomer.id.low() > 2 * least->low()) return std::nullopt;
    return least;
  }
  std::vector<NodeId> links_to_spare(std::span<const NodeId>, const FlatMap<NodeId, mesh::Link>&,
                                     std::size_t) const override {
    return {};
  }
  bool is_neighbour(const NodeId&) const override { return true; }
};

struct Full {
  explicit Full(std::size_t links_max) {
    options.links_max = links_max;
    mesh.emplace(mesh_contact(5000), options, Rng(1));
    for (std::uint64_t peer = 1; peer <= links_max; ++peer) {
      mesh->on_link_opened(now, mesh_connection(peer), mesh_contact(100 * peer),
                           Direction::accepted);
    }
    drain();
  }
  std::vector<mesh::MeshEffect> drain() {
    std::vector<mesh::MeshEffect> effects;
    while (auto effect = mesh->poll_effect()) effects.push_back(std::move(*effect));
    return effects;
  }

  mesh::MeshOptions options;
  std::optional<mesh::Mesh> mesh;
  Instant now = kStart;
};

TEST_CASE("at the limit a newcomer is refused while nobody has said what links are worth") {
  Full full(5);
  full.mesh->on_link_opened(full.now, mesh_connection(9), mesh_contact(1), Direction::accepted);
  CHECK(full.mesh->links().size() == 5);
  CHECK(full.mesh->stats().links_refused == 1);
  CHECK_FALSE(full.mesh->find(mesh_contact(1).id));
}

TEST_CASE("at the limit a newcomer that is worth half as much again takes the place of the least") {
  Full full(5);
  const SmallIsDear worth;
  full.mesh->value_links_by(&worth);
  SECTION("it is") {
    full.mesh->on_link_opened(full.now, mesh_connection(9), mesh_contact(333), Direction::accepted);
    CHECK(full.mesh->links().size() == 5);
    CHECK(full.mesh->find(mesh_contact(333).id));
    CHECK_FALSE(full.mesh->find(mesh_contact(500).id));
    CHECK(full.mesh->stats().links_given_up == 1);
    std::vector<std::string> story;
    for (const mesh::MeshEffect& effect : full.drain()) {
      if (const auto* gone = std::get_if<mesh::Disconnect>(&effect)) {
        story.push_back("close " + std::to_string(gone->connection.value()));
        CHECK(gone->code == ErrorCode::busy);
      }
      if (std::holds_alternative<mesh::LinkDown>(effect)) story.emplace_back("down");
      if (std::holds_alternative<mesh::LinkUp>(effect)) story.emplace_back("up");
    }
    const std::string close = "close " + std::to_string(mesh_connection(5).value());
    CHECK(story == std::vector<std::string>{close, "down", "up"});
  }
  SECTION("it is not quite") {
    full.mesh->on_link_opened(full.now, mesh_connection(9), mesh_contact(334), Direction::accepted);
    CHECK_FALSE(full.mesh->find(mesh_contact(334).id));
    CHECK(full.mesh->find(mesh_contact(500).id));
    CHECK(full.mesh->stats().links_refused == 1);
  }
  CHECK(full.mesh->stability().report(full.now + seconds(60)).unexpected == 0);
}

TEST_CASE("P-CR-23: however they come, the limit holds and who is kept is not worth less") {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    CAPTURE(seed);
    Full full(8);
    const SmallIsDear worth;
    full.mesh->value_links_by(&worth);
    Rng rng = Rng(seed).fork("comers");
    std::uint64_t serial = 100;
    for (int comer = 0; comer < 200; ++comer) {
      full.now += rng.between(Duration::zero(), seconds(5));
      const wire::Contact peer = mesh_contact(1 + rng.below(2000));
      std::uint32_t dearest_refused = 0;
      const bool was_linked = full.mesh->find(peer.id).has_value();
      full.mesh->on_link_opened(full.now, mesh_connection(++serial), peer, Direction::accepted);
      REQUIRE(full.mesh->links().size() <= 8);
      if (!full.mesh->find(peer.id) && !was_linked) dearest_refused = peer.id.low();
      for (const auto& [id, link] : full.mesh->links()) {
        if (dearest_refused != 0) REQUIRE(3 * dearest_refused > 2 * id.low());
      }
    }
  }
}

TEST_CASE("a link is dropped by command, with its spare; the peer stays a candidate") {
  mesh::Mesh mesh(mesh_contact(5000), {}, Rng(1));
  mesh.on_link_opened(kStart, mesh_connection(1), mesh_contact(1), Direction::accepted);
  mesh.drop(kStart + minutes(1), mesh_contact(2).id);  // nobody
  mesh.drop(kStart + minutes(1), mesh_contact(1).id);
  CHECK(mesh.links().empty());
  CHECK(mesh.stats().links_down == 1);
  CHECK(mesh.stats().known == 1);
  mesh.on_link_closed(kStart + minutes(1), mesh_connection(1), ErrorCode::connection_lost);
  CHECK(mesh.stats().links_down == 1);
}

}  // namespace
}  // namespace trestle::test
