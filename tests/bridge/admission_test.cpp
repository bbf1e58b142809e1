#include <map>
#include <optional>

#include "catch.hpp"
#include "desk_fixture.hpp"
#include "trestle/bridge/admission_policy.hpp"

namespace trestle::test {
namespace {

using bridge::Priority;
using bridge::Verdict;
using std::chrono::milliseconds;
using std::chrono::seconds;

/// Decides by the newcomer's number, and remembers what it was shown.
class ByNumber : public bridge::AdmissionPolicy {
 public:
  Verdict judge(Instant now, const bridge::Newcomer& newcomer, const bridge::Load& load) override {
    asked_at = now;
    last_source = newcomer.source;
    last_load = load;
    ++asked;
    const auto verdict = verdicts.find(newcomer.contact.id.high());
    return verdict == verdicts.end() ? Verdict::admit() : verdict->second;
  }

  std::map<std::uint64_t, Verdict> verdicts;
  int asked = 0;
  Instant asked_at{};
  link::ConnectionId last_source;
  std::optional<bridge::Load> last_load;
};

/// The newcomer that the fixture's request with that id is for.
constexpr std::uint64_t newcomer_of(std::uint64_t request) { return 100'000 + request; }

TEST_CASE("whom the policy refuses is answered so, at once, and takes no place") {
  ByNumber policy;
  policy.verdicts[newcomer_of(1)] = Verdict::refuse("members only");
  policy.verdicts[newcomer_of(2)] = Verdict::defer(milliseconds(2500), "one a minute");
  policy.verdicts[newcomer_of(3)] = Verdict::defer(std::chrono::hours(24 * 365), "next year");
  policy.verdicts[newcomer_of(4)] = Verdict::refuse(std::string(5000, 'x'));
  DeskFixture fixture({}, 1, &policy);
  fixture.add_members(5);

  const auto refused = std::get<wire::Failure>(fixture.request(1, 1).at(0).message);
  CHECK(refused.code == ErrorCode::refused);
  CHECK(refused.retry_after_ms == 0);
  CHECK(refused.text == "members only");
  const auto deferred = std::get<wire::Failure>(fixture.request(1, 2).at(0).message);
  CHECK(deferred.code == ErrorCode::rate_limited);
  CHECK(deferred.retry_after_ms == 2500);
  const auto much_later = std::get<wire::Failure>(fixture.request(1, 3).at(0).message);
  CHECK(much_later.retry_after_ms == std::numeric_limits<std::uint32_t>::max());
  CHECK(std::get<wire::Failure>(fixture.request(1, 4).at(0).message).text.size() == 200);
  CHECK(introduction(fixture.request(1, 5).at(0)).members.size() == 4);

  const bridge::DeskStats stats = fixture.desk.stats();
  CHECK(stats.turned_away == 4);
  CHECK(stats.answered == 1);
  CHECK(stats.busy == 0);
  CHECK(fixture.desk.next_deadline() == kNever);
}

TEST_CASE("a refusal that is cut to its length ends with a whole character") {
  for (const std::string character : {"\u00e9", "\u20ac", "\U0001f309"}) {
    for (std::size_t before = 0; before < character.size(); ++before) {
      std::string text(before, 'x');
      while (text.size() < 300) text += character;
      ByNumber policy;
      policy.verdicts[newcomer_of(1)] = Verdict::refuse(text);
      DeskFixture fixture({}, 1, &policy);
      fixture.add_members(1);
      const auto failure = std::get<wire::Failure>(fixture.request(1, 1).at(0).message);
      CAPTURE(character, before);
      CHECK(failure.text.size() <= 200);
      CHECK(failure.text.size() > 200 - character.size());
      CHECK((failure.text.size() - before) % character.size() == 0);
      CHECK(text.starts_with(failure.text));
    }
  }
}

TEST_CASE("the policy sees the time, the asking bootstrap node and how busy the bridge is") {
  ByNumber policy;
  bridge::IntroductionDeskOptions options;
  options.in_service_max = 2;
  options.waiting_max = 5;
  DeskFixture fixture(options, 1, &policy);
  fixture.add_members(1);
  fixture.pass(seconds(61));
  for (std::uint64_t id = 1; id <= 4; ++id) fixture.request(1, id);
  fixture.request(2, 5);
  fixture.request(1, 6);
  CHECK(policy.asked == 6);
  CHECK(policy.asked_at == fixture.now);
  CHECK(policy.last_source == desk_source(1));
  REQUIRE(policy.last_load.has_value());
  CHECK(policy.last_load->in_service == 2);
  CHECK(policy.last_load->in_service_max == 2);
  CHECK(policy.last_load->waiting == 3);
  CHECK(policy.last_load->waiting_max == 5);
  CHECK(policy.last_load->waiting_of_source == 2);
  CHECK(policy.last_load->members == 1);
}

TEST_CASE("the policy is asked once a request: not for repetitions, nor when no time is stated") {
  ByNumber policy;
  DeskFixture fixture({}, 1, &policy);
  fixture.add_members(1);
  fixture.pass(seconds(61));
  fixture.request(1, 1);
  fixture.request(1, 1);
  fixture.request(1, 0);
  fixture.request(1, 2, 0);
  fixture.pass(seconds(40));
  CHECK(policy.asked == 1);
}

TEST_CASE("the urgent go first, and the others are not forgotten") {
  ByNumber policy;
  bridge::IntroductionDeskOptions options;
  options.in_service_max = 1;
  options.overtakes_max = 3;
  DeskFixture fixture(options, 1, &policy);
  fixture.add_members(1);
  fixture.pass(seconds(61));
  for (std::uint64_t id = 11; id <= 18; ++id) {
    policy.verdicts[newcomer_of(id)] = Verdict::admit(Priority::urgent);
  }
  for (std::uint64_t id = 1; id <= 3; ++id) REQUIRE(fixture.request(1, id).empty());
  for (std::uint64_t id = 11; id <= 18; ++id) REQUIRE(fixture.request(1, id).empty());
  fixture.desk.on_probe_result(fixture.now, desk_contact(1).id, true);
  std::vector<std::uint64_t> order;
  for (const bridge::Answer& answer : fixture.drain()) order.push_back(answer.request_id.value);
  CHECK(order == std::vector<std::uint64_t>{1, 11, 12, 13, 2, 14, 15, 16, 3, 17, 18});
}

TEST_CASE("a full queue makes room for the urgent, down to the places kept for each class") {
  ByNumber policy;
  bridge::IntroductionDeskOptions options;
  options.in_service_max = 1;
  options.waiting_max = 6;
  options.class_places_kept = 4;
  DeskFixture fixture(options, 1, &policy);
  fixture.add_members(1);
  fixture.pass(seconds(61));
  for (std::uint64_t id = 11; id <= 14; ++id) {
    policy.verdicts[newcomer_of(id)] = Verdict::admit(Priority::urgent);
  }
  for (std::uint64_t id = 1; id <= 7; ++id) REQUIRE(fixture.request(1, id).empty());
  for (const auto& [urgent, pushed_out] : {std::pair(11u, 7u), std::pair(12u, 6u)}) {
    const auto answers = fixture.request(1, urgent);
    REQUIRE(answers.size() == 1);
    CHECK(answers[0].request_id.value == pushed_out);
    CHECK(failure_code(answers[0]) == ErrorCode::busy);
  }
  const auto answers = fixture.request(1, 13);
  REQUIRE(answers.size() == 1);
  CHECK(answers[0].request_id.value == 13);
  CHECK(failure_code(answers[0]) == ErrorCode::busy);
}

}  // namespace
}  // namespace trestle::test
