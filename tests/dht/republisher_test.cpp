#include "trestle/dht/republisher.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "catch.hpp"
#include "dht/replica_world.hpp"

namespace trestle::dht {
namespace {

using namespace std::chrono_literals;
using test::at;
using test::ReplicaWorld;

/// Offers of this place that began a refresh: by sender, not more than a minute apart.
std::size_t refreshes_of(const ReplicaWorld& world, const NodeId& place, Instant from, Instant to) {
  std::set<std::size_t> senders;
  for (const auto& offer : world.offers) {
    if (offer.when < from || offer.when >= to || offer.delegated) continue;
    if (std::find(offer.places.begin(), offer.places.end(), place) == offer.places.end()) continue;
    senders.insert(offer.from);
  }
  return senders.size();
}

std::size_t mentions_of(const ReplicaWorld& world, const NodeId& place) {
  std::size_t mentions = 0;
  for (const auto& offer : world.offers) {
    mentions += std::count(offer.places.begin(), offer.places.end(), place) > 0;
  }
  return mentions;
}

}  // namespace

TEST_CASE("P-CR-25: of k holders one refreshes a record in each period, now and then two") {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    CAPTURE(seed);
    ReplicaWorld world(seed);
    world.grow(60);
    world.warm_all();
    world.run_for(10min);
    std::vector<KeptRecord> records;
    for (int count = 0; count < 60; ++count) {
      records.push_back(world.a_record());
      world.keep_at_nearest(records.back());
      world.run_for(20s);
    }
    // Each period is counted in its middle: from half an interval after one refresh to half an
    // interval after the next.
    const Instant start = world.now();
    world.run_for(8h);
    std::size_t twice = 0;
    std::size_t refreshes = 0;
    for (const KeptRecord& record : records) {
      std::vector<Instant> begun;
      std::map<std::size_t, Instant> last;
      for (const auto& offer : world.offers) {
        if (std::find(offer.places.begin(), offer.places.end(), record.place) ==
            offer.places.end()) {
          continue;
        }
        const auto [known, fresh] = last.emplace(offer.from, offer.when);
        if (fresh || offer.when - known->second > 1min) begun.push_back(offer.when);
        known->second = offer.when;
      }
      std::sort(begun.begin(), begun.end());
      for (std::size_t index = 0; index < begun.size();) {
        std::size_t in_period = 1;
        while (index + in_period < begun.size() &&
               begun[index + in_period] - begun[index] < 30min) {
          ++in_period;
        }
        REQUIRE(in_period <= 2);
        twice += in_period == 2;
        refreshes += in_period;
        index += in_period;
      }
    }
    // Eight hours are seven or eight periods of 60 records.
    CHECK(refreshes >= 60 * 7);
    CHECK(twice * 20 <= refreshes);
    CHECK(world.now() == start + 8h);
    CHECK(world.copies_sent == 0);
    CHECK_FALSE(world.spinning);
  }
}

TEST_CASE("P-CR-26: who is not near hands a record to the nearest, which spreads it to k") {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    CAPTURE(seed);
    ReplicaWorld world(seed);
    world.grow(100);
    world.warm_all();
    world.run_for(10min);
    const KeptRecord record = world.a_record();
    // The farthest keeps the only copy, as an author does that is cut off right after its put.
    const auto by_distance = world.nearest(record.place, 100);
    world.keep(by_distance.back(), record);
    world.run_for(66min);
    CHECK(world.copies_at_nearest(record) == 20);
    CHECK(world.lookups == 1);
    CHECK(mentions_of(world, record.place) <= 1 + 20);
    // One to the delegate, one to each of its neighbours: to nobody who had not asked.
    CHECK(world.copies_sent == 20);
    CHECK(world.copies_unasked == 0);
    REQUIRE(world.offers.size() >= 2);
    CHECK(world.offers[0].delegated);
    CHECK(world.offers[0].to == world[by_distance[0]].contact.id);
    CHECK_FALSE(world.offers[1].delegated);
    CHECK(world.offers[1].from == by_distance[0]);
  }
}

TEST_CASE(
    "P-CR-26: one that is near spreads it itself; a batch costs its region, not its records") {
  ReplicaWorld world(4);
  world.grow(100);
  world.warm_all();
  world.run_for(10min);
  std::vector<KeptRecord> records;
  const NodeId around = test::random_id(world.rng());
  for (int count = 0; count < 150; ++count) {
    KeptRecord record = world.a_record();
    record.place = test::random_id_at(world.rng(), around, 8);
    world.keep(world.nearest(record.place, 1)[0], record);
    records.push_back(record);
  }
  world.run_for(2h);
  for (const KeptRecord& record : records) CHECK(world.copies_at_nearest(record) == 20);
  // The places are that close to each other that the same few nodes are nearest to all.
  CHECK(world.lookups <= 6);
  CHECK(world.offers.size() <= 6 * 40);
  CHECK(world.copies_unasked == 0);
  for (const KeptRecord& record : records) CHECK(mentions_of(world, record.place) <= 3 * 20);
}

