// One bootstrap node asks for far more than the bridge can do. What does its polite neighbour feel?

#include <algorithm>
#include <map>
#include <vector>

#include "catch.hpp"
#include "desk_fixture.hpp"

namespace trestle::test {
namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::uint64_t kPolite = 1;
constexpr std::uint64_t kGreedy = 2;

struct Felt {
  std::vector<Duration> waits;  ///< From request to answer, of those that were answered.
  std::uint64_t busy = 0;
  std::uint64_t expired = 0;
  Duration busy_wait_max{};

  Duration at(std::size_t hundredths) {
    REQUIRE_FALSE(waits.empty());
    std::ranges::sort(waits);
    return waits[(waits.size() - 1) * hundredths / 100];
  }
};

/// A minute at a bridge whose members must all be asked for a sign of life, which takes them 20 to
/// 180 ms: ten in service, so a hundred requests a second are its peak.
class Minute {
 public:
  explicit Minute(std::uint64_t seed) : desk_(desk_self(), options(), Rng(seed)), rng_(seed) {
    for (std::uint64_t number = 1; number <= 500; ++number) {
      desk_.on_member_up(now_, desk_contact(number));
    }
    now_ += milliseconds(1);
  }

  /// Requests come at random with that mean distance, for a minute.
  void add_source(std::uint64_t source, Duration distance) {
    Instant at = now_;
    while (true) {
      at += rng_.between(microseconds(1), 2 * distance);
      if (at > kStart + seconds(60)) return;
      arrivals_.emplace(at, source);
    }
  }
  void run() {
    while (true) {
      Instant next = desk_.next_deadline();
      if (!arrivals_.empty()) next = std::min(next, arrivals_.begin()->first);
      if (!probes_.empty()) next = std::min(next, probes_.begin()->first);
      if (next == kNever) return;
      now_ = std::max(now_, next);
      desk_.on_deadline(now_);
      while (!probes_.empty() && probes_.begin()->first <= now_) {
        desk_.on_probe_result(now_, probes_.begin()->second, true);
        probes_.erase(probes_.begin());
        drain();
      }
      while (!arrivals_.empty() && arrivals_.begin()->first <= now_) {
        const std::uint64_t source = arrivals_.begin()->second;
        arrivals_.erase(arrivals_.begin());
        wire::IntroduceRequest asked;
        asked.newcomer.id = NodeId(1'000'000 + last_id_, 0, 0);
        asked.contacts_max = 1;
        asked_at_[++last_id_] = now_;
        desk_.on_request(now_, desk_source(source), {last_id_}, asked);
        drain();
      }
      drain();
    }
  }
  Felt& felt(std::uint64_t source) { return felt_[desk_source(source)]; }

 private:
  static bridge::IntroductionDeskOptions options() {
    bridge::IntroductionDeskOptions options;
    // Nobody counts as heard, not even in the instant in which it was: otherwise one sign of life
    // would answer the whole queue, and there would be nothing to be fair about.
    options.heard_fresh = Duration(-1);
    return options;
  }
  void drain() {
    while (auto effect = desk_.poll_effect()) {
      if (const auto* probe = std::get_if<bridge::Probe>(&*effect)) {
        probes_.emplace(now_ + rng_.between(milliseconds(20), milliseconds(180)), probe->member);
      } else if (const auto* answer = std::get_if<bridge::Answer>(&*effect)) {
        Felt& felt = felt_[answer->source];
        const Duration wait = now_ - asked_at_.at(answer->request_id.value);
        const ErrorCode code = failure_code(*answer);
        if (code == ErrorCode::none) felt.waits.push_back(wait);
        if (code == ErrorCode::timeout) ++felt.expired;
        if (code != ErrorCode::busy) continue;
        ++felt.busy;
        felt.busy_wait_max = std::max(felt.busy_wait_max, wait);
      }
    }
  }

  Instant now_ = kStart;
  bridge::IntroductionDesk desk_;
  Rng rng_;
  std::multimap<Instant, std::uint64_t> arrivals_;
  std::multimap<Instant, NodeId> probes_;
  std::map<std::uint64_t, Instant> asked_at_;
  std::map<link::ConnectionId, Felt> felt_;
  std::uint64_t last_id_ = 0;
};

TEST_CASE("a source at ten times the bridge's peak costs a polite one less than twice its p99") {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    Minute alone(seed);
    alone.add_source(kPolite, milliseconds(25));  // 40 a second, within its half of the peak
    alone.run();
    Minute crowded(seed);
    crowded.add_source(kPolite, milliseconds(25));
    crowded.add_source(kGreedy, milliseconds(1));
    crowded.run();
    Felt& quiet = alone.felt(kPolite);
    Felt& beside = crowded.felt(kPolite);
    Felt& greedy = crowded.felt(kGreedy);
    CHECK(beside.at(99) <= 2 * quiet.at(99));
    CHECK(beside.busy == 0);
    CHECK(beside.expired == 0);
    // Ten are served at a time, a hundred milliseconds each: 6,000 a minute are the peak.
    CHECK(beside.waits.size() + greedy.waits.size() >= 5'700);
    CHECK(greedy.busy > 50'000);
    CHECK(greedy.expired == 0);
  }
}

TEST_CASE("offered ten times its peak, the bridge keeps its peak and says BUSY at once") {
  Minute minute(3);
  minute.add_source(kGreedy, milliseconds(1));
  minute.run();
  Felt& greedy = minute.felt(kGreedy);
  CHECK(greedy.waits.size() >= 5'700);
  // With one source alone nobody is displaced: each refusal is the arriving one's own.
  CHECK(greedy.busy_wait_max == Duration::zero());
  CHECK(greedy.waits.size() + greedy.busy + greedy.expired > 55'000);
}

}  // namespace
}  // namespace trestle::test
