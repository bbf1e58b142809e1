// The registration itself: joining, pings, health. Invitations and introductions are in
// legacy_helping.cpp.

#include "trestle/node/member/legacy_registration.hpp"

#include <algorithm>
#include <utility>

#include "trestle/wire/legacy/body.hpp"
#include "trestle/wire/legacy/codec.hpp"
#include "trestle/wire/legacy/metadata.hpp"
#include "trestle/wire/legacy/version.hpp"

namespace trestle::node {

namespace legacy = wire::legacy;

namespace {

/// Those of the named peers that are peers: a JavaScript bootstrap without bridges invents ids
/// (section 3.1).
wire::Contacts contacts_of(const std::vector<legacy::PeerEntry>& entries, const NodeId& self) {
  wire::Contacts contacts;
  for (const legacy::PeerEntry& entry : entries) {
    const auto id = NodeId::from_hex(entry.node_id);
    if (id && *id != self) contacts.push_back(legacy::to_contact(*id, entry.metadata));
  }
  return contacts;
}

wire::JoinOutcome outcome_of(const legacy::PeerOffer& offer, wire::Role role) {
  if (role == wire::Role::bridge) return wire::JoinOutcome::bridge;
  if (offer.is_genesis == true) return wire::JoinOutcome::genesis;
  if (offer.emergency_mode == true) return wire::JoinOutcome::emergency;
  return wire::JoinOutcome::introduced;
}

}  // namespace

// ---- the connection

void LegacyRegistration::on_opened(Instant now) {
  is_open_ = true;
  register_at_ = after(now, options_.register_after);
  ping_at_ = after(now, options_.ping_every);
  silent_pings_ = 0;
  health_at_ = Instant::min();
  health_changed_ = links_ > 0;
}

void LegacyRegistration::on_closed() {
  is_open_ = false;
  register_at_ = kNever;
  ping_at_ = kNever;
  join_id_.clear();
  introductions_.clear();
  invitations_.clear();
}

/// A bridge says who it is and where, and never the shared secret, which the old bridges add here:
/// nothing checks it (section 3.1).
legacy::RawJson LegacyRegistration::metadata(bool needs_peers) const {
  legacy::Advertisement shown;
  shown.role = local_.role;
  shown.address = local_.address;
  shown.start_time_ms = local_.started_at.time_since_epoch().count();
  shown.needs_peers = needs_peers;
  return legacy::describe(shown);
}

void LegacyRegistration::say_register(Instant now) {
  register_at_ = kNever;
  legacy::Register frame;
  frame.node_id = local_.identity.id;
  frame.protocol_version = legacy::RawJson::of_text(legacy::kProtocolVersion);
  frame.build_id = "node_trestle";
  frame.timestamp = wall_ms(now);
  frame.metadata = metadata(false);
  send(legacy::encode(frame));
}

// ---- joining

void LegacyRegistration::join(Instant now, const wire::JoinRequest& request, bool has_peers) {
  legacy::GetPeersOrGenesis frame;
  frame.max_peers = request.contacts_max;
  frame.node_id = local_.identity.id;
  // Only one that was a member and lost everybody says so: the bootstrap then names any peer.
  frame.metadata = metadata(request.rejoining && !has_peers);
  frame.request_id = request_id(now, "req");
  join_id_ = frame.request_id;
  send(legacy::encode(frame));
}

void LegacyRegistration::on_request(Instant, const legacy::Response& response) {
  if (response.request_id != join_id_) {
    // Late: whoever is named in it is still worth meeting. Answers to invitations name nobody.
    if (!response.success || !response.data) return;
    const auto offer = legacy::decode_body<legacy::PeerOffer>(*response.data);
    if (!offer) return;
    for (wire::Contact& contact : contacts_of(offer->peers, local_.identity.id)) {
      outbox_.push(Named{std::move(contact)});
    }
    return;
  }
  join_id_.clear();
  if (!response.success || !response.data) {
    outbox_.push(JoinEnded{wire::Failure{ErrorCode::bridge_unavailable, 0,
                                         response.error.value_or("the bootstrap node refused")}});
    return;
  }
  const auto offer = legacy::decode_body<legacy::PeerOffer>(*response.data);
  if (!offer) {
    outbox_.push(JoinEnded{
        wire::Failure{ErrorCode::protocol_error, 0, "the bootstrap node's offer cannot be read"}});
    return;
  }
  wire::JoinResponse joined;
  joined.outcome = outcome_of(*offer, local_.role);
  joined.contacts = contacts_of(offer->peers, local_.identity.id);
  outbox_.push(JoinEnded{std::move(joined)});
}

void LegacyRegistration::on_request(Instant, const legacy::PeerList& list) {
  for (wire::Contact& contact : contacts_of(list.peers, local_.identity.id)) {
    outbox_.push(Named{std::move(contact)});
  }
}

void LegacyRegistration::on_request(Instant now, const legacy::Peers& list) {
  on_request(now, legacy::PeerList{list.peers, list.status});
}

// ---- the rest of what a bootstrap says

void LegacyRegistration::on_frame(Instant now, legacy::FrameBox&& box) {
  if (!is_open_) return;
  silent_pings_ = 0;
  std::visit(
      [&](const auto& one) {
        if constexpr (requires { this->on_request(now, one); }) on_request(now, one);
      },
      box->frame);
}

void LegacyRegistration::on_request(Instant now, const legacy::Ping& ping) {
  legacy::Pong pong;
  pong.request_id = ping.request_id;
  pong.timestamp = wall_ms(now);
  send(legacy::encode(pong));
}

void LegacyRegistration::on_request(Instant, const legacy::VersionMismatch& mismatch) {
  outbox_.push(LogRecord{LogLevel::error,
                         "join.version_mismatch",
                         ErrorCode::version_mismatch,
                         {},
                         mismatch.message.value_or("the old bootstrap node refuses our version")});
}

void LegacyRegistration::on_request(Instant, const legacy::Error& error) {
  const std::string text = error.error ? *error.error : error.message.value_or("");
  outbox_.push(LogRecord{LogLevel::warning, "join.bootstrap_error", ErrorCode::refused, {}, text});
}

void LegacyRegistration::on_links(Instant now, std::size_t links) {
  links_ = links;
  links_peak_ = std::max(links_peak_, links);
  health_changed_ = true;
  report_health(now);
}

void LegacyRegistration::report_health(Instant now) {
  if (local_.role != wire::Role::bridge || !is_open_ || !health_changed_) return;
  if (register_at_ != kNever || now < after(health_at_, options_.health_every)) return;
  health_changed_ = false;
  health_at_ = now;
  legacy::BridgeHealth health;
  health.is_healthy = true;
  health.has_bootstrapped = links_peak_ > 0;
  health.connected_peers = static_cast<std::int64_t>(links_);
  health.routing_nodes = static_cast<std::int64_t>(links_);
  health.peak_peer_count = static_cast<std::int64_t>(links_peak_);
  health.uptime = wall_ms(now) - local_.started_at.time_since_epoch().count();
  legacy::BridgeHealthUpdate update;
  update.bridge_node_id = local_.identity.id;
  update.bridge_health = legacy::encode_body(health);
  update.timestamp = wall_ms(now);
  send(legacy::encode(update));
}

std::string LegacyRegistration::request_id(Instant now, std::string_view kind) {
  return std::string(kind) + "_" + std::to_string(wall_ms(now)) + "_" +
         std::to_string(++last_number_);
}

// ---- time

Instant LegacyRegistration::next_deadline() const {
  if (!is_open_) return kNever;
  Instant next = std::min(register_at_, ping_at_);
  const bool reports = local_.role == wire::Role::bridge && health_changed_;
  if (reports && register_at_ == kNever) {
    next = std::min(next, after(health_at_, options_.health_every));
  }
  return next;
}

void LegacyRegistration::on_deadline(Instant now) {
  if (!is_open_) return;
  if (register_at_ <= now) say_register(now);
  report_health(now);
  if (ping_at_ > now) return;
  ping_at_ = after(now, options_.ping_every);
  if (silent_pings_ >= options_.silent_pings_max) {
    outbox_.push(Lost{});
    return;
  }
  ++silent_pings_;
  legacy::Ping ping;
  ping.request_id = request_id(now, "keepalive");
  ping.timestamp = wall_ms(now);
  send(legacy::encode(ping));
}

std::optional<LegacyRegistration::Effect> LegacyRegistration::poll_effect() {
  return outbox_.poll();
}

}  // namespace trestle::node
