// A member in a network that one enters by invitation: who is let in on its links, how it becomes a
// member itself and stays one, and lists of revocations.

#include <utility>

#include "trestle/node/member/member_node.hpp"
#include "trestle/node/request_token.hpp"

namespace trestle::node {

using link::Channel;
using link::ConnectionId;

namespace {

/// A bootstrap node answers a join within this; a redemption takes the same way.
constexpr Duration kRedeemWithin = std::chrono::seconds(6);
/// How many peers of the table are looked through for a bridge that renews.
constexpr std::size_t kLookedThrough = 256;

}  // namespace

WallTime MemberNode::wall(Instant now) const { return local_.wall_clock.at(now); }

// ---- others on our links

/// Whoever has to show something waits for it; the rest passes.
void MemberNode::receive(Instant now, ConnectionId connection, const wire::Contact& peer) {
  if (!admission_.gate.is_due(peer)) return welcome(now, connection, peer);
  if (admission_.gate.hold(now, connection, peer)) return;
  channels_.close(now, connection, ErrorCode::busy, "too many newcomers");
}

void MemberNode::on_credentials(Instant now, ConnectionId connection,
                                const wire::Credentials& credentials) {
  if (!admission_.gate.is_on()) return;
  const Verdict verdict = admission_.gate.present(wall(now), connection, credentials);
  const Channel* channel = channels_.find(connection);
  if (channel == nullptr) return;
  const wire::Contact peer = channel->peer();
  // Only who redeems has business with who is no member.
  const bool is_stranger = verdict == Verdict::newcomer && self_.role != wire::Role::bridge;
  if (verdict == Verdict::refused || is_stranger) {
    const ErrorCode code = is_stranger ? ErrorCode::unauthorized : ErrorCode::invalid_token;
    outbox_.push(LogRecord{LogLevel::info, "admission.link_refused", code, peer.id, {}});
    return channels_.close(now, connection, code, not_a_member().text);
  }
  if (const crypto::Membership* shown = admission_.gate.membership(connection)) {
    on_member_shown(now, *shown);
  }
  if (admission_.gate.lacks_lists(credentials.revocations)) {
    for (Bytes& list : admission_.gate.keeper().lists()) {
      channels_.notify(now, connection, wire::Revocations{std::move(list)});
    }
  }
  if (verdict == Verdict::admitted) welcome(now, connection, peer);
}

/// False: the request was refused here.
bool MemberNode::may_ask(Instant now, ConnectionId connection, const Channel::Requested& asked) {
  if (!admission_.gate.holds(connection)) return true;
  if (std::holds_alternative<wire::RedeemRequest>(asked.message)) return true;
  respond(now, connection, asked.id, not_a_member());
  return false;
}

void MemberNode::put_out_unwelcome(Instant now) {
  for (const ConnectionId connection : admission_.gate.unwelcome(wall(now))) {
    const Channel* channel = channels_.find(connection);
    const NodeId peer = channel != nullptr ? channel->peer().id : NodeId();
    admission_.gate.forget(connection);
    outbox_.push(LogRecord{LogLevel::info, "admission.put_out", ErrorCode::unauthorized, peer, {}});
    channels_.close(now, connection, ErrorCode::unauthorized,
                    "the membership has ended or was revoked");
  }
}

// ---- what we are

/// At the bootstrap node: false while we are no member, and have to become one first.
bool MemberNode::enter(Instant now, ConnectionId registration) {
  if (!admission_.gate.is_on() || registration_dialect_ == wire::Dialect::legacy) return true;
  if (admission_.own.is_member(wall(now))) return true;
  // A bridge is told of its certificate on another connection, by the bootstrap node that dials it.
  if (self_.role == wire::Role::bridge) return false;
  if (!redeem_at(now, registration)) {
    const ErrorCode code = ErrorCode::unauthorized;
    close_registration(now, code);
    joiner_.on_bootstrap_failed(now, code, not_a_member().text);
  }
  return false;
}

bool MemberNode::redeem_at(Instant now, ConnectionId connection) {
  const auto request = admission_.own.request(wall(now));
  if (!request || admission_.is_redeeming) return request.has_value();
  const auto sent = channels_.request(now, connection, *request, after(now, kRedeemWithin),
                                      make_token(Asker::redeemer, 0));
  admission_.is_redeeming = sent.has_value();
  return sent.has_value();
}

void MemberNode::on_redeemed(Instant now, const wire::Message& answer) {
  admission_.is_redeeming = false;
  if (const auto* granted = std::get_if<wire::RedeemResponse>(&answer)) {
    if (become(now, granted->membership, granted->certificate)) {
      if (adopt_network_key(granted->network_key, "the key that came with our membership")) {
        outbox_.push(SaveAdmission{SaveAdmission::Part::network_key, granted->network_key});
      }
      return;
    }
    return on_redemption_failed(
        now, {ErrorCode::invalid_token, 0,
              "the bridge's membership follows from no founder: check --founder"});
  }
  const auto* failure = std::get_if<wire::Failure>(&answer);
  on_redemption_failed(now, failure != nullptr ? *failure : wire::Failure{});
}

void MemberNode::on_redemption_failed(Instant now, const wire::Failure& failure) {
  admission_.is_redeeming = false;
  const bool is_member = admission_.own.is_member(wall(now));
  outbox_.push(LogRecord{is_member ? LogLevel::warning : LogLevel::error,
                         "admission.refused",
                         failure.code,
                         {},
                         failure.text});
  if (!registration_ || joiner_.is_bootstrap_open()) return;
  close_registration(now, failure.code);
  joiner_.on_bootstrap_failed(now, failure.code, failure.text);
}

/// False: it does not make us a member.
bool MemberNode::become(Instant now, const Bytes& membership, const Bytes& certificate) {
  const bool was_member = admission_.own.is_member(wall(now));
  const ErrorCode code =
      admission_.own.adopt(*suite_, admission_.gate.keeper(), wall(now), membership, certificate);
  if (code != ErrorCode::none) return false;
  outbox_.push(SaveAdmission{SaveAdmission::Part::membership, admission_.own.saved()});
  outbox_.push(LogRecord{LogLevel::info,
                         was_member ? "admission.renewed" : "admission.member",
                         ErrorCode::none,
                         {},
                         {}});
  show_credentials(now);
  const Channel* door = registration_ ? channels_.find(*registration_) : nullptr;
  const bool waits = door != nullptr && door->is_open() && !joiner_.is_bootstrap_open();
  if (waits) joiner_.on_bootstrap_opened(now);
  return true;
}

/// True if there is one and it opens.
bool MemberNode::adopt_network_key(const Bytes& wrapped, std::string_view whose) {
  if (wrapped.empty()) return false;
  const ErrorCode code = values_.adopt_network_keys(wrapped);
  if (code == ErrorCode::none) return true;
  std::string sentence(whose);
  outbox_.push(LogRecord{LogLevel::warning,
                         "admission.network_key_refused",
                         code,
                         {},
                         sentence.append(" does not open")});
  return false;
}

void MemberNode::show_credentials(Instant now) {
  local_.credentials = admission_.own.credentials(admission_.gate.mark());
  tell_all(now, *local_.credentials);
}

/// Everybody who is linked to us as what it is: members, bootstrap nodes.
void MemberNode::tell_all(Instant now, const wire::Message& message) {
  for (const ConnectionId connection : admission_.gate.admitted()) {
    channels_.notify(now, connection, message);
  }
  for (const ConnectionId connection : bootstrap_links()) {
    channels_.notify(now, connection, message);
  }
  if (registration_) channels_.notify(now, *registration_, message);
}

// ---- revocations

void MemberNode::on_list(Instant now, ByteSpan list) {
  if (!admission_.gate.is_on()) return;
  const auto adopted = admission_.gate.adopt(list);
  if (!adopted) return;
  on_list_adopted(*adopted);
  outbox_.push(LogRecord{LogLevel::info,
                         "admission.revocations",
                         ErrorCode::none,
                         {},
                         "list " + std::to_string((*adopted)->number) + " is in force"});
  outbox_.push(
      SaveAdmission{SaveAdmission::Part::revocations, pack(admission_.gate.keeper().lists())});
  local_.credentials = admission_.own.credentials(admission_.gate.mark());
  put_out_unwelcome(now);
  tell_all(now, wire::Revocations{Bytes(list.begin(), list.end())});
}

// ---- time

void MemberNode::restore_admission(Instant now, const Restored& restored) {
  if (!admission_.gate.is_on()) return;
  for (const Bytes& list : restored.revocations) {
    if (const auto adopted = admission_.gate.adopt(list)) on_list_adopted(*adopted);
  }
  if (!restored.membership.empty()) {
    const ErrorCode code =
        admission_.own.restore(*suite_, admission_.gate.keeper(), wall(now), restored.membership);
    if (code != ErrorCode::none) {
      outbox_.push(LogRecord{LogLevel::warning,
                             "admission.ended",
                             code,
                             {},
                             "the membership of the last run is not good any more"});
    }
  }
  if (admission_.own.is_member(wall(now))) {
    adopt_network_key(restored.network_key, "the network's key of the last run");
  }
  local_.credentials = admission_.own.credentials(admission_.gate.mark());
}

void MemberNode::look_at_admission(Instant now) {
  if (!admission_.gate.is_on()) return;
  if (is_stopping_) admission_.look_at = kNever;
  for (const ConnectionId connection : admission_.gate.overdue(now)) {
    admission_.gate.forget(connection);
    channels_.close(now, connection, ErrorCode::unauthorized, not_a_member().text);
  }
  if (now < admission_.look_at) return;
  admission_.look_at = after(now, admission_.gate.options().look_every);
  put_out_unwelcome(now);
  const bool is_bridge = self_.role == wire::Role::bridge;
  const bool is_member = admission_.own.is_member(wall(now));
  const bool wants_more = !is_member || admission_.own.wants_renewal(wall(now));
  // Who certifies a bridge does it when it sees its credentials.
  if (is_bridge && wants_more) return show_credentials(now);
  if (!is_bridge && is_member && wants_more && now >= admission_.renew_from) renew(now);
}

/// At a bridge that is linked, else at the bootstrap node, else at a bridge that has to be dialled
/// first: it will be linked when we look again.
void MemberNode::renew(Instant now) {
  if (admission_.is_redeeming) return;
  admission_.renew_from = after(now, admission_.gate.options().renew_again_after);
  for (const auto& [id, link] : mesh_.links()) {
    const bool is_bridge = link.peer.role == wire::Role::bridge;
    if (is_bridge && redeem_at(now, link.connection)) return;
  }
  if (registration_ && redeem_at(now, *registration_)) return;
  admission_.renew_from = now;
  for (const wire::Contact& peer : dht_.table().closest_contacts(self_.id, kLookedThrough)) {
    if (peer.role == wire::Role::bridge && mesh_.connect(now, peer)) return;
  }
}

}  // namespace trestle::node
