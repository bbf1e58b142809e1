// Whom a lookup asks first, and whom it asks because another one is slow.
#include <algorithm>
#include <map>
#include <vector>

#include "catch.hpp"
#include "dht/lookup_bench.hpp"

namespace trestle::dht {
namespace {

using namespace std::chrono_literals;
using test::at;
using test::dialable;
using test::random_id;
using test::random_id_at;
using Bench = test::LookupBench;

/// In which order a lookup with one question at a time asks these, if all of them answer.
std::vector<Candidate> order_of(const NodeId& target, const std::vector<Candidate>& candidates) {
  LookupOptions options;
  options.parallel_max = 1;
  Lookup lookup(NodeId(1, 2, 3), LookupKind::find_node, target, "", options);
  for (const Candidate& candidate : candidates) lookup.add_seed(candidate);
  lookup.start(at(0s));
  std::vector<Candidate> order;
  while (auto effect = lookup.poll_effect()) {
    const auto* ask = std::get_if<LookupAsk>(&*effect);
    if (ask == nullptr) break;
    const auto asked =
        std::find_if(candidates.begin(), candidates.end(),
                     [&](const Candidate& one) { return one.contact.id == ask->peer.id; });
    order.push_back(*asked);
    lookup.on_contacts(at(1ms), ask->peer.id, {});
  }
  return order;
}

Candidate with_round_trip(Candidate candidate, Duration round_trip) {
  candidate.round_trip = round_trip;
  return candidate;
}

}  // namespace

TEST_CASE("P-KR-8: inside one distance class the peer with the lowest round trip is asked first") {
  Rng rng(8);
  for (int round = 0; round < 500; ++round) {
    const NodeId target = random_id(rng);
    std::vector<Candidate> candidates;
    const std::size_t count = 2 + rng.below(19);
    while (candidates.size() < count) {
      const auto bits = static_cast<unsigned>(rng.below(3));
      const bool connected = rng.chance(1, 2);
      const Duration round_trip = rng.between(Duration(0ms), Duration(3ms));
      candidates.push_back({.contact = dialable(random_id_at(rng, target, bits)),
                            .connected = connected,
                            .round_trip = round_trip});
    }
    // The model: one list, sorted by what counts, most important first.
    std::vector<Candidate> model = candidates;
    std::sort(model.begin(), model.end(), [&](const Candidate& left, const Candidate& right) {
      const unsigned left_bits = common_prefix_bits(target, left.contact.id);
      const unsigned right_bits = common_prefix_bits(target, right.contact.id);
      if (left_bits != right_bits) return left_bits > right_bits;
      if (left.connected != right.connected) return left.connected;
      if (left.round_trip != right.round_trip) return left.round_trip < right.round_trip;
      return closer(target, left.contact.id, right.contact.id);
    });
    const std::vector<Candidate> order = order_of(target, candidates);
    REQUIRE(order.size() == model.size());
    for (std::size_t index = 0; index < order.size(); ++index) {
      REQUIRE(order[index].contact.id == model[index].contact.id);
    }
  }
}

TEST_CASE("P-KR-10: no round trip overrides a step towards the target") {
  Rng rng(10);
  for (int round = 0; round < 500; ++round) {
    const NodeId target = random_id(rng);
    std::vector<Candidate> candidates;
    for (int count = 0; count < 12; ++count) {
      // Adversarial: the farther away, the quicker.
      const auto bits = static_cast<unsigned>(rng.below(6));
      candidates.push_back({.contact = dialable(random_id_at(rng, target, bits)),
                            .connected = bits % 2 == 0,
                            .round_trip = 1ms * (1u << bits)});
    }
    const std::vector<Candidate> order = order_of(target, candidates);
    REQUIRE(order.size() == candidates.size());
    for (std::size_t index = 1; index < order.size(); ++index) {
      REQUIRE(common_prefix_bits(target, order[index - 1].contact.id) >=
              common_prefix_bits(target, order[index].contact.id));
    }
  }
}

TEST_CASE("A step says why the peer was asked") {
  LookupOptions options;
  options.parallel_max = 1;
  options.steps = StepReport::told;
  Bench bench(LookupKind::find_node, options);
  const Candidate slow = with_round_trip(bench.peer(4, true), 50ms);
  const Candidate quick = with_round_trip(bench.peer(4, true), 5ms);
  const Candidate dark = with_round_trip(bench.peer(4, false), 1ms);
  const Candidate named = bench.peer(6);
  for (const Candidate& one : {slow, quick, dark}) bench.lookup.add_seed(one);
  bench.start();
  bench.answer(10ms, quick.contact.id, {named});
  bench.fail(20ms, named.contact.id);
  bench.answer(30ms, slow.contact.id);
  bench.answer(40ms, dark.contact.id);
  REQUIRE(bench.ends.size() == 1);
  const std::vector<LookupStep>& steps = bench.ends[0].steps;
  REQUIRE(steps.size() == 4);
  CHECK(steps[0].peer == quick.contact.id);
  const bool quick_is_nearest = closer(bench.target, quick.contact.id, slow.contact.id) &&
                                closer(bench.target, quick.contact.id, dark.contact.id);
  CHECK((steps[0].reason == AskReason::nearest) == quick_is_nearest);
  CHECK(steps[0].contacts == 1);
  CHECK(steps[0].took == 10ms);
  CHECK(steps[1].peer == named.contact.id);
  CHECK(steps[1].named_by == quick.contact.id);
  CHECK(steps[1].asked_after == 10ms);
  CHECK(steps[1].hop == 2);
  CHECK(steps[1].code == ErrorCode::unreachable);
  CHECK_FALSE(steps[1].connected);
  CHECK(steps[2].peer == slow.contact.id);
  CHECK(steps[2].reason == AskReason::stand_in);
  CHECK(steps[2].connected);
  CHECK(steps[3].peer == dark.contact.id);
}

TEST_CASE("Who is waited for longer than usual is hedged, and its answer is welcome all the same") {
  Bench bench;
  for (unsigned bits = 0; bits < 10; ++bits) {
    Candidate candidate = bench.peer(bits, true);
    candidate.patience = bits == 9 ? 30ms : 0ms;
    bench.lookup.add_seed(candidate);
  }
  bench.start();
  REQUIRE(bench.asks.size() == 4);
  CHECK(bench.lookup.next_deadline() == at(30ms));
  bench.pass(29ms);
  CHECK(bench.asks.size() == 4);
  bench.pass(30ms);
  CHECK(bench.asks.size() == 5);
  CHECK(bench.lookup.stats().hedges == 1);
  CHECK(bench.lookup.step_of(bench.asks[4].peer.id)->reason == AskReason::hedge);
  CHECK(bench.lookup.next_deadline() == at(1s));
  // The slow one has left its place to the other: its answer alone makes no room for a sixth.
  bench.answer(40ms, bench.asks[0].peer.id);
  CHECK(bench.asks.size() == 5);
  CHECK(bench.lookup.stats().answers == 1);
  CHECK(bench.lookup.stats().late_answers == 0);
}

TEST_CASE("Nobody is hedged sooner than after twenty milliseconds, and no more than a few are") {
  LookupOptions options;
  Bench bench(LookupKind::find_node, options);
  for (unsigned bits = 0; bits < 20; ++bits) {
    Candidate candidate = bench.peer(bits, true);
    candidate.patience = 1us;
    bench.lookup.add_seed(candidate);
  }
  bench.start();
  CHECK(bench.lookup.next_deadline() == at(options.hedge_after_min));
  for (Duration now = 1ms; now < 999ms; now += 1ms) bench.pass(now);
  CHECK(bench.asks.size() == options.parallel_max + options.hedges_max);
  CHECK(bench.lookup.stats().hedges == options.hedges_max);
}

TEST_CASE("LOOK-08: a linked peer that is asleep is waited for one second") {
  for (const Duration early : {1ms, -1ms}) {
    Bench bench;
    Candidate asleep = bench.peer(3, true);
    asleep.inactive = true;
    bench.lookup.add_seed(asleep);
    bench.start();
    REQUIRE(bench.asks.size() == 1);
    CHECK(bench.asks[0].timeout == 1s);
    bench.answer(1s - early, asleep.contact.id);
    REQUIRE(bench.ends.size() == 1);
    CHECK(bench.ends[0].answered.size() == (early > 0ms ? 1 : 0));
  }
}

TEST_CASE("A peer out of reach is asked through another one, a few of them in one lookup") {
  LookupOptions options;
  Bench bench(LookupKind::find_node, options);
  const Candidate namer = bench.seed(1, true);
  bench.start();
  std::vector<Candidate> hidden;
  for (unsigned bits = 2; bits < 12; ++bits) {
    Candidate one{.contact = test::browser(random_id_at(bench.rng, bench.target, bits))};
    hidden.push_back(one);
    hidden.back().through = namer.contact.id;
  }
  bench.answer(1ms, namer.contact.id, hidden);
  for (int count = 0; count < 20; ++count) {
    if (bench.asks.size() > 1) bench.answer(2ms, bench.asks.back().peer.id);
  }
  while (bench.ends.empty()) {
    for (const LookupAsk& ask : std::vector(bench.asks)) bench.answer(3ms, ask.peer.id);
  }
  CHECK(bench.asks.size() == 1 + options.asks_through_max);
  for (std::size_t index = 1; index < bench.asks.size(); ++index) {
    CHECK(bench.asks[index].through == namer.contact.id);
    CHECK(bench.asks[index].timeout == 3s);
  }
  CHECK(bench.ends[0].answered.size() == bench.asks.size());
  CHECK(bench.ends[0].answered_through.size() == options.asks_through_max);
}

TEST_CASE("A peer whose dial failed may be asked once more, by another way, in what time is left") {
  Bench bench;
  const Candidate dark = bench.seed(5);
  const NodeId hop = random_id(bench.rng);
  CHECK_FALSE(bench.lookup.reroute(dark.contact.id, hop));
  bench.start();
  CHECK(bench.lookup.deadline_of(dark.contact.id) == at(3s));
  CHECK(bench.lookup.reroute(dark.contact.id, hop));
  CHECK_FALSE(bench.lookup.reroute(dark.contact.id, hop));
  CHECK(bench.lookup.stats().asks_through == 1);
  CHECK(bench.lookup.deadline_of(dark.contact.id) == at(3s));
  bench.answer(2s, dark.contact.id);
  REQUIRE(bench.ends.size() == 1);
  CHECK(bench.ends[0].answered_through == std::vector<NodeId>{dark.contact.id});
}

TEST_CASE("Who is there but has no room is asked through another one, as many as are sought") {
  LookupOptions options;
  Bench bench(LookupKind::find_node, options);
  std::vector<NodeId> full;
  for (unsigned bits = 0; bits < 30; ++bits) full.push_back(bench.seed(bits).contact.id);
  const NodeId hop = random_id(bench.rng);
  bench.start();
  std::size_t carried = 0;
  for (std::size_t asked = 0; asked < bench.asks.size(); ++asked) {
    const NodeId peer = bench.asks[asked].peer.id;
    if (bench.lookup.reroute(peer, hop, Lookup::Hindrance::no_room)) {
      ++carried;
      bench.answer(1ms, peer);
    } else {
      bench.lookup.on_failed(at(1ms), peer, ErrorCode::busy);
      bench.drain();
    }
  }
  CHECK(carried == options.asks_through_busy_max);
  REQUIRE(bench.ends.size() == 1);
  CHECK(bench.ends[0].answered.size() == carried);
}

}  // namespace trestle::dht
