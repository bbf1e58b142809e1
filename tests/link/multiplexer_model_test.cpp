// The multiplexer against a map that a reader understands at a glance, over 10,000 random lives.

#include <algorithm>
#include <map>
#include <vector>

#include "catch.hpp"
#include "trestle/base/rng.hpp"
#include "trestle/link/multiplexer.hpp"

using namespace trestle;
using link::Multiplexer;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t kCases = 10'000;
constexpr Instant kStart = Instant(1000s);
/// Small, so that a random life meets the bound; a power of two, as the multiplexer demands.
constexpr std::uint32_t kInFlightMax = 8;
const wire::Message kAsk = wire::FindNodeRequest{};
const wire::Message kAnswer = wire::FindNodeResponse{};

/// How a request ended. `none` is an answer.
struct End {
  Multiplexer::Token token;
  ErrorCode code;
  friend bool operator==(const End&, const End&) = default;
};

/// The multiplexer as a map, and the real one beside it. Every step is taken by both.
struct Story {
  struct Waiting {
    Multiplexer::Token token;
    Instant opened;
    Instant deadline;
  };

  explicit Story(std::uint64_t seed) : rng(seed) {}

  Multiplexer machine{{.in_flight_max = kInFlightMax}};
  std::map<std::uint64_t, Waiting> waiting;  ///< By id.
  std::vector<std::uint64_t> gone;           ///< Ids that were answered, cancelled or timed out.
  std::vector<End> ends;
  Multiplexer::Token tokens = 0;
  std::uint64_t unmatched = 0;
  Instant now = kStart;
  Rng rng;

  void open() {
    const Duration patience = rng.between(1us, 10s);
    const auto id = machine.open(now, kAsk, now + patience, tokens + 1);
    REQUIRE(id.has_value() == (waiting.size() < kInFlightMax));
    if (!id) {
      REQUIRE(id.error() == Multiplexer::Refusal::full);
      return;
    }
    REQUIRE_FALSE(waiting.contains(id->value));
    REQUIRE(std::ranges::find(gone, id->value) == gone.end());
    waiting[id->value] = {++tokens, now, now + patience};
  }

  /// One that waits, or nothing if none does.
  std::map<std::uint64_t, Waiting>::iterator any() {
    auto chosen = waiting.begin();
    std::advance(chosen, static_cast<long>(rng.below(waiting.size())));
    return chosen;
  }

  void finish(std::map<std::uint64_t, Waiting>::iterator request, ErrorCode code) {
    ends.push_back({request->second.token, code});
    gone.push_back(request->first);
    waiting.erase(request);
  }

  /// An answer for a random waiting request: answers come in any order.
  void answer() {
    if (waiting.empty()) return;
    const auto request = any();
    const auto matched = machine.on_answer(now, {request->first}, kAnswer);
    REQUIRE(matched.has_value());
    REQUIRE(matched->token == request->second.token);
    REQUIRE(matched->round_trip == now - request->second.opened);
    REQUIRE(matched->fits);
    finish(request, ErrorCode::none);
  }

  /// Repeated, late, from another connection, or invented.
  void answer_amiss() {
    std::uint64_t id = rng.chance(1, 3) ? rng.next() : rng.below(200);
    if (!gone.empty() && rng.chance(1, 2)) id = gone[rng.below(gone.size())];
    if (waiting.contains(id)) return;
    REQUIRE_FALSE(machine.on_answer(now, {id}, kAnswer).has_value());
    ++unmatched;
  }

  void cancel() {
    if (waiting.empty()) return;
    const auto request = any();
    REQUIRE(machine.cancel({request->first}));
    REQUIRE_FALSE(machine.cancel({request->first}));
    finish(request, ErrorCode::cancelled);
  }

  void pass_time() {
    now += rng.between(Duration::zero(), 4s);
    machine.on_deadline(now);
    std::vector<std::map<std::uint64_t, Waiting>::iterator> due;
    for (auto request = waiting.begin(); request != waiting.end(); ++request) {
      if (request->second.deadline <= now) due.push_back(request);
    }
    std::ranges::sort(due, {}, [](auto request) { return request->second.deadline; });
    for (const auto request : due) finish(request, ErrorCode::timeout);
  }

  /// What the machine says must be what the map says, to the last counter and timer.
  void compare() {
    while (const auto failed = machine.poll_effect()) told.push_back({failed->token, failed->code});
    std::vector<End> expected;
    for (const End& end : ends) {
      if (end.code != ErrorCode::none) expected.push_back(end);
    }
    // The order of ends at one instant is the machine's own affair.
    const auto by_token = [](const End& left, const End& right) {
      return left.token < right.token;
    };
    std::ranges::sort(expected, by_token);
    std::ranges::sort(told, by_token);
    REQUIRE(told == expected);
    Instant next = kNever;
    for (const auto& [id, request] : waiting) next = std::min(next, request.deadline);
    REQUIRE(machine.next_deadline() == next);
    const Multiplexer::Stats& stats = machine.stats();
    REQUIRE(stats.in_flight == waiting.size());
    REQUIRE(stats.unmatched_answers == unmatched);
    REQUIRE(stats.opened == tokens);
    REQUIRE(stats.opened ==
            stats.answered + stats.timed_out + stats.cancelled + stats.dropped + stats.in_flight);
  }

  std::vector<End> told;
};

/// A life of `steps` steps, compared after each, then the end of the connection.
void live(Story& story, int steps) {
  for (int step = 0; step < steps; ++step) {
    switch (story.rng.below(6)) {
      case 0:
      case 1:
        story.open();
        break;
      case 2:
        story.answer();
        break;
      case 3:
        story.answer_amiss();
        break;
      case 4:
        story.cancel();
        break;
      default:
        story.pass_time();
    }
    story.compare();
  }
}

