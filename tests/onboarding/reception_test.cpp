#include "trestle/onboarding/reception.hpp"

#include <algorithm>
#include <set>

#include "catch.hpp"
#include "reception_fixture.hpp"

namespace trestle::test {
namespace {

using onboarding::Genesis;
using onboarding::ReceptionOptions;
using std::chrono::milliseconds;
using std::chrono::seconds;
using wire::JoinOutcome;

ReceptionOptions with(Genesis genesis) {
  ReceptionOptions options;
  options.genesis = genesis;
  return options;
}

std::set<NodeId> ids(const wire::Contacts& contacts) {
  std::set<NodeId> made;
  for (const wire::Contact& contact : contacts) made.insert(contact.id);
  return made;
}

TEST_CASE("a join is answered with the members a bridge names") {
  ReceptionFixture fixture;
  fixture.connect_bridges(2);
  fixture.register_peer(1);
  fixture.join(1, 42);
  const onboarding::AskBridge ask = fixture.ask();
  CHECK(ask.request.newcomer == peer(1));
  CHECK(ask.request.contacts_max == 8);
  CHECK(ask.request.budget_ms == 4250);
  fixture.pass(milliseconds(30));
  fixture.introduce(ask.ask, {peer(5), peer(1), peer(6), peer(5)}, 2);
  const auto answers = fixture.take<onboarding::Answer>();
  REQUIRE(answers.size() == 1);
  CHECK(answers[0].client == client(1));
  CHECK(answers[0].request_id == wire::RequestId{42});
  const auto response = std::get<wire::JoinResponse>(answers[0].message);
  CHECK(response.outcome == JoinOutcome::introduced);
  CHECK(response.contacts == wire::Contacts{peer(5), peer(6)});  // not the asker, nobody twice
  CHECK(response.introduced_by == bridge_peer(2).id);
  const auto news = fixture.take<onboarding::Admitted>();
  REQUIRE(news.size() == 1);
  CHECK(news[0].newcomer == peer(1));
  CHECK(news[0].bridge == bridge_peer(2));
  CHECK(news[0].took == milliseconds(30));
  CHECK(fixture.reception.next_deadline() == kNever);
}

TEST_CASE("T6: one of four whom a newcomer is named is registered here, whatever the bridge says") {
  ReceptionFixture fixture;
  fixture.connect_bridges(1);
  for (std::uint64_t number = 1; number <= 5; ++number) fixture.register_peer(number);
  wire::Contacts named;
  for (std::uint64_t number = 101; number <= 120; ++number) named.push_back(peer(number));
  fixture.join(1);
  fixture.introduce(fixture.ask().ask, named);
  const wire::Contacts first = fixture.joined().contacts;
  REQUIRE(first.size() == 8);
  CHECK(wire::Contacts(first.begin(), first.begin() + 6) ==
        wire::Contacts(named.begin(), named.begin() + 6));
  INFO("the nearest to it, and the same ones however often it asks");
  CHECK(ids({first[6], first[7]}) == ids({peer(2), peer(3)}));
  for (std::uint64_t again = 2; again < 10; ++again) {
    fixture.join(1, again);
    fixture.introduce(fixture.ask().ask, named);
    CHECK(ids(fixture.joined().contacts) == ids(first));
  }
  INFO("who is named by both takes one place, and who asks for one gets the bridge's word");
  fixture.register_peer(101);
  fixture.join(101);
  fixture.introduce(fixture.ask().ask, {peer(4), peer(5), peer(7)});
  CHECK(ids(fixture.joined().contacts) == ids({peer(4), peer(5), peer(7)}));
  fixture.join(2, 1, 1);
  fixture.introduce(fixture.ask().ask, named);
  CHECK(fixture.joined().contacts == wire::Contacts{peer(101)});
}

TEST_CASE("asking again is not news again, another outcome is") {
  ReceptionFixture fixture(with(Genesis::allowed));
  fixture.connect_bridges(1);
  fixture.register_peer(1);
  for (int time = 0; time < 3; ++time) {
    fixture.join(1, 1);
    fixture.introduce(fixture.ask().ask, {});
    CHECK(fixture.joined().outcome == JoinOutcome::genesis);
  }
  CHECK(fixture.take<onboarding::Admitted>().size() == 1);
  fixture.join(1, 1);
  fixture.introduce(fixture.ask().ask, {peer(2)});
  CHECK(fixture.take<onboarding::Admitted>().size() == 1);
}

TEST_CASE("the first node of an empty network becomes its genesis and gets the bridges") {
  ReceptionFixture fixture(with(Genesis::allowed));
  fixture.connect_bridges(2);
  for (std::uint64_t number = 1; number <= 3; ++number) fixture.register_peer(number);
  fixture.join(1);
  // Each bridge is asked before the network counts as empty.
  fixture.introduce(fixture.ask().ask, {}, 1);
  CHECK(fixture.take<onboarding::Answer>().empty());
  fixture.introduce(fixture.ask().ask, {}, 2);
  const wire::JoinResponse first = fixture.joined();
  CHECK(first.outcome == JoinOutcome::genesis);
  CHECK(first.contacts == wire::Contacts{bridge_peer(1), bridge_peer(2)});
  CHECK(fixture.reception.genesis() == peer(1).id);

  SECTION("the next ones get the genesis first, and whoever else is live") {
    fixture.join(2);
    fixture.introduce(fixture.ask().ask, {}, 1);
    fixture.introduce(fixture.ask().ask, {}, 2);
    const wire::JoinResponse second = fixture.joined();
    CHECK(second.outcome == JoinOutcome::emergency);
    REQUIRE(second.contacts.size() == 2);
    CHECK(second.contacts[0] == peer(1));
    CHECK(second.contacts[1] == peer(3));
  }
  SECTION("asking again it gets other live nodes, never itself") {
    fixture.join(1);
    fixture.introduce(fixture.ask().ask, {}, 1);
    fixture.introduce(fixture.ask().ask, {}, 2);
    const wire::JoinResponse again = fixture.joined();
    CHECK(again.outcome == JoinOutcome::emergency);
    CHECK(ids(again.contacts) == ids({peer(2), peer(3)}));
  }
  SECTION("asking again alone it gets the bridges again") {
    fixture.reception.on_client_closed(fixture.now, client(2));
    fixture.reception.on_client_closed(fixture.now, client(3));
    fixture.join(1);
    fixture.introduce(fixture.ask().ask, {}, 1);
    fixture.introduce(fixture.ask().ask, {}, 2);
    CHECK(fixture.joined().outcome == JoinOutcome::genesis);
  }
  SECTION("its registration ends: another may be named") {
    fixture.reception.on_client_closed(fixture.now, client(1));
    CHECK_FALSE(fixture.reception.genesis().has_value());
    fixture.join(2);
    fixture.introduce(fixture.ask().ask, {}, 1);
    fixture.introduce(fixture.ask().ask, {}, 2);
    CHECK(fixture.joined().outcome == JoinOutcome::genesis);
    CHECK(fixture.reception.genesis() == peer(2).id);
  }
}

TEST_CASE("a bridge that has just started does not make an old network look empty") {
  ReceptionFixture fixture(with(Genesis::allowed));
  fixture.connect_bridges(2);
  fixture.register_peer(1);
  fixture.join(1);
  fixture.introduce(fixture.ask().ask, {}, 1);
  fixture.introduce(fixture.ask().ask, {peer(7)}, 2);
  CHECK(fixture.joined().outcome == JoinOutcome::introduced);
}

TEST_CASE(
    "the number of questions for one join is bounded, also when one bridge answers them all") {
  ReceptionFixture fixture(with(Genesis::allowed));
  fixture.connect_bridges(10);
  fixture.register_peer(1);
  fixture.join(1);
  for (int ask = 0; ask < 4; ++ask) fixture.introduce(fixture.ask().ask, {}, 1);
  CHECK(fixture.joined().outcome == JoinOutcome::genesis);
}

TEST_CASE("nobody becomes genesis against the operator's will, or when it cannot be dialled") {
  SECTION("not allowed, nobody live: the answer says what to do") {
    ReceptionFixture fixture;
    fixture.connect_bridges(1);
    fixture.register_peer(1);
    fixture.join(1);
    fixture.introduce(fixture.ask().ask, {});
    const wire::Failure failure = fixture.failed();
    CHECK(failure.code == ErrorCode::bridge_unavailable);
    CHECK(failure.text.find("--genesis") != std::string::npos);
    CHECK(failure.retry_after_ms >= 1500);
    CHECK(failure.retry_after_ms <= 2500);
  }
  SECTION("not allowed, somebody live") {
    ReceptionFixture fixture;
    fixture.connect_bridges(1);
    fixture.register_peer(1);
    fixture.register_peer(2);
    fixture.join(1);
    fixture.introduce(fixture.ask().ask, {});
    const wire::JoinResponse response = fixture.joined();
    CHECK(response.outcome == JoinOutcome::emergency);
    CHECK(response.contacts == wire::Contacts{peer(2)});
  }
  SECTION("allowed, but the asker has no address") {
    ReceptionFixture fixture(with(Genesis::allowed));
    fixture.connect_bridges(1);
    wire::Contact browser = peer(1);
    browser.address.clear();
    fixture.reception.on_client_opened(fixture.now, client(1), browser);
    fixture.join(1);
    fixture.introduce(fixture.ask().ask, {});
    CHECK(fixture.failed().text.find("--advertise") != std::string::npos);
    CHECK_FALSE(fixture.reception.genesis().has_value());
  }
}

TEST_CASE("P-CC-1: without any bridge the answer comes at once, and says what to do") {
  for (const Genesis genesis : {Genesis::refused, Genesis::allowed}) {
    ReceptionFixture fixture(with(genesis));
    fixture.register_peer(1);
    fixture.join(1);
    const wire::Failure failure = fixture.failed();
    CHECK(failure.code == ErrorCode::bridge_unavailable);
    CHECK(failure.text.find("start a bridge-node") != std::string::npos);
    fixture.register_peer(2);
    fixture.join(1, 2);
    const wire::JoinResponse response = fixture.joined();
    CHECK(response.outcome == JoinOutcome::emergency);
    CHECK(response.contacts == wire::Contacts{peer(2)});
    CHECK(response.introduced_by.is_zero());
  }
}

TEST_CASE("P-CC-1: with silent, failing or lost bridges the answer comes within 5 s") {
  enum class Fate { silent, failing, lost };
  for (const Fate fate : {Fate::silent, Fate::failing, Fate::lost}) {
    for (const bool others_live : {false, true}) {
      CAPTURE(static_cast<int>(fate), others_live);
      ReceptionFixture fixture(with(Genesis::allowed));
      fixture.connect_bridges(2);
      fixture.register_peer(1);
      if (others_live) fixture.register_peer(2);
      fixture.join(1);
      const onboarding::AskBridge ask = fixture.ask();
      if (fate == Fate::silent) {
        fixture.pass(milliseconds(4499));
        CHECK(fixture.take<onboarding::Answer>().empty());
        fixture.pass(milliseconds(1));
        REQUIRE(fixture.take<onboarding::CancelAsk>().size() == 1);
      } else {
        if (fate == Fate::lost) fixture.connect_bridges(0);
        fixture.reception.on_introduction_failed(fixture.now, ask.ask, ErrorCode::timeout, 0);
      }
      if (others_live) {
        CHECK(fixture.joined().outcome == JoinOutcome::emergency);
      } else {
        CHECK(fixture.failed().code == ErrorCode::bridge_unavailable);
      }
      CHECK_FALSE(fixture.reception.genesis().has_value());  // a silent bridge may know a network
      fixture.introduce(ask.ask, {peer(9)});                 // too late
      CHECK(fixture.take<onboarding::Answer>().empty());
      CHECK(fixture.reception.stats().late == 1);
    }
  }
}

TEST_CASE("without bridges a first node is named only where that is allowed, and only if alone") {
  ReceptionFixture fixture(with(Genesis::allowed_without_bridges));
  fixture.register_peer(1);
  fixture.register_peer(2);
  fixture.join(1);
  CHECK(fixture.joined().outcome == JoinOutcome::emergency);
  fixture.reception.on_client_closed(fixture.now, client(2));
  fixture.join(1);
  const wire::JoinResponse response = fixture.joined();
  CHECK(response.outcome == JoinOutcome::genesis);
  CHECK(response.contacts.empty());
}

TEST_CASE("whom a bridge's owner turns away gets no way round it, but the bridge's own words") {
  ReceptionFixture fixture(with(Genesis::allowed));
  fixture.connect_bridges(2);
  fixture.register_peer(1);
  fixture.register_peer(2);  // a live node, which would be named in an emergency
  fixture.join(1);
  const onboarding::AskId ask = fixture.ask().ask;
  fixture.reception.on_turned_away(
      fixture.now, ask,
      {.code = ErrorCode::rate_limited, .retry_after_ms = 60'000, .text = "one a minute"});
  const wire::Failure failure = fixture.failed();
  CHECK(failure.code == ErrorCode::rate_limited);
  CHECK(failure.retry_after_ms == 60'000);
  CHECK(failure.text == "one a minute");
  CHECK(fixture.reception.next_deadline() == kNever);
  fixture.reception.on_turned_away(fixture.now, ask, {ErrorCode::refused, 0, {}});
  CHECK(fixture.take<onboarding::Answer>().empty());
  CHECK(fixture.reception.stats().late == 1);

  // Nor is anybody led to it, before a bridge has let it in.
  std::uint64_t joins = 100;
  const auto fail_to_introduce_two = [&] {
    fixture.join(2, ++joins);
    fixture.reception.on_introduction_failed(fixture.now, fixture.ask().ask, ErrorCode::timeout, 0);
  };
  fail_to_introduce_two();
  CHECK(fixture.failed().code == ErrorCode::bridge_unavailable);
  fixture.join(1, 7);
  fixture.introduce(fixture.ask().ask, {peer(9)});
  CHECK(fixture.joined().outcome == JoinOutcome::introduced);
  fail_to_introduce_two();
  CHECK(fixture.joined().contacts == wire::Contacts{peer(1)});
}

TEST_CASE("while a bridge of the old system may be asked, its ten seconds are waited for") {
  ReceptionFixture fixture(with(Genesis::allowed));
  fixture.register_peer(1);
  fixture.register_peer(2);
  wire::Contacts bridges{bridge_peer(1)};
  fixture.reception.on_bridges(fixture.now, bridges);
  fixture.join(1);
  CHECK(fixture.ask().request.budget_ms == 4250);
  fixture.pass(milliseconds(4500));
  CHECK(fixture.joined().outcome == JoinOutcome::emergency);

  bridges.push_back(bridge_peer(2));
  bridges[1].dialect = wire::Dialect::legacy;
  fixture.reception.on_bridges(fixture.now, bridges);
  fixture.join(1, 2);
  CHECK(fixture.ask().request.budget_ms == 10'250);
  fixture.pass(milliseconds(10'499));
  CHECK(fixture.take<onboarding::Answer>().empty());
  fixture.pass(milliseconds(1));
  CHECK(fixture.joined().outcome == JoinOutcome::emergency);
}

TEST_CASE("no second network is begun where a bridge names nodes it cannot introduce to") {
  ReceptionFixture fixture(with(Genesis::allowed));
  fixture.connect_bridges(1);
  fixture.register_peer(1);
  fixture.join(1);
  wire::IntroduceResponse response;
  response.alternatives = {peer(7)};
  fixture.reception.on_introduced(fixture.now, fixture.ask().ask, bridge_peer(1), response);
  const wire::JoinResponse joined = fixture.joined();
  CHECK(joined.outcome == JoinOutcome::emergency);
  CHECK(joined.contacts == wire::Contacts{peer(7)});
}

TEST_CASE("a helper that cannot be dialled is named only to those it can invite") {
  ReceptionFixture fixture;
  fixture.connect_bridges(1);
  wire::Contact browser = peer(7);
  browser.dialect = wire::Dialect::legacy;
  browser.address.clear();
  wire::Contact old_asker = peer(1);
  old_asker.dialect = wire::Dialect::legacy;
  fixture.reception.on_client_opened(fixture.now, client(1), old_asker);
  fixture.register_peer(2);
  fixture.join(1);
  fixture.introduce(fixture.ask().ask, {browser});
  CHECK(fixture.joined().contacts == wire::Contacts{browser});
  fixture.join(2);
  fixture.introduce(fixture.ask().ask, {browser});
  CHECK(fixture.take<onboarding::Answer>().size() == 1);
  CHECK(fixture.reception.stats().introduced == 1);
}

TEST_CASE("P-CC-4: busy bridges are not an emergency, the asker is told when to come back") {
  ReceptionFixture fixture(with(Genesis::allowed));
  fixture.connect_bridges(1);
  fixture.register_peer(1);
  fixture.register_peer(2);
  fixture.join(1);
  fixture.reception.on_introduction_failed(fixture.now, fixture.ask().ask, ErrorCode::busy, 777);
  const wire::Failure failure = fixture.failed();
  CHECK(failure.code == ErrorCode::busy);
  CHECK(failure.retry_after_ms == 777);
}

TEST_CASE("P-CC-4: with healthy bridges the emergency rules change nothing") {
  // The same story under all settings of the emergency rules, compared effect by effect.
  std::vector<std::vector<wire::Contacts>> traces;
  for (const Genesis genesis :
       {Genesis::refused, Genesis::allowed, Genesis::allowed_without_bridges}) {
    ReceptionFixture fixture(with(genesis), 4);
    fixture.connect_bridges(2);
    std::vector<wire::Contacts> trace;
    for (std::uint64_t number = 1; number <= 50; ++number) {
      fixture.register_peer(number);
      fixture.join(number);
      fixture.introduce(fixture.ask().ask, {peer(100 + number), peer(200 + number)}, number % 2);
      trace.push_back(fixture.joined().contacts);
    }
    traces.push_back(trace);
  }
  CHECK(traces[0] == traces[1]);
  CHECK(traces[0] == traces[2]);
}

TEST_CASE("a bridge that joins gets live nodes at once, possibly none, and is never genesis") {
  ReceptionFixture fixture(with(Genesis::allowed_without_bridges));
  fixture.connect_bridges(1);
  fixture.reception.on_client_opened(fixture.now, client(50), bridge_peer(1));
  fixture.join(50);
  CHECK(fixture.take<onboarding::AskBridge>().empty());
  const wire::JoinResponse alone = fixture.joined();
  CHECK(alone.outcome == JoinOutcome::bridge);
  CHECK(alone.contacts.empty());
  for (std::uint64_t number = 1; number <= 30; ++number) fixture.register_peer(number);
  fixture.join(50, 2, 200);
  CHECK(fixture.joined().contacts.size() == 20);
  CHECK_FALSE(fixture.reception.genesis().has_value());
}

TEST_CASE("what cannot be begun is refused with a code") {
  ReceptionOptions options;
  options.joins_max = 2;
  SECTION("a second join on one connection is BUSY, a repetition of the first is ignored") {
    ReceptionFixture fixture(options);
    fixture.connect_bridges(1);
    fixture.register_peer(1);
    fixture.join(1, 1);
    fixture.join(1, 1);
    CHECK(fixture.take<onboarding::Answer>().empty());
    CHECK(fixture.reception.stats().ignored == 1);
    fixture.join(1, 2);
    CHECK(fixture.failed().code == ErrorCode::busy);
    fixture.introduce(fixture.ask().ask, {peer(2)});
    CHECK(fixture.joined().outcome == JoinOutcome::introduced);
  }
  SECTION("more joins than the limit are BUSY") {
    ReceptionFixture fixture(options);
    fixture.connect_bridges(1);
    for (std::uint64_t number = 1; number <= 3; ++number) {
      fixture.register_peer(number);
      fixture.join(number);
    }
    CHECK(fixture.failed().code == ErrorCode::busy);
    CHECK(fixture.reception.stats().in_flight == 2);
  }
  SECTION("an unknown connection") {
    ReceptionFixture fixture(options);
    fixture.join(1);
    CHECK(fixture.failed().code == ErrorCode::invalid_request);
  }
  SECTION("by invitation only: nodes are refused, bridges are served") {
    options.admission = onboarding::Admission::invitation;
    ReceptionFixture fixture(options);
    fixture.connect_bridges(1);
    fixture.register_peer(1);
    fixture.join(1);
    CHECK(fixture.failed().code == ErrorCode::unauthorized);
    fixture.reception.on_client_opened(fixture.now, client(2), bridge_peer(1));
    fixture.join(2);
    CHECK(fixture.joined().outcome == JoinOutcome::bridge);
  }
  SECTION("no room for a client") {
    options.clients_max = 1;
    ReceptionFixture fixture(options);
    fixture.register_peer(1);
    fixture.register_peer(2);
    const auto away = fixture.take<onboarding::TurnAway>();
    REQUIRE(away.size() == 1);
    CHECK(away[0].client == client(2));
    CHECK(away[0].code == ErrorCode::busy);
  }
}

TEST_CASE("what is withdrawn or lost its connection ends without an answer") {
  ReceptionFixture fixture;
  fixture.connect_bridges(1);
  fixture.register_peer(1);
  fixture.register_peer(2);
  fixture.join(1, 5);
  fixture.join(2, 6);
  REQUIRE(fixture.take<onboarding::AskBridge>().size() == 2);
  fixture.reception.on_cancelled(fixture.now, client(1), {4});  // another request
  CHECK(fixture.reception.stats().in_flight == 2);
  fixture.reception.on_cancelled(fixture.now, client(1), {5});
  fixture.reception.on_client_closed(fixture.now, client(2));
  CHECK(fixture.take<onboarding::CancelAsk>().size() == 2);
  CHECK(fixture.take<onboarding::Answer>().empty());
  CHECK(fixture.reception.stats().cancelled == 2);
  CHECK(fixture.reception.next_deadline() == kNever);
}

TEST_CASE("P-CC-3: fifty nodes that join an empty network at once all know somebody or are first") {
  ReceptionFixture fixture(with(Genesis::allowed));
  fixture.connect_bridges(2);
  for (std::uint64_t number = 1; number <= 50; ++number) {
    fixture.register_peer(number);
    fixture.join(number);
  }
  std::size_t first = 0;
  std::size_t emergency = 0;
  for (std::uint64_t bridge = 1; bridge <= 2; ++bridge) {
    for (const onboarding::AskBridge& ask : fixture.take<onboarding::AskBridge>()) {
      fixture.introduce(ask.ask, {}, bridge);
    }
  }
  for (const onboarding::Answer& answer : fixture.take<onboarding::Answer>()) {
    const auto response = std::get<wire::JoinResponse>(answer.message);
    CHECK_FALSE(response.contacts.empty());
    first += response.outcome == JoinOutcome::genesis ? 1 : 0;
    if (response.outcome != JoinOutcome::emergency) continue;
    ++emergency;
    CHECK(response.contacts[0].id == *fixture.reception.genesis());
    CHECK(ids(response.contacts).size() == response.contacts.size());
  }
  CHECK(first == 1);
  CHECK(emergency == 49);
}

TEST_CASE(
    "the loss of the last bridge and its return are logged once each, failures once a series") {
  ReceptionFixture fixture;
  fixture.connect_bridges(1);
  fixture.connect_bridges(2);
  fixture.connect_bridges(0);
  fixture.register_peer(1);
  for (std::uint64_t request = 1; request <= 5; ++request) fixture.join(1, request);
  std::vector<std::string> events;
  for (const LogRecord& record : fixture.take<LogRecord>()) events.emplace_back(record.event);
  CHECK(events == std::vector<std::string>{"reception.bridges", "reception.no_bridge",
                                           "reception.join_failed"});
}

}  // namespace
}  // namespace trestle::test
