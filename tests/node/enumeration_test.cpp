// One identity asks for peers all day long, as fast as it likes (T27). The reception of a bootstrap
// node and the desks of its bridges, in simulated time.

#include <cstdint>
#include <memory>
#include <set>
#include <variant>
#include <vector>

#include "catch.hpp"
#include "trestle/bridge/introduction_desk.hpp"
#include "trestle/onboarding/reception.hpp"

using namespace trestle;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t kMembers = 1000;
/// In the middle of a turn, so that the day meets two.
constexpr Instant kStart{36h};

wire::Contact contact(std::uint64_t number, wire::Role role = wire::Role::node) {
  wire::Contact made;
  made.id = NodeId(number, number, 0);
  made.role = role;
  made.dialect = wire::Dialect::native;
  made.address = "ws://10.0.0.1:" + std::to_string(number) + "/";
  return made;
}

link::ConnectionId connection(std::uint64_t number) {
  return {link::ConnectionOwner::node, number};
}

/// A bootstrap node with bridges that know every member, and with clients that are members.
class Door {
 public:
  Door(std::uint64_t bridges, std::uint64_t clients, std::uint64_t seed = 1)
      : reception_({}, Rng(seed)) {
    bridge::IntroductionDeskOptions options;
    options.members_max = kMembers;
    options.heard_fresh = 48h;  // they answer pings all day
    wire::Contacts connected;
    for (std::uint64_t number = 0; number < bridges; ++number) {
      connected.push_back(contact(8000 + number, wire::Role::bridge));
      desks_.push_back(std::make_unique<bridge::IntroductionDesk>(connected.back(), options,
                                                                  Rng(seed + 100 + number)));
      for (std::uint64_t member = 1; member <= kMembers; ++member) {
        desks_.back()->on_member_up(kStart, contact(member));
      }
    }
    reception_.on_bridges(kStart, connected);
    for (std::uint64_t member = 1; member <= clients; ++member) {
      reception_.on_client_opened(kStart, connection(member), contact(member));
    }
    reception_.on_client_opened(kStart, kAsker, contact(5000));
  }

  /// The answer to one more join: how many it names, or nothing if it was refused for its rate.
  std::optional<std::size_t> ask(Instant now) {
    reception_.on_join(now, kAsker, {++asked_}, {.contacts_max = 20});
    while (auto effect = reception_.poll_effect()) {
      if (const auto* ask = std::get_if<onboarding::AskBridge>(&*effect)) introduce(now, *ask);
      const auto* answer = std::get_if<onboarding::Answer>(&*effect);
      if (answer == nullptr) continue;
      if (const auto* failure = std::get_if<wire::Failure>(&answer->message)) {
        REQUIRE(failure->code == ErrorCode::rate_limited);
        REQUIRE(failure->retry_after_ms > 0);
        return std::nullopt;
      }
      const auto& contacts = std::get<wire::JoinResponse>(answer->message).contacts;
      for (const wire::Contact& named : contacts) revealed.insert(named.id);
      return contacts.size();
    }
    FAIL("no answer");
    return std::nullopt;
  }

  std::set<NodeId> revealed;

 private:
  static inline const link::ConnectionId kAsker = connection(9999);

  /// Bridges are asked in turn.
  void introduce(Instant now, const onboarding::AskBridge& ask) {
    const std::size_t which = turn_++ % desks_.size();
    bridge::IntroductionDesk& desk = *desks_[which];
    desk.on_request(now, connection(1), {turn_}, ask.request);
    while (auto effect = desk.poll_effect()) {
      const auto* answer = std::get_if<bridge::Answer>(&*effect);
      if (answer == nullptr) continue;
      reception_.on_introduced(now, ask.ask, contact(8000 + which, wire::Role::bridge),
                               std::get<wire::IntroduceResponse>(answer->message));
    }
  }

  onboarding::Reception reception_;
  std::vector<std::unique_ptr<bridge::IntroductionDesk>> desks_;
  std::uint64_t turn_ = 0;
  std::uint64_t asked_ = 0;
};

/// 10,000 questions, spread over a day.
std::size_t ask_all_day(Door& door) {
  constexpr std::int64_t kQueries = 10'000;
  std::size_t answered = 0;
  for (std::int64_t query = 0; query < kQueries; ++query) {
    answered += door.ask(kStart + Duration(24h) * query / kQueries) ? 1 : 0;
  }
  return answered;
}

}  // namespace

TEST_CASE(
    "T27: 10,000 questions of one identity in a day reveal at most a tenth of 1,000 members") {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    CAPTURE(seed);
    Door door(2, seed % 2 == 0 ? kMembers : 0, seed);
    const std::size_t answered = ask_all_day(door);
    CHECK(door.revealed.size() <= kMembers / 10);
    INFO("and each newcomer was named enough to come in");
    CHECK(door.revealed.size() >= 20);
    // One each ten seconds, and ten at once.
    CHECK(answered <= 24 * 360 + 10);
    CHECK(answered >= 24 * 360 - 10);
  }
}

TEST_CASE("T27: without any bridge no more of those who are registered is revealed either") {
  Door door(0, kMembers);
  ask_all_day(door);
  CHECK(door.revealed.size() <= kMembers / 10);
  CHECK(door.revealed.size() >= 20);
}

TEST_CASE(
    "T27: who lost everything is named peers five times within a minute, and again after it") {
  Door door(2, 0);
  Instant now = kStart;
  for (int loss = 0; loss < 20; ++loss) {
    CAPTURE(loss);
    for (int attempt = 0; attempt < 5; ++attempt) {
      const auto named = door.ask(now);
      REQUIRE(named);
      CHECK(*named == 20);
      now += 10s;
    }
    now += 10s;
  }
  INFO("and where it asks as fast as it can it has ten attempts, then one each ten seconds");
  now += 100s;
  for (int attempt = 0; attempt < 10; ++attempt) REQUIRE(door.ask(now));
  CHECK_FALSE(door.ask(now));
  CHECK_FALSE(door.ask(now + 10s - 1ms));
  CHECK(door.ask(now + 10s));
}
