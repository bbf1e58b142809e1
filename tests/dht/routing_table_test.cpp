#include "trestle/dht/routing_table.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <vector>

#include "catch.hpp"
#include "dht/contacts.hpp"

namespace trestle::dht {
namespace {

using namespace std::chrono_literals;
using test::at;
using test::browser;
using test::dialable;
using test::legacy;
using test::random_id;
using test::random_id_at;

constexpr std::size_t kBucketPeers = 20;

std::vector<NodeId> waiting_in(const RoutingTable& table, std::size_t bucket) {
  std::vector<NodeId> ids;
  table.visit_replacements(bucket,
                           [&](const wire::Contact& contact) { ids.push_back(contact.id); });
  return ids;
}

std::vector<NodeId> ids_of(const wire::Contacts& contacts) {
  std::vector<NodeId> ids;
  for (const wire::Contact& contact : contacts) ids.push_back(contact.id);
  return ids;
}

/// A table whose bucket 0 is full of connected peers, with the second bucket opened.
struct FullBucket {
  Rng rng{7};
  NodeId self = random_id(rng);
  RoutingTable table{self, {}};
  std::vector<NodeId> members;

  FullBucket() {
    table.on_connected(at(0s), dialable(random_id_at(rng, self, 3)));
    while (members.size() < kBucketPeers) {
      members.push_back(random_id_at(rng, self, 0));
      table.on_connected(at(0s), dialable(members.back()));
    }
  }
  NodeId stranger() { return random_id_at(rng, self, 0); }
  void fail(Duration when, const NodeId& id, int times) {
    for (int time = 0; time < times; ++time) table.on_failure(at(when), id);
  }
};

}  // namespace

TEST_CASE("Buckets really split: of 1,000 peers offered all are kept that their buckets hold") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    Rng rng(seed);
    const NodeId self = random_id(rng);
    RoutingTable table(self, {});
    std::array<std::size_t, NodeId::kBits + 1> offered{};
    for (int count = 0; count < 1000; ++count) {
      const NodeId id = random_id(rng);
      ++offered[common_prefix_bits(self, id)];
      const Offer offer = table.on_connected(at(0s), dialable(id));
      CHECK(offer == (table.find(id) != nullptr ? Offer::added : Offer::cached));
    }
    std::size_t expected = 0;
    for (const std::size_t count : offered) expected += std::min(count, kBucketPeers);
    CHECK(table.size() == expected);
    CHECK(table.size() > 100);
    CHECK(table.bucket_count() > 5);
    CHECK(table.stats().peers == expected);
  }
}

TEST_CASE("A limit on buckets bounds the table") {
  Rng rng(3);
  const NodeId self = random_id(rng);
  RoutingTableOptions options;
  options.buckets_max = 3;
  RoutingTable table(self, options);
  for (int count = 0; count < 2000; ++count) {
    table.on_connected(at(0s), dialable(random_id(rng)));
  }
  CHECK(table.bucket_count() == 3);
  CHECK(table.size() == 3 * kBucketPeers);
}

TEST_CASE("The nearest are exact in every table: same as sorting all of it") {
  Rng rng(11);
  for (int round = 0; round < 200; ++round) {
    const NodeId self = random_id(rng);
    RoutingTable table(self, {});
    std::vector<NodeId> kept;
    const std::size_t offered = 1 + rng.below(600);
    for (std::size_t count = 0; count < offered; ++count) {
      const auto shared = static_cast<unsigned>(rng.below(12));
      const NodeId id = rng.chance(1, 2) ? random_id(rng) : random_id_at(rng, self, shared);
      table.on_connected(at(0s), dialable(id));
    }
    table.visit([&](const Peer& peer) { kept.push_back(peer.contact.id); });
    REQUIRE(kept.size() == table.size());
    for (int question = 0; question < 20; ++question) {
      NodeId target = random_id(rng);
      if (rng.chance(1, 4)) target = self;
      if (rng.chance(1, 4)) target = random_id_at(rng, self, static_cast<unsigned>(rng.below(15)));
      if (rng.chance(1, 8)) target = kept[rng.below(kept.size())];
      const std::size_t wanted = 1 + rng.below(40);
      std::sort(kept.begin(), kept.end(), [&](const NodeId& left, const NodeId& right) {
        return closer(target, left, right);
      });
      const std::size_t count = std::min(wanted, kept.size());
      const std::vector<NodeId> expected(kept.begin(),
                                         kept.begin() + static_cast<std::ptrdiff_t>(count));
      REQUIRE(ids_of(table.closest_contacts(target, wanted)) == expected);
    }
  }
}

