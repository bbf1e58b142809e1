// Requests that others carry for us and that we carry for others; and what is told of our own
// questions. The rules of carrying are in carrier.hpp.

#include <string>
#include <string_view>
#include <utility>

#include "trestle/node/member/member_node.hpp"
#include "trestle/node/member/wrapped_record.hpp"
#include "trestle/node/request_token.hpp"
#include "trestle/wire/legacy/frame.hpp"

namespace trestle::node {
namespace {

/// The first hop is the link it leaves on.
std::uint8_t hops_after_first(const CarrierOptions& options) {
  return static_cast<std::uint8_t>(options.hops_max - 1);
}

std::string milliseconds(Duration duration) {
  const auto us = duration.count();
  return std::to_string(us / 1000) + "." + std::to_string(us / 100 % 10) + " ms";
}

}  // namespace

// ---- our questions, carried by others

void MemberNode::ask_through(Instant now, const dht::Ask& ask) {
  const auto connection = mesh_.find(*ask.through);
  const auto question = wrapped({wire::RequestId{ask.ask.value}, ask.message});
  if (!connection || !question) return dht_.on_ask_failed(now, ask.ask, ErrorCode::unreachable);
  const wire::RouteRequest request{.destination = ask.peer.id,
                                   .origin = self_.id,
                                   .hops_left = hops_after_first(carrier_.options()),
                                   .request = *question};
  const auto sent = channels_.request(now, *connection, request, after(now, ask.timeout),
                                      make_token(Asker::through, ask.ask.value));
  if (!sent) return dht_.on_ask_failed(now, ask.ask, sent.error());
  mesh_.on_used(now, *ask.through, ask.for_upkeep ? mesh::Use::upkeep : mesh::Use::service);
}

/// What is inside is the answer only if it is one, and to this question. A record in it is checked
/// as any other.
void MemberNode::on_carried_answer(Instant now, link::ConnectionId connection, const NodeId& from,
                                   dht::AskId ask, const wire::Message& answer) {
  if (const auto* routed = std::get_if<wire::RouteResponse>(&answer)) {
    auto inside = unwrapped(routed->answer);
    if (inside && wire::is_answer(inside->message) && inside->request_id.value == ask.value) {
      return verify(now, {connection, from, ask, std::move(inside->message)});
    }
    return dht_.on_ask_failed(now, ask, ErrorCode::protocol_error);
  }
  const auto* failure = std::get_if<wire::Failure>(&answer);
  dht_.on_ask_failed(now, ask, failure != nullptr ? failure->code : ErrorCode::protocol_error);
}

// ---- requests of others

bool MemberNode::carry(Instant now, link::ConnectionId connection, const wire::Contact& from,
                       const link::Channel::Requested& requested) {
  const bool member = from.role == wire::Role::node || from.role == wire::Role::bridge;
  if (!member || is_stopping_) return false;
  const Carrier::Asker asker{connection, requested.id, from};
  if (const auto* route = std::get_if<wire::RouteRequest>(&requested.message)) {
    carrier_.on_route(now, asker, *route);
  } else if (const auto* search = std::get_if<wire::RecursiveFindRequest>(&requested.message)) {
    carrier_.on_recursive(now, asker, *search);
  } else {
    return false;
  }
  return true;
}

bool MemberNode::carry_legacy(Instant now, link::ConnectionId connection,
                              const wire::legacy::FrameBox& box) {
  const auto* envelope = std::get_if<wire::legacy::OverlayRoutedMessage>(&box->frame);
  const link::Channel* channel = channels_.find(connection);
  if (envelope == nullptr || channel == nullptr || is_stopping_) return false;
  carrier_.on_overlay(now, connection, channel->peer().id, *envelope);
  return true;
}

bool MemberNode::pump_carrier(Instant now) {
  bool moved = false;
  while (auto effect = carrier_.poll_effect()) {
    moved = true;
    if (auto* order = std::get_if<CarryOn>(&*effect)) {
      const auto connection = mesh_.find(order->to);
      Result<wire::RequestId, ErrorCode> sent = refuse(ErrorCode::unreachable);
      if (connection) {
        sent = channels_.request(now, *connection, order->message, after(now, order->within),
                                 make_token(Asker::carrier, order->number));
      }
      if (!sent) {
        carrier_.on_failed(now, order->number, sent.error());
      } else {
        mesh_.on_used(now, order->to, mesh::Use::service);
      }
    } else if (auto* back = std::get_if<CarryBack>(&*effect)) {
      respond(now, back->connection, back->id, back->answer);
    } else if (auto* text = std::get_if<CarryText>(&*effect)) {
      send_text(now, text->connection, std::move(text->text));
    }
  }
  return moved;
}

// ---- what is told of questions (OBS-08)

void MemberNode::report(const dht::QuestionEnded& question) {
  const dht::LookupStep& step = question.step;
  std::string detail = "operation " + std::to_string(question.operation.value) + ", " +
                       std::string(name(step.reason)) + ", hop " + std::to_string(step.hop);
  if (step.named_by) detail += ", named by " + step.named_by->to_short_hex();
  if (step.through) detail += ", through " + step.through->to_short_hex();
  if (step.took) detail += ", took " + milliseconds(*step.took);
  if (step.code == ErrorCode::none) {
    detail += ", " + std::to_string(step.contacts) + " contacts";
  } else {
    const std::string_view then = step.connected ? "linked" : "not linked";
    const std::string_view since = question.linked ? "linked" : "not linked";
    detail += ", was " + std::string(then) + ", is " + std::string(since) + ", " +
              std::to_string(question.failures) + " failures in a row";
  }
  outbox_.push(LogRecord{LogLevel::debug, "dht.question", step.code, step.peer, std::move(detail)});
}

void MemberNode::report(const dht::PeerDeaf& deaf) {
  outbox_.push(LogRecord{LogLevel::warning, "dht.deaf", ErrorCode::timeout, deaf.peer,
                         "its link lives and its pings are answered, but " +
                             std::to_string(deaf.questions) +
                             " find_node or find_value in a row were not"});
}

}  // namespace trestle::node
