// ROUTE-08: the nearer by round trip first, where neither liveness nor distance decides.
#include <algorithm>
#include <set>
#include <tuple>
#include <vector>

#include "catch.hpp"
#include "dht/contacts.hpp"
#include "dht/dht_bench.hpp"
#include "trestle/dht/routing_table.hpp"

namespace trestle::dht {
namespace {

using namespace std::chrono_literals;
using test::at;
using test::dialable;
using test::random_id;
using test::random_id_at;

RoutingTableOptions by_round_trip() {
  RoutingTableOptions options;
  options.proximity = Proximity::by_round_trip;
  return options;
}

/// What P-KR-17 compares: how many are where.
std::vector<std::size_t> shape_of(const RoutingTable& table) {
  std::vector<std::size_t> shape{table.bucket_count(), table.size()};
  for (std::size_t bucket = 0; bucket < table.bucket_count(); ++bucket) {
    shape.push_back(table.bucket(bucket).peers);
    shape.push_back(table.bucket(bucket).replacements);
  }
  return shape;
}

Duration some_round_trip(Rng& rng) { return rng.between(1ms, 300ms); }

}  // namespace

TEST_CASE("P-KR-16: inside equal liveness a bucket is ordered by round trip") {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    CAPTURE(seed);
    Rng rng(seed);
    const NodeId self = random_id(rng);
    RoutingTable table(self, by_round_trip());
    table.on_connected(at(0s), dialable(random_id_at(rng, self, 3)));
    for (int count = 0; count < 20; ++count) {
      const NodeId id = random_id_at(rng, self, 0);
      table.on_connected(at(0s), dialable(id));
      if (rng.chance(2, 3)) table.on_round_trip(id, some_round_trip(rng));
      if (rng.chance(1, 3)) table.on_disconnected(at(1s), id);
      if (rng.chance(1, 4)) {
        for (int time = 0; time < 3; ++time) table.on_failure(at(2s), id);
      }
    }
    const std::vector<PeerIndex> order = table.by_preference(0);
    REQUIRE(order.size() == 20);
    const auto rank = [&](PeerIndex index) {
      const Peer& peer = table.at(index);
      return std::tuple(table.is_failed(peer), !peer.connected,
                        peer.round_trip() == 0s ? Duration::max() : peer.round_trip());
    };
    for (std::size_t place = 1; place < order.size(); ++place) {
      CHECK(rank(order[place - 1]) <= rank(order[place]));
    }
  }
}

TEST_CASE("P-KR-16: of those who wait the nearest by round trip moves up, a linked one before it") {
  Rng rng(2);
  const NodeId self = random_id(rng);
  for (const bool is_on : {true, false}) {
    RoutingTable table(self, is_on ? by_round_trip() : RoutingTableOptions{});
    std::vector<NodeId> members;
    for (int count = 0; count < 21; ++count) {
      members.push_back(random_id_at(rng, self, count == 20 ? 3 : 0));
      table.on_connected(at(0s), dialable(members.back()));
    }
    const NodeId near = random_id_at(rng, self, 0);
    const NodeId far = random_id_at(rng, self, 0);
    const NodeId known = random_id_at(rng, self, 0);
    table.on_connected(at(1s), dialable(near));
    table.on_connected(at(2s), dialable(far));
    table.offer(at(3s), dialable(known));
    table.on_round_trip(near, 10ms);
    table.on_round_trip(far, 90ms);
    table.on_round_trip(known, 1ms);
    table.remove(members[0]);
    CHECK((table.find(near) != nullptr) == is_on);
    CHECK((table.find(known) != nullptr) == !is_on);
    table.remove(members[1]);
    CHECK(table.find(far) != nullptr);
  }
}

TEST_CASE("P-KR-17: round trips change no bucket") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    Rng rng(seed);
    const NodeId self = random_id(rng);
    RoutingTable measured(self, by_round_trip());
    RoutingTable plain(self, by_round_trip());
    std::vector<NodeId> ids;
    for (int count = 0; count < 300; ++count) {
      ids.push_back(random_id_at(rng, self, static_cast<unsigned>(rng.below(9))));
    }
    for (int step = 0; step < 1000; ++step) {
      const NodeId& id = ids[rng.below(ids.size())];
      const Instant now = at(std::chrono::seconds(step));
      if (rng.chance(1, 2)) {
        measured.on_connected(now, dialable(id));
        plain.on_connected(now, dialable(id));
      } else {
        const std::vector<std::size_t> before = shape_of(measured);
        measured.on_round_trip(id, some_round_trip(rng));
        REQUIRE(shape_of(measured) == before);
      }
      REQUIRE(shape_of(measured) == shape_of(plain));
    }
    plain.visit([&](const Peer& peer) { CHECK(measured.find(peer.contact.id) != nullptr); });
  }
}

TEST_CASE("P-KR-18: a better round trip never takes the place of a nearer or a living peer") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    Rng rng(seed);
    const NodeId self = random_id(rng);
    RoutingTable table(self, by_round_trip());
    std::vector<NodeId> members;
    for (int count = 0; count < 400; ++count) {
      const NodeId id = random_id_at(rng, self, static_cast<unsigned>(rng.below(8)));
      if (table.on_connected(at(0s), dialable(id)) == Offer::added) members.push_back(id);
      table.on_round_trip(id, 250ms);
    }
    for (int count = 0; count < 400; ++count) {
      const NodeId newcomer = random_id_at(rng, self, static_cast<unsigned>(rng.below(8)));
      table.on_connected(at(10min), dialable(newcomer));
      table.on_round_trip(newcomer, 1ms);
    }
    for (const NodeId& member : members) REQUIRE(table.find(member) != nullptr);
  }
}

TEST_CASE("ROUTE-08: with proximity three of each bucket are probed a minute, without it nobody") {
  for (const bool is_on : {true, false}) {
    DhtOptions options;
    if (is_on) options.table = by_round_trip();
    test::DhtBench bench(options);
    for (int count = 0; count < 60; ++count) bench.linked(1s);
    std::set<NodeId> probed;
    for (int second = 2; second < 600; ++second) {
      bench.dht.on_deadline(at(std::chrono::seconds(second)));
      bench.drain();
      for (const Ask& ask : std::exchange(bench.asks, {})) {
        const bool is_probe = std::holds_alternative<wire::Ping>(ask.message);
        if (is_probe) {
          probed.insert(ask.peer.id);
          bench.dht.on_round_trip(ask.peer.id, 20ms);
        }
        bench.answer(std::chrono::seconds(second), ask,
                     is_probe ? wire::Message(wire::Pong{}) : wire::FindNodeResponse{});
      }
    }
    const std::uint64_t probes = bench.dht.stats().probes;
    if (is_on) {
      CHECK(probes > 0);
      CHECK(probes <= 3 * 12 * bench.dht.table().bucket_count());
      CHECK(probed.size() == bench.dht.table().size());
    } else {
      CHECK(probes == 0);
    }
  }
}

}  // namespace trestle::dht
