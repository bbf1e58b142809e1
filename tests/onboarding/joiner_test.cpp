#include "trestle/onboarding/joiner.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "catch.hpp"
#include "machine_laws.hpp"

namespace trestle::test {
namespace {

using onboarding::Joiner;
using onboarding::JoinerOptions;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Instant kStart = Instant(seconds(1000));

JoinerOptions joiner_options(std::size_t urls = 1) {
  JoinerOptions options;
  for (std::size_t url = 0; url < urls; ++url) {
    options.bootstrap_urls.push_back("ws://bootstrap-" + std::to_string(url) + "/");
  }
  return options;
}

wire::JoinResponse response(wire::JoinOutcome outcome, std::size_t contacts) {
  wire::JoinResponse made;
  made.outcome = outcome;
  made.introduced_by = NodeId(7, 7, 7);
  for (std::size_t number = 1; number <= contacts; ++number) {
    wire::Contact contact;
    contact.id = NodeId(number, 0, 0);
    contact.address = "ws://peer/";
    made.contacts.push_back(contact);
  }
  return made;
}

/// A joiner driven by hand, with its effects sorted by kind.
struct Harness {
  explicit Harness(const JoinerOptions& options = joiner_options(), std::uint64_t seed = 1)
      : joiner(options, Rng(seed)) {}

  template <typename Kind>
  std::vector<Kind> take() {
    while (auto effect = joiner.poll_effect()) effects.push_back(std::move(*effect));
    std::vector<Kind> found;
    std::erase_if(effects, [&](onboarding::JoinerEffect& effect) {
      auto* kind = std::get_if<Kind>(&effect);
      if (kind != nullptr) found.push_back(std::move(*kind));
      return kind != nullptr;
    });
    return found;
  }
  /// Lets time pass up to the next timer, or by `limit`; true if a timer came first.
  bool step(Duration limit) {
    const Instant until = now + limit;
    if (joiner.next_deadline() > until) {
      now = until;
      return false;
    }
    now = std::max(now, joiner.next_deadline());
    joiner.on_deadline(now);
    REQUIRE(joiner.next_deadline() > now);
    return true;
  }
  void pass(Duration time) {
    for (const Instant until = now + time; now < until;) step(until - now);
  }
  /// Opens the registration and is asked for peers.
  void open() {
    if (!started) joiner.start(now);
    started = true;
    REQUIRE(take<onboarding::OpenBootstrap>().size() == 1);
    joiner.on_bootstrap_opened(now);
  }
  void answer(wire::JoinOutcome outcome, std::size_t contacts) {
    REQUIRE(take<onboarding::AskJoin>().size() == 1);
    joiner.on_join_response(now, response(outcome, contacts));
  }
  /// Registered, joined and satisfied.
  void join(std::size_t links = 3) {
    open();
    answer(wire::JoinOutcome::introduced, 8);
    joiner.on_links(now, links);
    take<onboarding::Candidates>();
  }

