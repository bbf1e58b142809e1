#include "trestle/node/member/carrier.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "trestle/node/member/wrapped_record.hpp"

namespace trestle::node {
namespace {

wire::Failure failure(ErrorCode code, const char* sentence, Duration retry_after = {}) {
  const auto wait = std::chrono::ceil<std::chrono::milliseconds>(retry_after).count();
  return {.code = code,
          .retry_after_ms = static_cast<std::uint32_t>(std::max<std::int64_t>(wait, 0)),
          .text = sentence};
}

}  // namespace

Carrier::Carrier(const CarrierOptions& options, const link::LocalPeer& local, dht::Dht& dht)
    : options_(options),
      local_(&local),
      dht_(&dht),
      origins_(options.origin),
      links_(options.link),
      dialect_(local) {}

bool Carrier::is_carried_question(const wire::Message& message) {
  return std::holds_alternative<wire::FindNodeRequest>(message) ||
         std::holds_alternative<wire::FindValueRequest>(message) ||
         std::holds_alternative<wire::Ping>(message);
}

/// The account of the link is looked at first: whoever makes up origins empties that one.
std::optional<wire::Failure> Carrier::refusal(Instant now, const NodeId& origin,
                                              const NodeId& link) {
  ++stats_.requests;
  if (!links_.take(now, link)) {
    ++stats_.refused;
    return failure(ErrorCode::rate_limited, "Too many requests to carry on this link.",
                   links_.wait(now, link));
  }
  if (!origins_.take(now, origin)) {
    ++stats_.refused;
    return failure(ErrorCode::rate_limited, "Too many requests to carry for this origin.",
                   origins_.wait(now, origin));
  }
  if (carried_.size() >= options_.carried_max) {
    ++stats_.refused;
    return failure(ErrorCode::busy, "Too many requests are being carried.",
                   std::chrono::seconds(1));
  }
  return std::nullopt;
}

std::optional<Carrier::Way> Carrier::way(const NodeId& destination, const NodeId& from,
                                         const NodeId& origin) const {
  if (const wire::Contact* linked = dht_->linked(destination)) {
    return Way{.to = destination, .is_destination = true, .dialect = linked->dialect};
  }
  const auto hop = dht_->next_hop(destination, std::array{from, origin});
  if (!hop) return std::nullopt;
  return Way{.to = *hop};
}

// ---- a question for one peer

void Carrier::on_route(Instant now, const Asker& asker, const wire::RouteRequest& request) {
  const auto respond = [&](wire::Message answer) {
    outbox_.push(CarryBack{asker.connection, asker.id, std::move(answer)});
  };
  if (auto refused = refusal(now, request.origin, asker.peer.id)) return respond(*refused);
  auto question = unwrapped(request.request);
  if (!question || !is_carried_question(question->message)) {
    ++stats_.refused;
    return respond(failure(ErrorCode::unsupported,
                           "Only find_node, find_value and ping are carried for others."));
  }
  const Carried carried{.connection = asker.connection,
                        .id = asker.id,
                        .inner_id = question->request_id,
                        .destination = request.destination,
                        .origin = request.origin};
  if (request.destination == dht_->self().id) {
    ++stats_.served;
    if (std::holds_alternative<wire::Ping>(question->message)) {
      return bring_back(now, carried, wire::Pong{});
    }
    return bring_back(now, carried, dht_->serve_carried(now, request.origin, question->message));
  }
  const std::uint32_t hops_left = std::min<std::uint32_t>(request.hops_left, options_.hops_max);
  const auto onward = way(request.destination, asker.peer.id, request.origin);
  if (hops_left == 0 || !onward) {
    ++stats_.dead_ends;
    return respond(failure(ErrorCode::unreachable, "No way from here to that peer."));
  }
  carry_on(now, carried, *onward, std::move(*question), hops_left - 1);
}

/// A linked peer of ours gets the request as it is, so that it knows for whom it answers; one of
/// the old dialect gets the bare question, which is all it understands from a stranger.
void Carrier::carry_on(Instant now, Carried carried, const Way& way, wire::Envelope&& question,
                       std::uint32_t hops_left) {
  CarryOn order{.number = ++last_number_, .to = way.to, .message = {}, .within = options_.within};
  carried.asked_plainly = way.is_destination && way.dialect == wire::Dialect::legacy;
  if (carried.asked_plainly) {
    order.message = std::move(question.message);
  } else {
    auto bytes = wrapped(question);
    if (!bytes) {
      ++stats_.refused;
      return bring_back(now, carried, failure(ErrorCode::too_large, "Too large to be carried."));
    }
    order.message = wire::RouteRequest{.destination = carried.destination,
                                       .origin = carried.origin,
                                       .hops_left = static_cast<std::uint8_t>(hops_left),
                                       .request = std::move(*bytes)};
  }
  ++stats_.handed_on;
  carried_.insert(order.number, std::move(carried));
  outbox_.push(std::move(order));
}

// ---- a search that goes from peer to peer

void Carrier::on_recursive(Instant now, const Asker& asker,
                           const wire::RecursiveFindRequest& request) {
  const auto respond = [&](wire::Message answer) {
    outbox_.push(CarryBack{asker.connection, asker.id, std::move(answer)});
  };
  const bool from_origin = request.originator == asker.peer.id;
  if (asker.peer.dialect != wire::Dialect::native || (request.hop_count == 0) != from_origin) {
    ++stats_.requests;
    ++stats_.refused;
    return respond(
        failure(ErrorCode::invalid_request,
                "A recursive search begins with its originator, which has proven itself."));
  }
  if (auto refused = refusal(now, request.originator, asker.peer.id)) return respond(*refused);
  Carried carried{.kind = Kind::recursive,
                  .connection = asker.connection,
                  .id = asker.id,
                  .inner_id = {},
                  .origin = request.originator,
                  .hop_count = request.hop_count,
                  .target = request.target};
  std::optional<NodeId> hop;
  if (request.hop_count < options_.hops_max) {
    hop = dht_->next_hop(request.target, std::array{asker.peer.id, request.originator});
  }
  if (!hop) {
    ++stats_.dead_ends;
    return answer_recursive(carried);
  }
  ++stats_.handed_on;
  CarryOn order{.number = ++last_number_,
                .to = *hop,
                .message = wire::RecursiveFindRequest{.target = request.target,
                                                      .originator = request.originator,
                                                      .hop_count = request.hop_count + 1},
                .within = options_.recursive_within - options_.recursive_step * request.hop_count};
  carried_.insert(order.number, std::move(carried));
  outbox_.push(std::move(order));
}

/// Nobody nearer, or nobody who answers: what we know ourselves (P-KR-15).
void Carrier::answer_recursive(const Carried& carried) {
  outbox_.push(CarryBack{
      carried.connection, carried.id,
      wire::RecursiveFindResponse{.contacts = dht_->contacts_for(carried.origin, carried.target),
                                  .hop_count = carried.hop_count}});
}

// ---- what comes back

void Carrier::on_answer(Instant now, std::uint64_t number, const wire::Message& answer) {
  Carried* known = carried_.find(number);
  if (known == nullptr) return;
  const Carried carried = std::move(*known);
  carried_.erase(number);
  if (carried.kind == Kind::recursive) {
    const auto* found = std::get_if<wire::RecursiveFindResponse>(&answer);
    if (found == nullptr) return answer_recursive(carried);
    ++stats_.answers;
    outbox_.push(CarryBack{carried.connection, carried.id, *found});
    return;
  }
  ++stats_.answers;
  if (carried.asked_plainly) return bring_back(now, carried, answer);
  const auto* routed = std::get_if<wire::RouteResponse>(&answer);
  if (routed == nullptr) {
    const auto* refused = std::get_if<wire::Failure>(&answer);
    const wire::Message end =
        refused != nullptr ? *refused : failure(ErrorCode::protocol_error, "No answer to that.");
    return bring_back(now, carried, end);
  }
  // Between two of our links the answer passes as it is; whoever asked looks inside.
  if (carried.kind == Kind::route) {
    outbox_.push(CarryBack{carried.connection, carried.id, *routed});
    return;
  }
  const auto inside = unwrapped(routed->answer);
  const bool fits = inside && wire::is_answer(inside->message);
  bring_back(now, carried,
             fits ? inside->message
                  : wire::Message(failure(ErrorCode::protocol_error, "No answer to that.")));
}

void Carrier::on_failed(Instant now, std::uint64_t number, ErrorCode code) {
  Carried* known = carried_.find(number);
  if (known == nullptr) return;
  const Carried carried = std::move(*known);
  carried_.erase(number);
  ++stats_.dead_ends;
  if (carried.kind == Kind::recursive) return answer_recursive(carried);
  const ErrorCode told = code == ErrorCode::timeout ? code : ErrorCode::unreachable;
  bring_back(now, carried, failure(told, "The next hop did not answer."));
}

/// The answer in the wrapping in which it was asked for. A failure on the way is the hop's own and
/// goes bare: so the asker can tell it from one of the destination.
void Carrier::bring_back(Instant now, const Carried& carried, const wire::Message& answer) {
  if (carried.kind == Kind::overlay) return bring_back_overlay(now, carried, answer);
  const bool of_the_way = std::holds_alternative<wire::Failure>(answer) && !carried.asked_plainly &&
                          carried.destination != dht_->self().id;
  if (of_the_way) {
    outbox_.push(CarryBack{carried.connection, carried.id, answer});
    return;
  }
  auto bytes = wrapped({carried.inner_id, answer});
  if (bytes) {
    outbox_.push(CarryBack{carried.connection, carried.id, wire::RouteResponse{std::move(*bytes)}});
  } else {
    outbox_.push(
        CarryBack{carried.connection, carried.id,
                  failure(ErrorCode::too_large, "The answer is too large to be carried.")});
  }
}

CarrierStats Carrier::stats() const {
  CarrierStats stats = stats_;
  stats.under_way = carried_.size();
  return stats;
}

std::optional<CarrierEffect> Carrier::poll_effect() { return outbox_.poll(); }

}  // namespace trestle::node
