// The ways to a peer: round trips, through others, carried by the network, and what is told of it.
#include <algorithm>
#include <map>
#include <vector>

#include "catch.hpp"
#include "dht/dht_bench.hpp"

namespace trestle::dht {
namespace {

using namespace std::chrono_literals;
using test::at;
using test::DhtBench;
using test::random_id;
using test::random_id_at;

/// A linked peer that shares so many leading bits with `target`.
wire::Contact linked_near(DhtBench& bench, const NodeId& target, unsigned bits,
                          wire::Dialect dialect = wire::Dialect::native) {
  wire::Contact contact = test::dialable(random_id_at(bench.rng, target, bits));
  contact.dialect = dialect;
  bench.link(1s, contact);
  return contact;
}

NodeId far_target(DhtBench& bench) { return random_id_at(bench.rng, bench.dht.self().id, 0); }

Ask ask_of(const DhtBench& bench, const NodeId& peer) {
  const auto found = std::find_if(bench.asks.begin(), bench.asks.end(),
                                  [&](const Ask& ask) { return ask.peer.id == peer; });
  REQUIRE(found != bench.asks.end());
  return *found;
}

}  // namespace

TEST_CASE("P-KR-9: in a lookup an unmeasured peer stands where the average of the measured does") {
  DhtOptions options;
  options.lookup.parallel_max = 1;
  DhtBench bench(options);
  const NodeId target = far_target(bench);
  const wire::Contact slow = linked_near(bench, target, 3);
  const wire::Contact quick = linked_near(bench, target, 3);
  CHECK(bench.dht.stats().round_trip == 0ms);
  // Both are measured by the answers to a search, nothing is sent for it.
  Duration now = 10s;
  const std::uint64_t asked_before = bench.dht.stats().asks;
  REQUIRE(bench.dht.find(at(now), target));
  bench.drain();
  while (!bench.asks.empty()) {
    const Ask ask = bench.asks[0];
    bench.asks.clear();
    now += ask.peer.id == slow.id ? 900ms : 10ms;
    bench.answer(now, ask, wire::FindNodeResponse{});
  }
  CHECK(bench.dht.stats().asks == asked_before + 2);
  const wire::Contact fresh = test::dialable(random_id_at(bench.rng, target, 3));
  bench.dht.on_link_up(at(now), fresh);
  bench.drain();
  bench.asks.clear();
  REQUIRE(bench.dht.find(at(now), target));
  bench.drain();
  std::vector<NodeId> order;
  while (bench.ends.size() < 2) {
    REQUIRE(bench.asks.size() == 1);
    const Ask ask = bench.asks[0];
    bench.asks.clear();
    order.push_back(ask.peer.id);
    bench.answer(now, ask, wire::FindNodeResponse{});
  }
  CHECK(order == std::vector<NodeId>{quick.id, fresh.id, slow.id});
}

TEST_CASE("LOOK-07: a peer that cannot be dialled is asked through the one that named it") {
  DhtBench bench;
  const NodeId target = far_target(bench);
  const wire::Contact namer = linked_near(bench, target, 2);
  linked_near(bench, target, 3);
  const wire::Contact hidden = test::browser(random_id_at(bench.rng, target, 12));
  REQUIRE(bench.dht.find(at(2s), target));
  bench.drain();
  bench.answer(2s, ask_of(bench, namer.id), wire::FindNodeResponse{{hidden}});
  const Ask through = ask_of(bench, hidden.id);
  CHECK(through.through == namer.id);
  CHECK(through.timeout == 3s);
  CHECK(std::get<wire::FindNodeRequest>(through.message).target == target);
  const wire::Contact news = bench.stranger();
  bench.answer(3s, through, wire::FindNodeResponse{{news}});
  // It taught something, but is no sign of life of anybody.
  CHECK_FALSE(bench.discoveries.empty());
  CHECK(bench.dht.table().find(hidden.id) == nullptr);
  CHECK(bench.dht.stats().asks_through == 1);
}

TEST_CASE("LOOK-09: a peer whose dial failed is asked through another one, once") {
  DhtBench bench;
  const NodeId target = far_target(bench);
  const wire::Contact namer = linked_near(bench, target, 2);
  const wire::Contact dark = test::dialable(random_id_at(bench.rng, target, 12));
  REQUIRE(bench.dht.find(at(2s), target));
  bench.drain();
  bench.answer(2s, ask_of(bench, namer.id), wire::FindNodeResponse{{dark}});
  const Ask direct = ask_of(bench, dark.id);
  CHECK_FALSE(direct.through);
  bench.asks.clear();
  bench.dht.on_ask_failed(at(4s), direct.ask, ErrorCode::unreachable);
  bench.drain();
  REQUIRE(bench.asks.size() == 1);
  CHECK(bench.asks[0].peer.id == dark.id);
  CHECK(bench.asks[0].through == namer.id);
  CHECK(bench.asks[0].timeout == 1s);
  CHECK(bench.ends.empty());
  const Ask carried = bench.asks[0];
  bench.dht.on_ask_failed(at(5s) - 1ms, carried.ask, ErrorCode::unreachable);
  bench.drain();
  REQUIRE(bench.ends.size() == 1);
  CHECK(bench.ends[0].contacts == wire::Contacts{namer});
}

TEST_CASE(
    "LOOK-07: a peer that has no room for a link is asked through another one, unvouched for") {
  DhtBench bench;
  const NodeId target = far_target(bench);
  const wire::Contact hop = linked_near(bench, target, 6);
  const wire::Contact full = linked_near(bench, target, 12);
  bench.dht.on_link_down(at(2s), full.id, LinkEnding::let_go);
  REQUIRE(bench.dht.find(at(3s), target));
  bench.drain();
  const Ask direct = ask_of(bench, full.id);
  CHECK_FALSE(direct.through);
  bench.asks.clear();
  bench.dht.on_ask_failed(at(4s), direct.ask, ErrorCode::busy);
  bench.drain();
  CHECK(ask_of(bench, full.id).through == hop.id);
  CHECK(bench.dht.table().find(full.id)->failures == 0);
}

TEST_CASE("Nobody is asked through a peer of the old dialect, or one that is not nearer") {
  DhtBench bench;
  const NodeId target = far_target(bench);
  const wire::Contact old_peer = linked_near(bench, target, 6, wire::Dialect::legacy);
  NodeId farther = target;
  while (!closer(target, bench.dht.self().id, farther)) {
    farther = random_id_at(bench.rng, bench.dht.self().id, 4);
  }
  const wire::Contact away = test::dialable(farther);
  bench.link(1s, away);
  const wire::Contact hidden = test::browser(random_id_at(bench.rng, target, 12));
  CHECK_FALSE(bench.dht.next_hop(hidden.id, {}));
  REQUIRE(bench.dht.find(at(2s), target));
  bench.drain();
  bench.answer(2s, ask_of(bench, old_peer.id), wire::FindNodeResponse{{hidden}});
  bench.answer(2s, ask_of(bench, away.id), wire::FindNodeResponse{{hidden}});
  REQUIRE(bench.ends.size() == 1);
  CHECK(bench.dht.stats().asks_through == 0);
}

TEST_CASE("A copy is never meant for a peer that is reached through another one") {
  DhtBench bench;
  const NodeId target = bench.place("key");
  wire::Contact namer = test::dialable(random_id_at(bench.rng, target, 30));
  bench.link(1s, namer);
  const wire::Contact hidden = test::browser(random_id_at(bench.rng, target, 40));
  REQUIRE(bench.dht.put(at(2s), "key", test::value_of("value"), 1h));
  bench.drain();
  bench.answer(2s, ask_of(bench, namer.id), wire::FindNodeResponse{{hidden}});
  bench.answer(3s, ask_of(bench, hidden.id), wire::FindNodeResponse{});
  std::size_t stores = 0;
  for (const Ask& ask : bench.asks) {
    if (!std::holds_alternative<wire::StoreRequest>(ask.message)) continue;
    ++stores;
    CHECK(ask.peer.id == namer.id);
  }
  CHECK(stores == 1);
}

TEST_CASE("A carried question is served like another, but no copy is taken and nobody is alive") {
  DhtBench bench;
  const wire::Contact peer = bench.linked(1s);
  const NodeId origin = random_id(bench.rng);
  const auto nodes = bench.dht.serve_carried(at(2s), origin, wire::FindNodeRequest{origin});
  REQUIRE(std::holds_alternative<wire::FindNodeResponse>(nodes));
  CHECK(std::get<wire::FindNodeResponse>(nodes).contacts == wire::Contacts{peer});
  wire::Record record;
  record.key = "key";
  const auto refused = bench.dht.serve_carried(at(2s), origin, wire::StoreRequest{record});
  REQUIRE(std::holds_alternative<wire::Failure>(refused));
  CHECK(std::get<wire::Failure>(refused).code == ErrorCode::unsupported);
  CHECK(bench.dht.table().find(origin) == nullptr);
}

// ---- carried by the network

TEST_CASE("X29: searches are iterative unless told otherwise; recursive ones confirm what came") {
  CHECK(DhtOptions{}.mode == LookupMode::iterative);
  DhtOptions options;
  options.mode = LookupMode::recursive;
  DhtBench bench(options);
  const NodeId target = far_target(bench);
  const wire::Contact hop = linked_near(bench, target, 4);
  linked_near(bench, target, 2);
  bench.asks.clear();
  REQUIRE(bench.dht.find(at(2s), target));
  bench.drain();
  REQUIRE(bench.asks.size() == 1);
  const Ask handed = bench.asks[0];
  CHECK(handed.peer.id == hop.id);
  const auto* search = std::get_if<wire::RecursiveFindRequest>(&handed.message);
  REQUIRE(search != nullptr);
  CHECK(search->target == target);
  CHECK(search->originator == bench.dht.self().id);
  CHECK(search->hop_count == 0);
  bench.asks.clear();

  SECTION("what the last hop knows is asked") {
    const wire::Contact near = test::dialable(random_id_at(bench.rng, target, 20));
    bench.answer(2s, handed, wire::RecursiveFindResponse{{near}, 3});
    REQUIRE(bench.asks.size() == 3);
    CHECK(bench.asks[0].peer == near);
    bench.answer_all(2s);
    REQUIRE(bench.ends.size() == 1);
    CHECK(bench.ends[0].contacts.size() == 3);
    CHECK(bench.ends[0].contacts[0] == near);
  }
  SECTION("without an answer we ask ourselves") {
    bench.dht.on_ask_failed(at(6s), handed.ask, ErrorCode::timeout);
    bench.drain();
    CHECK(bench.asks.size() == 2);
    bench.answer_all(6s);
    CHECK(bench.ends.size() == 1);
  }
  SECTION("also after a refusal") {
    bench.answer(2s, handed, wire::Failure{ErrorCode::unsupported, 0, ""});
    CHECK(bench.asks.size() == 2);
    bench.answer_all(2s);
    CHECK(bench.ends.size() == 1);
  }
}

// ---- what is told

TEST_CASE("OBS-08: the end of every question is told if wanted, with all there is to know of it") {
  DhtOptions options;
  options.questions = QuestionReport::told;
  DhtBench bench(options);
  const NodeId target = far_target(bench);
  const wire::Contact first = linked_near(bench, target, 2);
  const wire::Contact second = linked_near(bench, target, 3);
  const auto operation = bench.dht.find(at(2s), target);
  REQUIRE(operation);
  bench.drain();
  bench.questions.clear();
  bench.answer(2005ms, ask_of(bench, first.id), wire::FindNodeResponse{{second}});
  bench.dht.on_ask_failed(at(12s), ask_of(bench, second.id).ask, ErrorCode::timeout);
  bench.drain();
  REQUIRE(bench.questions.size() == 2);
  CHECK(bench.questions[0].operation == *operation);
  CHECK(bench.questions[0].step.peer == first.id);
  CHECK(bench.questions[0].step.contacts == 1);
  CHECK(bench.questions[0].step.took == 5ms);
  CHECK(bench.questions[1].step.code == ErrorCode::timeout);
  CHECK(bench.questions[1].linked);
  CHECK(bench.questions[1].failures == 1);
}

TEST_CASE("OBS-08: a peer that lives but answers no question is named once, until it answers") {
  DhtBench bench;
  const wire::Contact mute = bench.linked(1s);
  const auto ask_in_vain = [&](Duration when, bool heard) {
    bench.asks.clear();
    REQUIRE(bench.dht.find(at(when), mute.id));
    bench.drain();
    const Ask ask = bench.asks[0];
    if (heard) bench.dht.on_heard(at(when + 5s), mute.id);
    bench.dht.on_ask_failed(at(when + 10s), ask.ask, ErrorCode::timeout);
    bench.drain();
  };
  for (int count = 0; count < 5; ++count) ask_in_vain(100s + count * 20s, false);
  CHECK(bench.deaf.empty());  // Silent altogether: that is what keepalives are for.
  bench.dht.on_heard(at(250s), mute.id);
  for (int count = 0; count < 2; ++count) ask_in_vain(300s + count * 20s, true);
  CHECK(bench.deaf.empty());
  for (int count = 2; count < 6; ++count) ask_in_vain(300s + count * 20s, true);
  REQUIRE(bench.deaf.size() == 1);
  CHECK(bench.deaf[0].peer == mute.id);
  CHECK(bench.deaf[0].questions == 3);
  CHECK(bench.dht.stats().deaf == 6);
  bench.asks.clear();
  REQUIRE(bench.dht.find(at(500s), mute.id));
  bench.drain();
  bench.answer_all(501s);
  for (int count = 0; count < 3; ++count) ask_in_vain(600s + count * 20s, true);
  CHECK(bench.deaf.size() == 2);
}

}  // namespace trestle::dht