TEST_CASE("Ids that agree in all but their last bits are ranked by them") {
  Rng rng(13);
  for (int round = 0; round < 1000; ++round) {
    const NodeId self(rng.next(), 2, 3);
    RoutingTable table(self, {});
    const std::uint64_t high = rng.next();
    std::vector<NodeId> ids;
    while (ids.size() < kBucketPeers) {
      const std::uint64_t near = rng.chance(1, 2) ? high : high ^ rng.below(64);
      const std::uint64_t middle = rng.below(3);
      ids.emplace_back(near, middle, static_cast<std::uint32_t>(ids.size()));
      table.on_connected(at(0s), dialable(ids.back()));
    }
    const std::uint64_t middle = rng.below(3);
    const auto low = static_cast<std::uint32_t>(rng.below(32));
    const NodeId target(high, middle, low);
    std::sort(ids.begin(), ids.end(),
              [&](const NodeId& left, const NodeId& right) { return closer(target, left, right); });
    const std::size_t wanted = 1 + rng.below(kBucketPeers);
    ids.resize(wanted);
    REQUIRE(ids_of(table.closest_contacts(target, wanted)) == ids);
  }
}

TEST_CASE("The asker, peers without a link and failed peers can be left out") {
  Rng rng(5);
  const NodeId self = random_id(rng);
  RoutingTable table(self, {});
  const NodeId linked = random_id(rng);
  const NodeId known = random_id(rng);
  const NodeId failed = random_id(rng);
  table.on_connected(at(0s), dialable(linked));
  CHECK(table.offer(at(0s), dialable(known)) == Offer::added);
  table.on_connected(at(0s), dialable(failed));
  for (int time = 0; time < 3; ++time) table.on_failure(at(1s), failed);

  CHECK(table.closest_contacts(self, 9).size() == 2);
  CHECK(ids_of(table.closest_contacts(self, 9, {.reach = Reach::failed, .excluding = {}})) ==
        std::vector<NodeId>{failed});
  const auto connected =
      ids_of(table.closest_contacts(self, 9, {.reach = Reach::connected, .excluding = {}}));
  CHECK(connected == std::vector<NodeId>{linked});
  const auto others =
      ids_of(table.closest_contacts(self, 9, {.reach = Reach::usable, .excluding = linked}));
  CHECK(others == std::vector<NodeId>{known});
}

TEST_CASE("One failure takes a peer out of the sound, a sign of life brings it back") {
  FullBucket full;
  const auto sound = [&] {
    const Selection selection{.reach = Reach::sound, .excluding = {}};
    return full.table.closest_contacts(full.table.self(), 2 * kBucketPeers, selection).size();
  };
  const std::size_t all = kBucketPeers + 1;
  CHECK(sound() == all);
  full.fail(1min, full.members[0], 1);
  full.fail(1min, full.members[1], 3);
  CHECK(sound() == all - 2);
  full.table.on_seen(at(2min), full.members[0]);
  CHECK(sound() == all - 1);
  REQUIRE(full.table.remove(full.members[1]));
  CHECK(sound() == all - 1);
  full.table.on_connected(at(3min), dialable(full.stranger()));
  CHECK(sound() == all);
}

