// What nodes order, and what they hear of it.

#include <utility>
#include <variant>

#include "trestle/base/assertion.hpp"
#include "trestle/crypto/identity_record.hpp"
#include "trestle/sim/frame_records.hpp"
#include "trestle/sim/world.hpp"

namespace trestle::sim {
namespace {

HappeningKind kind_of(Delivery::Kind kind) {
  switch (kind) {
    case Delivery::Kind::accepted:
      return HappeningKind::accepted;
    case Delivery::Kind::dialled:
      return HappeningKind::dialled;
    case Delivery::Kind::dial_failed:
      return HappeningKind::dial_failed;
    case Delivery::Kind::frame:
      return HappeningKind::frame_delivered;
    case Delivery::Kind::drained:
      return HappeningKind::drained;
    case Delivery::Kind::closed:
      return HappeningKind::closed;
  }
  return HappeningKind::fault;
}

std::uint64_t number_of(const Delivery& delivery) {
  if (delivery.kind == Delivery::Kind::closed) return delivery.status;
  return delivery.kind == Delivery::Kind::drained ? delivery.drained : 0;
}

void keep_bounded(auto& news, std::size_t news_max, std::uint64_t& forgotten) {
  while (news.size() > news_max) {
    news.pop_front();
    ++forgotten;
  }
}

}  // namespace

/// Performs what the node ordered, in order, and arms its one timer.
void World::drain(NodeIndex node) {
  Host& host = hosts_[node];
  host.touched_at = now_;
  while (std::optional<node::Effect> effect = host.node->poll_effect(now_)) {
    if (host.orders_left) {
      if (*host.orders_left == 0) return kill(node, KillKind::process, "in the middle of a step");
      --*host.orders_left;
    }
    perform(node, std::move(*effect));
  }
  if (host.stopped) {
    take_down(node, KillKind::process);
  } else {
    timers_.set(node, host.node->next_deadline());
  }
}

void World::perform(NodeIndex node, node::Effect&& effect) {
  if (std::holds_alternative<link::Sign>(effect) || std::holds_alternative<link::Verify>(effect)) {
    return perform_crypto(node, std::move(effect));
  }
  if (std::holds_alternative<link::Dial>(effect) ||
      std::holds_alternative<link::SendFrame>(effect) ||
      std::holds_alternative<link::CloseTransport>(effect)) {
    return perform_transport(node, std::move(effect));
  }
  perform_news(node, std::move(effect));
}

void World::perform_transport(NodeIndex node, node::Effect&& effect) {
  if (const auto* dial = std::get_if<link::Dial>(&effect)) {
    Happening news = happening(HappeningKind::dial_ordered, node);
    const auto [serial, target] = network_.dial(now_, node, *dial);
    news.connection = serial;
    news.peer = target;
    news.text = dial->url;
    return happened(news, Fingerprint::of(as_bytes(dial->url)));
  }
  auto* frame = std::get_if<link::SendFrame>(&effect);
  const auto* close = std::get_if<link::CloseTransport>(&effect);
  const link::ConnectionId id = frame != nullptr ? frame->connection : close->connection;
  const std::optional<HeldEnd> end = network_.held(node, id);
  const Connection* connection = end ? &network_.connection(*end) : nullptr;
  if (connection == nullptr ||
      (frame != nullptr && connection->ends[end->side].state != EndState::open)) {
    Happening news = happening(HappeningKind::stray_order, node);
    news.text = frame != nullptr ? "send" : "close";
    news.number = id.value();
    return happened(news);
  }
  Happening news = happening(
      frame != nullptr ? HappeningKind::frame_ordered : HappeningKind::close_ordered, node);
  news.connection = connection->serial;
  news.side = end->side;
  news.peer = connection->ends[opposite(end->side)].node;
  if (frame == nullptr) {
    news.number = static_cast<std::uint64_t>(close->status);
    news.text = close->reason;
    happened(news, Fingerprint::of(as_bytes(close->reason)));
    network_.close(now_, node, *close);
    return;
  }
  news.frame_kind = frame->kind;
  news.bytes = frame->bytes;
  news.undecodable = !look_into(*frame);
  news.records = heads_;
  happened(news);
  const std::size_t taken = network_.send(now_, *end, std::move(*frame));
  if (taken > 0) hosts_[node].node->on_drained(now_, id, taken);
}

/// Reads the heads of a frame that a node sends; false if it is none of the native dialect. Reading
/// all of it costs as much as the receiver's reading: done for the first frames, when every kind of
/// message is sent for the first time, and for one in so many afterwards. (A receiver that cannot
/// read a frame closes the link, so nothing slips through in silence.)
bool World::look_into(const link::SendFrame& frame) {
  constexpr std::uint64_t kReadWhole = 10'000;
  constexpr std::uint64_t kOneInReadWhole = 16;
  if (!read_heads(frame.kind, frame.bytes, heads_)) return false;
  const std::uint64_t number = ++frames_looked_into_;
  if (number > kReadWhole && number % kOneInReadWhole != 0) return true;
  return decodes(frame.kind, frame.bytes);
}

void World::perform_crypto(NodeIndex node, node::Effect&& effect) {
  Host& host = hosts_[node];
  CryptoJob job;
  job.node = node;
  job.incarnation = host.incarnation;
  Happening news = happening(HappeningKind::sign_ordered, node);
  if (const auto* sign = std::get_if<link::Sign>(&effect)) {
    ++stats_.signatures;
    job.is_sign = true;
    job.connection = sign->connection;
    job.ticket = sign->ticket;
    job.signature = host.suite->sign(host.pair, sign->message);
  } else {
    const auto& verify = std::get<link::Verify>(effect);
    ++stats_.verifications;
    news.kind = HappeningKind::verify_ordered;
    job.connection = verify.connection;
    job.ticket = verify.ticket;
    job.valid = host.suite->verify(verify.key, verify.message, verify.signature);
    if (!job.valid) ++stats_.verifications_failed;
  }
  news.number = job.ticket.value;
  happened(news);
  answer_later(job, host.rng);
}

void World::answer_later(const CryptoJob& job, Rng& rng) {
  std::uint32_t slot = 0;
  if (free_jobs_.empty()) {
    slot = static_cast<std::uint32_t>(jobs_.size());
    jobs_.push_back(job);
  } else {
    slot = free_jobs_.back();
    free_jobs_.pop_back();
    jobs_[slot] = job;
  }
  const Duration wait = rng.between(Duration::zero(), options_.crypto_delay_max);
  scheduler_.add(now_ + wait, EventKind::crypto_done, slot, 0);
}

void World::finish_crypto(std::uint32_t slot) {
  const CryptoJob job = jobs_[slot];
  Host& host = hosts_[job.node];
  if (host.paused && host.incarnation == job.incarnation) {
    host.held_jobs.push_back(slot);
    return;
  }
  free_jobs_.push_back(slot);
  if (host.node == nullptr || host.incarnation != job.incarnation) return;
  // Of a connection that ended, its owner hears nothing more. Orders that name none are always
  // answered.
  const Connection* connection = network_.find(job.node, job.connection);
  if (job.connection.value() != 0 && connection == nullptr) return;
  Happening news =
      happening(job.is_sign ? HappeningKind::signed_ : HappeningKind::verified, job.node);
  if (connection != nullptr) news.connection = connection->serial;
  news.number = job.valid ? 1 : 0;
  happened(news, job.is_sign ? Fingerprint::of(job.signature) : 0);
  if (job.is_sign) {
    host.node->on_signed(now_, job.connection, job.ticket, job.signature);
  } else {
    host.node->on_verified(now_, job.connection, job.ticket, job.valid);
  }
  drain(job.node);
}

void World::perform_news(NodeIndex node, node::Effect&& effect) {
  if (auto* end = std::get_if<node::OperationEnded>(&effect)) {
    Happening news = happening(HappeningKind::operation_ended, node);
    news.number = end->operation.value;
    news.code = end->code;
    happened(news, end->replicas);
    const OperationKey key{node, hosts_[node].incarnation, end->operation};
    ended_.insert_or_assign(key, std::move(*end));
  } else if (auto* joined = std::get_if<node::Joined>(&effect)) {
    ++stats_.joins;
    Happening news = happening(HappeningKind::joined, node);
    news.text = joined->outcome;
    happened(news, joined->peer.id.high());
    joined_.push_back({now_, node, std::move(*joined)});
    keep_bounded(joined_, options_.news_max, stats_.news_forgotten);
  } else if (auto* record = std::get_if<LogRecord>(&effect)) {
    ++stats_.log_records;
    Happening news = happening(HappeningKind::logged, node);
    news.text = record->event;
    news.code = record->code;
    happened(news, Fingerprint::of(as_bytes(record->detail)));
    logs_.push_back({now_, node, std::move(*record)});
    keep_bounded(logs_, options_.news_max, stats_.news_forgotten);
  } else if (auto* order = std::get_if<dht::Persist>(&effect)) {
    perform_disk(node, std::move(*order));
  } else if (auto* save = std::get_if<node::SavePeers>(&effect)) {
    hosts_[node].disk.save_peers(save->peers);
  } else if (auto* admission = std::get_if<node::SaveAdmission>(&effect)) {
    hosts_[node].disk.save_admission(std::move(*admission));
  } else if (const auto* issue = std::get_if<node::IssueMembership>(&effect)) {
    Host& host = hosts_[node];
    const auto keys = crypto::identity_keys(*host.suite, host.pair);
    host.node->on_membership_issued(now_, issue->ticket, crypto::sign(issue->content, keys.message),
                                    {});
  } else {
    TRESTLE_ASSERT(std::holds_alternative<node::Stopped>(effect));
    hosts_[node].stopped = true;
    happened(happening(HappeningKind::stopped, node));
  }
}

void World::deliver(Delivery&& delivery) {
  Host& host = running(delivery.node);
  const bool is_frame = delivery.kind == Delivery::Kind::frame;
  const std::string_view reason =
      delivery.reason.empty() && !is_frame ? as_text(delivery.item.bytes) : delivery.reason;
  Happening news = happening(kind_of(delivery.kind), delivery.node);
  news.peer = delivery.peer;
  news.connection = delivery.connection;
  news.side = delivery.side;
  news.code = delivery.code;
  news.number = number_of(delivery);
  news.frame_kind = delivery.item.frame_kind;
  if (is_frame) {
    news.bytes = delivery.item.bytes;
    read_heads(delivery.item.frame_kind, delivery.item.bytes, heads_);
    news.records = heads_;
  }
  news.text = reason;
  happened(news);
  switch (delivery.kind) {
    case Delivery::Kind::accepted: {
      const link::ConnectionId id =
          host.node->on_accepted(now_, {.remote_address = hosts_[delivery.peer].remote_address});
      network_.bind_accepted(delivery.slot, id);
      break;
    }
    case Delivery::Kind::dialled:
      host.node->on_dialled(now_, delivery.id);
      break;
    case Delivery::Kind::dial_failed:
      host.node->on_dial_failed(now_, delivery.id, delivery.code, reason);
      break;
    case Delivery::Kind::frame:
      host.node->on_frame(now_, delivery.id, delivery.item.frame_kind, delivery.item.bytes);
      break;
    case Delivery::Kind::drained:
      host.node->on_drained(now_, delivery.id, delivery.drained);
      break;
    case Delivery::Kind::closed:
      host.node->on_closed(now_, delivery.id, delivery.status, reason);
      break;
  }
  drain(delivery.node);
}

}  // namespace trestle::sim
