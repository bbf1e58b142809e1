// What the desk keeps, and what a request costs it.

#include <algorithm>
#include <deque>

#include "catch.hpp"
#include "desk_fixture.hpp"
#include "heap_count.hpp"

namespace trestle::test {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

TEST_CASE("a request costs no allocation beside its answer") {
  bridge::IntroductionDesk desk(desk_self(), {}, Rng(1));
  for (std::uint64_t number = 1; number <= 200; ++number) {
    wire::Contact member = desk_contact(number);
    member.address = "ws://a:1/";  // short enough to live inside the string
    desk.on_member_up(kStart, member);
  }
  wire::IntroduceRequest asked;
  asked.newcomer.id = NodeId(777, 0, 0);
  std::uint64_t id = 0;
  const auto ask_and_drain = [&] {
    desk.on_request(kStart, desk_source(1), {++id}, asked);
    std::size_t answers = 0;
    while (desk.poll_effect()) ++answers;
    return answers;
  };
  for (int warm = 0; warm < 10; ++warm) ask_and_drain();
  const std::size_t before = heap_count().blocks_made;
  std::size_t answers = 0;
  for (int request = 0; request < 1000; ++request) answers += ask_and_drain();
  CHECK(answers == 1000);
  // The list of members in each answer, which the answer owns.
  CHECK(heap_count().blocks_made - before == 1000);
}

TEST_CASE("waiting, asking for signs of life and being refused cost no allocation either") {
  bridge::IntroductionDeskOptions options;
  options.in_service_max = 2;
  options.waiting_max = 20;
  bridge::IntroductionDesk desk(desk_self(), options, Rng(1));
  wire::Contact member = desk_contact(1);
  member.address = "ws://a:1/";
  Instant now = kStart;
  desk.on_member_up(now, member);
  wire::IntroduceRequest asked;
  asked.newcomer.id = NodeId(777, 0, 0);
  std::uint64_t id = 0;
  std::size_t answers = 0;
  const auto round = [&] {
    now += seconds(61);  // silent again
    for (int count = 0; count < 22; ++count) {
      const auto source = desk_source(1 + id % 3);
      desk.on_request(now, source, {++id}, asked);
      while (desk.poll_effect()) ++answers;
    }
    for (std::uint64_t newest = id; newest > id - 10; --newest) {
      desk.on_cancelled(now, desk_source(1 + (newest - 1) % 3), {newest});
    }
    desk.on_probe_result(now, member.id, true);
    while (desk.poll_effect()) ++answers;
  };
  for (int warm = 0; warm < 3; ++warm) round();
  answers = 0;
  const std::size_t before = heap_count().blocks_made;
  for (int count = 0; count < 100; ++count) round();
  // Two answers a round are made of what was found in the meantime; each owns one list.
  CHECK(heap_count().blocks_made - before <= answers + 200);
}

/// One virtual day of newcomers: a storm now and then, quiet hours between. Checks at every step
/// that nothing stays longer than it may.
class Days {
 public:
  Days() : desk_(desk_self(), {}, Rng(7)), rng_(Rng(7).fork("days")) {}

  void live_one() {
    const Instant until = now_ + hours(24);
    while (now_ < until) {
      const bool is_storm = rng_.chance(1, 400);
      const Duration pause = rng_.between(seconds(1), seconds(40));
      pass(pause);
      churn();
      for (int count = is_storm ? 300 : 1; count > 0; --count) request();
    }
    pass(seconds(60));  // longer than anything may stay
    REQUIRE(pending() == 0);
    REQUIRE(desk_.next_deadline() == kNever);
  }
  std::size_t requests() const { return last_id_; }
  std::size_t pending_peak() const { return pending_peak_; }

 private:
  std::size_t pending() const {
    const bridge::DeskStats stats = desk_.stats();
    return stats.in_service + stats.waiting;
  }
  void request() {
    wire::IntroduceRequest asked;
    asked.newcomer.id = NodeId(1'000'000 + rng_.below(1000), 0, 0);
    asked.budget_ms = static_cast<std::uint32_t>(rng_.below(60'000));
    desk_.on_request(now_, desk_source(1 + rng_.below(3)), {++last_id_}, asked);
    arrivals_.push_back(now_);
    check();
  }
  void churn() {
    const std::uint64_t number = 1 + rng_.below(30);
    const std::uint64_t kind = rng_.below(4);
    const wire::Contact member = desk_contact(number);
    if (kind == 0) desk_.on_member_up(now_, member);
    if (kind == 1) desk_.on_member_down(now_, member.id);
    if (kind == 2) desk_.on_member_heard(now_, member.id);
    // A bootstrap node reconnects; its requests go with the connection.
    if (kind == 3 && rng_.chance(1, 10)) desk_.on_source_closed(now_, desk_source(1));
    check();
  }
  void pass(Duration time) {
    const Instant until = now_ + time;
    while (desk_.next_deadline() <= until) {
      now_ = std::max(now_, desk_.next_deadline());
      desk_.on_deadline(now_);
      check();
    }
    now_ = until;
  }
  void check() {
    while (desk_.poll_effect()) {
    }
    // Rate x timeout, exactly: what came in within the longest time that anything may stay.
    while (!arrivals_.empty() && arrivals_.front() + seconds(30) <= now_) arrivals_.pop_front();
    pending_peak_ = std::max(pending_peak_, pending());
    if (pending() > std::min<std::size_t>(arrivals_.size(), 110)) FAIL("pending beyond its bound");
  }

  bridge::IntroductionDesk desk_;
  Rng rng_;
  Instant now_ = kStart;
  std::uint64_t last_id_ = 0;
  std::deque<Instant> arrivals_;
  std::size_t pending_peak_ = 0;
};

TEST_CASE("P-ML-3: over 30 days the desk's pending are bounded and purged, memory stays flat") {
  Days days;
  days.live_one();
  days.live_one();
  std::vector<std::size_t> live;
  for (int day = 3; day <= 30; ++day) {
    days.live_one();
    live.push_back(heap_count().bytes_live);
  }
  CHECK(days.requests() > 100'000);
  CHECK(days.pending_peak() == 110);  // the storms did fill it
  // The slope: the last week against the first, beside the 32 KiB that members who came and went
  // and the test's own list of arrivals may differ by.
  const auto mean = [&](std::size_t from) {
    std::size_t sum = 0;
    for (std::size_t day = from; day < from + 7; ++day) sum += live[day];
    return sum / 7;
  };
  CHECK(mean(live.size() - 7) <= mean(0) + 32 * 1024);
}

}  // namespace
}  // namespace trestle::test
