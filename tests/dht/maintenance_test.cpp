// Our own neighbourhood and the freshness of the table.
#include <functional>

#include "catch.hpp"
#include "dht/dht_bench.hpp"

namespace trestle::dht {
namespace {

using namespace std::chrono_literals;
using test::at;
using test::DhtBench;

bool asks_for_itself(const DhtBench& bench, const Ask& ask) {
  const auto* request = std::get_if<wire::FindNodeRequest>(&ask.message);
  return request != nullptr && request->target == bench.dht.self().id;
}

/// Lets time pass until `end`, a deadline at a time, and hands over every question at once.
template <typename OnAsk>
void live(DhtBench& bench, Duration end, OnAsk&& on_ask) {
  Instant now = bench.latest;
  while (true) {
    bench.drain();
    for (const Ask& ask : std::exchange(bench.asks, {})) on_ask(now, ask);
    bench.drain();
    if (!bench.asks.empty()) continue;
    if (bench.dht.next_deadline() > at(end)) return;
    now = bench.dht.next_deadline();
    bench.dht.on_deadline(now);
    REQUIRE(bench.dht.next_deadline() > now);
  }
}

/// By then every bucket of a table of forty was looked into once.
constexpr Duration kSettled = 4min;

auto answer_with_nothing(DhtBench& bench) {
  return [&bench](Instant now, const Ask& ask) {
    bench.dht.on_answer(now, ask.ask, wire::FindNodeResponse{});
  };
}

/// The bucket of each look-up that is not of ourselves, and when it began.
struct Refreshes {
  explicit Refreshes(DhtBench& watched) : bench(watched) {}

  void operator()(Instant now, const Ask& ask) {
    const NodeId target = std::get<wire::FindNodeRequest>(ask.message).target;
    if (!asks_for_itself(bench, ask) && (targets.empty() || targets.back() != target)) {
      targets.push_back(target);
      begun.push_back(now);
    }
    bench.dht.on_answer(now, ask.ask, wire::FindNodeResponse{});
  }

