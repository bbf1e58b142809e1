#include "trestle/onboarding/registry.hpp"

#include <array>
#include <map>
#include <set>

#include "catch.hpp"
#include "reception_fixture.hpp"

namespace trestle::test {
namespace {

using onboarding::Registry;

TEST_CASE("live nodes are chosen uniformly, distinct and without the asker") {
  constexpr std::uint64_t kNodes = 12;
  constexpr std::uint64_t kDraws = 11'000;
  Registry registry(100, {}, Rng(1));
  for (std::uint64_t number = 1; number <= kNodes; ++number) {
    REQUIRE(registry.open(client(number), peer(number)));
  }
  std::array<std::uint64_t, kNodes> chosen{};
  for (std::uint64_t draw = 0; draw < kDraws; ++draw) {
    const wire::Contacts nodes = registry.choose_nodes(kStart, peer(5).id, 3);
    REQUIRE(nodes.size() == 3);
    std::set<NodeId> distinct;
    for (const wire::Contact& node : nodes) {
      distinct.insert(node.id);
      ++chosen[node.id.high() - 1];
    }
    REQUIRE(distinct.size() == 3);
  }
  CHECK(chosen[4] == 0);
  // Chi-square times the expected count over the 11 others; the 1 % bound is 23.2.
  constexpr std::uint64_t kExpected = kDraws * 3 / (kNodes - 1);
  std::uint64_t sum = 0;
  for (std::size_t node = 0; node < kNodes; ++node) {
    if (node == 4) continue;
    const auto off = static_cast<std::int64_t>(chosen[node]) - static_cast<std::int64_t>(kExpected);
    sum += static_cast<std::uint64_t>(off * off);
  }
  CHECK(sum < 23 * kExpected);
}

TEST_CASE("bridges and nodes that cannot be dialled are registered but never named") {
  Registry registry(10, {}, Rng(1));
  wire::Contact browser = peer(1);
  browser.address.clear();
  registry.open(client(1), browser);
  registry.open(client(2), peer(2, wire::Role::bridge));
  CHECK(registry.clients() == 2);
  CHECK(registry.nodes() == 0);
  CHECK(registry.choose_nodes(kStart, {}, 20).empty());
  registry.open(client(1), peer(1));  // now it says where it listens
  CHECK(registry.nodes() == 1);
  registry.open(client(1), browser);
  CHECK(registry.nodes() == 0);
}

TEST_CASE("the registry is bounded, and a renewed registration needs no place") {
  Registry registry(2, {}, Rng(1));
  CHECK(registry.open(client(1), peer(1)));
  CHECK(registry.open(client(2), peer(2)));
  CHECK_FALSE(registry.open(client(3), peer(3)));
  CHECK(registry.open(client(2), peer(4)));
  CHECK(registry.find_node(peer(2).id) == nullptr);
  CHECK(registry.find_node(peer(4).id) != nullptr);
  registry.close(client(1));
  CHECK(registry.open(client(3), peer(3)));
}

TEST_CASE("whoever claims the id of a node that proved it is not named in its stead") {
  Registry registry(10, {}, Rng(1));
  wire::Contact claim = peer(1);
  claim.dialect = wire::Dialect::legacy;
  claim.address = "ws://somebody.else";
  registry.open(client(1), claim);
  registry.open(client(2), peer(1));  // the proof comes second, and wins
  CHECK(registry.find_node(peer(1).id)->address == peer(1).address);
  registry.open(client(3), claim);
  registry.open(client(1), claim);
  CHECK(registry.find_node(peer(1).id)->address == peer(1).address);
  REQUIRE(registry.choose_nodes(kStart, {}, 20).size() == 1);
  CHECK(registry.choose_nodes(kStart, {}, 20)[0].address == peer(1).address);
  registry.open(client(4), peer(1));
  registry.close(client(4));  // the other proven connection takes its place, not a claim
  CHECK(registry.find_node(peer(1).id)->address == peer(1).address);
  registry.close(client(2));
  CHECK(registry.find_node(peer(1).id)->address == claim.address);
  CHECK(registry.nodes() == 1);
}

TEST_CASE("the registry agrees with a naive model while peers come, go and come twice") {
  for (std::uint64_t seed = 1; seed <= 1000; ++seed) {
    CAPTURE(seed);
    Rng rng(seed);
    Registry registry(8, {}, Rng(seed));
    std::map<std::uint64_t, wire::Contact> open;
    for (int step = 0; step < 60; ++step) {
      const std::uint64_t connection = 1 + rng.below(10);
      wire::Contact contact = peer(1 + rng.below(5));
      if (rng.chance(1, 4)) contact.address.clear();
      if (rng.chance(1, 2)) {
        const bool fits = open.contains(connection) || open.size() < 8;
        REQUIRE(registry.open(client(connection), contact) == fits);
        if (fits) open[connection] = contact;
      } else {
        registry.close(client(connection));
        open.erase(connection);
      }
      std::set<NodeId> live;
      for (const auto& [key, known] : open) {
        if (!known.address.empty()) live.insert(known.id);
      }
      REQUIRE(registry.clients() == open.size());
      REQUIRE(registry.nodes() == live.size());
      std::set<NodeId> named;
      for (const auto& node : registry.choose_nodes(kStart, {}, 20)) named.insert(node.id);
      REQUIRE(named == live);
      for (const NodeId& id : live) REQUIRE(registry.find_node(id)->id == id);
    }
  }
}

}  // namespace
}  // namespace trestle::test
