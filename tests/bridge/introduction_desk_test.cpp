#include "trestle/bridge/introduction_desk.hpp"

#include <algorithm>
#include <set>

#include "catch.hpp"
#include "desk_fixture.hpp"

namespace trestle::test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST_CASE("a request is answered in the same call when enough members were heard of late") {
  DeskFixture fixture;
  fixture.add_members(10);
  const auto answers = fixture.request(1, 7);
  REQUIRE(answers.size() == 1);
  CHECK(answers[0].source == desk_source(1));
  CHECK(answers[0].request_id == wire::RequestId{7});
  const wire::IntroduceResponse& response = introduction(answers[0]);
  CHECK(response.members.size() == 4);
  CHECK(response.alternatives.empty());
  std::set<NodeId> distinct;
  for (const wire::Contact& member : response.members) distinct.insert(member.id);
  CHECK(distinct.size() == 4);
  CHECK(fixture.desk.stats().in_service == 0);
  CHECK(fixture.desk.next_deadline() == kNever);
  CHECK(fixture.probes.empty());
}

TEST_CASE("as many members as there are is enough when nobody silent is left to ask") {
  DeskFixture fixture;
  fixture.add_members(2);
  const auto answers = fixture.request(1, 1);
  REQUIRE(answers.size() == 1);
  CHECK(introduction(answers[0]).members.size() == 2);
}

TEST_CASE("the number of contacts asked for is kept within 1 and 20") {
  DeskFixture fixture;
  fixture.add_members(50);
  CHECK(introduction(fixture.request(1, 1, 5000, 0).at(0)).members.size() == 1);
  CHECK(introduction(fixture.request(1, 2, 5000, 20).at(0)).members.size() == 20);
  CHECK(introduction(fixture.request(1, 3, 5000, 255).at(0)).members.size() == 20);
}

TEST_CASE("the newcomer is never named to itself") {
  DeskFixture fixture;
  fixture.add_members(3);
  wire::IntroduceRequest asked;
  asked.newcomer = desk_contact(2);
  asked.contacts_max = 20;
  fixture.desk.on_request(fixture.now, desk_source(1), {1}, asked);
  const auto answers = fixture.drain();
  REQUIRE(answers.size() == 1);
  const wire::IntroduceResponse& response = introduction(answers[0]);
  REQUIRE(response.members.size() == 2);
  for (const wire::Contact& member : response.members) CHECK(member.id != desk_contact(2).id);
}

TEST_CASE("P-CC-2: a bridge without peers names at least one way in that is alive") {
  DeskFixture fixture;
  SECTION("itself, when it knows no other bridge") {
    const auto answers = fixture.request(1, 1);
    REQUIRE(answers.size() == 1);
    CHECK(introduction(answers[0]).members.empty());
    CHECK(introduction(answers[0]).alternatives == wire::Contacts{desk_self()});
    CHECK(fixture.desk.stats().answered_nobody == 1);
  }
  SECTION("other bridges before itself, but none that was silent for a minute") {
    fixture.desk.on_member_up(fixture.now, desk_contact(500, wire::Role::bridge));
    fixture.pass(seconds(50));
    fixture.desk.on_member_up(fixture.now, desk_contact(501, wire::Role::bridge));
    fixture.pass(seconds(50));
    const auto answers = fixture.request(1, 1);
    REQUIRE(answers.size() == 1);
    const wire::Contacts expected = {desk_contact(501, wire::Role::bridge), desk_self()};
    CHECK(introduction(answers[0]).alternatives == expected);
  }
}

TEST_CASE("bridges, observers and peers that cannot be dialled are not named as members") {
  DeskFixture fixture;
  wire::Contact browser = desk_contact(1);
  browser.address.clear();
  fixture.desk.on_member_up(fixture.now, browser);
  fixture.desk.on_member_up(fixture.now, desk_contact(2, wire::Role::bridge));
  fixture.desk.on_member_up(fixture.now, desk_contact(3, wire::Role::observer));
  fixture.desk.on_member_up(fixture.now, desk_self());
  CHECK(introduction(fixture.request(1, 1).at(0)).members.empty());
  CHECK(fixture.desk.stats().members == 0);
}

