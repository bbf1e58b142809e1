#include "trestle/sim/service_bridge.hpp"

#include <algorithm>
#include <variant>

#include "trestle/sim/exponential.hpp"

namespace trestle::sim {

using link::Channel;
using link::ConnectionId;

ServiceBridge::ServiceBridge(const ServiceBridgeOptions& options, const NodeSeat& seat)
    : options_(options),
      local_{seat.identity,
             wire::Role::bridge,
             options.network,
             seat.url,
             options.bridge_secret,
             {},
             {}},
      rng_(seat.rng.fork("service")),
      channels_(link::ConnectionOwner::node, local_, seat.suite, {}, seat.rng.fork("channels")) {}

ConnectionId ServiceBridge::on_accepted(Instant now, const link::Accepted& accepted) {
  return channels_.on_accepted(now, accepted);
}

void ServiceBridge::on_dialled(Instant now, ConnectionId connection) {
  channels_.on_dialled(now, connection);
}

void ServiceBridge::on_dial_failed(Instant now, ConnectionId connection, ErrorCode code,
                                   std::string_view reason) {
  channels_.on_dial_failed(now, connection, code, reason);
}

void ServiceBridge::on_frame(Instant now, ConnectionId connection, link::FrameKind kind,
                             ByteSpan bytes) {
  channels_.on_frame(now, connection, kind, bytes);
}

void ServiceBridge::on_drained(Instant now, ConnectionId connection, std::size_t bytes) {
  channels_.on_drained(now, connection, bytes);
}

void ServiceBridge::on_closed(Instant now, ConnectionId connection, std::uint16_t status,
                              std::string_view reason) {
  channels_.on_closed(now, connection, status, reason);
}

void ServiceBridge::on_signed(Instant now, ConnectionId connection, link::Ticket ticket,
                              const wire::Signature& signature) {
  channels_.on_signed(now, connection, ticket, signature);
}

void ServiceBridge::on_verified(Instant now, ConnectionId connection, link::Ticket ticket,
                                bool valid) {
  channels_.on_verified(now, connection, ticket, valid);
}

Instant ServiceBridge::next_deadline() const {
  return std::min(done_at_, channels_.next_deadline());
}

void ServiceBridge::on_deadline(Instant now) {
  channels_.on_deadline(now);
  if (now < done_at_) return;
  const Job job = queue_.front();
  queue_.pop_front();
  const bool is_nonsense = rng_.chance(nonsense_percent_, 100);
  const wire::Message answer =
      is_nonsense ? wire::Message(wire::Pong{}) : wire::Message(wire::IntroduceResponse{});
  channels_.respond(now, job.connection, job.request, answer);
  serve_next(now);
}

std::optional<node::Effect> ServiceBridge::poll_effect(Instant now) {
  while (auto effect = channels_.poll_effect()) {
    if (auto* transport_order = std::get_if<link::TransportOrder>(&*effect)) {
      order(std::move(*transport_order));
      break;
    }
    on_news(now, std::get<link::ChannelSet::News>(std::move(*effect)));
  }
  return outbox_.poll();
}

void ServiceBridge::on_news(Instant now, link::ChannelSet::News&& news) {
  if (const auto* requested = std::get_if<Channel::Requested>(&news.news)) {
    ++received_;
    queue_.push_back({news.connection, requested->id});
    if (queue_.size() == 1) serve_next(now);
    return;
  }
  // What is being served is finished in vain; what waits is not begun.
  const auto* withdrawn = std::get_if<Channel::Withdrawn>(&news.news);
  const bool is_closed = std::holds_alternative<Channel::Closed>(news.news);
  if (withdrawn == nullptr && !is_closed) return;
  const auto is_gone = [&](const Job& job) {
    return job.connection == news.connection &&
           (is_closed || (withdrawn != nullptr && job.request == withdrawn->id));
  };
  if (queue_.empty()) return;
  const auto waiting = queue_.begin() + 1;
  const auto gone = std::remove_if(waiting, queue_.end(), is_gone);
  withdrawn_ += static_cast<std::uint64_t>(queue_.end() - gone);
  queue_.erase(gone, queue_.end());
}

void ServiceBridge::serve_next(Instant now) {
  done_at_ = kNever;
  if (queue_.empty()) return;
  const Duration service = draw_exponential(rng_, options_.service);
  busy_ += service;
  done_at_ = after(now, service);
}

}  // namespace trestle::sim
