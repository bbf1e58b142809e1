// Rate limits with an answer: served and suffered.
#include <algorithm>
#include <vector>

#include "catch.hpp"
#include "dht/dht_bench.hpp"

namespace trestle::dht {
namespace {

using namespace std::chrono_literals;
using test::at;
using test::DhtBench;
using test::random_id;
using test::value_of;

const wire::Failure* limited(const wire::Message& message) {
  const auto* failure = std::get_if<wire::Failure>(&message);
  return failure != nullptr && failure->code == ErrorCode::rate_limited ? failure : nullptr;
}

wire::Failure wait_of(std::uint32_t milliseconds) {
  return {ErrorCode::rate_limited, milliseconds, "later"};
}

/// A linked machine with one `find` under way, whose questions lie in `asks`.
struct Searching {
  DhtBench bench;
  wire::Contact first = bench.linked(1s);
  wire::Contact second = bench.linked(1s);

  /// Its own neighbourhood is looked up and confirmed, so that nothing else is asked for a while.
  Searching() {
    bench.dht.on_deadline(at(1'400ms));
    bench.drain();
    bench.answer_all(1'400ms);
  }

  void find(Duration when) {
    REQUIRE(bench.dht.find(at(when), random_id(bench.rng)));
    bench.drain();
  }
  Ask take_ask_to(const NodeId& peer) {
    const auto found = std::find_if(bench.asks.begin(), bench.asks.end(),
                                    [&](const Ask& ask) { return ask.peer.id == peer; });
    REQUIRE(found != bench.asks.end());
    Ask ask = *found;
    bench.asks.erase(found);
    return ask;
  }
};

}  // namespace

TEST_CASE("RATE-01: a peer that carries on as many lookups as a node may have is always served") {
  DhtBench bench;
  const wire::Contact peer = bench.linked(1s);
  // 64 operations at once, each asking this peer once, time and again.
  for (int second = 2; second < 30; second += 2) {
    for (int lookup = 0; lookup < 64; ++lookup) {
      const auto answer =
          bench.request(std::chrono::seconds(second), peer.id, wire::FindNodeRequest{peer.id});
      REQUIRE(std::holds_alternative<wire::FindNodeResponse>(answer));
    }
  }
  CHECK(bench.dht.stats().requests_limited == 0);
}

TEST_CASE("RATE-06: over the limit the answer is RATE_LIMITED with the wait, and it holds") {
  DhtBench bench;
  const wire::Contact greedy = bench.linked(1s);
  const wire::Contact modest = bench.linked(1s);
  const auto ask = [&](Duration when, const wire::Contact& from) {
    return bench.request(when, from.id, wire::FindNodeRequest{from.id});
  };
  int served = 0;
  while (!limited(ask(2s, greedy))) ++served;
  CHECK(served == 512);
  const wire::Message refused = ask(2s, greedy);
  REQUIRE(limited(refused));
  CHECK(limited(refused)->retry_after_ms <= 1001);
  CHECK(limited(ask(2s, greedy)));
  // Others, and its other kinds of request, are served meanwhile.
  CHECK_FALSE(limited(ask(2s, modest)));
  CHECK_FALSE(limited(bench.request(2s, greedy.id, wire::FindValueRequest{"key"})));
  const Duration again = 2s + std::chrono::milliseconds(limited(refused)->retry_after_ms);
  for (int count = 0; count < 64; ++count) CHECK_FALSE(limited(ask(again, greedy)));
  CHECK(limited(ask(again, greedy)));
  CHECK(bench.dht.stats().requests_limited == 4);
}

TEST_CASE("P-CR-6: a flood is answered request by request") {
  DhtBench bench;
  const wire::Contact peer = bench.linked(1s);
  for (int count = 0; count < 3000; ++count) {
    bench.request(2s, peer.id, wire::FindNodeRequest{peer.id});
    REQUIRE(bench.responses.size() == 1);
  }
}

TEST_CASE("RATE-06: refusals are logged where their number crosses a threshold, not each") {
  DhtBench bench;
  const wire::Contact peer = bench.linked(1s);
  std::vector<LogRecord> lines;
  for (std::uint64_t count = 1; count <= 3000; ++count) {
    bench.dht.on_request(at(2s), peer.id, {count}, wire::FindNodeRequest{peer.id});
    while (auto effect = bench.dht.poll_effect()) {
      if (auto* line = std::get_if<LogRecord>(&*effect)) lines.push_back(*line);
    }
  }
  REQUIRE(lines.size() == 4);  // the 1st, 10th, 100th, 1000th
  for (const LogRecord& line : lines) {
    CHECK(line.event == "dht.rate_limited");
    CHECK(line.peer == peer.id);
    CHECK(line.code == ErrorCode::rate_limited);
  }
  CHECK(lines[0].level == LogLevel::info);
  CHECK(lines[3].level == LogLevel::warning);
}

TEST_CASE("Peers of the old dialect get an empty answer, counted by address") {
  DhtBench bench;
  bench.linked(1s);
  const LinkOrigin household{
      .groups = {},
      .unproven = link::RateKey::of_unproven("192.0.2.1", {link::ConnectionOwner::node, 1})};
  std::vector<NodeId> siblings;
  for (int count = 0; count < 2; ++count) {
    const wire::Contact sibling = test::legacy(random_id(bench.rng));
    siblings.push_back(sibling.id);
    bench.dht.on_link_up(at(1s), sibling, household);
    bench.drain();
    bench.answer_all(1s);
  }
  std::size_t answered = 0;
  for (int count = 0; count < 200; ++count) {
    const auto message =
        bench.request(2s, siblings[count % 2 == 0 ? 0 : 1], wire::FindNodeRequest{siblings[0]});
    REQUIRE(std::holds_alternative<wire::FindNodeResponse>(message));
    if (!std::get<wire::FindNodeResponse>(message).contacts.empty()) ++answered;
  }
  CHECK(answered == 64);
  CHECK(bench.dht.stats().requests_limited == 136);
  const auto value = bench.request(2s, siblings[0], wire::FindValueRequest{"key"});
  CHECK(std::holds_alternative<wire::FindValueResponse>(value));
}

TEST_CASE("RATE-05: a limited question is asked again after the wait, and counts against nobody") {
  Searching searching;
  DhtBench& bench = searching.bench;
  searching.find(2s);
  const Ask ask = searching.take_ask_to(searching.first.id);
  bench.answer(2s, ask, wait_of(1500));
  CHECK(bench.dht.stats().pacing.waiting == 1);
  CHECK(bench.dht.table().find(searching.first.id)->failures == 0);
  bench.dht.on_deadline(at(3'499ms));
  bench.drain();
  const auto again = [&] {
    return std::count_if(bench.asks.begin(), bench.asks.end(),
                         [&](const Ask& one) { return one.peer.id == searching.first.id; });
  };
  CHECK(again() == 0);
  bench.dht.on_deadline(at(3'500ms));
  bench.drain();
  REQUIRE(again() == 1);
  const Ask repeated = searching.take_ask_to(searching.first.id);
  CHECK(repeated.ask == ask.ask);
  CHECK(repeated.timeout == 8'500ms);
  bench.answer_all(4s);
  bench.answer(4s, repeated, wire::FindNodeResponse{});
  REQUIRE(bench.ends.size() == 1);
  CHECK(bench.ends[0].code == ErrorCode::none);
  CHECK(bench.ends[0].contacts.size() == 2);
}

TEST_CASE("RATE-05: who leaves a repeated question unanswered is asked last, as after any other") {
  for (const bool is_repeated : {false, true}) {
    CAPTURE(is_repeated);
    Searching searching;
    DhtBench& bench = searching.bench;
    searching.find(2s);
    const Ask ask = searching.take_ask_to(searching.first.id);
    if (is_repeated) {
      bench.answer(2s, ask, wait_of(500));
      bench.dht.on_deadline(at(2'500ms));
      bench.drain();
      searching.take_ask_to(searching.first.id);
    }
    bench.answer_all(3s);
    for (int count = 0; count < 4; ++count) bench.linked(3s);
    bench.asks.clear();
    REQUIRE(bench.dht.get(at(4s), "key"));
    bench.drain();
    for (const Ask& one : bench.asks) CHECK(one.peer.id != searching.first.id);
  }
}

TEST_CASE("RATE-05: while one peer has us wait another is asked in its stead") {
  Searching searching;
  DhtBench& bench = searching.bench;
  for (int count = 0; count < 10; ++count) bench.linked(1s);
  searching.find(2s);
  REQUIRE(bench.asks.size() == 4);
  const std::vector<Ask> asked = std::exchange(bench.asks, {});
  for (const Ask& ask : asked) bench.answer(2s, ask, wait_of(5000));
  bench.asks.clear();
  bench.dht.on_deadline(at(3'001ms));
  bench.drain();
  CHECK(bench.asks.size() == 4);
}

TEST_CASE("RATE-05: a wait beyond the question's own time fails it alone") {
  Searching searching;
  DhtBench& bench = searching.bench;
  searching.find(2s);
  bench.answer(2s, searching.take_ask_to(searching.first.id), wait_of(20'000));
  CHECK(bench.dht.stats().pacing.waiting == 0);
  CHECK(bench.dht.stats().pacing.rejected == 1);
  bench.answer_all(2s);
  REQUIRE(bench.ends.size() == 1);
  CHECK(bench.ends[0].contacts.size() == 1);
}

TEST_CASE("P-ML-6: a question whose operation has ended is not asked again") {
  Searching searching;
  DhtBench& bench = searching.bench;
  searching.find(2s);
  bench.answer(2s, searching.take_ask_to(searching.first.id), wait_of(3000));
  bench.dht.close(at(3s));
  bench.drain();
  bench.asks.clear();
  bench.dht.on_deadline(at(10s));
  bench.drain();
  CHECK(bench.asks.empty());
  CHECK(bench.dht.next_deadline() == kNever);
}

TEST_CASE("RATE-03: limited while it starts, a node turns to whomever it has heard of, once") {
  DhtBench bench;
  std::vector<NodeId> heard;
  for (int count = 0; count < 3; ++count) {
    const wire::Contact contact = bench.stranger();
    heard.push_back(contact.id);
    bench.dht.on_contact(at(1s), contact);
  }
  const wire::Contact only = bench.stranger();
  bench.dht.on_link_up(at(1s), only);
  bench.drain();
  const auto to_only = std::find_if(bench.asks.begin(), bench.asks.end(),
                                    [&](const Ask& ask) { return ask.peer.id == only.id; });
  REQUIRE(to_only != bench.asks.end());
  const Ask ask = *to_only;
  bench.discoveries.clear();
  bench.answer(1s, ask, wait_of(2000));
  CHECK(bench.discoveries.size() == 3);
  bench.discoveries.clear();
  bench.dht.on_deadline(at(3s));
  bench.drain();
  bench.answer(3s, ask, wait_of(2000));
  CHECK(bench.discoveries.empty());
}

}  // namespace trestle::dht
