#include "trestle/dht/lookup.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "catch.hpp"
#include "dht/contacts.hpp"
#include "dht/dht_bench.hpp"
#include "dht/lookup_bench.hpp"
#include "machine_laws.hpp"

namespace trestle::dht {
namespace {

using namespace std::chrono_literals;
using test::at;
using test::dialable;
using test::drained;
using test::random_id;
using test::random_id_at;

using Bench = test::LookupBench;

}  // namespace

TEST_CASE("P-CR-7: a connected peer is waited for ten seconds, any other three") {
  for (const bool connected : {true, false}) {
    for (const Duration early : {1ms, -1ms}) {
      CAPTURE(connected, early.count());
      Bench bench;
      const Candidate only = bench.seed(3, connected);
      bench.start();
      REQUIRE(bench.asks.size() == 1);
      const Duration timeout = connected ? 10s : 3s;
      CHECK(bench.asks[0].timeout == timeout);
      bench.answer(timeout - early, only.contact.id);
      REQUIRE(bench.ends.size() == 1);
      const bool accepted = early > 0ms;
      CHECK(bench.ends[0].code == (accepted ? ErrorCode::none : ErrorCode::unreachable));
      CHECK(bench.ends[0].answered.size() == (accepted ? 1 : 0));
      CHECK(bench.ends[0].stats.late_answers == (accepted ? 0 : 1));
    }
  }
}

TEST_CASE("P-CR-7: the timer of a question fires at its deadline, not before") {
  Bench bench;
  bench.seed(3, false);
  bench.start();
  bench.pass(2999ms);
  CHECK(bench.ends.empty());
  CHECK(bench.lookup.next_deadline() == at(3s));
  bench.pass(3s);
  REQUIRE(bench.ends.size() == 1);
  CHECK(bench.ends[0].code == ErrorCode::unreachable);
  CHECK(bench.ends[0].stats.timeouts == 1);
}

TEST_CASE("Whoever links up before being asked is waited for as connected") {
  LookupOptions options;
  options.parallel_max = 1;
  Bench bench(LookupKind::find_node, options);
  const Candidate near = bench.seed(9);
  const Candidate far = bench.seed(2);
  bench.start();
  bench.lookup.on_link_up(at(1ms), far.contact);
  bench.answer(2ms, near.contact.id);
  REQUIRE(bench.asks.size() == 2);
  CHECK(bench.asks[0].timeout == 3s);
  CHECK(bench.asks[1].timeout == 10s);
}

TEST_CASE(
    "P-CR-24: inside one distance class connected peers are asked first, nearer classes before") {
  Rng rng(5);
  for (int round = 0; round < 1000; ++round) {
    LookupOptions options;
    options.parallel_max = 1;
    const NodeId target = random_id(rng);
    Lookup lookup(random_id(rng), LookupKind::find_node, target, "", options);
    std::map<NodeId, bool> connected;
    const std::size_t candidates = 2 + rng.below(19);
    while (connected.size() < candidates) {
      const NodeId id = random_id_at(rng, target, static_cast<unsigned>(rng.below(4)));
      connected[id] = rng.chance(1, 2);
      lookup.add_seed({.contact = dialable(id), .connected = connected[id]});
    }
    lookup.start(at(0s));
    std::vector<NodeId> order;
    while (auto effect = lookup.poll_effect()) {
      const auto* ask = std::get_if<LookupAsk>(&*effect);
      if (ask == nullptr) break;
      order.push_back(ask->peer.id);
      lookup.on_contacts(at(1s), ask->peer.id, {});
    }
    REQUIRE(order.size() == candidates);
    for (std::size_t index = 1; index < order.size(); ++index) {
      const unsigned before = common_prefix_bits(target, order[index - 1]);
      const unsigned here = common_prefix_bits(target, order[index]);
      REQUIRE(before >= here);
      if (before != here) continue;
      REQUIRE((connected[order[index - 1]] || !connected[order[index]]));
      if (connected[order[index - 1]] != connected[order[index]]) continue;
      REQUIRE(closer(target, order[index - 1], order[index]));
    }
  }
}

TEST_CASE("Four questions are under way at a time") {
  Bench bench;
  std::vector<Candidate> peers;
  for (unsigned bits = 0; bits < 10; ++bits) peers.push_back(bench.seed(bits, true));
  bench.start();
  CHECK(bench.asks.size() == 4);
  bench.answer(1ms, bench.asks[0].peer.id);
  CHECK(bench.asks.size() == 5);
  bench.fail(2ms, bench.asks[1].peer.id);
  CHECK(bench.asks.size() == 6);
}

TEST_CASE("The end comes when the k nearest have answered, without waiting for farther ones") {
  LookupOptions options;
  options.nearest = 3;
  Bench bench(LookupKind::find_node, options);
  const Candidate far = bench.seed(1, true);
  bench.start();
  std::vector<Candidate> near;
  for (unsigned bits = 5; bits < 9; ++bits) near.push_back(bench.peer(bits, true));
  bench.lookup.add_seed(near[0]);
  bench.lookup.add_seed(near[1]);
  bench.lookup.add_seed(near[2]);
  bench.answer(1ms, near[3].contact.id);  // never asked: ignored
  bench.fail(1ms, random_id(bench.rng));
  CHECK(bench.asks.size() == 1);
  bench.lookup.on_link_up(at(2ms), near[0].contact);
  bench.drain();
  REQUIRE(bench.asks.size() == 4);
  for (std::size_t index = 0; index < 3; ++index) bench.answer(3ms, near[index].contact.id);
  REQUIRE(bench.ends.size() == 1);
  CHECK(bench.ends[0].answered.size() == 3);
  CHECK(bench.lookup.next_deadline() == kNever);
  bench.answer(4ms, far.contact.id, {bench.peer(20)});
  CHECK(bench.asks.size() == 4);
  CHECK(bench.ends.size() == 1);
}

TEST_CASE("A straggler holds up neither the next question nor the end") {
  Bench bench;
  std::vector<Candidate> peers;
  for (unsigned bits = 0; bits < 9; ++bits) peers.push_back(bench.seed(bits, true));
  bench.start();
  const NodeId silent = bench.asks[0].peer.id;
  for (std::size_t index = 1; index < bench.asks.size(); ++index) {
    bench.answer(10ms, bench.asks[index].peer.id);
  }
  CHECK(bench.asks.size() == 9);
  CHECK(bench.ends.empty());
  bench.pass(999ms);
  CHECK(bench.ends.empty());
  bench.pass(1s);
  REQUIRE(bench.ends.size() == 1);
  CHECK(bench.ends[0].answered.size() == 8);
  for (const auto& contact : bench.ends[0].answered) CHECK(contact.id != silent);
}

TEST_CASE("A search for a value leaves the slow one once two of three have said no, not before") {
  const wire::Record record{.key = "key", .value = {7}, .ttl_ms = 5, .legacy = true};
  LookupOptions options;
  options.parallel_at_first = 2;
  for (const std::size_t slow : {1u, 3u}) {
    CAPTURE(slow);
    Bench bench(LookupKind::find_value, options);
    for (unsigned bits = 0; bits < 5; ++bits) bench.seed(bits, true);
    bench.start();
    std::vector<NodeId> silent;
    for (std::size_t index = 0; index < bench.asks.size(); ++index) {
      const NodeId peer = bench.asks[index].peer.id;
      if (silent.size() < slow) {
        silent.push_back(peer);
      } else {
        bench.answer(10ms, peer);
      }
    }
    CHECK(bench.ends.empty());
    bench.pass(1s);
    if (slow == 1) {
      REQUIRE(bench.ends.size() == 1);
      CHECK(bench.ends[0].code == ErrorCode::not_found);
      continue;
    }
    for (std::size_t index = 4; index < bench.asks.size(); ++index) {
      bench.answer(1s, bench.asks[index].peer.id);
    }
    CHECK(bench.ends.empty());
    bench.lookup.on_record(at(9s), silent[0], record);
    bench.drain();
    REQUIRE(bench.ends.size() == 1);
    CHECK(bench.ends[0].record == record);
    CHECK(bench.ends[0].found_at == silent[0]);
  }
}

TEST_CASE("A search for a value asks one, and more as soon as that fails or takes long") {
  for (const std::string first : {"answers", "fails", "is slow", "has it"}) {
    CAPTURE(first);
    Bench bench(LookupKind::find_value);
    for (unsigned bits = 0; bits < 9; ++bits) {
      Candidate candidate = bench.peer(bits, true);
      candidate.patience = 50ms;
      bench.lookup.add_seed(candidate);
    }
    bench.start();
    REQUIRE(bench.asks.size() == 1);
    const NodeId nearest = bench.asks[0].peer.id;
    if (first == "answers") bench.answer(1ms, nearest);
    if (first == "fails") bench.fail(1ms, nearest);
    if (first == "is slow") bench.pass(50ms);
    if (first == "has it") bench.record(1ms, nearest);
    CHECK(bench.asks.size() == (first == "has it" ? 1 : first == "answers" ? 2 : 5));
  }
}

TEST_CASE("A search for a value asks four at a time once two have not got it") {
  Bench bench(LookupKind::find_value);
  for (unsigned bits = 0; bits < 12; ++bits) bench.seed(bits, true);
  bench.start();
  for (std::size_t answers = 1; answers <= 2; ++answers) {
    CHECK(bench.asks.size() == answers);
    bench.answer(1ms, bench.asks[answers - 1].peer.id);
  }
  CHECK(bench.asks.size() == 6);
}

TEST_CASE("In a search for a value who takes longer than a dial should is not waited for") {
  // Nor is who is linked, of whom it is not known yet what its answers take.
  for (const auto& [kind, linked] :
       {std::pair(LookupKind::find_node, false), std::pair(LookupKind::find_value, false),
        std::pair(LookupKind::find_value, true)}) {
    Bench bench(kind);
    for (unsigned bits = 0; bits < 9; ++bits) {
      Candidate candidate = bench.peer(bits, linked);
      candidate.round_trip = 10ms;
      bench.lookup.add_seed(candidate);
    }
    bench.start();
    const bool hedges = kind == LookupKind::find_value;
    REQUIRE(bench.asks.size() == (hedges ? 1 : 4));
    bench.pass(79ms);
    CHECK(bench.asks.size() == (hedges ? 1 : 4));
    bench.pass(80ms);
    CHECK(bench.asks.size() == (hedges ? 5 : 4));
  }
}

TEST_CASE("Who owes an answer is asked last, and before anything ends without it") {
  for (const LookupKind kind : {LookupKind::find_node, LookupKind::find_value}) {
    CAPTURE(kind == LookupKind::find_node);
    LookupOptions options;
    options.nearest = 4;
    options.parallel_at_first = 4;
    Bench bench(kind, options);
    Candidate owing = bench.peer(9, true);
    owing.silent = true;
    bench.lookup.add_seed(owing);
    for (unsigned bits = 0; bits < 5; ++bits) bench.seed(bits, true);
    bench.start();
    REQUIRE(bench.asks.size() == 4);
    for (std::size_t index = 0; index < 4; ++index) {
      CHECK(bench.asks[index].peer.id != owing.contact.id);
      bench.answer(1ms, bench.asks[index].peer.id);
    }
    CHECK(bench.ends.empty());
    REQUIRE(bench.asks.size() >= 5);
    CHECK(bench.asks.back().peer.id == owing.contact.id);
    for (std::size_t index = 4; index < bench.asks.size(); ++index) {
      bench.answer(2ms, bench.asks[index].peer.id);
    }
    CHECK(bench.ends.size() == 1);
  }
}

TEST_CASE("What a bridge does not know denies nothing: it keeps no records") {
  LookupOptions options;
  options.parallel_at_first = 2;
  Bench bench(LookupKind::find_value, options);
  const Candidate slow = bench.seed(8, true);
  for (unsigned bits = 0; bits < 3; ++bits) {
    Candidate bridge = bench.peer(bits, true);
    bridge.contact.role = wire::Role::bridge;
    bench.lookup.add_seed(bridge);
  }
  bench.start();
  for (std::size_t index = 1; index < 4; ++index) bench.answer(1ms, bench.asks[index].peer.id);
  bench.pass(1s);
  CHECK(bench.ends.empty());
  bench.fail(2s, slow.contact.id);
  CHECK(bench.ends.size() == 1);
}

TEST_CASE(
    "A search for a value ends at the first record, and a record under another key is a failure") {
  Bench bench(LookupKind::find_value);
  const Candidate liar = bench.seed(8, true);
  const Candidate holder = bench.seed(7, true);
  bench.seed(6, true);
  bench.start();
  CHECK(std::holds_alternative<wire::FindValueRequest>(bench.asks[0].message));
  bench.lookup.on_record(at(1ms), liar.contact.id, {.key = "other", .value = {1}});
  bench.drain();
  CHECK(bench.ends.empty());
  bench.lookup.on_record(at(2ms), holder.contact.id, {.key = "key", .value = {2}});
  bench.drain();
  REQUIRE(bench.ends.size() == 1);
  CHECK(bench.ends[0].record->value == Bytes{2});
  CHECK(bench.ends[0].stats.failures == 1);
}

TEST_CASE("Nothing found is not_found if anybody answered, unreachable otherwise") {
  Bench asked(LookupKind::find_value);
  const Candidate peer = asked.seed(3, true);
  asked.start();
  asked.answer(1ms, peer.contact.id);
  REQUIRE(asked.ends.size() == 1);
  CHECK(asked.ends[0].code == ErrorCode::not_found);

  Bench alone(LookupKind::find_value);
  alone.start();
  REQUIRE(alone.ends.size() == 1);
  CHECK(alone.ends[0].code == ErrorCode::unreachable);
}

TEST_CASE("Nothing found is BUSY where too many could not be asked for want of room") {
  for (const std::size_t busy : {0u, 1u, 2u, 3u, 6u}) {
    CAPTURE(busy);
    Bench bench(LookupKind::find_value);
    std::vector<NodeId> peers;
    for (unsigned bits = 0; bits < 6; ++bits) peers.push_back(bench.seed(bits, true).contact.id);
    bench.start();
    // Those that are left deny; two for each that is busy are enough.
    for (std::size_t index = 0; index < peers.size(); ++index) {
      if (index < busy) {
        bench.lookup.on_failed(at(1ms), peers[index], ErrorCode::busy);
        bench.drain();
      }
    }
    for (int round = 0; round < 6 && bench.ends.empty(); ++round) {
      for (const LookupAsk& ask : std::vector(bench.asks)) {
        const auto place = std::ranges::find(peers, ask.peer.id);
        const bool is_busy = static_cast<std::size_t>(place - peers.begin()) < busy;
        if (is_busy) bench.lookup.on_failed(at(2ms), ask.peer.id, ErrorCode::busy);
        if (!is_busy) bench.answer(2ms, ask.peer.id);
        bench.drain();
      }
    }
    REQUIRE(bench.ends.size() == 1);
    CHECK(bench.ends[0].code == (busy <= 2 ? ErrorCode::not_found : ErrorCode::busy));
  }
}

TEST_CASE("A bridge is asked for nodes, never for values") {
  Bench bench(LookupKind::find_value);
  Candidate bridge = bench.peer(5, true);
  bridge.contact.role = wire::Role::bridge;
  bench.lookup.add_seed(bridge);
  bench.start();
  REQUIRE(bench.asks.size() == 1);
  const auto* request = std::get_if<wire::FindNodeRequest>(&bench.asks[0].message);
  REQUIRE(request != nullptr);
  CHECK(request->target == bench.target);
}

TEST_CASE("Neither we ourselves nor peers that cannot be reached become candidates") {
  Bench bench;
  bench.lookup.add_seed({.contact = dialable(bench.self), .connected = true});
  bench.lookup.add_seed({.contact = test::browser(random_id(bench.rng)), .connected = false});
  bench.lookup.add_seed({.contact = test::browser(random_id(bench.rng)), .connected = true});
  bench.start();
  CHECK(bench.asks.size() == 1);
}

TEST_CASE("Of one answer no more contacts are read than k") {
  Bench bench;
  const Candidate liar = bench.seed(0, true);
  bench.start();
  std::vector<Candidate> thousand;
  for (int count = 0; count < 1000; ++count) thousand.push_back(bench.peer(10));
  bench.answer(1ms, liar.contact.id, thousand);
  std::set<NodeId> asked;
  for (Duration now = 1s; bench.ends.empty(); now += 1s) bench.pass(now);
  for (const LookupAsk& ask : bench.asks) asked.insert(ask.peer.id);
  CHECK(asked.size() <= 21);
  CHECK(asked.size() == bench.asks.size());
}

TEST_CASE("Who named dead contacts is believed last") {
  Bench bench;
  const Candidate liar = bench.seed(3, true);
  const Candidate honest = bench.seed(2, true);
  bench.start();
  std::vector<Candidate> invented;
  for (int count = 0; count < 20; ++count) invented.push_back(bench.peer(30));
  const Candidate real = bench.peer(5);
  bench.answer(1ms, liar.contact.id, invented);
  bench.answer(2ms, honest.contact.id, {real});
  std::size_t wasted = 0;
  while (bench.asks.back().peer.id != real.contact.id) {
    bench.fail(3ms, bench.asks[2 + wasted].peer.id);
    ++wasted;
    REQUIRE(wasted < 10);
  }
  CHECK(wasted == 3);
}

TEST_CASE("The whole lookup ends after thirty seconds with what it has") {
  LookupOptions options;
  options.timeout_total = 2s;
  Bench some(LookupKind::find_node, options);
  const Candidate peer = some.seed(4, true);
  some.seed(3, true);
  some.start();
  some.answer(1ms, peer.contact.id);
  some.pass(1s);
  some.pass(2s);
  REQUIRE(some.ends.size() == 1);
  CHECK(some.ends[0].code == ErrorCode::none);
  CHECK(some.ends[0].answered.size() == 1);

  Bench none(LookupKind::find_value, options);
  none.seed(4, true);
  none.start();
  none.pass(2s);
  REQUIRE(none.ends.size() == 1);
  CHECK(none.ends[0].code == ErrorCode::timeout);
  CHECK(LookupOptions{}.timeout_total == 30s);
}

TEST_CASE(
    "D15: whatever peers say a lookup asks nobody twice, keeps its step bound, and ends once") {
  for (std::uint64_t seed = 1; seed <= 1000; ++seed) {
    CAPTURE(seed);
    Rng rng(seed);
    const NodeId self = random_id(rng);
    const NodeId target = random_id(rng);
    const bool value = rng.chance(1, 2);
    LookupOptions options;
    options.asks_max = 40;
    options.candidates_max = 60;
    Lookup lookup(self, value ? LookupKind::find_value : LookupKind::find_node, target,
                  value ? "key" : "", options);
    const auto invent = [&] {
      const auto bits = static_cast<unsigned>(rng.below(40));
      Candidate candidate{.contact = dialable(random_id_at(rng, target, bits)),
                          .connected = rng.chance(1, 3)};
      if (rng.chance(1, 20)) candidate.contact.id = self;
      return candidate;
    };
    for (int count = 0; count < 5; ++count) lookup.add_seed(invent());
    Instant now = at(1s);
    lookup.start(now);
    std::set<NodeId> asked;
    std::vector<NodeId> open;
    int ends = 0;
    int steps = 0;
    while (ends == 0) {
      REQUIRE(++steps < 5000);
      for (const LookupEffect& effect : drained(lookup)) {
        REQUIRE(ends == 0);
        if (const auto* ask = std::get_if<LookupAsk>(&effect)) {
          REQUIRE(ask->peer.id != self);
          REQUIRE(asked.insert(ask->peer.id).second);
          open.push_back(ask->peer.id);
        }
        if (const auto* ended = std::get_if<LookupEnded>(&effect)) {
          ++ends;
          REQUIRE(std::is_sorted(ended->answered.begin(), ended->answered.end(),
                                 [&](const wire::Contact& left, const wire::Contact& right) {
                                   return closer(target, left.id, right.id);
                                 }));
        }
      }
      REQUIRE(asked.size() <= options.asks_max);
      if (ends > 0) break;
      if (open.empty() || rng.chance(1, 3)) {
        now = lookup.next_deadline();
        REQUIRE(now != kNever);
        lookup.on_deadline(now);
        REQUIRE(lookup.next_deadline() > now);
        continue;
      }
      const std::size_t index = rng.below(open.size());
      const NodeId peer = open[index];
      if (rng.chance(2, 3)) open.erase(open.begin() + static_cast<std::ptrdiff_t>(index));
      std::vector<Candidate> contacts;
      const std::size_t named = rng.below(40);
      while (contacts.size() < named) contacts.push_back(invent());
      switch (rng.below(5)) {
        case 0:
          lookup.on_failed(now, peer, ErrorCode::busy);
          break;
        case 1:
          lookup.on_link_down(now, peer);
          break;
        case 2:
          lookup.on_link_up(now, invent().contact);
          break;
        default:
          lookup.on_contacts(now, peer, contacts);
      }
    }
    REQUIRE(now <= at(31s));
    lookup.on_deadline(now + 60s);
    lookup.cancel(now + 60s, ErrorCode::cancelled);
    lookup.on_link_up(now + 60s, invent().contact);
    REQUIRE(drained(lookup).empty());
    REQUIRE(lookup.next_deadline() == kNever);
  }
}

TEST_CASE("A cancelled lookup ends once with the code given") {
  Bench bench;
  bench.seed(3, true);
  bench.start();
  bench.lookup.cancel(at(1s), ErrorCode::shutting_down);
  bench.lookup.cancel(at(1s), ErrorCode::cancelled);
  bench.drain();
  REQUIRE(bench.ends.size() == 1);
  CHECK(bench.ends[0].code == ErrorCode::shutting_down);
}

namespace {

/// A lookup whose peers answer, fail, link up and down and name anybody, at random.
struct RandomLookup {
  static constexpr bool kEnds = true;
  Rng rng;
  NodeId target = random_id(rng);
  Lookup lookup;
  std::vector<NodeId> peers;

