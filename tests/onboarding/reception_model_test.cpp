#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "catch.hpp"
#include "machine_laws.hpp"
#include "reception_fixture.hpp"

namespace trestle::test {
namespace {

using onboarding::Genesis;
using std::chrono::milliseconds;
using std::chrono::seconds;

onboarding::ReceptionOptions small_options() {
  onboarding::ReceptionOptions options;
  options.genesis = Genesis::allowed;
  options.clients_max = 6;
  options.joins_max = 3;
  return options;
}

/// A reception under random treatment, and beside it what must be true of it.
class Story {
 public:
  explicit Story(std::uint64_t seed)
      : fixture_(small_options(), seed), rng_(Rng(seed).fork("story")) {}

  void step() {
    switch (rng_.below(12)) {
      case 0:
      case 1:
        return open(1 + rng_.below(8));
      case 2:
        return close(1 + rng_.below(8));
      case 3:
        return fixture_.connect_bridges(rng_.below(3));
      case 4:
        return cancel(1 + rng_.below(8));
      case 5:
        return pass(rng_.between(Duration::zero(), seconds(3)));
      case 6:
      case 7:
        return introduce();
      case 8:
        return fail();
      default:
        return join(1 + rng_.below(8));
    }
  }
  void settle() {
    pass(seconds(10));
    check();
    CHECK(waiting_.empty());
    CHECK(fixture_.reception.next_deadline() == kNever);
  }
  void check() {
    for (const onboarding::AskBridge& ask : fixture_.take<onboarding::AskBridge>()) {
      CHECK(ask.request.budget_ms > 0);
      asks_.push_back(ask.ask);
    }
    for (const onboarding::TurnAway& away : fixture_.take<onboarding::TurnAway>()) {
      open_.erase(away.client);
    }
    for (const onboarding::Answer& answer : fixture_.take<onboarding::Answer>()) check(answer);
    const onboarding::ReceptionStats stats = fixture_.reception.stats();
    REQUIRE(stats.clients == open_.size());
    REQUIRE(stats.in_flight == waiting_.size());
    REQUIRE(stats.in_flight <= small_options().joins_max);
    REQUIRE(stats.joins == stats.introduced + stats.genesis + stats.emergency + stats.bridges +
                               stats.failed + stats.busy + stats.limited + stats.cancelled +
                               stats.ignored + stats.in_flight);
    const auto genesis = fixture_.reception.genesis();
    if (genesis) REQUIRE(is_live(*genesis));
  }

 private:
  using Key = std::pair<link::ConnectionId, std::uint64_t>;

  bool is_live(const NodeId& id) const {
    for (const auto& [connection, contact] : open_) {
      if (contact.id == id && !contact.address.empty() && contact.role == wire::Role::node) {
        return true;
      }
    }
    return false;
  }

  /// Answered once, in time, and never with the asker among the contacts.
  void check(const onboarding::Answer& answer) {
    const auto place = waiting_.find({answer.client, answer.request_id.value});
    REQUIRE(place != waiting_.end());
    REQUIRE(fixture_.now <= place->second + milliseconds(4500));
    waiting_.erase(place);
    const auto* response = std::get_if<wire::JoinResponse>(&answer.message);
    if (response == nullptr) {
      REQUIRE_FALSE(std::get<wire::Failure>(answer.message).text.empty());
      return;
    }
    const wire::Contact& asker = open_.at(answer.client);
    std::set<NodeId> distinct;
    for (const wire::Contact& contact : response->contacts) {
      REQUIRE(contact.id != asker.id);
      REQUIRE_FALSE(contact.address.empty());
      REQUIRE(distinct.insert(contact.id).second);
      if (response->outcome == wire::JoinOutcome::emergency ||
          response->outcome == wire::JoinOutcome::bridge) {
        REQUIRE(is_live(contact.id));
      }
    }
    if (asker.role == wire::Role::bridge) {
      REQUIRE(response->outcome == wire::JoinOutcome::bridge);
    } else if (response->outcome == wire::JoinOutcome::genesis) {
      REQUIRE(fixture_.reception.genesis() == asker.id);
    } else {
      REQUIRE_FALSE(response->contacts.empty());
    }
  }

