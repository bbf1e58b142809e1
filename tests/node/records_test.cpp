// Records on their way through a whole node: checked, kept, synced, answered.

#include <map>

#include "catch.hpp"
#include "node/node_and_peers.hpp"
#include "trestle/crypto/record.hpp"

using namespace trestle;
using link::Channel;
using test::End;
using test::NodeAndPeers;
using test::NodeKind;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t kVersion = 1'795'000'000'000;

wire::Record signed_by(End& peer, std::string key, std::uint64_t version = kVersion) {
  wire::Record record{.key = std::move(key),
                      .value = {1, 2, 3},
                      .version = version,
                      .ttl_ms = 600'000,
                      .author = peer.pair.key,
                      .left_ms = 600'000};
  record.signature =
      peer.suite.sign(peer.pair, crypto::record_transcript(peer.suite, "main", record));
  return record;
}

/// A node with `peers` linked observers, who are asked nothing themselves.
struct Scene : NodeAndPeers {
  explicit Scene(std::uint64_t seed, std::size_t count = 1, NodeKind kind = NodeKind::dht)
      : NodeAndPeers(kind, seed) {
    node->start(now);
    settle();
    while (count-- > 0) {
      const std::size_t peer = add_peer(wire::Role::observer);
      links.push_back(connect(peer));
    }
  }

  void ask(std::size_t peer, const wire::Message& message, Channel::Token token) {
    REQUIRE(peers[peer]->channels->request(now, links[peer], message, now + 8s, token));
    settle();
  }
  /// The answer to the request with that token; nothing if there was none.
  std::optional<wire::Message> answer(std::size_t peer, Channel::Token token) const {
    std::optional<wire::Message> found;
    for (const auto& answered : peers[peer]->all<Channel::Answered>()) {
      if (answered.token != token) continue;
      REQUIRE_FALSE(found);
      found = answered.message;
    }
    return found;
  }
  ErrorCode code(std::size_t peer, Channel::Token token) const {
    const auto message = answer(peer, token);
    REQUIRE(message);
    const auto* failure = std::get_if<wire::Failure>(&*message);
    return failure != nullptr ? failure->code : ErrorCode::none;
  }
  void persist(ErrorCode outcome = ErrorCode::none) {
    for (const dht::StorageTicket ticket : std::exchange(node.held_orders, {})) {
      node->on_persisted(now, ticket, outcome);
    }
    settle();
  }

  std::vector<link::ConnectionId> links;
};

}  // namespace

TEST_CASE("a signed record is kept and served, a forged one is refused and counted") {
  Scene scene(1);
  const wire::Record record = signed_by(*scene.peers[0], "key");
  wire::Record forged = record;
  forged.value = {6};
  scene.ask(0, wire::StoreRequest{forged}, 1);
  CHECK(scene.code(0, 1) == ErrorCode::unauthorized);
  CHECK(scene.node.counter(scene.now, "dht.records") == 0);
  CHECK(scene.node.counter(scene.now, "verify.forged_total") == 1);
  scene.ask(0, wire::StoreRequest{record}, 2);
  CHECK(scene.code(0, 2) == ErrorCode::none);
  scene.ask(0, wire::FindValueRequest{"key"}, 3);
  CHECK(std::get<wire::FindValueResponse>(*scene.answer(0, 3)).record == record);
}

TEST_CASE("I12: a record is checked once, whoever brings it again") {
  Scene scene(2, 3);
  const wire::Record record = signed_by(*scene.peers[0], "key");
  for (std::size_t peer = 0; peer < 3; ++peer) {
    scene.ask(peer, wire::StoreRequest{record}, 1);
    CHECK(scene.code(peer, 1) == ErrorCode::none);
  }
  CHECK(scene.node.counter(scene.now, "verify.checked_total") == 1);
  CHECK(scene.node.counter(scene.now, "verify.remembered_total") == 2);
}

TEST_CASE("a store is answered only when the disk has synced it") {
  Scene scene(3);
  scene.node.holds_disk = true;
  scene.ask(0, wire::StoreRequest{signed_by(*scene.peers[0], "key")}, 1);
  scene.ask(0, wire::FindNodeRequest{}, 2);
  CHECK_FALSE(scene.answer(0, 1));
  CHECK(scene.answer(0, 2));
  scene.persist();
  CHECK(scene.code(0, 1) == ErrorCode::none);
}