  explicit RandomLookup(std::uint64_t seed)
      : rng(seed), lookup(NodeId(1, 2, 3), LookupKind::find_node, target, "", {}) {
    for (int count = 0; count < 5; ++count) lookup.add_seed(candidate());
  }
  Candidate candidate() {
    const auto bits = static_cast<unsigned>(rng.below(30));
    peers.push_back(random_id_at(rng, target, bits));
    return {.contact = dialable(peers.back()), .connected = peers.size() % 2 == 0};
  }
  void act(Instant now, Rng& script) {
    if (!std::exchange(started, true)) return lookup.start(now);
    const NodeId peer = peers[script.below(peers.size())];
    const std::uint64_t action = script.below(5);
    if (action == 0) return lookup.on_failed(now, peer, ErrorCode::unreachable);
    if (action == 1) return lookup.on_link_up(now, dialable(peer));
    if (action == 2) return lookup.on_link_down(now, peer);
    const std::vector<Candidate> named = {candidate(), candidate(), candidate()};
    lookup.on_contacts(now, peer, named);
  }
  Instant next_deadline() const { return lookup.next_deadline(); }
  void on_deadline(Instant now) { lookup.on_deadline(now); }
  std::vector<std::string> drain(Instant /*now*/) {
    std::vector<std::string> texts;
    for (const LookupEffect& effect : drained(lookup)) {
      const auto* ask = std::get_if<LookupAsk>(&effect);
      texts.push_back(ask != nullptr ? "ask " + ask->peer.id.to_hex() : "ended");
    }
    return texts;
  }
  void shut(Instant now) { lookup.cancel(now, ErrorCode::cancelled); }
  void act_late(Instant now, Rng& script) { act(now, script); }
  bool started = false;
};

}  // namespace

TEST_CASE("A lookup obeys the laws of machines") {
  trestle::test::obey_the_laws<RandomLookup>(100, 60);
}

}  // namespace trestle::dht
