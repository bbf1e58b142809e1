#include "trestle/link/multiplexer.hpp"

#include <map>
#include <vector>

#include "catch.hpp"
#include "trestle/base/rng.hpp"

using namespace trestle;
using link::Multiplexer;
using namespace std::chrono_literals;

namespace {

constexpr Instant kStart = Instant(1000s);
const wire::Message kAsk = wire::FindNodeRequest{};
const wire::Message kAnswer = wire::FindNodeResponse{};

}  // namespace

TEST_CASE("P-BR-2: a response reaches exactly the request that carries its id") {
  for (std::uint64_t seed = 1; seed <= 1000; ++seed) {
    Rng rng(seed);
    Multiplexer multiplexer;
    std::map<std::uint64_t, Multiplexer::Token> waiting;
    std::map<Multiplexer::Token, int> ends;
    Multiplexer::Token next_token = 0;
    for (int step = 0; step < 60; ++step) {
      const std::uint64_t kind = rng.below(4);
      if (kind < 2) {
        const auto id = multiplexer.open(kStart, kAsk, kStart + 5s, ++next_token);
        REQUIRE(id.has_value());
        REQUIRE_FALSE(waiting.contains(id->value));
        waiting[id->value] = next_token;
      } else if (kind == 2 && !waiting.empty()) {
        auto chosen = waiting.begin();
        std::advance(chosen, static_cast<long>(rng.below(waiting.size())));
        const auto matched = multiplexer.on_answer(kStart, {chosen->first}, kAnswer);
        REQUIRE(matched.has_value());
        CHECK(matched->token == chosen->second);
        ++ends[matched->token];
        const wire::RequestId repeated{chosen->first};
        waiting.erase(chosen);
        CHECK_FALSE(multiplexer.on_answer(kStart, repeated, kAnswer).has_value());
      } else {
        const std::uint64_t forged = rng.below(1 << 20);
        if (!waiting.contains(forged)) {
          CHECK_FALSE(multiplexer.on_answer(kStart, {forged}, kAnswer).has_value());
        }
      }
    }
    multiplexer.close(ErrorCode::connection_lost);
    while (const auto failed = multiplexer.poll_effect()) ++ends[failed->token];
    REQUIRE(ends.size() == next_token);
    for (const auto& [token, count] : ends) REQUIRE(count == 1);
  }
}

TEST_CASE("T38: of a million forged answers none ends a request") {
  Rng rng(38);
  Multiplexer multiplexer;
  std::map<std::uint64_t, Multiplexer::Token> waiting;
  std::vector<std::uint64_t> over;
  Multiplexer::Token next_token = 0;
  const auto open = [&] {
    const auto id = multiplexer.open(kStart, kAsk, kStart + 5s, ++next_token);
    REQUIRE(id.has_value());
    waiting[id->value] = next_token;
    return id->value;
  };
  for (int count = 0; count < 100; ++count) open();
  for (int forged = 0; forged < 1'000'000; ++forged) {
    if (forged % 1000 == 0) {  // The honest ones go on, so that there are ids that were right once.
      over.push_back(waiting.begin()->first);
      REQUIRE(multiplexer.on_answer(kStart, {over.back()}, kAnswer).has_value());
      waiting.erase(waiting.begin());
      open();
    }
    // Near what is open, what was open, a bit beside it, or anything.
    std::uint64_t id = 0;
    switch (rng.below(4)) {
      case 0:
        id = waiting.begin()->first + rng.below(100'000);
        break;
      case 1:
        id = over[static_cast<std::size_t>(rng.below(over.size()))];
        break;
      case 2:
        id = waiting.rbegin()->first ^ std::uint64_t{1} << rng.below(64);
        break;
      default:
        id = rng.next();
    }
    if (waiting.contains(id)) continue;
    if (multiplexer.on_answer(kStart, {id}, kAnswer)) FAIL("a forged answer was believed: " << id);
  }
  CHECK(multiplexer.stats().in_flight == 100);
  for (const auto& [id, token] : waiting) {
    const auto matched = multiplexer.on_answer(kStart, {id}, kAnswer);
    REQUIRE(matched.has_value());
    CHECK(matched->token == token);
  }
}

TEST_CASE("P-BR-4: an unanswered request fails at its deadline and a late answer is ignored") {
  Multiplexer multiplexer;
  const auto id = multiplexer.open(kStart, kAsk, kStart + 5s, 7);
  CHECK(multiplexer.next_deadline() == kStart + 5s);
  multiplexer.on_deadline(kStart + 5s - 1us);
  CHECK_FALSE(multiplexer.poll_effect().has_value());
  multiplexer.on_deadline(kStart + 5s);
  const auto failed = multiplexer.poll_effect();
  REQUIRE(failed.has_value());
  CHECK(failed->token == 7);
  CHECK(failed->code == ErrorCode::timeout);
  CHECK(multiplexer.next_deadline() == kNever);
  CHECK_FALSE(multiplexer.on_answer(kStart + 6s, *id, kAnswer).has_value());
  CHECK(multiplexer.stats().unmatched_answers == 1);
}

TEST_CASE("P-BR-6: everything of a finished request is released") {
  Multiplexer multiplexer({.in_flight_max = 8});
  for (int round = 0; round < 1000; ++round) {
    std::vector<wire::RequestId> ids;
    for (int count = 0; count < 8; ++count) {
      ids.push_back(*multiplexer.open(kStart, kAsk, kStart + 5s, 0));
    }
    CHECK(multiplexer.open(kStart, kAsk, kStart + 5s, 0).error() == Multiplexer::Refusal::full);
    multiplexer.on_answer(kStart, ids[0], kAnswer);
    multiplexer.cancel(ids[1]);
    multiplexer.on_deadline(kStart + 5s);
    while (multiplexer.poll_effect()) {
    }
    REQUIRE(multiplexer.stats().in_flight == 0);
    REQUIRE(multiplexer.next_deadline() == kNever);
  }
}

TEST_CASE("an answer of the wrong type ends the request and says so") {
  Multiplexer multiplexer;
  const auto id = multiplexer.open(kStart, kAsk, kStart + 5s, 3);
  const auto matched = multiplexer.on_answer(kStart, *id, wire::StoreResponse{});
  REQUIRE(matched.has_value());
  CHECK_FALSE(matched->fits);
}

TEST_CASE("a failure fits every request") {
  Multiplexer multiplexer;
  const auto id = multiplexer.open(kStart, kAsk, kStart + 5s, 3);
  CHECK(multiplexer.on_answer(kStart, *id, wire::Failure{ErrorCode::busy, 0, {}})->fits);
}

TEST_CASE("a closed multiplexer refuses") {
  Multiplexer multiplexer;
  multiplexer.close(ErrorCode::shutting_down);
  CHECK(multiplexer.open(kStart, kAsk, kStart + 5s, 0).error() == Multiplexer::Refusal::closed);
}

TEST_CASE("ids are never zero and never repeat") {
  Multiplexer multiplexer({.in_flight_max = 1});
  std::uint64_t last = 0;
  for (int count = 0; count < 1000; ++count) {
    const auto id = multiplexer.open(kStart, kAsk, kStart + 5s, 0);
    REQUIRE(id->value > last);
    last = id->value;
    multiplexer.on_answer(kStart, *id, kAnswer);
  }
}
