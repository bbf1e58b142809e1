// How our own questions end, and what an answer teaches.
#include "catch.hpp"
#include "dht/dht_bench.hpp"

namespace trestle::dht {
namespace {

using namespace std::chrono_literals;
using test::at;
using test::DhtBench;
using test::random_id;

/// The open question of a fresh search among the linked peers.
Ask first_ask(DhtBench& bench, Duration when, const NodeId& target) {
  bench.asks.clear();
  REQUIRE(bench.dht.find(at(when), target));
  bench.drain();
  REQUIRE_FALSE(bench.asks.empty());
  return bench.asks[0];
}

}  // namespace

TEST_CASE("A contact learned from an answer is announced once, and not if we know it well") {
  DhtBench bench;
  const wire::Contact known = bench.linked(1s);
  const wire::Contact other = bench.linked(1s);
  const wire::Contact fresh = bench.stranger();
  const Ask ask = first_ask(bench, 2s, known.id);
  const wire::Contacts named = {fresh,
                                other,
                                bench.dht.self(),
                                test::browser(random_id(bench.rng)),
                                bench.stranger(wire::Role::observer),
                                fresh};
  bench.answer(2s, ask, wire::FindNodeResponse{named});
  REQUIRE(bench.discoveries.size() == 1);
  CHECK(bench.discoveries[0].contact == fresh);
  CHECK(bench.dht.table().find(fresh.id) == nullptr);
  const Ask again = first_ask(bench, 3s, known.id);
  bench.answer(3s, again, wire::FindNodeResponse{named});
  CHECK(bench.discoveries.size() == 1);
}

TEST_CASE("Of an answer with a thousand contacts twenty are read") {
  DhtBench bench;
  const wire::Contact peer = bench.linked(1s);
  const Ask ask = first_ask(bench, 2s, peer.id);
  wire::FindNodeResponse response;
  while (response.contacts.size() < 1000) response.contacts.push_back(bench.stranger());
  bench.answer(2s, ask, response);
  CHECK(bench.discoveries.size() == 20);
}

TEST_CASE("T9: an address we proved ourselves goes before the one somebody names") {
  DhtBench bench;
  const wire::Contact liar = bench.linked(1s);
  const wire::Contact victim = bench.linked(1s);
  bench.dht.on_link_down(at(2s), victim.id);
  wire::Contact false_contact = victim;
  false_contact.address = "ws://attacker.test:1";
  const Ask ask = first_ask(bench, 3s, liar.id);
  bench.answer(3s, ask, wire::FindNodeResponse{{false_contact}});
  REQUIRE(bench.discoveries.size() == 1);
  CHECK(bench.discoveries[0].contact == victim);
  for (const Ask& other : bench.asks) CHECK(other.peer.address != false_contact.address);
  CHECK(bench.dht.table().find(victim.id)->contact == victim);
}

TEST_CASE("X33: three silent questions make a peer be passed over; an answer or a link clears it") {
  DhtBench bench;
  const wire::Contact peer = bench.linked(1s);
  for (int time = 0; time < 3; ++time) {
    const Ask ask = first_ask(bench, 2s, peer.id);
    bench.dht.on_ask_failed(at(3s), ask.ask, ErrorCode::timeout);
    bench.drain();
  }
  const Peer* entry = bench.dht.table().find(peer.id);
  REQUIRE(entry != nullptr);
  CHECK(bench.dht.table().is_failed(*entry));
  bench.dht.on_heard(at(4s), peer.id);
  CHECK_FALSE(bench.dht.table().is_failed(*bench.dht.table().find(peer.id)));
}

TEST_CASE("A refusal is a sign of life, a busy peer and our own cancelling count against nobody") {
  DhtBench bench;
  const wire::Contact peer = bench.linked(1s);
  for (int time = 0; time < 5; ++time) {
    const Ask refused = first_ask(bench, 2s, peer.id);
    bench.answer(2s, refused, wire::Failure{.code = ErrorCode::data_refused, .text = {}});
    const Ask cancelled = first_ask(bench, 2s, peer.id);
    bench.dht.on_ask_failed(at(2s), cancelled.ask, ErrorCode::busy);
    bench.drain();
  }
  CHECK(bench.dht.table().find(peer.id)->failures == 0);
  CHECK(bench.ends.size() == 10);
  const auto ended_with = [&](ErrorCode code) {
    return std::ranges::count(bench.ends, code, &Ended::code);
  };
  CHECK(ended_with(ErrorCode::unreachable) == 5);
  CHECK(ended_with(ErrorCode::busy) == 5);
}

TEST_CASE("An answer of the wrong kind is a failure of the question") {
  DhtBench bench;
  const wire::Contact peer = bench.linked(1s);
  for (const wire::Message& nonsense :
       {wire::Message(wire::Pong{}), wire::Message(wire::StoreResponse{}),
        wire::Message(wire::FindValueResponse{.found = true, .record = {}, .contacts = {}})}) {
    bench.ends.clear();
    const Ask ask = first_ask(bench, 2s, peer.id);
    bench.answer(2s, ask, nonsense);
    REQUIRE(bench.ends.size() == 1);
    CHECK(bench.ends[0].code == ErrorCode::unreachable);
  }
}

TEST_CASE("A second end of the same question and one of no question do nothing") {
  DhtBench bench;
  const wire::Contact peer = bench.linked(1s);
  const Ask ask = first_ask(bench, 2s, peer.id);
  bench.answer(2s, ask, wire::FindNodeResponse{});
  REQUIRE(bench.ends.size() == 1);
  bench.answer(2s, ask, wire::FindNodeResponse{{bench.stranger()}});
  bench.dht.on_ask_failed(at(2s), ask.ask, ErrorCode::timeout);
  bench.dht.on_ask_failed(at(2s), AskId{999'999}, ErrorCode::timeout);
  bench.drain();
  CHECK(bench.ends.size() == 1);
  CHECK(bench.discoveries.empty());
  CHECK(bench.dht.table().find(peer.id)->failures == 0);
  CHECK(bench.dht.stats().answers_late == 1);
}

TEST_CASE("An answer after the end of its lookup still teaches") {
  DhtOptions options;
  options.lookup.timeout_total = 2s;
  DhtBench bench(options);
  const wire::Contact peer = bench.linked(1s);
  const wire::Contact fresh = bench.stranger();
  const Ask ask = first_ask(bench, 2s, peer.id);
  bench.dht.on_deadline(at(4s));
  bench.drain();
  REQUIRE(bench.ends.size() == 1);
  CHECK(bench.ends[0].code == ErrorCode::timeout);
  bench.answer(5s, ask, wire::FindNodeResponse{{fresh}});
  REQUIRE(bench.discoveries.size() == 1);
  CHECK(bench.dht.table().find(peer.id)->seen == at(5s));
}

TEST_CASE("A question nobody reported on is forgotten and counts as silence") {
  DhtBench bench;
  const wire::Contact peer = bench.linked(1s);
  first_ask(bench, 2s, peer.id);
  bench.dht.on_deadline(at(12s));
  bench.drain();
  CHECK(bench.ends.size() == 1);
  CHECK(bench.dht.stats().asks_forgotten == 0);
  bench.dht.on_deadline(at(17s));
  CHECK(bench.dht.stats().asks_forgotten == 1);
  CHECK(bench.dht.table().find(peer.id)->failures == 1);
}

TEST_CASE("Contacts heard of serve as candidates while the table is thin") {
  DhtBench bench;
  const wire::Contact rumour = bench.stranger();
  bench.dht.on_contact(at(1s), rumour);
  const Ask ask = first_ask(bench, 2s, rumour.id);
  CHECK(ask.peer == rumour);
  CHECK(ask.timeout == 3s);
  bench.dht.on_ask_failed(at(3s), ask.ask, ErrorCode::unreachable);
  bench.drain();
  bench.asks.clear();
  REQUIRE(bench.dht.find(at(4s), rumour.id));
  bench.drain();
  CHECK(bench.asks.empty());
}

}  // namespace trestle::dht