void lose_connection(Story& story) {
  story.machine.close(ErrorCode::connection_lost);
  while (!story.waiting.empty()) story.finish(story.waiting.begin(), ErrorCode::connection_lost);
  story.compare();
}

}  // namespace

TEST_CASE("P-BR-2, P-BR-4, P-BR-6: the multiplexer is a map of requests, over 10,000 lives") {
  for (std::uint64_t seed = 1; seed <= kCases; ++seed) {
    CAPTURE(seed);
    Story story(seed);
    live(story, 40);
    lose_connection(story);
    REQUIRE(story.machine.next_deadline() == kNever);
    // Exactly one end each: as many ends as tokens, and no token twice.
    REQUIRE(story.ends.size() == story.tokens);
    std::ranges::sort(story.ends, {}, &End::token);
    REQUIRE(std::ranges::adjacent_find(story.ends, {}, &End::token) == story.ends.end());
  }
}

TEST_CASE("P-ML-4: every answer that comes before its time is over is heard, none after it") {
  std::uint64_t last_moments = 0;
  for (std::uint64_t seed = 1; seed <= kCases; ++seed) {
    Rng rng(seed);
    Multiplexer machine{{.in_flight_max = kInFlightMax}};
    struct Asked {
      std::uint64_t id;
      Instant deadline;
      Instant answered_at;
    };
    std::map<Multiplexer::Token, Asked> asked;
    for (Multiplexer::Token token = 1; token <= kInFlightMax; ++token) {
      const Instant deadline = kStart + rng.between(2us, 10s);
      Instant answered_at = kStart + rng.between(1us, 12s);
      // Often at the very edge, on either side of it.
      if (rng.chance(1, 2)) answered_at = deadline + (rng.chance(1, 2) ? -1us : 1us);
      const auto id = machine.open(kStart, kAsk, deadline, token);
      REQUIRE(id.has_value());
      asked[token] = {id->value, deadline, answered_at};
    }
    std::vector<Multiplexer::Token> by_arrival;
    for (const auto& [token, one] : asked) by_arrival.push_back(token);
    std::ranges::sort(by_arrival, {}, [&](auto token) { return asked[token].answered_at; });
    std::size_t heard = 0;
    for (const Multiplexer::Token token : by_arrival) {
      const Asked& one = asked[token];
      // Timers are called when they are due or early, and never stand in an answer's way.
      while (machine.next_deadline() <= one.answered_at) {
        machine.on_deadline(machine.next_deadline());
      }
      if (rng.chance(1, 2)) machine.on_deadline(one.answered_at);
      const auto matched = machine.on_answer(one.answered_at, {one.id}, kAnswer);
      REQUIRE(matched.has_value() == (one.answered_at < one.deadline));
      if (!matched) continue;
      REQUIRE(matched->token == token);
      ++heard;
      if (one.deadline - one.answered_at == 1us) ++last_moments;
    }
    if (machine.next_deadline() != kNever) machine.on_deadline(kStart + 20s);
    std::size_t failed = 0;
    while (machine.poll_effect()) ++failed;
    REQUIRE(heard + failed == kInFlightMax);
  }
  CHECK(last_moments > kCases);
}

TEST_CASE("P-ML-1: a closed multiplexer has no timer and says nothing, whatever still arrives") {
  for (std::uint64_t seed = 1; seed <= kCases; ++seed) {
    CAPTURE(seed);
    Story story(seed);
    live(story, 10);
    lose_connection(story);
    for (int late = 0; late < 10; ++late) {
      story.answer_amiss();
      REQUIRE_FALSE(story.machine.cancel({story.rng.below(200)}));
      REQUIRE(story.machine.open(story.now, kAsk, story.now + 1s, 0).error() ==
              Multiplexer::Refusal::closed);
      story.machine.on_deadline(story.now += 1h);
      REQUIRE(story.machine.next_deadline() == kNever);
      REQUIRE_FALSE(story.machine.poll_effect().has_value());
    }
  }
}

TEST_CASE("P-ML-3: what waits is never more than the rate times the timeout, for thirty days") {
  // One request every 10 s, each answered after up to 20 s or never, timeout 15 s: at most two
  // wait.
  constexpr Duration kEvery = 10s;
  constexpr Duration kTimeout = 15s;
  constexpr std::uint32_t kWaitingMax = 2;
  Multiplexer machine;
  Rng rng(1);
  std::vector<std::pair<Instant, wire::RequestId>> answers;
  std::uint32_t most_on_first_day = 0;
  std::uint32_t most_on_last_day = 0;
  for (Instant now = kStart; now < kStart + 30 * 24h; now += kEvery) {
    machine.on_deadline(now);
    std::erase_if(answers, [&](const auto& answer) {
      if (answer.first > now) return false;
      static_cast<void>(machine.on_answer(now, answer.second, kAnswer));
      return true;
    });
    const auto id = machine.open(now, kAsk, now + kTimeout, 0);
    REQUIRE(id.has_value());
    if (rng.chance(2, 3)) answers.emplace_back(now + rng.between(1us, 20s), *id);
    while (machine.poll_effect()) {
    }
    const std::uint32_t waiting = machine.stats().in_flight;
    REQUIRE(waiting <= kWaitingMax);
    if (now < kStart + 24h) most_on_first_day = std::max(most_on_first_day, waiting);
    if (now >= kStart + 29 * 24h) most_on_last_day = std::max(most_on_last_day, waiting);
  }
  CHECK(most_on_last_day == most_on_first_day);
  CHECK(machine.stats().timed_out > 1000);
  CHECK(machine.stats().unmatched_answers > 1000);
}
