#include "trestle/sim/checkers/answers.hpp"

#include <string>

namespace trestle::sim::checkers {
namespace {

constexpr std::string_view kRule = "P-BR-2: a response belongs to its caller";

std::string describe(const Happening& happening, const RecordHead& record) {
  return "n" + std::to_string(happening.node) + " to n" + std::to_string(happening.peer) + " on #" +
         std::to_string(happening.connection) + ": " + std::string(record.name) + " " +
         std::to_string(record.request_id);
}

}  // namespace

void Answers::observe(World& world, const Happening& happening) {
  if (happening.node != kNoNode && !world.is_honest(happening.node)) return;
  if (happening.peer != kNoNode && !world.is_honest(happening.peer)) return;
  switch (happening.kind) {
    case HappeningKind::frame_ordered:
      return on_ordered(world, happening);
    case HappeningKind::frame_delivered:
      return on_delivered(happening);
    case HappeningKind::closed:
    case HappeningKind::close_ordered:
    case HappeningKind::dial_failed:
      return end_closed(happening.connection);
    default:
      return;
  }
}

/// Once an end closed, no answer can be delivered any more; the other end may still send some in
/// vain, which is checked all the same. After both closed the connection is forgotten. (After a
/// kill one end never closes: bounded by the kills.)
void Answers::end_closed(ConnectionSerial connection) {
  const auto asked = connections_.find(connection);
  if (asked == connections_.end()) return;
  if (asked->second.one_end_closed) {
    connections_.erase(asked);
  } else {
    asked->second.one_end_closed = true;
  }
}

void Answers::on_ordered(World& world, const Happening& happening) {
  if (happening.undecodable) {
    return world.report_violation("every frame decodes",
                                  "n" + std::to_string(happening.node) + " sent " +
                                      std::to_string(happening.bytes.size()) +
                                      " bytes that are no native frame");
  }
  for (const RecordHead& record : happening.records) {
    if (record.part == RecordPart::notification) continue;
    Asked& asked = connections_[happening.connection];
    auto& own = asked.by_side[happening.side];
    if (record.part == RecordPart::answer) {
      on_answer_ordered(world, happening, record);
    } else if (record.part == RecordPart::request) {
      ++requests_;
      const auto [state, inserted] = own.insert(record.request_id, State::sent);
      if (!inserted && *state != State::withdrawn) {
        return world.report_violation(
            kRule, describe(happening, record) + ": the id is in use for another request");
      }
      *state = State::sent;
    }
  }
}

void Answers::on_answer_ordered(World& world, const Happening& happening,
                                const RecordHead& record) {
  ++answers_;
  Asked& asked = connections_[happening.connection];
  auto& theirs = asked.by_side[opposite(happening.side)];
  const State* state = theirs.find(record.request_id);
  if (state == nullptr) {
    return world.report_violation(
        kRule, describe(happening, record) + ": never asked there, or answered before");
  }
  if (*state == State::sent) {
    return world.report_violation(
        kRule, describe(happening, record) + ": answered before the question arrived");
  }
  theirs.erase(record.request_id);
}

void Answers::on_delivered(const Happening& happening) {
  const auto asked = connections_.find(happening.connection);
  if (asked == connections_.end()) return;
  auto& theirs = asked->second.by_side[opposite(happening.side)];
  for (const RecordHead& record : happening.records) {
    if (record.part != RecordPart::request && record.part != RecordPart::withdrawal) continue;
    State* state = theirs.find(record.request_id);
    if (state == nullptr) continue;
    if (record.part == RecordPart::request) {
      *state = State::delivered;
    } else {
      ++withdrawals_;
      *state = State::withdrawn;
    }
  }
}

}  // namespace trestle::sim::checkers
