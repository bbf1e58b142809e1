#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <utility>

#include "catch.hpp"
#include "desk_fixture.hpp"
#include "machine_laws.hpp"

namespace trestle::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

/// One member that is silent, so that every request in service stays there until we say so.
void make_slow(DeskFixture& fixture) {
  fixture.add_members(1);
  fixture.pass(seconds(61));
}

TEST_CASE("ten are in service, a hundred wait, the next is told BUSY and when to come back") {
  DeskFixture fixture;
  make_slow(fixture);
  for (std::uint64_t id = 1; id <= 110; ++id) REQUIRE(fixture.request(1, id).empty());
  CHECK(fixture.desk.stats().in_service == 10);
  CHECK(fixture.desk.stats().waiting == 100);
  std::set<std::uint32_t> waits;
  for (std::uint64_t id = 111; id <= 160; ++id) {
    const auto answers = fixture.request(1, id);
    REQUIRE(answers.size() == 1);
    CHECK(answers[0].request_id == wire::RequestId{id});
    const auto& failure = std::get<wire::Failure>(answers[0].message);
    CHECK(failure.code == ErrorCode::busy);
    CHECK(failure.retry_after_ms >= 250);
    CHECK(failure.retry_after_ms <= 1500);
    waits.insert(failure.retry_after_ms);
  }
  CHECK(waits.size() > 25);  // spread, so that the refused do not come back together
  CHECK(fixture.desk.stats().busy == 50);
  CHECK(fixture.desk.stats().waiting_peak == 100);

  fixture.desk.on_probe_result(fixture.now, desk_contact(1).id, true);
  const auto answers = fixture.drain();
  REQUIRE(answers.size() == 110);
  CHECK(fixture.desk.stats().in_service == 0);
  CHECK(fixture.desk.stats().waiting == 0);
  CHECK(fixture.desk.next_deadline() == kNever);
}

TEST_CASE("requests of one source start in their order") {
  DeskFixture fixture;
  make_slow(fixture);
  for (std::uint64_t id = 1; id <= 60; ++id) REQUIRE(fixture.request(1, id).empty());
  fixture.desk.on_probe_result(fixture.now, desk_contact(1).id, true);
  const auto answers = fixture.drain();
  REQUIRE(answers.size() == 60);
  for (std::uint64_t id = 11; id <= 60; ++id) CHECK(answers[id - 1].request_id.value == id);
}

TEST_CASE("sources take turns: one at ten times the rate does not slow another") {
  bridge::IntroductionDeskOptions options;
  options.in_service_max = 1;
  DeskFixture fixture(options);
  make_slow(fixture);
  // Ten of the loud source for one of the quiet one, and the loud one first.
  std::uint64_t id = 0;
  for (int round = 0; round < 8; ++round) {
    for (int loud = 0; loud < 10; ++loud) REQUIRE(fixture.request(1, ++id).empty());
    REQUIRE(fixture.request(2, ++id).empty());
  }
  fixture.desk.on_probe_result(fixture.now, desk_contact(1).id, true);
  const auto answers = fixture.drain();
  REQUIRE(answers.size() == 88);
  int quiet = 0;
  for (std::size_t place = 0; place < answers.size(); ++place) {
    if (answers[place].source != desk_source(2)) continue;
    ++quiet;
    CHECK(place <= static_cast<std::size_t>(2 * quiet));  // every second one, after the first
  }
  CHECK(quiet == 8);
}

TEST_CASE("a source that fills the queue gives places up to one that has none") {
  DeskFixture fixture;
  make_slow(fixture);
  for (std::uint64_t id = 1; id <= 110; ++id) REQUIRE(fixture.request(1, id).empty());
  // The newest request of the loud source is refused in favour of the quiet one's first.
  for (std::uint64_t id = 1; id <= 50; ++id) {
    const auto answers = fixture.request(2, id);
    REQUIRE(answers.size() == 1);
    CHECK(answers[0].source == desk_source(1));
    CHECK(answers[0].request_id.value == 111 - id);
    CHECK(failure_code(answers[0]) == ErrorCode::busy);
  }
  // Now both hold fifty: whoever comes is refused.
  CHECK(fixture.request(2, 51).at(0).source == desk_source(2));
  CHECK(fixture.request(1, 111).at(0).source == desk_source(1));
  CHECK(fixture.desk.stats().waiting == 100);
}