TEST_CASE("Our own id never enters, nor a peer that can neither be dialled nor is linked") {
  Rng rng(6);
  const NodeId self = random_id(rng);
  RoutingTable table(self, {});
  CHECK(table.on_connected(at(0s), dialable(self)) == Offer::refused);
  CHECK(table.offer(at(0s), dialable(self)) == Offer::refused);
  CHECK(table.offer(at(0s), browser(random_id(rng))) == Offer::refused);
  CHECK(table.size() == 0);
}

TEST_CASE("X25: on disconnect a dialable peer stays, a browser leaves") {
  Rng rng(8);
  const NodeId self = random_id(rng);
  RoutingTable table(self, {});
  const NodeId server = random_id(rng);
  const NodeId tab = random_id(rng);
  table.on_connected(at(0s), dialable(server));
  table.on_connected(at(0s), browser(tab));
  table.on_disconnected(at(1s), server);
  table.on_disconnected(at(1s), tab);
  REQUIRE(table.find(server) != nullptr);
  CHECK_FALSE(table.find(server)->connected);
  CHECK(table.find(server)->known());
  CHECK(table.find(tab) == nullptr);
  CHECK(table.stats().connected == 0);
}

TEST_CASE("An index names the same peer while buckets split and others leave") {
  Rng rng(9);
  const NodeId self = random_id(rng);
  RoutingTable table(self, {});
  const NodeId kept = random_id_at(rng, self, 2);
  table.on_connected(at(0s), dialable(kept));
  std::array<PeerIndex, 1> index;
  REQUIRE(table.closest(kept, {}, index) == 1);
  std::vector<NodeId> others;
  for (int count = 0; count < 500; ++count) {
    others.push_back(random_id(rng));
    table.on_connected(at(0s), dialable(others.back()));
    if (count % 3 == 0) table.remove(others[rng.below(others.size())]);
    REQUIRE(table.at(index[0]).contact.id == kept);
  }
}

TEST_CASE("P-KR-1: a newcomer to a full bucket waits in its cache") {
  FullBucket full;
  const NodeId newcomer = full.stranger();
  CHECK(full.table.on_connected(at(1s), dialable(newcomer)) == Offer::cached);
  CHECK(full.table.find(newcomer) == nullptr);
  CHECK(waiting_in(full.table, 0) == std::vector<NodeId>{newcomer});
  for (const NodeId& member : full.members) CHECK(full.table.find(member) != nullptr);
}

TEST_CASE(
    "P-KR-3: the most recently seen in the cache moves up when a member goes, and leaves it") {
  FullBucket full;
  const NodeId first = full.stranger();
  const NodeId second = full.stranger();
  full.table.on_connected(at(1s), dialable(first));
  full.table.on_connected(at(2s), dialable(second));
  CHECK(full.table.remove(full.members[4]));
  CHECK(full.table.find(second) != nullptr);
  CHECK(full.table.find(second)->connected);
  CHECK(waiting_in(full.table, 0) == std::vector<NodeId>{first});
}

TEST_CASE("P-KR-4: who is seen again moves to the end of the cache") {
  FullBucket full;
  const NodeId first = full.stranger();
  const NodeId second = full.stranger();
  const NodeId third = full.stranger();
  full.table.on_connected(at(1s), dialable(first));
  full.table.on_connected(at(2s), dialable(second));
  full.table.on_connected(at(3s), dialable(third));
  full.table.on_seen(at(4s), first);
  CHECK(waiting_in(full.table, 0) == std::vector<NodeId>{second, third, first});
  CHECK(full.table.on_connected(at(5s), dialable(second)) == Offer::cached);
  CHECK(waiting_in(full.table, 0) == std::vector<NodeId>{third, first, second});
}

TEST_CASE("The old dialect gets at most half of a bucket") {
  Rng rng(12);
  const NodeId self = random_id(rng);
  RoutingTable table(self, {});
  table.on_connected(at(0s), dialable(random_id_at(rng, self, 3)));
  for (int count = 0; count < 40; ++count) {
    table.on_connected(at(0s), legacy(random_id_at(rng, self, 0)));
  }
  for (int count = 0; count < 30; ++count) {
    table.on_connected(at(0s), dialable(random_id_at(rng, self, 0)));
  }
  std::size_t old_dialect = 0;
  table.visit([&](const Peer& peer) {
    if (peer.contact.dialect == wire::Dialect::legacy) ++old_dialect;
  });
  CHECK(old_dialect == 10);
  CHECK(table.bucket(0).peers == kBucketPeers);
}