  void open(std::uint64_t number) {
    // Two connections may bring the same peer, some peers cannot be dialled, and a renewed
    // registration may change anything but the role.
    wire::Contact contact = peer(1 + rng_.below(5));
    const auto known = open_.find(client(number));
    const bool is_bridge =
        known == open_.end() ? rng_.chance(1, 5) : known->second.role == wire::Role::bridge;
    if (is_bridge) contact = bridge_peer(1 + rng_.below(2));
    if (rng_.chance(1, 5)) contact.address.clear();
    open_[client(number)] = contact;
    fixture_.reception.on_client_opened(fixture_.now, client(number), contact);
  }
  void close(std::uint64_t number) {
    open_.erase(client(number));
    std::erase_if(waiting_, [&](const auto& entry) { return entry.first.first == client(number); });
    fixture_.reception.on_client_closed(fixture_.now, client(number));
  }
  void join(std::uint64_t number) {
    waiting_[{client(number), ++last_request_}] = fixture_.now;
    fixture_.join(number, last_request_);
  }
  void cancel(std::uint64_t number) {
    const auto place = waiting_.lower_bound({client(number), 0});
    if (place == waiting_.end() || place->first.first != client(number)) return;
    const wire::RequestId request{place->first.second};
    waiting_.erase(place);
    fixture_.reception.on_cancelled(fixture_.now, client(number), request);
  }
  std::optional<onboarding::AskId> draw_ask() {
    if (asks_.empty()) return std::nullopt;
    return asks_[rng_.below(asks_.size())];  // ended ones as well
  }
  void introduce() {
    const auto ask = draw_ask();
    if (!ask) return;
    wire::Contacts members;
    for (std::uint64_t count = rng_.below(3); count > 0; --count) {
      members.push_back(peer(1 + rng_.below(8)));
    }
    fixture_.introduce(*ask, members, 1 + rng_.below(2));
  }
  void fail() {
    const auto ask = draw_ask();
    if (!ask) return;
    const ErrorCode code = rng_.chance(1, 2) ? ErrorCode::busy : ErrorCode::timeout;
    fixture_.reception.on_introduction_failed(fixture_.now, *ask, code, 100);
  }
  void pass(Duration time) {
    const Instant until = fixture_.now + time;
    while (fixture_.reception.next_deadline() <= until) {
      fixture_.pass(fixture_.reception.next_deadline() - fixture_.now);
      check();
    }
    fixture_.now = until;
  }

  ReceptionFixture fixture_;
  Rng rng_;
  std::map<link::ConnectionId, wire::Contact> open_;
  std::map<Key, Instant> waiting_;
  std::vector<onboarding::AskId> asks_;
  std::uint64_t last_request_ = 0;
};

TEST_CASE("every join ends exactly once and in time, whatever clients and bridges do") {
  for (std::uint64_t seed = 1; seed <= 1000; ++seed) {
    CAPTURE(seed);
    Story story(seed);
    for (int step = 0; step < 150; ++step) {
      story.step();
      story.check();
    }
    story.settle();
  }
}

struct ReceptionLaws {
  static constexpr bool kEnds = false;
  explicit ReceptionLaws(std::uint64_t seed) : reception(small_options(), Rng(seed)) {}

  void act(Instant now, Rng& rng) {
    const std::uint64_t number = 1 + rng.below(8);
    switch (rng.below(6)) {
      case 0:
        return reception.on_client_opened(now, client(number), peer(number));
      case 1:
        return reception.on_client_closed(now, client(number));
      case 2:
        return reception.on_bridges(now, wire::Contacts(rng.below(3), bridge_peer(1)));
      case 3:
        return reception.on_introduced(now, last_ask, bridge_peer(1), {});
      default:
        return reception.on_join(now, client(number), {++last_request}, {});
    }
  }
  Instant next_deadline() const { return reception.next_deadline(); }
  void on_deadline(Instant now) { reception.on_deadline(now); }
  std::vector<std::string> drain(Instant) {
    std::vector<std::string> texts;
    while (auto effect = reception.poll_effect()) {
      std::string text = std::to_string(effect->index());
      if (const auto* ask = std::get_if<onboarding::AskBridge>(&*effect)) {
        last_ask = ask->ask;
      } else if (const auto* answer = std::get_if<onboarding::Answer>(&*effect)) {
        text += ' ' + std::to_string(answer->request_id.value);
        if (const auto* failure = std::get_if<wire::Failure>(&answer->message)) {
          text += ' ' + std::to_string(failure->retry_after_ms);
        } else {
          for (const auto& contact : std::get<wire::JoinResponse>(answer->message).contacts) {
            text += ' ' + contact.id.to_hex();
          }
        }
      }
      texts.push_back(std::move(text));
    }
    return texts;
  }
  void shut(Instant) {}

  onboarding::Reception reception;
  onboarding::AskId last_ask;
  std::uint64_t last_request = 0;
};

TEST_CASE("the reception obeys the laws of every machine") { obey_the_laws<ReceptionLaws>(); }

}  // namespace
}  // namespace trestle::test
