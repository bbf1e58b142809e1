#include "trestle/sim/checkers/courtesy.hpp"

#include <algorithm>
#include <string>
#include <variant>

#include "trestle/link/channel.hpp"
#include "trestle/sim/frame_records.hpp"
#include "trestle/wire/native/codec.hpp"

namespace trestle::sim::checkers {
namespace {

constexpr std::string_view kNoAccusation = "honest peers accuse nobody";

/// What is said to who does not keep to docs/protocol.md, or is not who he says he is.
constexpr ErrorCode kAccusations[] = {
    ErrorCode::already_processed, ErrorCode::invalid_request, ErrorCode::invalid_token,
    ErrorCode::unauthorized,      ErrorCode::too_large,       ErrorCode::protocol_error,
    ErrorCode::version_mismatch,  ErrorCode::wrong_network,   ErrorCode::unsupported,
};

constexpr link::CloseStatus kAccusingStatuses[] = {
    link::CloseStatus::protocol_error,
    link::CloseStatus::too_large,
    link::CloseStatus::version_mismatch,
};

bool is_accusation(ErrorCode code) {
  return std::ranges::find(kAccusations, code) != std::end(kAccusations);
}

std::string pair_of(const Happening& happening) {
  return "n" + std::to_string(happening.node) + " to n" + std::to_string(happening.peer) + " on #" +
         std::to_string(happening.connection);
}

}  // namespace

void Courtesy::observe(World& world, const Happening& happening) {
  if (happening.node != kNoNode && !world.is_honest(happening.node)) return;
  if (happening.peer != kNoNode && !world.is_honest(happening.peer)) {
    if (happening.kind == HappeningKind::frame_delivered) on_broken_frame(happening);
    if (happening.kind == HappeningKind::close_ordered) look_at_answer_to_it(world, happening);
    return;
  }
  switch (happening.kind) {
    case HappeningKind::frame_ordered:
      return on_ordered(world, happening);
    case HappeningKind::frame_delivered:
      return on_delivered(world, happening);
    case HappeningKind::close_ordered: {
      const auto status = static_cast<link::CloseStatus>(happening.number);
      if (happening.peer != kNoNode &&
          std::ranges::find(kAccusingStatuses, status) != std::end(kAccusingStatuses)) {
        world.report_violation(kNoAccusation,
                               pair_of(happening) + ": closed for " + std::string(happening.text));
      }
      return forget(happening.connection);
    }
    case HappeningKind::closed:
      return forget(happening.connection);
    default:
      return;
  }
}

void Courtesy::on_broken_frame(const Happening& happening) {
  // Of strangers less is read; and a record before the broken one may be wrong in another way.
  if (happening.frame_kind != link::FrameKind::binary) return;
  if (happening.bytes.size() > link::ChannelOptions{}.frame_bytes_max_before_open) return;
  wire::native::FrameReader reader(happening.bytes, wire::native::Limits{});
  const auto record = reader.next();
  if (record) return;
  broken_at_ = happening.at;
  broken_on_ = happening.connection;
  broken_as_ = record.error() == wire::native::DecodeError::oversized
                   ? link::CloseStatus::too_large
                   : link::CloseStatus::protocol_error;
}

void Courtesy::look_at_answer_to_it(World& world, const Happening& happening) {
  if (happening.connection != broken_on_ || happening.at != broken_at_) return;
  const auto said = static_cast<link::CloseStatus>(happening.number);
  const bool is_about_frame =
      said == link::CloseStatus::too_large || said == link::CloseStatus::protocol_error;
  if (!is_about_frame || said == broken_as_) return;
  world.report_violation("who breaks the protocol is told what he broke",
                         pair_of(happening) + ": closed with " + std::to_string(happening.number) +
                             " instead of " + std::to_string(static_cast<int>(broken_as_)));
}

void Courtesy::on_ordered(World& world, const Happening& happening) {
  for (std::size_t place = 0; place < happening.records.size(); ++place) {
    const RecordHead& record = happening.records[place];
    if (record.name == "failure" || record.name == "goodbye") {
      look_for_accusation(world, happening, place);
    }
    if (record.part == RecordPart::answer) {
      answered_ += open_.erase({happening.connection, happening.side, record.request_id});
    }
  }
}

void Courtesy::look_for_accusation(World& world, const Happening& happening, std::size_t place) {
  const auto record = read_record(happening.bytes, place);
  if (!record) return;
  const auto* failure = std::get_if<wire::Failure>(&record->message);
  const auto* goodbye = std::get_if<wire::Goodbye>(&record->message);
  const ErrorCode code = failure != nullptr   ? failure->code
                         : goodbye != nullptr ? goodbye->code
                                              : ErrorCode::none;
  if (!is_accusation(code)) return;
  if (code == ErrorCode::unauthorized && !options_.are_settings_equal) return;
  world.report_violation(kNoAccusation, pair_of(happening) + ": " + std::string(name(code)) + ", " +
                                            (failure != nullptr ? failure->text : goodbye->text));
}

void Courtesy::on_delivered(const World& world, const Happening& happening) {
  const bool is_large = world.size() > options_.nodes_max;
  if (is_large && happening.connection % options_.one_in_connections != 0) return;
  for (const RecordHead& record : happening.records) {
    const Question question{happening.connection, happening.side, record.request_id};
    if (record.part == RecordPart::withdrawal) open_.erase(question);
    if (record.part != RecordPart::request) continue;
    open_.insert_or_assign(question,
                           Asked{happening.node, happening.incarnation, happening.at, record.name});
    in_order_.emplace_back(after(happening.at, options_.answer_max), question);
  }
}

void Courtesy::forget(ConnectionSerial connection) {
  const auto first = open_.lower_bound({connection, 0, 0});
  const auto last = open_.lower_bound({connection + 1, 0, 0});
  open_.erase(first, last);
}

void Courtesy::after_event(World& world) {
  while (!in_order_.empty() && in_order_.front().first <= world.now()) {
    const Question question = in_order_.front().second;
    in_order_.pop_front();
    const auto asked = open_.find(question);
    if (asked == open_.end()) continue;
    const auto& [node, incarnation, at, name] = asked->second;
    if (!world.is_running(node) || world.incarnation(node) != incarnation) {
      open_.erase(asked);
      continue;
    }
    const bool is_paused = world.is_paused(node);
    const Instant free_since = is_paused ? world.now() : std::max(at, world.resumed_at(node));
    if (after(free_since, options_.answer_max) > world.now()) {
      // Not before everything else that is due: one instant may bring both.
      in_order_.emplace_back(after(world.now(), options_.answer_max), question);
      continue;
    }
    return world.report_violation(
        "R3: every question is answered",
        "n" + std::to_string(node) + " was asked on #" + std::to_string(question.connection) +
            " and says nothing: " + std::string(name) + " " + std::to_string(question.id));
  }
}

}  // namespace trestle::sim::checkers