TEST_CASE("P-CR-27: in a network with losses and newcomers no record goes to who did not ask") {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    CAPTURE(seed);
    ReplicaWorld world(seed);
    world.grow(60);
    world.warm_all();
    std::vector<KeptRecord> records;
    for (int count = 0; count < 100; ++count) {
      records.push_back(world.a_record());
      world.keep_at_nearest(records.back());
    }
    for (int hour = 0; hour < 6; ++hour) {
      for (int losses = 0; losses < 5; ++losses) {
        world[world.rng().below(world.size())].alive = false;
        const std::size_t newcomer = world.add(test::dialable(test::random_id(world.rng())));
        world[newcomer].machine.on_warm(world.now());
        world.drain(newcomer);
      }
      world.run_for(70min);
    }
    CHECK(world.copies_sent > 0);
    CHECK(world.copies_unasked == 0);
    CHECK_FALSE(world.spinning);
    // L3: what was lost is replaced within two periods.
    for (const KeptRecord& record : records) CHECK(world.copies_at_nearest(record) == 20);
  }
}

TEST_CASE("STORE-07: after a cut the newest is everywhere within two periods, tombstones too") {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    CAPTURE(seed);
    ReplicaWorld world(seed);
    world.grow(50);
    world.warm_all();
    std::vector<KeptRecord> old;
    for (int count = 0; count < 30; ++count) {
      old.push_back(world.a_record());
      world.keep_at_nearest(old.back());
    }
    world.run_for(10min);
    for (std::size_t index = 0; index < world.size(); ++index) {
      world[index].side = static_cast<int>(index % 2);
    }
    // Both sides write every key; a third is written by one side alone.
    std::vector<KeptRecord> newest;
    for (std::size_t index = 0; index < old.size(); ++index) {
      std::vector<KeptRecord> written;
      for (const int side : {0, 1}) {
        if (index % 3 == 0 && side == 1) continue;
        KeptRecord record = world.a_record(2 + world.rng().below(2));
        record.place = old[index].place;
        for (const std::size_t holder : world.nearest(record.place, 20, side)) {
          world.keep(holder, record);
        }
        written.push_back(record);
      }
      newest.push_back(*std::max_element(written.begin(), written.end(), [](auto& a, auto& b) {
        return std::tie(a.version, a.digest) < std::tie(b.version, b.digest);
      }));
    }
    world.run_for(3h);
    for (std::size_t index = 0; index < world.size(); ++index) world[index].side = 0;
    world.run_for(2 * 65min);
    for (const KeptRecord& record : newest) {
      CHECK(world.copies_at_nearest(record) == 20);
      // Nobody keeps anything else under this key, near or not.
      for (std::size_t index = 0; index < world.size(); ++index) {
        const auto kept = world[index].store.find(record.place);
        if (kept == world[index].store.end()) continue;
        CHECK(kept->second.digest == record.digest);
      }
    }
    CHECK(world.copies_unasked == 0);
  }
}

TEST_CASE("STORE-04: a holder that always says 'refreshed just now' lets no record die") {
  for (const bool is_bounded : {true, false}) {
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
      CAPTURE(is_bounded, seed);
      RepublisherOptions options;
      if (!is_bounded) options.refresh.words_of_one_max = options.refresh.words_max = 1000;
      ReplicaWorld world(seed, options);
      world.grow(60);
      world.warm_all();
      const KeptRecord record = world.a_record(1, 48h);
      world.keep_at_nearest(record);
      const NodeId liar = test::random_id(world.rng());
      // Every 20 minutes all hear the lie; every hour one of the nearest is lost.
      for (int third = 0; third < 3 * 16; ++third) {
        world.run_for(20min);
        for (std::size_t index = 0; index < world.size(); ++index) {
          if (!world[index].alive || !world[index].store.contains(record.place)) continue;
          world[index].machine.on_refreshed(world.now(), record.place, record.ends, liar);
          world.drain(index);
        }
        if (third % 3 == 0) world[world.nearest(record.place, 20)[5]].alive = false;
      }
      // Of sixteen lost copies all but the latest have been made good; or, believing it for ever,
      // next to none.
      const std::size_t copies = world.copies_at_nearest(record);
      if (is_bounded) CHECK(copies >= 15);
      if (!is_bounded) CHECK(copies <= 8);
    }
  }
}