  Instant now = kStart;
  Joiner joiner;
  std::vector<onboarding::JoinerEffect> effects;
  bool started = false;
};

TEST_CASE(
    "P-CR-3: a connect operation makes exactly five attempts, its waits grow with full jitter") {
  for (std::uint64_t seed = 1; seed <= 1000; ++seed) {
    CAPTURE(seed);
    const std::uint64_t failures = seed % 8;
    Harness harness(joiner_options(), seed);
    harness.joiner.start(harness.now);
    std::uint64_t dials = 0;
    Instant failed_at = harness.now;
    std::vector<Duration> gaps;
    while (harness.take<onboarding::GaveUp>().empty()) {
      REQUIRE(harness.take<onboarding::OpenBootstrap>().size() == 1);
      if (++dials > 1) gaps.push_back(harness.now - failed_at);
      if (dials > failures) break;
      harness.pass(milliseconds(10));
      failed_at = harness.now;
      harness.joiner.on_bootstrap_failed(harness.now, ErrorCode::refused, "refused");
      if (dials < 5) REQUIRE(harness.step(seconds(31)));
    }
    REQUIRE(dials == std::min<std::uint64_t>(failures + 1, 5));
    for (std::size_t gap = 0; gap < gaps.size(); ++gap) {
      REQUIRE(gaps[gap] <= seconds(1) * (1 << gap));
    }
    if (failures < 5) continue;
    // Nothing more for that operation; the next one starts by itself at the cap interval (X5).
    REQUIRE(harness.joiner.stats().operations == 1);
    const Instant gave_up_at = harness.now;
    REQUIRE(harness.step(seconds(60)));
    REQUIRE(harness.now - gave_up_at >= seconds(30));
    REQUIRE(harness.now - gave_up_at <= milliseconds(37'500));
    REQUIRE(harness.take<onboarding::OpenBootstrap>().size() == 1);
    REQUIRE(harness.joiner.stats().operations == 2);
  }
}

TEST_CASE(
    "P-CR-3: what ends an operation without success is told with code and number of attempts") {
  Harness harness;
  harness.joiner.start(harness.now);
  for (int dial = 0; dial < 5; ++dial) {
    harness.joiner.on_bootstrap_failed(harness.now, ErrorCode::unreachable, "no such host");
    if (dial < 4) harness.step(seconds(31));
  }
  const auto gave_up = harness.take<onboarding::GaveUp>();
  REQUIRE(gave_up.size() == 1);
  CHECK(gave_up[0].code == ErrorCode::bootstrap_failed);
  CHECK(gave_up[0].attempts == 5);
  const auto records = harness.take<LogRecord>();
  REQUIRE(records.size() == 6);
  CHECK(records[0].event == "join.bootstrap_failed");
  CHECK(records[0].detail == "ws://bootstrap-0/: no such host");
  CHECK(records[5].event == "join.gave_up");
}

TEST_CASE("attempts go round the bootstrap nodes, from a random one") {
  std::set<std::string> firsts;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    Harness harness(joiner_options(3), seed);
    harness.joiner.start(harness.now);
    std::vector<std::string> urls;
    for (int dial = 0; dial < 4; ++dial) {
      urls.push_back(harness.take<onboarding::OpenBootstrap>().at(0).url);
      harness.joiner.on_bootstrap_failed(harness.now, ErrorCode::refused, "refused");
      harness.step(seconds(31));
    }
    firsts.insert(urls[0]);
    CHECK(urls[0] == urls[3]);
    CHECK(std::set<std::string>(urls.begin(), urls.end()).size() == 3);
  }
  CHECK(firsts.size() == 3);
}

TEST_CASE("joining: ask, hand the candidates on, tell once when the first link is up") {
  Harness harness;
  harness.open();
  harness.joiner.start(harness.now);  // begun already
  CHECK(harness.take<onboarding::OpenBootstrap>().empty());
  const auto asks = harness.take<onboarding::AskJoin>();
  REQUIRE(asks.size() == 1);
  CHECK(asks[0].request.contacts_max == 8);
  CHECK_FALSE(asks[0].request.rejoining);
  harness.pass(milliseconds(100));
  harness.joiner.on_join_response(harness.now, response(wire::JoinOutcome::introduced, 4));
  const auto candidates = harness.take<onboarding::Candidates>();
  REQUIRE(candidates.size() == 1);
  CHECK(candidates[0].contacts.size() == 4);
  CHECK(harness.take<onboarding::Joined>().empty());
  harness.pass(milliseconds(50));
  harness.joiner.on_links(harness.now, 1);
  harness.joiner.on_links(harness.now, 2);
  const auto joined = harness.take<onboarding::Joined>();
  REQUIRE(joined.size() == 1);
  CHECK(joined[0].outcome == wire::JoinOutcome::introduced);
  CHECK(joined[0].introduced_by == NodeId(7, 7, 7));
  CHECK(joined[0].took == milliseconds(150));
  CHECK_FALSE(joined[0].again);
}

TEST_CASE("a link that comes before any answer is a join with no outcome") {
  Harness harness;
  harness.joiner.start(harness.now);
  harness.joiner.on_links(harness.now, 1);
  const auto joined = harness.take<onboarding::Joined>();
  REQUIRE(joined.size() == 1);
  CHECK_FALSE(joined[0].outcome.has_value());
}

TEST_CASE("with fewer than three links it asks again: in 2 s in a sparse network, else in 10 s") {
  struct Case {
    wire::JoinOutcome outcome;
    std::size_t contacts;
    Duration wait;
  };
  const Case cases[] = {{wire::JoinOutcome::genesis, 2, seconds(2)},
                        {wire::JoinOutcome::emergency, 8, seconds(2)},
                        {wire::JoinOutcome::introduced, 2, seconds(2)},
                        {wire::JoinOutcome::introduced, 3, seconds(10)},
                        {wire::JoinOutcome::bridge, 0, seconds(2)}};
  for (const Case& expected : cases) {
    CAPTURE(static_cast<int>(expected.outcome), expected.contacts);
    std::set<Instant> times;
    for (std::uint64_t seed = 1; seed <= 30; ++seed) {
      Harness harness(joiner_options(), seed);
      harness.open();
      harness.answer(expected.outcome, expected.contacts);
      harness.joiner.on_links(harness.now, 2);
      const Instant answered = harness.now;
      REQUIRE(harness.step(seconds(20)));
      REQUIRE(harness.take<onboarding::AskJoin>().size() == 1);
      CHECK(harness.now - answered >= expected.wait);
      CHECK(harness.now - answered <= expected.wait + expected.wait / 4);
      times.insert(harness.now);
    }
    CHECK(times.size() > 25);  // jitter
  }
}

TEST_CASE(
    "a failed ask is repeated after the stated wait, and no wait is honoured beyond a minute") {
  struct Case {
    ErrorCode code;
    std::uint32_t retry_after_ms;
    Duration least;
    Duration most;
  };
  const Case cases[] = {
      {ErrorCode::bridge_unavailable, 0, seconds(2), milliseconds(2500)},
      {ErrorCode::busy, 5000, seconds(5), milliseconds(6250)},
      {ErrorCode::unauthorized, 0, seconds(10), milliseconds(12'500)},
      {ErrorCode::busy, 4'000'000'000u, seconds(60), seconds(75)},
  };
  for (const Case& expected : cases) {
    CAPTURE(name(expected.code), expected.retry_after_ms);
    Harness harness;
    harness.open();
    REQUIRE(harness.take<onboarding::AskJoin>().size() == 1);
    harness.joiner.on_join_failed(
        harness.now,
        {.code = expected.code, .retry_after_ms = expected.retry_after_ms, .text = {}});
    const Instant failed = harness.now;
    REQUIRE(harness.step(seconds(100)));
    REQUIRE(harness.take<onboarding::AskJoin>().size() == 1);
    CHECK(harness.now - failed >= expected.least);
    CHECK(harness.now - failed <= expected.most);
  }
}

TEST_CASE("one ask at a time, and an answer nobody waits for is ignored") {
  Harness harness;
  harness.open();
  harness.answer(wire::JoinOutcome::introduced, 1);
  harness.take<onboarding::Candidates>();
  harness.joiner.on_join_response(harness.now, response(wire::JoinOutcome::introduced, 5));
  harness.joiner.on_join_failed(harness.now, {.code = ErrorCode::busy, .text = {}});
  CHECK(harness.take<onboarding::Candidates>().empty());
  CHECK(harness.joiner.stats().answers == 1);
  CHECK(harness.joiner.stats().ask_failures == 0);
}

TEST_CASE("with enough links the registration is kept for five minutes, then closed as idle") {
  Harness harness;
  harness.join();
  harness.pass(seconds(299));
  CHECK(harness.take<onboarding::CloseBootstrap>().empty());
  CHECK(harness.take<onboarding::AskJoin>().empty());
  harness.pass(seconds(1));
  const auto closed = harness.take<onboarding::CloseBootstrap>();
  REQUIRE(closed.size() == 1);
  CHECK(closed[0].code == ErrorCode::idle);
  CHECK_FALSE(harness.joiner.is_bootstrap_open());
  CHECK(harness.joiner.next_deadline() == kNever);
}

TEST_CASE("a bridge closes its registration as soon as it has a peer") {
  JoinerOptions options = joiner_options();
  options.links_enough = 1;
  options.hold_after_enough = Duration::zero();
  Harness harness(options);
  harness.open();
  harness.answer(wire::JoinOutcome::bridge, 1);
  harness.joiner.on_links(harness.now, 1);
  CHECK(harness.take<onboarding::CloseBootstrap>().size() == 1);
  CHECK(harness.joiner.next_deadline() == kNever);
  harness.pass(seconds(1));
  harness.joiner.on_links(harness.now, 0);
  harness.pass(milliseconds(501));
  CHECK(harness.take<onboarding::OpenBootstrap>().size() == 1);
}

JoinerOptions old_dialect_options(std::size_t urls = 1) {
  JoinerOptions options = joiner_options(urls);
  options.old_dialect = true;
  return options;
}

JoinerOptions old_bridge_options(std::size_t urls = 1) {
  JoinerOptions options = old_dialect_options(urls);
  options.links_enough = 1;
  options.hold_after_enough = Duration::zero();
  options.hold_old_registration = true;
  return options;
}

wire::Dialect dialled(Harness& harness) {
  const auto opened = harness.take<onboarding::OpenBootstrap>();
  REQUIRE(opened.size() == 1);
  return opened[0].dialect;
}

TEST_CASE("a bootstrap node that does not understand us is addressed in the old dialect at once") {
  Harness harness(old_dialect_options());
  harness.joiner.start(harness.now);
  CHECK(dialled(harness) == wire::Dialect::native);
  harness.joiner.on_bootstrap_misunderstood(harness.now);
  CHECK(dialled(harness) == wire::Dialect::legacy);
  harness.joiner.on_bootstrap_opened(harness.now);
  harness.answer(wire::JoinOutcome::introduced, 8);
  CHECK(harness.joiner.stats().dials_failed == 0);

  // It is remembered, but not for ever: another program may listen there by then.
  harness.joiner.on_bootstrap_closed(harness.now, ErrorCode::connection_lost);
  harness.step(seconds(5));
  CHECK(dialled(harness) == wire::Dialect::legacy);
  harness.joiner.on_bootstrap_opened(harness.now);
  harness.now += std::chrono::minutes(10);
  harness.joiner.on_bootstrap_closed(harness.now, ErrorCode::connection_lost);
  harness.step(seconds(60));
  CHECK(dialled(harness) == wire::Dialect::native);
  harness.joiner.on_bootstrap_misunderstood(harness.now);
  CHECK(dialled(harness) == wire::Dialect::legacy);
}

TEST_CASE("not understood in either dialect, or with the old one off, is a failed attempt") {
  Harness strict;
  strict.joiner.start(strict.now);
  CHECK(dialled(strict) == wire::Dialect::native);
  strict.joiner.on_bootstrap_misunderstood(strict.now);
  CHECK(strict.joiner.stats().dials_failed == 1);
  CHECK(strict.take<onboarding::OpenBootstrap>().empty());

  Harness harness(old_dialect_options());
  harness.joiner.start(harness.now);
  for (unsigned attempt = 0; attempt < 5; ++attempt) {
    if (dialled(harness) == wire::Dialect::native) {
      harness.joiner.on_bootstrap_misunderstood(harness.now);
      CHECK(dialled(harness) == wire::Dialect::legacy);
    }
    harness.joiner.on_bootstrap_misunderstood(harness.now);
    harness.step(seconds(40));
  }
  CHECK(harness.take<onboarding::GaveUp>().size() == 1);
}

TEST_CASE("a bridge keeps its registration at an old bootstrap node, and makes it anew when lost") {
  Harness harness(old_bridge_options());
  harness.joiner.start(harness.now);
  harness.take<onboarding::OpenBootstrap>();
  harness.joiner.on_bootstrap_misunderstood(harness.now);
  REQUIRE(dialled(harness) == wire::Dialect::legacy);
  harness.joiner.on_bootstrap_opened(harness.now);
  harness.answer(wire::JoinOutcome::bridge, 0);
  harness.joiner.on_links(harness.now, 1);
  harness.pass(std::chrono::hours(1));
  CHECK(harness.take<onboarding::CloseBootstrap>().empty());
  CHECK(harness.joiner.is_bootstrap_open());
  harness.joiner.on_bootstrap_closed(harness.now, ErrorCode::connection_lost);
  harness.step(seconds(2));
  CHECK(harness.take<onboarding::OpenBootstrap>().size() == 1);
  harness.joiner.on_bootstrap_failed(harness.now, ErrorCode::refused, "down");
  harness.pass(std::chrono::minutes(3));
  CHECK_FALSE(harness.take<onboarding::OpenBootstrap>().empty());
}

TEST_CASE("a bridge with links still finds out which of its bootstrap nodes must be held") {
  Harness harness(old_bridge_options(2));
  harness.joiner.start(harness.now);
  REQUIRE(dialled(harness) == wire::Dialect::native);
  harness.joiner.on_bootstrap_opened(harness.now);  // one of ours
  harness.answer(wire::JoinOutcome::bridge, 1);
  harness.joiner.on_links(harness.now, 1);
  CHECK(harness.take<onboarding::CloseBootstrap>().size() == 1);
  harness.step(seconds(1));
  REQUIRE(dialled(harness) == wire::Dialect::native);
  harness.joiner.on_bootstrap_misunderstood(harness.now);
  REQUIRE(dialled(harness) == wire::Dialect::legacy);
  harness.joiner.on_bootstrap_opened(harness.now);
  harness.pass(std::chrono::minutes(30));
  CHECK(harness.joiner.is_bootstrap_open());
}

TEST_CASE("P-CR-16: with the last link gone the bootstrap is turned to within half a second") {
  Harness harness;
  harness.join();
  const auto lose_all = [&] {
    harness.joiner.on_links(harness.now, 0);
    harness.pass(milliseconds(501));
  };
  SECTION("over the registration that is still open") {
    harness.pass(seconds(100));
    lose_all();
    const auto asks = harness.take<onboarding::AskJoin>();
    REQUIRE(asks.size() == 1);
    CHECK(asks[0].request.rejoining);
  }
  SECTION("by a new dial when the registration was closed") {
    harness.pass(seconds(400));
    lose_all();
    CHECK(harness.take<onboarding::OpenBootstrap>().size() == 1);
  }
  SECTION("also while waiting for the next attempt") {
    harness.joiner.on_links(harness.now, 2);
    harness.pass(seconds(20));
    harness.joiner.on_bootstrap_closed(harness.now, ErrorCode::connection_lost);
    harness.take<onboarding::AskJoin>();
    for (int dial = 0; dial < 5; ++dial) {
      harness.step(seconds(31));
      REQUIRE(harness.take<onboarding::OpenBootstrap>().size() == 1);
      harness.joiner.on_bootstrap_failed(harness.now, ErrorCode::refused, "refused");
    }
    REQUIRE(harness.take<onboarding::GaveUp>().size() == 1);
    harness.pass(seconds(1));
    lose_all();
    CHECK(harness.take<onboarding::OpenBootstrap>().size() == 1);
  }
  harness.take<onboarding::Joined>();
  harness.pass(milliseconds(200));
  harness.joiner.on_links(harness.now, 1);
  const auto joined = harness.take<onboarding::Joined>();
  REQUIRE(joined.size() == 1);
  CHECK(joined[0].again);
  CHECK(joined[0].took == milliseconds(701));
}

TEST_CASE("RECOV-05: a thousand nodes that lose their links in one moment do not ask in one") {
  std::set<Instant> moments;
  for (std::uint64_t seed = 1; seed <= 1000; ++seed) {
    Harness harness(joiner_options(), seed);
    harness.join();
    harness.pass(seconds(400));
    harness.joiner.on_links(harness.now, 0);
    while (harness.take<onboarding::OpenBootstrap>().empty()) harness.step(seconds(1));
    moments.insert(harness.now);
  }
  CHECK(moments.size() > 900);
  CHECK(*moments.rbegin() - *moments.begin() > milliseconds(450));
}

TEST_CASE("RECOV-05: who remembers peers leaves them half of the time to link before it asks") {
  std::size_t early = 0;
  for (std::uint64_t seed = 1; seed <= 1000; ++seed) {
    CAPTURE(seed);
    Harness harness(joiner_options(), seed);
    harness.joiner.start(harness.now, Joiner::Start::returning);
    REQUIRE(harness.take<onboarding::OpenBootstrap>().empty());
    const Instant due = harness.joiner.next_deadline();
    REQUIRE(due > harness.now);
    REQUIRE(due <= harness.now + seconds(15) + Duration(1));
    early += due < harness.now + milliseconds(1500) ? 1 : 0;
    if (seed % 2 == 0) {
      harness.joiner.on_links(harness.now, 3);  // the old peers are there: nobody is asked
      REQUIRE(harness.joiner.next_deadline() == kNever);
      continue;
    }
    harness.pass(seconds(15) + Duration(1));
    REQUIRE(harness.take<onboarding::OpenBootstrap>().size() == 1);
  }
  CHECK(early >= 60);  // a tenth of them in a tenth of the time
  CHECK(early <= 140);
}

TEST_CASE("P-ML-5: after any number of stops and starts the first answer is heard") {
  Harness harness;
  for (int life = 0; life < 20; ++life) {
    harness.joiner.start(harness.now);
    REQUIRE(harness.take<onboarding::OpenBootstrap>().size() == 1);
    harness.joiner.on_bootstrap_opened(harness.now);
    harness.pass(seconds(2));  // it was asked a moment ago, in the life before
    REQUIRE(harness.take<onboarding::AskJoin>().size() == 1);
    harness.joiner.on_join_response(harness.now, response(wire::JoinOutcome::introduced, 8));
    REQUIRE(harness.take<onboarding::Candidates>().size() == 1);
    harness.pass(seconds(1));
    harness.joiner.stop(harness.now);
    CHECK(harness.joiner.next_deadline() == kNever);  // P-ML-1
    CHECK(harness.take<onboarding::CloseBootstrap>().size() == 1);
    harness.joiner.on_join_response(harness.now, response(wire::JoinOutcome::introduced, 8));
    CHECK(harness.take<onboarding::Candidates>().empty());
  }
}

TEST_CASE("links that come and go all the time do not become a storm of asks") {
  Harness harness;
  harness.join();
  harness.pass(seconds(10));
  harness.take<onboarding::AskJoin>();
  std::size_t asks = 0;
  for (int flap = 0; flap < 1000; ++flap) {  // for ten seconds
    harness.joiner.on_links(harness.now, flap % 2 == 0 ? 0 : 3);
    harness.pass(milliseconds(10));
    for (std::size_t ask = harness.take<onboarding::AskJoin>().size(); ask > 0; --ask) {
      ++asks;
      harness.joiner.on_join_response(harness.now, response(wire::JoinOutcome::introduced, 8));
    }
  }
  CHECK(asks >= 1);
  CHECK(asks <= 21);
}

TEST_CASE("with few links left the registration is opened again, without haste") {
  Harness harness;
  harness.join();
  harness.pass(seconds(400));
  harness.take<onboarding::CloseBootstrap>();
  harness.joiner.on_links(harness.now, 2);
  CHECK(harness.take<onboarding::OpenBootstrap>().empty());
  const Instant from = harness.now;
  REQUIRE(harness.step(seconds(60)));
  CHECK(harness.take<onboarding::OpenBootstrap>().size() == 1);
  CHECK(harness.now - from >= seconds(10));
  // Enough again before that: nothing to do.
  Harness other;
  other.join();
  other.pass(seconds(400));
  other.joiner.on_links(other.now, 2);
  other.joiner.on_links(other.now, 3);
  CHECK(other.joiner.next_deadline() == kNever);
}

TEST_CASE("a lost registration is renewed while links are wanted, and left alone otherwise") {
  Harness harness;
  harness.join(3);
  SECTION("enough") {
    harness.joiner.on_bootstrap_closed(harness.now, ErrorCode::connection_lost);
    CHECK(harness.joiner.next_deadline() == kNever);
  }
  SECTION("too few") {
    harness.joiner.on_links(harness.now, 1);
    harness.joiner.on_bootstrap_closed(harness.now, ErrorCode::connection_lost);
    REQUIRE(harness.step(seconds(1)));
    CHECK(harness.take<onboarding::OpenBootstrap>().size() == 1);
  }
}

TEST_CASE("after three failed asks in a row another bootstrap node is tried, if there is one") {
  for (const std::size_t urls : {1u, 2u}) {
    CAPTURE(urls);
    Harness harness(joiner_options(urls));
    harness.joiner.start(harness.now);
    const std::string first = harness.take<onboarding::OpenBootstrap>().at(0).url;
    harness.joiner.on_bootstrap_opened(harness.now);
    for (int ask = 0; ask < 3; ++ask) {
      REQUIRE(harness.take<onboarding::AskJoin>().size() == 1);
      harness.joiner.on_join_failed(harness.now,
                                    {.code = ErrorCode::bridge_unavailable, .text = {}});
      harness.step(seconds(31));
    }
    CHECK(harness.take<onboarding::CloseBootstrap>().size() == urls - 1);
    const auto opened = harness.take<onboarding::OpenBootstrap>();
    REQUIRE(opened.size() == urls - 1);
    if (urls == 2) CHECK(opened[0].url != first);
  }
}

TEST_CASE("a dial or an ask that got lost is given up after the patience") {
  Harness harness;
  harness.joiner.start(harness.now);
  harness.take<onboarding::OpenBootstrap>();
  harness.pass(seconds(30));
  CHECK(harness.take<onboarding::CloseBootstrap>().at(0).code == ErrorCode::timeout);
  harness.step(seconds(2));
  REQUIRE(harness.take<onboarding::OpenBootstrap>().size() == 1);
  harness.joiner.on_bootstrap_opened(harness.now);
  REQUIRE(harness.take<onboarding::AskJoin>().size() == 1);
  harness.pass(seconds(33));
  CHECK(harness.take<onboarding::AskJoin>().size() == 1);
  CHECK(harness.joiner.stats().ask_failures == 1);
}

TEST_CASE("stopped, it closes the registration and hears nothing more; started, it begins anew") {
  Harness harness;
  harness.open();
  harness.take<onboarding::AskJoin>();
  harness.joiner.stop(harness.now);
  CHECK(harness.take<onboarding::CloseBootstrap>().at(0).code == ErrorCode::shutting_down);
  harness.joiner.stop(harness.now);
  harness.joiner.on_join_response(harness.now, response(wire::JoinOutcome::introduced, 3));
  harness.joiner.on_bootstrap_closed(harness.now, ErrorCode::none);
  harness.joiner.on_links(harness.now, 2);
  harness.joiner.on_deadline(harness.now + seconds(1000));
  CHECK_FALSE(harness.joiner.poll_effect().has_value());
  harness.joiner.start(harness.now);
  CHECK(harness.take<onboarding::Joined>().size() == 1);
  CHECK(harness.take<onboarding::OpenBootstrap>().size() == 1);
}

struct JoinerLaws {
  static constexpr bool kEnds = true;
  explicit JoinerLaws(std::uint64_t seed) : joiner(options(), Rng(seed)) {}

  static JoinerOptions options() {
    JoinerOptions options = joiner_options(2);
    options.hold_after_enough = seconds(20);
    return options;
  }
  void act(Instant now, Rng& rng) {
    joiner.start(now);
    act_late(now, rng);
  }
  void act_late(Instant now, Rng& rng) {
    switch (rng.below(7)) {
      case 0:
      case 1:
        return joiner.on_bootstrap_opened(now);
      case 2:
        return joiner.on_bootstrap_failed(now, ErrorCode::refused, "refused");
      case 3:
        return rng.chance(1, 3) ? joiner.on_bootstrap_closed(now, ErrorCode::connection_lost)
                                : void();
      case 4:
        return joiner.on_join_response(now, response(wire::JoinOutcome::introduced, rng.below(5)));
      case 5:
        return joiner.on_join_failed(now,
                                     {.code = ErrorCode::busy,
                                      .retry_after_ms = static_cast<std::uint32_t>(rng.below(5000)),
                                      .text = {}});
      default:
        return joiner.on_links(now, rng.below(5));
    }
  }
  Instant next_deadline() const { return joiner.next_deadline(); }
  void on_deadline(Instant now) { joiner.on_deadline(now); }
  /// Checks the order of orders on the way: no ask without an open registration, one dial at a
  /// time.
  std::vector<std::string> drain(Instant) {
    std::vector<std::string> texts;
    while (auto effect = joiner.poll_effect()) {
      std::string text = std::to_string(effect->index());
      if (const auto* open = std::get_if<onboarding::OpenBootstrap>(&*effect)) text += open->url;
      if (const auto* record = std::get_if<LogRecord>(&*effect)) text += record->detail;
      texts.push_back(std::move(text));
    }
    const onboarding::JoinerStats& stats = joiner.stats();
    REQUIRE(stats.dials <= 5 * stats.operations);
    REQUIRE(stats.answers + stats.ask_failures <= stats.asks);
    return texts;
  }
  void shut(Instant now) { joiner.stop(now); }

  Joiner joiner;
};

TEST_CASE("the joiner obeys the laws of every machine") { obey_the_laws<JoinerLaws>(); }

TEST_CASE("without a bootstrap node a joiner waits to be dialled, for as long as it takes") {
  Harness first(joiner_options(0));
  first.joiner.start(first.now);
  CHECK(first.joiner.next_deadline() == kNever);
  first.joiner.on_links(first.now, 1);
  CHECK(first.take<onboarding::Joined>().size() == 1);
  CHECK(first.joiner.next_deadline() == kNever);
  first.joiner.on_links(first.now, 0);
  first.pass(std::chrono::hours(1));
  first.joiner.on_links(first.now, 5);
  first.pass(std::chrono::hours(1));
  CHECK(first.take<onboarding::Joined>().size() == 1);
  CHECK(first.take<onboarding::OpenBootstrap>().empty());
  CHECK(first.take<onboarding::AskJoin>().empty());
  first.joiner.stop(first.now);
  CHECK(first.joiner.next_deadline() == kNever);
}

}  // namespace
}  // namespace trestle::test
