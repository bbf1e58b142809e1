#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "catch.hpp"
#include "trestle/onboarding/reception.hpp"

namespace trestle::test {

inline constexpr Instant kStart = Instant(std::chrono::seconds(1000));

inline wire::Contact peer(std::uint64_t number, wire::Role role = wire::Role::node) {
  wire::Contact contact;
  contact.id = NodeId(number, 0, 0);
  contact.role = role;
  contact.dialect = wire::Dialect::native;
  contact.address = "ws://10.0.0.1:" + std::to_string(number) + "/";
  return contact;
}

inline wire::Contact bridge_peer(std::uint64_t number) {
  return peer(9000 + number, wire::Role::bridge);
}

inline link::ConnectionId client(std::uint64_t number) {
  return {link::ConnectionOwner::node, number};
}

/// A reception driven by hand. Clients are numbered; peer n is registered on connection n.
class ReceptionFixture {
 public:
  explicit ReceptionFixture(const onboarding::ReceptionOptions& options = {},
                            std::uint64_t seed = 1)
      : reception(options, Rng(seed)) {}

  template <typename Kind>
  std::vector<Kind> take() {
    while (auto effect = reception.poll_effect()) effects.push_back(std::move(*effect));
    std::vector<Kind> found;
    std::erase_if(effects, [&](onboarding::ReceptionEffect& effect) {
      auto* kind = std::get_if<Kind>(&effect);
      if (kind != nullptr) found.push_back(std::move(*kind));
      return kind != nullptr;
    });
    return found;
  }
  void register_peer(std::uint64_t number) {
    reception.on_client_opened(now, client(number), peer(number));
  }
  void connect_bridges(std::uint64_t count) {
    wire::Contacts bridges;
    for (std::uint64_t number = 1; number <= count; ++number)
      bridges.push_back(bridge_peer(number));
    reception.on_bridges(now, bridges);
  }
  void join(std::uint64_t number, std::uint64_t request = 1, std::uint8_t wanted = 8) {
    reception.on_join(now, client(number), {request}, {.contacts_max = wanted});
  }
  /// The one question to a bridge that is under way.
  onboarding::AskBridge ask() {
    auto asks = take<onboarding::AskBridge>();
    REQUIRE(asks.size() == 1);
    return asks[0];
  }
  /// The one answer given since the last time.
  wire::Message answer() {
    auto answers = take<onboarding::Answer>();
    REQUIRE(answers.size() == 1);
    return std::move(answers[0].message);
  }
  wire::JoinResponse joined() {
    const wire::Message message = answer();
    REQUIRE(std::holds_alternative<wire::JoinResponse>(message));
    return std::get<wire::JoinResponse>(message);
  }
  wire::Failure failed() {
    const wire::Message message = answer();
    REQUIRE(std::holds_alternative<wire::Failure>(message));
    return std::get<wire::Failure>(message);
  }
  void introduce(onboarding::AskId asked, const wire::Contacts& members, std::uint64_t bridge = 1) {
    wire::IntroduceResponse response;
    response.members = members;
    reception.on_introduced(now, asked, bridge_peer(bridge), response);
  }
  void pass(Duration time) {
    const Instant until = now + time;
    while (reception.next_deadline() <= until) {
      now = std::max(now, reception.next_deadline());
      reception.on_deadline(now);
      REQUIRE(reception.next_deadline() > now);
    }
    now = until;
  }

  Instant now = kStart;
  onboarding::Reception reception;
  std::vector<onboarding::ReceptionEffect> effects;
};

}  // namespace trestle::test