TEST_CASE("a node whose disk fails serves what it has and refuses what comes") {
  Scene scene(4);
  scene.ask(0, wire::StoreRequest{signed_by(*scene.peers[0], "kept")}, 1);
  scene.node.holds_disk = true;
  scene.ask(0, wire::StoreRequest{signed_by(*scene.peers[0], "lost")}, 2);
  scene.persist(ErrorCode::storage_failed);
  CHECK(scene.code(0, 2) == ErrorCode::storage_failed);
  scene.ask(0, wire::StoreRequest{signed_by(*scene.peers[0], "later")}, 3);
  CHECK(scene.code(0, 3) == ErrorCode::storage_failed);
  scene.ask(0, wire::FindValueRequest{"kept"}, 4);
  CHECK(std::get<wire::FindValueResponse>(*scene.answer(0, 4)).found);
  CHECK(scene.node.counter(scene.now, "dht.storage_failures_total") == 1);
}

TEST_CASE("what waits for a closed link is dropped, and the link's successor gets none of it") {
  Scene scene(5);
  scene.node.holds_disk = true;
  scene.ask(0, wire::StoreRequest{signed_by(*scene.peers[0], "key")}, 1);
  scene.lose(scene.wires[0]);
  scene.links[0] = scene.connect(0);
  scene.persist();
  CHECK_FALSE(scene.answer(0, 1));
  scene.ask(0, wire::FindValueRequest{"key"}, 2);
  CHECK(std::get<wire::FindValueResponse>(*scene.answer(0, 2)).found);
}

TEST_CASE("P-CR-12: a bridge refuses records without looking at their signatures") {
  Scene scene(6, 1, NodeKind::bridge);
  wire::Record forged = signed_by(*scene.peers[0], "key");
  forged.signature = {};
  scene.ask(0, wire::StoreRequest{forged}, 1);
  CHECK(scene.code(0, 1) == ErrorCode::data_refused);
  CHECK(scene.node.counter(scene.now, "verify.checked_total") == 0);
}

TEST_CASE("P-CR-6: a node answers every request once and within 3 s, however its disk behaves") {
  constexpr std::uint64_t kCases = 60;
  for (std::uint64_t seed = 1; seed <= kCases; ++seed) {
    CAPTURE(seed);
    Rng rng(seed);
    Scene scene(100 + seed, 3);
    scene.node.holds_disk = true;
    struct Open {
      std::size_t peer;
      Instant asked;
    };
    std::map<Channel::Token, Open> open;
    std::map<std::size_t, int> forged;
    Channel::Token token = 0;
    const auto settle_answers = [&] {
      for (std::size_t peer = 0; peer < scene.peers.size(); ++peer) {
        for (const auto& answered : scene.peers[peer]->all<Channel::Answered>()) {
          const auto place = open.find(answered.token);
          REQUIRE(place != open.end());
          REQUIRE(place->second.peer == peer);
          REQUIRE(scene.now - place->second.asked <= 3s);
          open.erase(place);
        }
        scene.peers[peer]->news.clear();
      }
      for (const auto& [waiting, request] : open) REQUIRE(scene.now - request.asked < 3s);
    };
    const bool stops = rng.chance(1, 3);
    for (int step = 0; step < 120; ++step) {
      for (std::uint64_t slices = rng.below(4); slices > 0; --slices) {
        scene.pass(250ms);
        settle_answers();
      }
      const std::size_t peer = rng.below(scene.peers.size());
      if (rng.chance(1, 5) && !scene.node.held_orders.empty()) {
        const bool fails = rng.chance(1, 30);
        scene.persist(fails ? ErrorCode::storage_failed : ErrorCode::none);
        settle_answers();
        continue;
      }
      open[++token] = {peer, scene.now};
      wire::Record record = signed_by(*scene.peers[peer], "k" + std::to_string(rng.below(9)),
                                      kVersion + rng.below(3));
      // Forged; a third one would end the link.
      if (rng.chance(1, 4) && ++forged[peer] <= 2) record.value = {9};
      switch (rng.below(4)) {
        case 0:
          scene.ask(peer, wire::FindValueRequest{record.key}, token);
          break;
        case 1:
          scene.ask(peer, wire::FindNodeRequest{}, token);
          break;
        default:
          scene.ask(peer, wire::StoreRequest{record}, token);
      }
      settle_answers();
    }
    if (stops) {
      scene.node->begin_shutdown(scene.now);
      scene.settle();
    }
    for (int slice = 0; slice < 12; ++slice) {
      scene.pass(250ms);
      settle_answers();
    }
    REQUIRE(open.empty());
  }
}