TEST_CASE("a request whose time runs out in the queue ends with TIMEOUT and is not worked on") {
  bridge::IntroductionDeskOptions options;
  options.in_service_max = 1;
  options.probe_wait = seconds(4);
  DeskFixture fixture(options);
  make_slow(fixture);
  CHECK(fixture.request(1, 1, 10'000).empty());
  CHECK(fixture.request(1, 2, 2'000).empty());
  CHECK(fixture.request(1, 3, 9'000).empty());
  const auto answers = fixture.pass(seconds(2));
  REQUIRE(answers.size() == 1);
  CHECK(answers[0].request_id.value == 2);
  CHECK(failure_code(answers[0]) == ErrorCode::timeout);
  CHECK(fixture.desk.stats().expired == 1);
  CHECK(fixture.desk.stats().waiting == 1);
  CHECK(fixture.pass(seconds(10)).size() == 2);
}

TEST_CASE("no request outlives the sweep, whatever budget it states") {
  bridge::IntroductionDeskOptions options;
  options.in_service_max = 1;
  options.probe_wait = seconds(100);
  DeskFixture fixture(options);
  make_slow(fixture);
  CHECK(fixture.request(1, 1, 3'600'000).empty());
  CHECK(fixture.request(1, 2, 3'600'000).empty());
  CHECK(fixture.pass(seconds(29)).empty());
  const auto answers = fixture.pass(seconds(1));
  REQUIRE(answers.size() == 2);
  CHECK(fixture.desk.next_deadline() == kNever);
}

/// What must hold whatever happens: kept beside the desk by its test.
struct Ledger {
  using Key = std::pair<std::uint64_t, std::uint64_t>;
  std::map<Key, Instant> open;
  std::set<Key> ended;

  void close(const bridge::Answer& answer, Instant now) {
    const Key key{answer.source.value(), answer.request_id.value};
    const auto place = open.find(key);
    REQUIRE(place != open.end());  // asked for, and not answered before
    CHECK(now <= place->second);
    open.erase(place);
    REQUIRE(ended.insert(key).second);
  }
};

TEST_CASE("every request ends exactly once under cancels, closes, probes and timeouts") {
  bridge::IntroductionDeskOptions options;
  options.in_service_max = 3;
  options.waiting_max = 8;
  for (std::uint64_t seed = 1; seed <= 1000; ++seed) {
    CAPTURE(seed);
    DeskFixture fixture(options, seed);
    Rng rng = Rng(seed).fork("queue");
    Ledger ledger;
    std::uint64_t last_id = 0;
    const auto settle = [&](std::vector<bridge::Answer>&& answers) {
      for (const bridge::Answer& answer : answers) ledger.close(answer, fixture.now);
    };
    const auto live = [&](Duration pause) {
      const Instant until = fixture.now + pause;
      while (fixture.desk.next_deadline() <= until) {
        const Instant due = std::max(fixture.now, fixture.desk.next_deadline());
        settle(fixture.pass(due - fixture.now));
      }
      fixture.now = until;
    };
    for (int step = 0; step < 300; ++step) {
      const std::uint64_t source = rng.below(4);
      switch (rng.below(10)) {
        case 0: {
          const std::uint64_t id = 1 + rng.below(last_id + 1);
          fixture.desk.on_cancelled(fixture.now, desk_source(source), {id});
          ledger.open.erase({desk_source(source).value(), id});
          break;
        }
        case 1:
          if (!rng.chance(1, 4)) break;
          fixture.desk.on_source_closed(fixture.now, desk_source(source));
          std::erase_if(ledger.open, [&](const auto& entry) {
            return entry.first.first == desk_source(source).value();
          });
          break;
        case 2: {
          const std::uint64_t number = 1 + rng.below(6);
          fixture.desk.on_member_up(fixture.now, desk_contact(number));
          break;
        }
        case 3: {
          const std::uint64_t number = 1 + rng.below(6);
          fixture.desk.on_member_down(fixture.now, desk_contact(number).id);
          break;
        }
        case 4: {
          const std::uint64_t number = 1 + rng.below(6);
          fixture.desk.on_probe_result(fixture.now, desk_contact(number).id, rng.chance(1, 2));
          break;
        }
        case 5: {
          const Duration pause = rng.between(Duration::zero(), seconds(30));
          live(pause);
          break;
        }
        default: {
          const auto budget = static_cast<std::uint32_t>(rng.below(4000));
          ++last_id;
          ledger.open[{desk_source(source).value(), last_id}] = fixture.now + milliseconds(budget);
          settle(fixture.request(source, last_id, budget));
        }
      }
      settle(fixture.drain());
      const bridge::DeskStats stats = fixture.desk.stats();
      REQUIRE(stats.in_service <= options.in_service_max);
      REQUIRE(stats.waiting <= options.waiting_max);
      REQUIRE(stats.in_service + stats.waiting == ledger.open.size());
      if (stats.waiting > 0) REQUIRE(stats.in_service == options.in_service_max);
      REQUIRE(stats.received == stats.answered + stats.busy + stats.expired + stats.cancelled +
                                    stats.ignored + ledger.open.size());
    }
    live(seconds(60));
    CHECK(ledger.open.empty());
    CHECK(fixture.desk.next_deadline() == kNever);
  }
}

struct DeskLaws {
  static constexpr bool kEnds = false;
  explicit DeskLaws(std::uint64_t seed) : desk(desk_self(), options(), Rng(seed)) {}

  static bridge::IntroductionDeskOptions options() {
    bridge::IntroductionDeskOptions options;
    options.in_service_max = 2;
    options.waiting_max = 4;
    return options;
  }
  void act(Instant now, Rng& rng) {
    const std::uint64_t number = 1 + rng.below(8);
    const std::uint64_t source = rng.below(3);
    switch (rng.below(6)) {
      case 0:
        return desk.on_member_up(now, desk_contact(number));
      case 1:
        return desk.on_member_down(now, desk_contact(number).id);
      case 2:
        return desk.on_probe_result(now, desk_contact(number).id, rng.chance(1, 2));
      case 3:
        return desk.on_source_closed(now, desk_source(source));
      default:
        wire::IntroduceRequest asked;
        asked.newcomer = desk_contact(50 + number);
        asked.budget_ms = static_cast<std::uint32_t>(rng.below(6000));
        return desk.on_request(now, desk_source(source), {++last_id}, asked);
    }
  }
  Instant next_deadline() const { return desk.next_deadline(); }
  void on_deadline(Instant now) { desk.on_deadline(now); }
  std::vector<std::string> drain(Instant) {
    std::vector<std::string> texts;
    while (auto effect = desk.poll_effect()) {
      std::string text = std::to_string(effect->index());
      if (const auto* answer = std::get_if<bridge::Answer>(&*effect)) {
        text += ' ' + std::to_string(answer->request_id.value);
        text += ' ' + std::string(wire::name(answer->message));
        if (const auto* failure = std::get_if<wire::Failure>(&answer->message)) {
          text += ' ' + std::to_string(failure->retry_after_ms);
        } else {
          for (const auto& member : introduction(*answer).members) text += ' ' + member.id.to_hex();
        }
      } else if (const auto* probe = std::get_if<bridge::Probe>(&*effect)) {
        text += ' ' + probe->member.to_hex();
      }
      texts.push_back(std::move(text));
    }
    return texts;
  }
  void shut(Instant) {}

  bridge::IntroductionDesk desk;
  std::uint64_t last_id = 0;
};

TEST_CASE("the desk obeys the laws of every machine") { obey_the_laws<DeskLaws>(); }

}  // namespace
}  // namespace trestle::test
