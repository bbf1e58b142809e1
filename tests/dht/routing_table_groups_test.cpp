// Threats T9 and T10: what one hand can get of a table.
#include <algorithm>
#include <map>
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

RoutingTableOptions open_network() {
  RoutingTableOptions options;
  options.diversity.mode = Diversity::open;
  return options;
}

PeerGroups placed(std::uint64_t number) { return {.place = {number}}; }
PeerGroups invited(std::uint64_t number) { return {.place = {}, .inviter = {number}}; }

struct Shares {
  std::map<std::uint64_t, std::size_t> in_table;
  std::size_t most_in_a_bucket = 0;
  std::size_t most_in_the_table = 0;
  std::size_t most_in_a_cache = 0;
};

Shares shares_of(const NodeId& self, const RoutingTable& table) {
  Shares shares;
  std::map<std::pair<std::size_t, std::uint64_t>, std::size_t> in_bucket;
  table.visit([&](const Peer& peer) {
    const std::size_t bucket =
        std::min<std::size_t>(common_prefix_bits(self, peer.contact.id), table.bucket_count() - 1);
    for (const PeerGroup group : {peer.groups.place, peer.groups.inviter}) {
      if (group.is_exempt()) continue;
      shares.most_in_a_bucket =
          std::max(shares.most_in_a_bucket, ++in_bucket[{bucket, group.value}]);
      shares.most_in_the_table = std::max(shares.most_in_the_table, ++shares.in_table[group.value]);
    }
  });
  return shares;
}

}  // namespace

TEST_CASE("P-KR-1: a peer that waits, and moves up because of its own return, is there once") {
  Rng rng(1);
  const NodeId self = random_id(rng);
  RoutingTable table(self, open_network());
  for (int count = 0; count < 2; ++count) {
    table.on_connected(at(0s), dialable(random_id_at(rng, self, 0)), placed(7));
  }
  const wire::Contact waiting = dialable(random_id_at(rng, self, 3));
  REQUIRE(table.on_connected(at(0s), waiting, placed(7)) == Offer::cached);
  for (int count = 0; count < 18; ++count) {
    table.on_connected(at(0s), dialable(random_id_at(rng, self, count < 9 ? 0 : 3)), placed(0));
  }
  REQUIRE(table.bucket_count() == 1);
  // The bucket is full: it is cut in two, and the share of the group is no longer taken.
  CHECK(table.on_connected(at(1s), waiting, placed(7)) == Offer::added);
  REQUIRE(table.bucket_count() > 1);
  int times = 0;
  table.visit([&](const Peer& peer) { times += peer.contact.id == waiting.id ? 1 : 0; });
  CHECK(times == 1);
}

TEST_CASE("T9: a thousand identities of one /24 get two places in a bucket and five in all") {
  Rng rng(1);
  const NodeId self = random_id(rng);
  RoutingTable table(self, open_network());
  for (int count = 0; count < 60; ++count) {
    table.on_connected(at(0s), dialable(random_id_at(rng, self, count < 20 ? 0 : 5)));
  }
  REQUIRE(table.bucket_count() > 5);
  const std::size_t honest = table.size();
  for (int count = 0; count < 1000; ++count) {
    const auto bits = static_cast<unsigned>(1 + rng.below(4));
    table.on_connected(at(0s), dialable(random_id_at(rng, self, bits)), placed(7));
  }
  CHECK(table.size() == honest + 5);
  CHECK(shares_of(self, table).most_in_a_bucket == 2);
  CHECK(table.stats().crowded == 995);
}

TEST_CASE("T9: in one bucket a group gets two places, from one inviter as from one network") {
  for (const PeerGroups& groups : {placed(7), invited(7)}) {
    Rng rng(2);
    const NodeId self = random_id(rng);
    RoutingTable table(self, open_network());
    for (int count = 0; count < 30; ++count) {
      table.on_connected(at(0s), dialable(random_id_at(rng, self, 0)), groups);
    }
    CHECK(table.size() == 2);
    for (int count = 0; count < 30; ++count) {
      table.on_connected(at(0s), dialable(random_id_at(rng, self, 0)));
    }
    CHECK(table.size() == 20);
  }
}

TEST_CASE("Where everybody sits behind one address the caps are off") {
  Rng rng(3);
  const NodeId self = random_id(rng);
  RoutingTable table(self, {});
  for (int count = 0; count < 20; ++count) {
    table.on_connected(at(0s), dialable(random_id_at(rng, self, 0)), placed(7));
  }
  CHECK(table.size() == 20);
  CHECK(table.stats().crowded == 0);
}