TEST_CASE(
    "Who comes back in the old dialect counts among such peers, or waits where they are many") {
  Rng rng(9);
  const NodeId self = random_id(rng);
  RoutingTableOptions options;
  options.legacy_peers_per_bucket_max = 2;
  RoutingTable table(self, options);
  std::vector<NodeId> ids;
  for (int count = 0; count < 4; ++count) {
    ids.push_back(random_id_at(rng, self, 0));
    table.on_connected(at(0s), dialable(ids.back()));
  }
  for (const NodeId& id : ids) table.on_connected(at(1s), legacy(id));
  std::size_t old_dialect = 0;
  table.visit([&](const Peer& peer) {
    if (peer.contact.dialect == wire::Dialect::legacy) ++old_dialect;
  });
  CHECK(old_dialect == 2);
  CHECK(table.size() == 2);
  CHECK(waiting_in(table, 0) == std::vector<NodeId>{ids[2], ids[3]});
  // Who proves itself again has its place again.
  CHECK(table.on_connected(at(2s), dialable(ids[2])) == Offer::added);
  CHECK(table.size() == 3);
}

TEST_CASE("X33: two failures change nothing, after three the peer is replaced from the cache") {
  FullBucket full;
  const NodeId newcomer = full.stranger();
  full.table.on_connected(at(6min), dialable(newcomer));
  const NodeId victim = full.members[0];
  full.fail(6min, victim, 2);
  full.table.on_seen(at(6min), victim);
  full.fail(12min, victim, 2);
  CHECK(full.table.find(victim) != nullptr);
  CHECK(full.table.find(newcomer) == nullptr);
  full.fail(12min, victim, 1);
  CHECK(full.table.find(victim) == nullptr);
  CHECK(full.table.find(newcomer) != nullptr);
  CHECK(full.table.stats().replaced == 1);
}

TEST_CASE("P-CR-24: a failed dialable peer stays until somebody can take its place") {
  FullBucket full;
  full.fail(10min, full.members[0], 5);
  REQUIRE(full.table.find(full.members[0]) != nullptr);
  CHECK(full.table.size() == kBucketPeers + 1);
  // It is passed over meanwhile, and welcome when it shows itself again.
  const auto nearest = ids_of(full.table.closest_contacts(full.members[0], 30));
  CHECK(std::find(nearest.begin(), nearest.end(), full.members[0]) == nearest.end());
  full.table.on_seen(at(11min), full.members[0]);
  CHECK(full.table.closest_contacts(full.members[0], 1)[0].id == full.members[0]);
}

TEST_CASE("P-KR-21: whoever was seen within five minutes keeps its place") {
  for (const bool within : {true, false}) {
    FullBucket full;
    const Duration age = within ? 299'999ms : 300'001ms;
    const NodeId newcomer = full.stranger();
    full.table.on_connected(at(1s), dialable(newcomer));
    full.fail(age, full.members[0], 3);
    CHECK((full.table.find(full.members[0]) != nullptr) == within);
    CHECK((full.table.find(newcomer) == nullptr) == within);
  }
}

TEST_CASE("A protected failure is replaced by the slow tick once its protection has run out") {
  FullBucket full;
  const NodeId newcomer = full.stranger();
  full.table.on_connected(at(1s), dialable(newcomer));
  full.fail(2s, full.members[0], 3);
  full.table.replace_failed(at(200s));
  CHECK(full.table.find(newcomer) == nullptr);
  full.table.replace_failed(at(301s));
  CHECK(full.table.find(newcomer) != nullptr);
  CHECK(full.table.find(full.members[0]) == nullptr);
}