  DhtBench& bench;
  std::vector<NodeId> targets;
  std::vector<Instant> begun;
};

}  // namespace

TEST_CASE("LOOK-03: the first link starts a look-up of ourselves; its end is told once") {
  DhtBench bench;
  CHECK(bench.dht.next_deadline() == kNever);
  const wire::Contact first = bench.stranger();
  bench.dht.on_link_up(at(1s), first);
  bench.drain();
  REQUIRE(bench.asks.size() == 1);
  CHECK(asks_for_itself(bench, bench.asks[0]));
  const wire::Contact second = bench.stranger();
  bench.dht.on_link_up(at(1s), second);
  bench.drain();
  REQUIRE(bench.asks.size() == 2);
  CHECK(bench.asks[1].peer == second);
  CHECK(bench.news.empty());
  bench.answer_all(2s);
  REQUIRE(bench.news.size() == 1);
  CHECK(bench.news[0].code == ErrorCode::none);
  CHECK(bench.news[0].contacts.size() == 2);
  bench.linked(3s);
  CHECK(bench.news.size() == 1);
}

TEST_CASE(
    "X31: a failed look-up of ourselves is repeated after 1, 2 and 4 seconds, then given up") {
  DhtBench bench;
  bench.dht.on_link_up(at(10s), bench.stranger());
  bench.drain();
  std::vector<Instant> begun;
  Duration now = 10s;
  while (bench.news.empty()) {
    REQUIRE(bench.asks.size() == 1);
    CHECK(asks_for_itself(bench, bench.asks[0]));
    begun.push_back(at(now));
    bench.dht.on_ask_failed(at(now), bench.asks[0].ask, ErrorCode::busy);
    bench.asks.clear();
    bench.drain();
    if (!bench.news.empty()) break;
    now = bench.dht.next_deadline() - at(0s);
    bench.dht.on_deadline(at(now));
    bench.drain();
  }
  CHECK(begun == std::vector<Instant>{at(10s), at(11s), at(13s), at(17s)});
  CHECK(bench.news[0].code == ErrorCode::busy);
}

TEST_CASE("While links are short we look ourselves up, ever more rarely while nothing changes") {
  for (const std::size_t links : {2u, 8u}) {
    DhtBench bench;
    for (std::size_t count = 0; count < links; ++count) bench.linked(1s);
    std::size_t lookups = 0;
    live(bench, 301s, [&](Instant now, const Ask& ask) {
      if (asks_for_itself(bench, ask) && ask.ask.value > 0) ++lookups;
      bench.dht.on_answer(now, ask.ask, wire::FindNodeResponse{});
    });
    CAPTURE(links, lookups);
    if (links == 2) {  // at once, then after half a minute, one and two, give or take a fifth
      CHECK(lookups >= 4 * links);
      CHECK(lookups <= 5 * links);
    } else {
      CHECK(lookups <= 1 * links);
    }
  }
}

TEST_CASE("D13: a small network that stays as it is looks itself up six times an hour, no more") {
  DhtBench bench;
  for (int count = 0; count < 4; ++count) bench.linked(1s);
  std::vector<Instant> lookups;
  const auto answer = [&](Instant now, const Ask& ask) {
    if (asks_for_itself(bench, ask) && (lookups.empty() || lookups.back() != now)) {
      lookups.push_back(now);
    }
    bench.dht.on_answer(now, ask.ask, wire::FindNodeResponse{});
  };
  live(bench, 1h, answer);
  lookups.clear();
  live(bench, 2h, answer);
  CHECK(lookups.size() <= 7);
  CHECK(lookups.size() >= 4);
  lookups.clear();
  bench.linked(2h);  // somebody new: twice a minute again
  live(bench, 2h + 2min, answer);
  CHECK(lookups.size() >= 2);
}

TEST_CASE("RECOV-06: a peer that is back from the dead makes a satisfied node look around") {
  DhtBench bench;
  for (int count = 0; count < 10; ++count) bench.linked(1s);
  const wire::Contact lost = bench.linked(2s);
  bench.dht.on_link_down(at(3s), lost.id);
  std::size_t lookups = 0;
  const auto answer = [&](Instant now, const Ask& ask) {
    lookups += asks_for_itself(bench, ask) && ask.peer.id != lost.id ? 1 : 0;
    if (ask.peer.id == lost.id) {
      return bench.dht.on_ask_failed(now, ask.ask, ErrorCode::unreachable);
    }
    bench.dht.on_answer(now, ask.ask, wire::FindNodeResponse{.contacts = {lost}});
  };
  live(bench, 3h, answer);
  REQUIRE(bench.dht.table().is_failed(*bench.dht.table().find(lost.id)));
  lookups = 0;
  bench.link(3h, lost);
  live(bench, 3h + 40s, answer);
  CHECK(lookups >= 4);
}

TEST_CASE("Buckets that users look into are not refreshed beside") {
  RefreshTurns turns;
  CHECK(turns.next(at(1h), 3, 10min) == 0u);
  turns.on_lookup(at(1h), 0);
  CHECK(turns.next(at(1h), 3, 10min) == 1u);
  turns.on_lookup(at(1h), 1);
  turns.on_lookup(at(1h), 2);
  CHECK(turns.next(at(1h + 9min), 3, 10min) == std::nullopt);
  turns.on_lookup(at(1h + 9min), 0);
  CHECK(turns.next(at(1h + 10min), 3, 10min) == 1u);
  CHECK(turns.next(at(1h + 10min), 4, 10min) == 3u);  // the table has grown
}

TEST_CASE(
    "The table is refreshed every ten minutes, give or take, at a random part of the key space") {
  DhtBench bench;
  for (int count = 0; count < 40; ++count) bench.linked(1s);
  live(bench, kSettled, answer_with_nothing(bench));
  std::vector<Instant> refreshes;
  std::vector<NodeId> targets;
  live(bench, 3h, [&](Instant now, const Ask& ask) {
    if (!asks_for_itself(bench, ask)) {
      const NodeId target = std::get<wire::FindNodeRequest>(ask.message).target;
      if (targets.empty() || targets.back() != target) {
        targets.push_back(target);
        refreshes.push_back(now);
      }
    }
    bench.dht.on_answer(now, ask.ask, wire::FindNodeResponse{});
  });
  CHECK(refreshes.size() >= 14);
  CHECK(refreshes.size() <= 23);
  for (std::size_t index = 1; index < refreshes.size(); ++index) {
    const Duration pause = refreshes[index] - refreshes[index - 1];
    CHECK(pause >= 8min);
    CHECK(pause <= 12min);
    CHECK(targets[index] != targets[index - 1]);
  }
}

TEST_CASE("Who has just come looks once into each part of the key space, half a minute apart") {
  DhtBench bench;
  const NodeId self = bench.dht.self().id;
  for (unsigned bucket = 0; bucket < 6; ++bucket) {
    for (int count = 0; count < 20; ++count) {
      bench.link(1s, test::dialable(test::random_id_at(bench.rng, self, bucket)));
    }
  }
  const std::size_t buckets = bench.dht.table().bucket_count();
  REQUIRE(buckets >= 6);
  Refreshes refreshes(bench);
  live(bench, 5min, std::ref(refreshes));
  // We looked for ourselves when there was but one bucket, and when there were all of them: that
  // was the first, and the last.
  REQUIRE(refreshes.begun.size() == buckets - 2);
  for (std::size_t index = 0; index < refreshes.begun.size(); ++index) {
    CAPTURE(index);
    CHECK(bench.dht.table().bucket_count() == buckets);
    CHECK(common_prefix_bits(self, refreshes.targets[index]) == index + 1);
    if (index == 0) continue;
    const Duration pause = refreshes.begun[index] - refreshes.begun[index - 1];
    CHECK(pause >= 24s);
    CHECK(pause <= 36s);
  }
  const std::size_t first = refreshes.begun.size();
  live(bench, 35min, std::ref(refreshes));
  CHECK(refreshes.begun.size() - first >= 2);
  CHECK(refreshes.begun.size() - first <= 4);
}

TEST_CASE("A bucket is refreshed in that octant of it of which fewest are known") {
  for (const unsigned thin : {0u, 3u, 7u}) {
    CAPTURE(thin);
    DhtBench bench;
    const NodeId self = bench.dht.self().id;
    // Far ones first, so that the second bucket is there and what is near has its own.
    for (unsigned octant = 0; octant < 8; ++octant) {
      for (int count = octant == thin ? 1 : 2; count > 0; --count) {
        NodeId id = test::random_id_at(bench.rng, self, 0);
        while (id.bits_from<3>(1) != octant) id = test::random_id_at(bench.rng, self, 0);
        bench.link(1s, test::dialable(id));
      }
    }
    for (int count = 0; count < 10; ++count) {
      bench.link(1s, test::dialable(test::random_id_at(bench.rng, self, 1)));
    }
    REQUIRE(bench.dht.table().bucket_count() >= 2);
    Refreshes refreshes(bench);
    live(bench, 1h, std::ref(refreshes));
    std::size_t of_the_first = 0;
    for (const NodeId& target : refreshes.targets) {
      if (common_prefix_bits(self, target) != 0) continue;
      ++of_the_first;
      CHECK(target.bits_from<3>(1) == thin);
    }
    CHECK(of_the_first >= 2);
  }
}

TEST_CASE("P-ML-2: for days each refresh comes at its time, also while peers come and go") {
  DhtBench bench;
  for (int count = 0; count < 40; ++count) bench.linked(1s);
  live(bench, kSettled, answer_with_nothing(bench));
  Rng draws(6);
  std::vector<Instant> refreshes;
  NodeId last;
  std::vector<wire::Contact> visitors;
  const auto answer = [&](Instant now, const Ask& ask) {
    const NodeId target = std::get<wire::FindNodeRequest>(ask.message).target;
    if (!asks_for_itself(bench, ask) && target != last) {
      last = target;
      refreshes.push_back(now);
    }
    bench.dht.on_answer(now, ask.ask, wire::FindNodeResponse{});
  };
  for (int hour = 0; hour < 72; ++hour) {
    const Duration now = 1h * hour + draws.between(kSettled, 30min);
    live(bench, now, answer);
    for (const wire::Contact& gone : visitors) bench.dht.on_link_down(at(now), gone.id);
    visitors.clear();
    for (std::uint64_t count = draws.below(5); count > 0; --count) {
      visitors.push_back(bench.linked(now));
    }
    live(bench, 1h * (hour + 1), answer);
  }
  // Ten minutes, give or take a fifth, and ten on average.
  CHECK(refreshes.size() >= 72 * 6 - 10);
  CHECK(refreshes.size() <= 72 * 6 + 10);
  for (std::size_t index = 1; index < refreshes.size(); ++index) {
    CAPTURE(index);
    CHECK(refreshes[index] - refreshes[index - 1] >= 8min);
    CHECK(refreshes[index] - refreshes[index - 1] <= 12min);
  }
}

TEST_CASE("A node that lost its links goes on asking those it remembers, at once and then slower") {
  DhtBench bench;
  const wire::Contact peer = bench.linked(1s);
  CHECK(bench.news.size() == 1);
  bench.dht.on_link_down(at(2s), peer.id);
  CHECK(bench.dht.next_deadline() <= at(3200ms));
  std::size_t asked = 0;
  live(bench, 60s, [&](Instant now, const Ask& ask) {
    CHECK(ask.peer == peer);
    CHECK(ask.timeout == 3s);
    ++asked;
    bench.dht.on_ask_failed(now, ask.ask, ErrorCode::unreachable);
  });
  CHECK(asked >= 4);
  CHECK(bench.news.size() >= 2);
  CHECK(bench.news.back().code == ErrorCode::unreachable);
  bench.linked(61s);
  CHECK(bench.news.back().code == ErrorCode::none);
}

TEST_CASE("A linked node tries a few of those that failed in each look-up, not all its dead") {
  DhtBench bench;
  const wire::Contact peer = bench.linked(1s);
  for (int count = 0; count < 60; ++count) {
    const wire::Contact gone = bench.linked(2s);
    bench.dht.on_link_down(at(3s), gone.id);
  }
  std::size_t asked_of_the_gone = 0;
  live(bench, 10h, [&](Instant now, const Ask& ask) {
    if (ask.peer.id == peer.id) return bench.dht.on_answer(now, ask.ask, wire::FindNodeResponse{});
    ++asked_of_the_gone;
    bench.dht.on_ask_failed(now, ask.ask, ErrorCode::unreachable);
  });
  // Three failures each, then four in every look-up: one for itself each 30 s, give or take a
  // fifth, for one peer alone confirms nothing, and the refreshes.
  CHECK(asked_of_the_gone <= 60 * 3 + 4 * (10 * 3600 / 24 + 80));
  CHECK(asked_of_the_gone >= 4 * 10 * 3600 / 48);
}

TEST_CASE("The neighbourhood is confirmed by two answers, and no longer than they are recent") {
  DhtBench bench;
  CHECK_FALSE(bench.dht.neighbourhood_confirmed(at(0s)));
  const wire::Contact first = bench.linked(1s);
  CHECK_FALSE(bench.dht.neighbourhood_confirmed(at(1s)));
  const wire::Contact second = bench.linked(2s);
  CHECK_FALSE(bench.dht.neighbourhood_confirmed(at(2s)));
  bool silent = false;
  const auto on_ask = [&](Instant now, const Ask& ask) {
    if (silent) return bench.dht.on_ask_failed(now, ask.ask, ErrorCode::busy);
    bench.dht.on_answer(now, ask.ask, wire::FindNodeResponse{});
  };
  live(bench, 60s, on_ask);
  CHECK(bench.dht.neighbourhood_confirmed(at(60s)));

  SECTION("one answer takes it back") {
    silent = true;
    live(bench, 120s, on_ask);
    CHECK_FALSE(bench.dht.neighbourhood_confirmed(at(120s)));
    silent = false;
    live(bench, 180s, on_ask);
    CHECK(bench.dht.neighbourhood_confirmed(at(180s)));
  }
  SECTION("time takes it back") {
    CHECK(bench.dht.neighbourhood_confirmed(at(15min)));
    CHECK_FALSE(bench.dht.neighbourhood_confirmed(at(17min)));
  }
  SECTION("the loss of all links takes it back") {
    bench.dht.on_link_down(at(61s), first.id);
    CHECK(bench.dht.neighbourhood_confirmed(at(61s)));
    bench.dht.on_link_down(at(61s), second.id);
    CHECK_FALSE(bench.dht.neighbourhood_confirmed(at(61s)));
    bench.dht.on_link_up(at(62s), first);
    CHECK_FALSE(bench.dht.neighbourhood_confirmed(at(62s)));
  }
  SECTION("a node with links enough asks until it is confirmed, and refreshes keep it so") {
    for (int count = 0; count < 8; ++count) bench.linked(61s);
    live(bench, 24h, on_ask);
    CHECK(bench.dht.neighbourhood_confirmed(at(24h)));
  }
}

TEST_CASE("A node that knows nobody any more has nothing to wait for") {
  DhtBench bench;
  const wire::Contact tab = test::browser(test::random_id(bench.rng));
  bench.link(1s, tab);
  bench.dht.on_link_down(at(2s), tab.id);
  live(bench, 24h, [](Instant, const Ask&) { FAIL("nobody is left to ask"); });
  CHECK(bench.dht.next_deadline() == kNever);
}

}  // namespace trestle::dht