TEST_CASE("T9: one group cannot push the others out of a cache, nor move up beyond its share") {
  Rng rng(4);
  const NodeId self = random_id(rng);
  RoutingTable table(self, open_network());
  std::vector<NodeId> members;
  for (int count = 0; count < 21; ++count) {
    members.push_back(random_id_at(rng, self, count == 20 ? 3 : 0));
    table.on_connected(at(0s), dialable(members.back()), placed(count < 2 ? 7 : 0));
  }
  const NodeId honest = random_id_at(rng, self, 0);
  table.on_connected(at(1s), dialable(honest), placed(8));
  for (int count = 0; count < 100; ++count) {
    table.on_connected(at(2s), dialable(random_id_at(rng, self, 0)), placed(7));
  }
  CHECK(table.bucket(0).replacements == 3);
  // The flood was seen last, and is full; the honest one moves up.
  CHECK(table.remove(members[5]));
  CHECK(table.find(honest) != nullptr);
  // Where one of the group leaves, one of it may follow.
  CHECK(table.remove(members[0]));
  CHECK(table.bucket(0).peers == 20);
  CHECK(shares_of(self, table).most_in_a_bucket == 2);
}

TEST_CASE("Whoever comes back from a crowded place goes on counting where it was") {
  Rng rng(5);
  const NodeId self = random_id(rng);
  RoutingTable table(self, open_network());
  const NodeId mover = random_id_at(rng, self, 0);
  for (int count = 0; count < 2; ++count) {
    table.on_connected(at(0s), dialable(random_id_at(rng, self, 0)), placed(7));
  }
  table.on_connected(at(0s), dialable(mover), placed(8));
  table.on_connected(at(1s), dialable(mover), placed(7));
  CHECK(table.find(mover)->groups == placed(8));
  table.on_connected(at(1s), dialable(mover), placed(9));
  CHECK(table.find(mover)->groups == placed(9));
}

TEST_CASE("T9: no history gives a group more than its share of a bucket, of the table") {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    CAPTURE(seed);
    Rng rng(seed);
    const NodeId self = random_id(rng);
    RoutingTable table(self, open_network());
    std::vector<NodeId> ids;
    for (int count = 0; count < 200; ++count) {
      ids.push_back(random_id_at(rng, self, static_cast<unsigned>(rng.below(7))));
    }
    Instant now{};
    for (int step = 0; step < 1500; ++step) {
      now += std::chrono::seconds(rng.below(30));
      const NodeId& id = ids[rng.below(ids.size())];
      const std::uint64_t place = rng.below(12);
      const std::uint64_t inviter = rng.below(3) == 0 ? 100 + rng.below(3) : 0;
      const PeerGroups groups{.place = {place}, .inviter = {inviter}};
      const std::uint64_t action = rng.below(10);
      if (action < 5) table.on_connected(now, dialable(id), groups);
      if (action == 5) table.on_disconnected(now, id);
      if (action == 6 || action == 7) table.on_failure(now, id);
      if (action == 8) table.remove(id);
      if (action == 9) table.replace_failed(now);
      const Shares shares = shares_of(self, table);
      REQUIRE(shares.most_in_a_bucket <= 2);
      REQUIRE(shares.most_in_the_table <= 5);
    }
    CHECK(table.size() > 20);
  }
}

TEST_CASE("T9: of one stranger's answer two of a group are asked") {
  DhtOptions options;
  options.table.diversity.mode = Diversity::open;
  for (const Diversity mode : {Diversity::open, Diversity::off}) {
    options.table.diversity.mode = mode;
    test::DhtBench bench(options);
    bench.dht.on_link_up(at(1s), bench.stranger());
    bench.drain();
    REQUIRE(bench.asks.size() == 1);
    const Ask first = bench.asks[0];
    bench.asks.clear();
    wire::Contacts named;
    for (int count = 0; count < 20; ++count) {
      named.push_back(bench.stranger());
      named.back().address = "ws://192.0.2." + std::to_string(count) + ":1";
    }
    bench.answer(2s, first, wire::FindNodeResponse{named});
    std::size_t asked = bench.asks.size();
    for (Duration when = 3s; when < 14s; when += 1s) {
      bench.asks.clear();
      bench.dht.on_deadline(at(when));
      bench.drain();
      asked += bench.asks.size();
    }
    CAPTURE(asked);
    CHECK((mode == Diversity::open ? asked == 2 : asked > 10));
  }
}

}  // namespace trestle::dht
