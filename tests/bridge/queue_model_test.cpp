// The desk against a model of its queue that is written for its reader alone.
//
// The only member is silent, so that every request stays in service for exactly `probe_wait` (or
// until its own time is nearly up): the model can then say to the microsecond when each one starts
// and how it ends.

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "desk_fixture.hpp"
#include "naive_turns.hpp"

namespace trestle::test {
namespace {

using bridge::Priority;
using bridge::Verdict;
using std::chrono::milliseconds;
using std::chrono::seconds;

enum class End { answered, busy, turned_away, expired };
/// Source, request, how it ended.
using Ended = std::tuple<std::uint64_t, std::uint64_t, End>;

/// The class and the verdict follow from the newcomer's number, for both sides alike.
class ByRemainder : public bridge::AdmissionPolicy {
 public:
  static Verdict of(std::uint64_t newcomer) {
    if (newcomer % 13 == 0) return Verdict::refuse("unlucky");
    return Verdict::admit(static_cast<Priority>(newcomer / 2 % bridge::kPriorities));
  }
  Verdict judge(Instant, const bridge::Newcomer& newcomer, const bridge::Load&) override {
    return of(newcomer.contact.id.high());
  }
};

class QueueModel {
 public:
  explicit QueueModel(const bridge::IntroductionDeskOptions& options)
      : options_(options),
        turns_({.overtakes_max = options.overtakes_max,
                .class_places_kept = options.class_places_kept}) {}