TEST_CASE("A new neighbour is handed what it should keep by the few that are nearest") {
  ReplicaWorld world(6);
  world.grow(60);
  world.warm_all();
  std::vector<KeptRecord> records;
  for (int count = 0; count < 300; ++count) {
    records.push_back(world.a_record());
    world.keep_at_nearest(records.back());
  }
  world.run_for(10min);
  const std::size_t newcomer = world.add(test::dialable(test::random_id(world.rng())));
  world[newcomer].machine.on_warm(world.now());
  world.drain(newcomer);
  for (std::size_t index = 0; index < newcomer; ++index) world.link(index, newcomer);
  world.run_for(30s);
  std::size_t should = 0;
  for (const KeptRecord& record : records) {
    const auto nearest = world.nearest(record.place, 20);
    const bool is_near = std::find(nearest.begin(), nearest.end(), newcomer) != nearest.end();
    should += is_near;
    CHECK(world[newcomer].store.contains(record.place) == is_near);
    CHECK(mentions_of(world, record.place) <= 3);
  }
  CHECK(should > 50);
  CHECK(world.copies_unasked == 0);
}

TEST_CASE("A lost holder is left to the next period; many at once are repaired within the spread") {
  for (const std::size_t lost : {std::size_t{1}, std::size_t{12}}) {
    CAPTURE(lost);
    ReplicaWorld world(7);
    world.grow(20);
    world.warm_all();
    const KeptRecord record = world.a_record();
    world.keep_at_nearest(record);
    world.run_for(5min);
    for (std::size_t index = 0; index < lost; ++index) {
      world[index].alive = false;
      for (std::size_t other = lost; other < world.size(); ++other) {
        world[other].machine.on_link_down(world.now(), world[index].contact.id);
        world.drain(other);
      }
    }
    world.run_for(7min);
    CHECK((mentions_of(world, record.place) > 0) == (lost > 1));
  }
}

TEST_CASE("Nothing is refreshed by a node that is cold or alone, and the way back is spread") {
  ReplicaWorld world(8);
  world.grow(200);
  std::vector<KeptRecord> records;
  for (int count = 0; count < 50; ++count) {
    records.push_back(world.a_record());
    world.keep_at_nearest(records.back());
  }
  world.run_for(3h);
  CHECK(world.offers.empty());
  CHECK(world[world.nearest(records[0].place, 1)[0]].machine.lag(world.now()) > 115min);
  // All come back in the same second.
  world.warm_all();
  const Instant back = world.now();
  world.run_for(6min);
  REQUIRE_FALSE(world.offers.empty());
  std::map<std::int64_t, std::set<std::size_t>> senders_by_second;
  for (const auto& offer : world.offers) {
    senders_by_second[(offer.when - back) / 1s].insert(offer.from);
  }
  for (const auto& [second, senders] : senders_by_second) CHECK(senders.size() <= 8);
  for (const KeptRecord& record : records) {
    CHECK(refreshes_of(world, record.place, back, world.now()) <= 2);
  }
  for (std::size_t index = 0; index < world.size(); ++index) {
    CHECK(world[index].machine.lag(world.now()) == 0s);
  }
}

TEST_CASE("An answered lookup is used again for its part of the key space, for ten minutes") {
  ReplicaWorld world(9);
  world.grow(15);
  world.warm_all();
  for (int count = 0; count < 40; ++count) {
    world.keep(0, world.a_record());
    world.run_for(30s);
  }
  world.run_for(80min);
  const auto stats = world[0].machine.stats();
  CHECK(stats.refreshed == 40);
  CHECK(stats.lookups <= 3);
  CHECK(stats.lookups_saved >= 1);
  CHECK(stats.lookups + stats.lookups_saved == stats.sweeps);
}

TEST_CASE("A failed refresh is tried again, without hammering") {
  ReplicaWorld world(10);
  world.grow(1);
  world.warm_all();
  const KeptRecord record = world.a_record();
  world.keep(0, record);
  world.run_for(2h);
  // Nobody answers its lookups: one a minute or less for the 55 minutes that it is overdue.
  CHECK(world.lookups >= 10);
  CHECK(world.lookups <= 60);
  CHECK(world[0].machine.lag(world.now()) > 54min);
  // Somebody comes, and it is late no more.
  world.grow(1);
  world.run_for(6min);
  CHECK(world[1].store.contains(record.place));
  CHECK(world[0].machine.lag(world.now()) == 0s);
  CHECK_FALSE(world.spinning);
}

TEST_CASE("After close nothing is begun or said") {
  Republisher machine(NodeId(1, 1, 1), {}, Rng(1));
  machine.on_kept(at(0s), {.place = NodeId(2, 2, 2), .version = 1, .ends = at(24h)});
  machine.on_warm(at(0s));
  while (machine.poll_effect()) {
  }
  machine.close();
  CHECK(machine.next_deadline() == kNever);
  machine.on_deadline(at(3h));
  machine.on_warm(at(3h));
  machine.on_link_up(at(3h), test::dialable(NodeId(3, 3, 3)));
  CHECK_FALSE(machine.poll_effect());
}

}  // namespace trestle::dht