TEST_CASE("P-KR-22: the place of a failed peer goes to the cache before a newcomer") {
  FullBucket full;
  const NodeId waiting = full.stranger();
  const NodeId newcomer = full.stranger();
  full.fail(2s, full.members[0], 3);
  full.table.on_connected(at(3s), dialable(waiting));
  CHECK(full.table.on_connected(at(10min), dialable(newcomer)) == Offer::cached);
  CHECK(full.table.find(waiting) != nullptr);
  CHECK(waiting_in(full.table, 0) == std::vector<NodeId>{newcomer});
}

TEST_CASE(
    "P-KR-19: a newcomer takes the place of a dead peer when nobody waits, never of a live one") {
  FullBucket full;
  full.fail(2s, full.members[7], 3);
  const NodeId newcomer = full.stranger();
  CHECK(full.table.on_connected(at(10min), dialable(newcomer)) == Offer::added);
  CHECK(full.table.find(full.members[7]) == nullptr);
  for (const NodeId& member : full.members) {
    if (member != full.members[7]) CHECK(full.table.find(member) != nullptr);
  }
}

TEST_CASE(
    "A waiting peer that fails is forgotten, one whose link closed and cannot be dialled too") {
  FullBucket full;
  const NodeId server = full.stranger();
  const NodeId tab = full.stranger();
  full.table.offer(at(1s), dialable(server));
  full.table.on_connected(at(1s), browser(tab));
  full.table.on_failure(at(2s), server);
  CHECK(waiting_in(full.table, 0) == std::vector<NodeId>{tab});
  full.table.on_disconnected(at(3s), tab);
  CHECK(waiting_in(full.table, 0).empty());
}

TEST_CASE(
    "P-KR-2, P-KR-5, P-KR-20: caches stay bounded and in place, the living stay, whatever "
    "happens") {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    CAPTURE(seed);
    Rng rng(seed);
    const NodeId self = random_id(rng);
    RoutingTable table(self, {});
    std::vector<NodeId> ids;
    for (int count = 0; count < 300; ++count) {
      ids.push_back(random_id_at(rng, self, static_cast<unsigned>(rng.below(9))));
    }
    Instant now{};
    for (int step = 0; step < 1500; ++step) {
      now += std::chrono::seconds(rng.below(20));
      const NodeId& id = ids[rng.below(ids.size())];
      std::vector<NodeId> living;
      table.visit([&](const Peer& peer) {
        if (now - peer.seen <= 5min) living.push_back(peer.contact.id);
      });
      const std::uint64_t action = rng.below(10);
      const bool tab = id.low() % 5 == 0;
      if (action < 4) table.on_connected(now, tab ? browser(id) : dialable(id));
      if (action == 4) table.on_disconnected(now, id);
      if (action == 5) table.on_seen(now, id);
      if (action == 6 || action == 7) table.on_failure(now, id);
      if (action == 8) table.offer(now, dialable(id));
      if (action == 9) table.replace_failed(now);
      for (const NodeId& alive : living) {
        if (action == 4 && alive == id) continue;
        REQUIRE(table.find(alive) != nullptr);
      }
      std::size_t peers = 0;
      std::set<NodeId> seen;
      for (std::size_t bucket = 0; bucket < table.bucket_count(); ++bucket) {
        REQUIRE(table.bucket(bucket).peers <= kBucketPeers);
        REQUIRE(table.bucket(bucket).replacements <= kBucketPeers);
        peers += table.bucket(bucket).peers;
        const bool last = bucket + 1 == table.bucket_count();
        for (const NodeId& waiting : waiting_in(table, bucket)) {
          const std::size_t shared = common_prefix_bits(self, waiting);
          REQUIRE((last ? shared >= bucket : shared == bucket));
          REQUIRE(table.find(waiting) == nullptr);
          REQUIRE(seen.insert(waiting).second);
        }
      }
      REQUIRE(peers == table.size());
    }
  }
}

}  // namespace trestle::dht
