#include "trestle/sim/byzantine_peer.hpp"

#include <algorithm>
#include <utility>
#include <variant>

#include "trestle/wire/native/codec.hpp"

namespace trestle::sim {
namespace {

/// Frames with these open a link. They are left alone, or the link would never open and nothing
/// else would be tried.
bool opens_a_link(const wire::Message& message) {
  return std::holds_alternative<wire::Hello>(message) ||
         std::holds_alternative<wire::Welcome>(message) ||
         std::holds_alternative<wire::Prove>(message) ||
         std::holds_alternative<wire::Ready>(message);
}

/// The records of a frame of the real node; nothing if it belongs to the opening.
std::vector<wire::Envelope> records_of(const Bytes& frame) {
  std::vector<wire::Envelope> records;
  wire::native::FrameReader reader(frame, wire::native::Limits{});
  while (true) {
    auto record = reader.next();
    if (!record || !*record) return records;
    if (opens_a_link((*record)->message)) return {};
    records.push_back(std::move(**record));
  }
}

/// Not every frame is spoiled, or a peer would be cut off before it did any harm.
constexpr std::uint64_t kOneInSpoiled = 4;

}  // namespace

std::string_view name(Misconduct misconduct) {
  switch (misconduct) {
    case Misconduct::none:
      return "none";
    case Misconduct::lies:
      return "lies";
    case Misconduct::silence:
      return "silence";
    case Misconduct::slowness:
      return "slowness";
    case Misconduct::wrong_ids:
      return "wrong-ids";
    case Misconduct::replays:
      return "replays";
    case Misconduct::floods:
      return "floods";
    case Misconduct::oversized:
      return "oversized";
    case Misconduct::mutations:
      return "mutations";
  }
  return "unknown";
}

ByzantinePeer::ByzantinePeer(std::unique_ptr<node::Node> inner, NodeIndex self,
                             const MisconductBoard& board, Rng rng, const ByzantineOptions& options)
    : inner_(std::move(inner)),
      self_(self),
      board_(board),
      rng_(std::move(rng)),
      options_(options) {}

ByzantinePeer::~ByzantinePeer() = default;

// ---- what the real node hears

void ByzantinePeer::restore(Instant now, node::Restored restored) {
  inner_->restore(now, std::move(restored));
}

link::ConnectionId ByzantinePeer::on_accepted(Instant now, const link::Accepted& accepted) {
  const link::ConnectionId connection = inner_->on_accepted(now, accepted);
  open_.insert(connection, {});
  return connection;
}

void ByzantinePeer::on_dialled(Instant now, link::ConnectionId connection) {
  open_.insert(connection, {});
  inner_->on_dialled(now, connection);
}

void ByzantinePeer::on_dial_failed(Instant now, link::ConnectionId connection, ErrorCode code,
                                   std::string_view reason) {
  inner_->on_dial_failed(now, connection, code, reason);
}

void ByzantinePeer::on_frame(Instant now, link::ConnectionId connection, link::FrameKind kind,
                             ByteSpan bytes) {
  const Misconduct misconduct = board_.of(self_);
  if (misconduct == Misconduct::lies && kind == link::FrameKind::binary) {
    for (const wire::Envelope& record : records_of(to_bytes(bytes))) {
      Asker* asker = open_.find(connection);
      const auto* asked = std::get_if<wire::FindNodeRequest>(&record.message);
      if (asker != nullptr && asked != nullptr) asker->target = asked->target;
    }
  }
  inner_->on_frame(now, connection, kind, bytes);
  const bool begins_to_flood = misconduct == Misconduct::floods && flood_at_ == kNever;
  if (begins_to_flood) flood_at_ = now + options_.flood_every;
}

void ByzantinePeer::on_drained(Instant now, link::ConnectionId connection, std::size_t bytes) {
  inner_->on_drained(now, connection, bytes);
}

void ByzantinePeer::on_closed(Instant now, link::ConnectionId connection, std::uint16_t status,
                              std::string_view reason) {
  open_.erase(connection);
  inner_->on_closed(now, connection, status, reason);
}

void ByzantinePeer::on_signed(Instant now, link::ConnectionId connection, link::Ticket ticket,
                              const wire::Signature& signature) {
  inner_->on_signed(now, connection, ticket, signature);
}

void ByzantinePeer::on_verified(Instant now, link::ConnectionId connection, link::Ticket ticket,
                                bool valid) {
  inner_->on_verified(now, connection, ticket, valid);
}

void ByzantinePeer::on_persisted(Instant now, dht::StorageTicket ticket, ErrorCode code) {
  inner_->on_persisted(now, ticket, code);
}

Result<node::OperationId, ErrorCode> ByzantinePeer::put(Instant now, std::string key, Bytes value,
                                                        Duration ttl) {
  return inner_->put(now, std::move(key), std::move(value), ttl);
}

Result<node::OperationId, ErrorCode> ByzantinePeer::get(Instant now, std::string key) {
  return inner_->get(now, std::move(key));
}

Result<node::OperationId, ErrorCode> ByzantinePeer::find(Instant now, const NodeId& target) {
  return inner_->find(now, target);
}

// ---- time and what leaves

Instant ByzantinePeer::next_deadline() const {
  const Instant late = late_.empty() ? kNever : late_.front().at;
  return std::min({inner_->next_deadline(), late, flood_at_});
}

void ByzantinePeer::on_deadline(Instant now) {
  if (inner_->next_deadline() <= now) inner_->on_deadline(now);
  while (!late_.empty() && late_.front().at <= now) {
    if (open_.contains(late_.front().frame.connection)) {
      outbox_.push(std::move(late_.front().frame));
    }
    late_.erase(late_.begin());
  }
  if (flood_at_ <= now) flood(now);
}

std::optional<node::Effect> ByzantinePeer::poll_effect(Instant now) {
  while (true) {
    if (auto effect = outbox_.poll()) return effect;
    auto effect = inner_->poll_effect(now);
    if (!effect) return std::nullopt;
    if (auto* frame = std::get_if<link::SendFrame>(&*effect)) {
      tamper(now, std::move(*frame));
      continue;
    }
    if (const auto* close = std::get_if<link::CloseTransport>(&*effect)) {
      open_.erase(close->connection);
    }
    if (std::holds_alternative<node::Stopped>(*effect)) {
      late_.clear();
      flood_at_ = kNever;
    }
    return effect;
  }
}

// ---- misconduct

void ByzantinePeer::tamper(Instant now, link::SendFrame&& frame) {
  const Misconduct misconduct = board_.of(self_);
  const bool is_native = frame.kind == link::FrameKind::binary;
  if (!late_.empty() || (misconduct == Misconduct::slowness && is_native)) {
    // Also what is said after it reformed, while earlier words are still on their way: a stream
    // keeps its order.
    late_.push_back({now + options_.late_by, std::move(frame)});
    return;
  }
  if (misconduct == Misconduct::none || !is_native || records_of(frame.bytes).empty()) {
    outbox_.push(std::move(frame));
    return;
  }
  switch (misconduct) {
    case Misconduct::lies:
    case Misconduct::silence:
    case Misconduct::wrong_ids:
      return spoil_records(std::move(frame), misconduct);
    case Misconduct::replays:
      return say_again(frame);
    case Misconduct::oversized:
      if (rng_.chance(1, kOneInSpoiled)) {
        frame.bytes.resize(wire::native::Limits{}.frame_bytes_max + 1);
      }
      break;
    case Misconduct::mutations:
      if (rng_.chance(1, kOneInSpoiled)) turn_bits(frame.bytes);
      break;
    case Misconduct::none:
    case Misconduct::slowness:
    case Misconduct::floods:
      break;
  }
  outbox_.push(std::move(frame));
}

void ByzantinePeer::spoil_records(link::SendFrame&& frame, Misconduct misconduct) {
  const Asker* asker = open_.find(frame.connection);
  const NodeId target = asker == nullptr ? NodeId{} : asker->target;
  link::SendFrame spoiled{frame.connection, frame.kind, {}};
  for (wire::Envelope& record : records_of(frame.bytes)) {
    if (misconduct == Misconduct::silence && wire::is_answer(record.message)) continue;
    spoil(record.message, target, misconduct);
    wire::native::append_record(spoiled.bytes, record);
  }
  if (!spoiled.bytes.empty()) outbox_.push(std::move(spoiled));
}

void ByzantinePeer::spoil(wire::Message& message, const NodeId& target, Misconduct misconduct) {
  if (auto* answer = std::get_if<wire::FindNodeResponse>(&message)) {
    spoil_contacts(answer->contacts, target, misconduct);
  } else if (auto* found = std::get_if<wire::FindValueResponse>(&message)) {
    spoil_contacts(found->contacts, target, misconduct);
    const bool changes_value = misconduct == Misconduct::lies && !found->record.value.empty();
    if (found->found && changes_value) turn_bits(found->record.value);
  }
}

void ByzantinePeer::spoil_contacts(wire::Contacts& contacts, const NodeId& target,
                                   Misconduct misconduct) {
  if (misconduct == Misconduct::silence) return;
  for (wire::Contact& contact : contacts) {
    contact.id = misconduct == Misconduct::lies ? draw_id_near(target) : draw_id();
    if (misconduct != Misconduct::lies) continue;
    const std::uint64_t number = rng_.below(1000);
    contact.address = "ws://nobody" + std::to_string(number) + ".sim:9000/";
  }
}

void ByzantinePeer::turn_bits(Bytes& bytes) {
  const std::uint64_t bits = 1 + rng_.below(8);
  for (std::uint64_t turned = 0; turned < bits; ++turned) {
    const std::uint64_t place = rng_.below(bytes.size() * 8);
    bytes[static_cast<std::size_t>(place / 8)] ^= static_cast<std::uint8_t>(1u << place % 8);
  }
}

void ByzantinePeer::say_again(const link::SendFrame& frame) {
  outbox_.push(frame);
  if (remembered_.size() < options_.remembered_max) {
    remembered_.push_back(frame.bytes);
  } else {
    remembered_[static_cast<std::size_t>(rng_.below(remembered_.size()))] = frame.bytes;
  }
  if (!rng_.chance(1, kOneInSpoiled)) return;
  const auto pick = static_cast<std::size_t>(rng_.below(remembered_.size()));
  outbox_.push(link::SendFrame{frame.connection, frame.kind, remembered_[pick]});
}

void ByzantinePeer::flood(Instant now) {
  const bool goes_on = board_.of(self_) == Misconduct::floods && !open_.empty();
  flood_at_ = goes_on ? now + options_.flood_every : kNever;
  if (!goes_on) return;
  const auto victim = static_cast<std::size_t>(rng_.below(open_.size()));
  link::SendFrame burst{open_.at_index(victim).first, link::FrameKind::binary, {}};
  for (std::uint32_t number = 0; number < options_.flood_burst; ++number) {
    const NodeId target = draw_id();
    wire::native::append_record(burst.bytes, {{++last_flood_id_}, wire::FindNodeRequest{target}});
  }
  outbox_.push(std::move(burst));
}

NodeId ByzantinePeer::draw_id() {
  const std::uint64_t high = rng_.next();
  const std::uint64_t middle = rng_.next();
  const auto low = static_cast<std::uint32_t>(rng_.next());
  return {high, middle, low};
}

/// Shares all but the last 32 bits with the target: nobody real is nearer.
NodeId ByzantinePeer::draw_id_near(const NodeId& target) {
  const auto low = static_cast<std::uint32_t>(rng_.next());
  return {target.high(), target.middle(), low};
}

}  // namespace trestle::sim
