#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "catch.hpp"
#include "trestle/bridge/introduction_desk.hpp"

namespace trestle::test {

inline constexpr Instant kStart = Instant(std::chrono::seconds(1000));

inline wire::Contact desk_contact(std::uint64_t number, wire::Role role = wire::Role::node) {
  wire::Contact contact;
  contact.id = NodeId(number, 0, 0);
  contact.role = role;
  contact.dialect = wire::Dialect::native;
  contact.address = "ws://10.0.0.1:" + std::to_string(number) + "/";
  return contact;
}

inline wire::Contact desk_self() { return desk_contact(9999, wire::Role::bridge); }

inline link::ConnectionId desk_source(std::uint64_t number) {
  return {link::ConnectionOwner::node, number};
}

/// A desk with its effects sorted by kind.
class DeskFixture {
 public:
  explicit DeskFixture(const bridge::IntroductionDeskOptions& options = {}, std::uint64_t seed = 1,
                       bridge::AdmissionPolicy* policy = nullptr)
      : desk(desk_self(), options, Rng(seed), policy) {}

  void add_members(std::uint64_t count) {
    for (std::uint64_t number = 1; number <= count; ++number) {
      desk.on_member_up(now, desk_contact(number));
    }
  }

  /// Answers that the request left behind, oldest first.
  std::vector<bridge::Answer> request(std::uint64_t source, std::uint64_t id,
                                      std::uint32_t budget_ms = 5000, std::uint8_t wanted = 4) {
    wire::IntroduceRequest asked;
    asked.newcomer = desk_contact(100'000 + id);
    asked.contacts_max = wanted;
    asked.budget_ms = budget_ms;
    desk.on_request(now, desk_source(source), {id}, asked);
    return drain();
  }

  std::vector<bridge::Answer> drain() {
    std::vector<bridge::Answer> answers;
    while (auto effect = desk.poll_effect()) {
      if (auto* answer = std::get_if<bridge::Answer>(&*effect)) {
        answers.push_back(std::move(*answer));
      } else if (auto* probe = std::get_if<bridge::Probe>(&*effect)) {
        probes.push_back(probe->member);
      } else {
        records.push_back(std::get<LogRecord>(*effect));
      }
    }
    return answers;
  }

  std::vector<bridge::Answer> pass(Duration time) {
    const Instant until = now + time;
    std::vector<bridge::Answer> answers;
    while (desk.next_deadline() <= until) {
      now = std::max(now, desk.next_deadline());
      desk.on_deadline(now);
      REQUIRE(desk.next_deadline() > now);
      for (bridge::Answer& answer : drain()) answers.push_back(std::move(answer));
    }
    now = until;
    return answers;
  }

  Instant now = kStart;
  bridge::IntroductionDesk desk;
  std::vector<NodeId> probes;
  std::vector<LogRecord> records;
};

inline const wire::IntroduceResponse& introduction(const bridge::Answer& answer) {
  REQUIRE(std::holds_alternative<wire::IntroduceResponse>(answer.message));
  return std::get<wire::IntroduceResponse>(answer.message);
}

inline ErrorCode failure_code(const bridge::Answer& answer) {
  const auto* failure = std::get_if<wire::Failure>(&answer.message);
  return failure != nullptr ? failure->code : ErrorCode::none;
}

}  // namespace trestle::test