  void request(Instant now, std::uint64_t source, std::uint64_t id, Duration budget) {
    const Instant expires = now + std::min<Duration>(budget, options_.sweep_after);
    if (expires <= now) return end({source, id}, End::expired);
    const Verdict verdict = ByRemainder::of(100'000 + id);
    if (verdict.kind != Verdict::Kind::admit) return end({source, id}, End::turned_away);
    if (open_.size() == options_.in_service_max + options_.waiting_max) {
      const auto displaced = turns_.displaced_by(verdict.priority, source);
      if (!displaced) return end({source, id}, End::busy);
      turns_.remove(*displaced);
      end(open_.at(*displaced).key, End::busy);
      open_.erase(*displaced);
    }
    const std::uint64_t number = ++last_number_;
    open_[number] = {{source, id}, expires, kNever};
    turns_.add(verdict.priority, source, number);
    start(now);
  }
  void cancel(Instant now, std::uint64_t source, std::uint64_t id) {
    drop(now, [&](const Open& open) { return open.key == Key{source, id}; });
  }
  void close(Instant now, std::uint64_t source) {
    drop(now, [&](const Open& open) { return open.key.first == source; });
  }
  void pass(Instant until) {
    while (true) {
      Instant next = kNever;
      for (const auto& [number, open] : open_) next = std::min({next, open.expires, open.answered});
      if (next > until) return;
      std::erase_if(open_, [&](const auto& entry) {
        const auto& [number, open] = entry;
        const bool is_waiting = open.answered == kNever;
        if (std::min(open.expires, open.answered) > next) return false;
        end(open.key, is_waiting ? End::expired : End::answered);
        if (is_waiting) turns_.remove(number);
        return true;
      });
      start(next);
    }
  }

  std::vector<Ended> take_ends() {
    std::ranges::sort(ends_);
    return std::exchange(ends_, {});
  }
  std::size_t waiting() const { return turns_.items.size(); }
  std::size_t in_service() const { return open_.size() - waiting(); }

 private:
  using Key = std::pair<std::uint64_t, std::uint64_t>;
  struct Open {
    Key key;
    Instant expires{};
    Instant answered = kNever;  ///< When its service ends; kNever while it waits.
  };

  void start(Instant now) {
    while (in_service() < options_.in_service_max) {
      const auto number = turns_.take_next();
      if (!number) return;
      Open& open = open_.at(*number);
      open.answered = std::min(now + options_.probe_wait, open.expires - options_.reply_margin);
      if (open.answered > now) continue;
      end(open.key, End::answered);
      open_.erase(*number);
    }
  }
  template <typename Which>
  void drop(Instant now, Which which) {
    std::erase_if(open_, [&](const auto& entry) {
      if (!which(entry.second)) return false;
      turns_.remove(entry.first);
      return true;
    });
    start(now);
  }
  void end(const Key& key, End how) { ends_.emplace_back(key.first, key.second, how); }

  bridge::IntroductionDeskOptions options_;
  NaiveTurns turns_;
  std::map<std::uint64_t, Open> open_;
  std::uint64_t last_number_ = 0;
  std::vector<Ended> ends_;
};

Ended ended(const bridge::Answer& answer, const bridge::IntroductionDeskOptions& options) {
  End how = End::answered;
  if (const auto* failure = std::get_if<wire::Failure>(&answer.message)) {
    how = failure->code == ErrorCode::busy      ? End::busy
          : failure->code == ErrorCode::refused ? End::turned_away
                                                : End::expired;
    const Duration wait = milliseconds(failure->retry_after_ms);
    if (how == End::busy) {
      REQUIRE((wait >= options.retry_after_min && wait <= options.retry_after_max));
    }
  }
  return {answer.source.value(), answer.request_id.value, how};
}

bridge::IntroductionDeskOptions small_desk(Rng& rng) {
  bridge::IntroductionDeskOptions options;
  options.in_service_max = 1 + rng.below(3);
  options.waiting_max = rng.below(9);
  options.overtakes_max = 1 + rng.below(4);
  options.class_places_kept = rng.below(3);
  options.probe_wait = rng.between(milliseconds(200), milliseconds(3000));
  options.sweep_after = seconds(8);
  return options;
}

/// One random story, told to both; every end is compared, and who waits and is served.
void compare(std::uint64_t seed) {
  Rng rng = Rng(seed).fork("queue");
  const bridge::IntroductionDeskOptions options = small_desk(rng);
  ByRemainder policy;
  DeskFixture fixture(options, seed, &policy);
  fixture.add_members(1);
  fixture.pass(seconds(61));
  QueueModel model(options);
  std::set<std::pair<std::uint64_t, std::uint64_t>> ended_once;
  const auto settle = [&](const std::vector<bridge::Answer>& answers) {
    std::vector<Ended> ends;
    for (const bridge::Answer& answer : answers) {
      ends.push_back(ended(answer, options));
      if (!ended_once.insert({answer.source.value(), answer.request_id.value}).second) {
        FAIL("ended twice");
      }
    }
    std::ranges::sort(ends);
    if (ends != model.take_ends()) FAIL("other ends than the model's");
    const bridge::DeskStats stats = fixture.desk.stats();
    if (stats.waiting != model.waiting()) FAIL("others wait than in the model");
    if (stats.in_service != model.in_service()) FAIL("others are served than in the model");
  };
  const auto live = [&](Duration time) {
    const Instant until = fixture.now + time;
    while (fixture.desk.next_deadline() <= until) {
      const auto answers = fixture.pass(fixture.desk.next_deadline() - fixture.now);
      model.pass(fixture.now);
      settle(answers);
    }
    fixture.now = until;
    model.pass(until);
    settle({});
  };
  std::uint64_t last_id = 0;
  for (int step = 0; step < 60; ++step) {
    const std::uint64_t source = 1 + rng.below(3);
    const std::uint64_t action = rng.below(12);
    if (action == 0) {
      const std::uint64_t id = 1 + rng.below(last_id + 1);
      fixture.desk.on_cancelled(fixture.now, desk_source(source), {id});
      model.cancel(fixture.now, desk_source(source).value(), id);
      settle(fixture.drain());
    } else if (action == 1 && rng.chance(1, 4)) {
      fixture.desk.on_source_closed(fixture.now, desk_source(source));
      model.close(fixture.now, desk_source(source).value());
      settle(fixture.drain());
    } else if (action <= 3) {
      live(rng.between(Duration::zero(), seconds(3)));
    } else {
      const auto budget = static_cast<std::uint32_t>(rng.below(12'000));
      const auto answers = fixture.request(source, ++last_id, budget);
      model.request(fixture.now, desk_source(source).value(), last_id, milliseconds(budget));
      settle(answers);
    }
  }
  live(seconds(60));
  if (model.waiting() + model.in_service() != 0) FAIL("something never ended");
  if (fixture.desk.next_deadline() != kNever) FAIL("an empty desk waits for something");
}

TEST_CASE(
    "the queue agrees with a naive model in order, capacity, busy and expiry (10,000 cases)") {
  for (std::uint64_t seed = 1; seed <= 10'000; ++seed) {
    CAPTURE(seed);
    compare(seed);
  }
}

}  // namespace
}  // namespace trestle::test