TEST_CASE("a member that was silent for a minute is asked for a sign of life before it is named") {
  DeskFixture fixture;
  fixture.add_members(1);
  fixture.pass(seconds(61));
  CHECK(fixture.request(1, 1).empty());
  REQUIRE(fixture.probes == std::vector{desk_contact(1).id});
  CHECK(fixture.desk.stats().in_service == 1);

  SECTION("it answers and is named") {
    fixture.desk.on_probe_result(fixture.now, desk_contact(1).id, true);
    const auto answers = fixture.drain();
    REQUIRE(answers.size() == 1);
    CHECK(introduction(answers[0]).members == wire::Contacts{desk_contact(1)});
    CHECK(fixture.request(1, 2).size() == 1);  // it counts as heard from now on
  }
  SECTION("any other sign of life will do") {
    fixture.desk.on_member_heard(fixture.now, desk_contact(1).id);
    CHECK(introduction(fixture.drain().at(0)).members.size() == 1);
  }
  SECTION("it does not answer: it is not named, nor asked again before it is heard") {
    fixture.desk.on_probe_result(fixture.now, desk_contact(1).id, false);
    CHECK(introduction(fixture.drain().at(0)).members.empty());
    CHECK(introduction(fixture.request(1, 2).at(0)).members.empty());
    CHECK(fixture.probes.size() == 1);
    fixture.desk.on_member_heard(fixture.now, desk_contact(1).id);
    CHECK(introduction(fixture.request(1, 3).at(0)).members.size() == 1);
  }
  SECTION("its link goes: the request does not wait any longer") {
    fixture.desk.on_member_down(fixture.now, desk_contact(1).id);
    CHECK(introduction(fixture.drain().at(0)).members.empty());
  }
  SECTION("nothing comes: the request is answered after the wait for it") {
    CHECK(fixture.pass(milliseconds(999)).empty());
    const auto answers = fixture.pass(milliseconds(1));
    REQUIRE(answers.size() == 1);
    CHECK(introduction(answers[0]).members.empty());
    fixture.desk.on_probe_result(fixture.now, desk_contact(1).id, true);  // late: only news of life
    CHECK(fixture.drain().empty());
  }
  SECTION("two requests wait for one question") {
    CHECK(fixture.request(2, 1).empty());
    CHECK(fixture.probes.size() == 1);
    fixture.desk.on_probe_result(fixture.now, desk_contact(1).id, true);
    CHECK(fixture.drain().size() == 2);
  }
}

TEST_CASE("a dead member is replaced by the next silent one") {
  DeskFixture fixture;
  fixture.add_members(3);
  fixture.pass(seconds(61));
  CHECK(fixture.request(1, 1, 5000, 1).empty());
  REQUIRE(fixture.probes.size() == 1);
  fixture.desk.on_probe_result(fixture.now, fixture.probes[0], false);
  CHECK(fixture.drain().empty());
  REQUIRE(fixture.probes.size() == 2);
  CHECK(fixture.probes[0] != fixture.probes[1]);
  fixture.desk.on_probe_result(fixture.now, fixture.probes[1], true);
  const auto answers = fixture.drain();
  REQUIRE(answers.size() == 1);
  REQUIRE(introduction(answers[0]).members.size() == 1);
  CHECK(introduction(answers[0]).members[0].id == fixture.probes[1]);
}

TEST_CASE("the answer leaves before the asker stops waiting") {
  DeskFixture fixture;
  fixture.add_members(1);
  fixture.pass(seconds(61));
  CHECK(fixture.request(1, 1, 600).empty());
  CHECK(fixture.pass(milliseconds(349)).empty());
  CHECK(fixture.pass(milliseconds(1)).size() == 1);  // 600 ms less the margin of 250
  // No time for a question at all: what is known at once is the answer.
  CHECK(introduction(fixture.request(1, 2, 200).at(0)).members.empty());
}

TEST_CASE("a request that states no time, or repeats an open one, is not worked on") {
  DeskFixture fixture;
  fixture.add_members(1);
  const auto answers = fixture.request(1, 1, 0);
  REQUIRE(answers.size() == 1);
  CHECK(failure_code(answers[0]) == ErrorCode::timeout);
  fixture.pass(seconds(61));
  CHECK(fixture.request(1, 2).empty());
  CHECK(fixture.request(1, 2).empty());
  CHECK(fixture.request(1, 0).empty());
  CHECK(fixture.desk.stats().ignored == 2);
  CHECK(fixture.pass(seconds(40)).size() == 1);
}

TEST_CASE("what is withdrawn or lost its connection ends without an answer") {
  DeskFixture fixture;
  fixture.add_members(1);
  fixture.pass(seconds(61));
  for (std::uint64_t id = 1; id <= 15; ++id) CHECK(fixture.request(id % 2, id).empty());
  fixture.desk.on_cancelled(fixture.now, desk_source(1), {1});
  fixture.desk.on_cancelled(fixture.now, desk_source(1), {1});
  fixture.desk.on_cancelled(fixture.now, desk_source(1), {2});  // belongs to the other source
  fixture.desk.on_source_closed(fixture.now, desk_source(0));
  CHECK(fixture.drain().empty());
  CHECK(fixture.desk.stats().cancelled == 1 + 7);
  const auto answers = fixture.pass(seconds(40));
  CHECK(answers.size() == 7);
  for (const bridge::Answer& answer : answers) CHECK(answer.source == desk_source(1));
}

TEST_CASE("a full queue and an empty network are logged once, not once per request") {
  bridge::IntroductionDeskOptions options;
  options.in_service_max = 1;
  options.waiting_max = 2;
  DeskFixture fixture(options);
  fixture.add_members(1);
  fixture.pass(seconds(61));
  for (std::uint64_t id = 1; id <= 20; ++id) fixture.request(1, id);
  const auto of = [&](std::string_view event) {
    return std::count_if(fixture.records.begin(), fixture.records.end(),
                         [&](const LogRecord& record) { return record.event == event; });
  };
  CHECK(of("bridge.queue_full") == 1);
  fixture.desk.on_member_down(fixture.now, desk_contact(1).id);
  fixture.drain();
  for (std::uint64_t id = 21; id <= 30; ++id) fixture.request(1, id);
  CHECK(of("bridge.knows_nobody") == 1);
}

}  // namespace
}  // namespace trestle::test
