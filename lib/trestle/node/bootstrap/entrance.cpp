#include "trestle/node/bootstrap/entrance.hpp"

#include <algorithm>
#include <utility>

#include "trestle/crypto/identity_record.hpp"

namespace trestle::node {

using link::ConnectionId;

namespace {

/// In a quiet network nothing is asked of the bridges, and their connections are closed. A day is
/// little beside the fortnight that a certificate has left when it is to be renewed.
constexpr std::chrono::hours kWakeEvery{24};

}  // namespace

Entrance::Entrance(const AdmissionOptions& options, const NodeId& self, crypto::Suite& suite,
                   const std::string& network)
    : redeeming_max_(options.newcomers_max),
      identity_(options.identity),
      network_(options.mode == Admission::open ? crypto::NetworkHash{}
                                               : crypto::network_hash(suite, network)),
      suite_(suite),
      gate_(options, suite, network) {
  const auto own = crypto::decode_identity_record(options.identity);
  const bool is_ours = own && crypto::node_id_of(suite, own->proof_key) == self;
  if (is_ours && gate_.keeper().is_founder(own->message_key)) founder_ = own->message_key;
}

std::optional<wire::Credentials> Entrance::credentials() const {
  if (!is_on()) return std::nullopt;
  return wire::Credentials{identity_, {}, {}, gate_.mark()};
}

// ---- clients

bool Entrance::on_opened(Instant now, ConnectionId client, const wire::Contact& peer) {
  if (!gate_.is_due(peer)) return false;
  if (!gate_.hold(now, client, peer)) {
    outbox_.push(PutOut{client, ErrorCode::busy, "too many newcomers"});
  }
  return true;
}

void Entrance::on_notified(WallTime wall, ConnectionId client, const wire::Message& message) {
  const auto* shown = std::get_if<wire::Credentials>(&message);
  if (!is_on() || shown == nullptr) return;
  const Verdict verdict = gate_.present(wall, client, *shown);
  if (verdict == Verdict::refused) {
    outbox_.push(PutOut{client, ErrorCode::invalid_token, not_a_member().text});
    return;
  }
  if (gate_.lacks_lists(shown->revocations)) {
    for (Bytes& list : gate_.keeper().lists()) {
      outbox_.push(TellClient{client, wire::Revocations{std::move(list)}});
    }
  }
  if (verdict == Verdict::admitted) outbox_.push(Admitted{client});
}

void Entrance::on_redeem(ConnectionId client, wire::RequestId id,
                         const wire::RedeemRequest& request) {
  const auto answer = [&](ErrorCode code, std::uint32_t retry_after_ms, std::string text) {
    outbox_.push(AnswerClient{client, id, wire::Failure{code, retry_after_ms, std::move(text)}});
  };
  if (!is_on()) return answer(ErrorCode::unsupported, 0, "this network is open");
  const bool is_asking = std::ranges::any_of(
      redeeming_, [&](const auto& entry) { return entry.second.client == client; });
  if (is_asking || redeeming_.size() >= redeeming_max_) {
    return answer(ErrorCode::busy, 1000, "one redemption at a time");
  }
  ++last_token_;
  redeeming_.insert(last_token_, {client, id});
  outbox_.push(AskBridge{last_token_, request});
}

void Entrance::on_closed(ConnectionId client) {
  gate_.forget(client);
  redeeming_.erase_if([&](const auto& entry) { return entry.second.client == client; });
}

// ---- bridges

void Entrance::on_bridge_answered(std::uint64_t token, const wire::Message& answer) {
  const Redemption* const asked = redeeming_.find(token);
  if (asked == nullptr) return;
  const bool is_good = std::holds_alternative<wire::RedeemResponse>(answer);
  ++(is_good ? stats_.redeemed_total : stats_.refused_total);
  outbox_.push(AnswerClient{asked->client, asked->id, answer});
  redeeming_.erase(token);
}

void Entrance::on_bridge_said(WallTime wall, ConnectionId connection, const wire::Contact& bridge,
                              const wire::Message& message) {
  if (!is_on()) return;
  if (const auto* revoked = std::get_if<wire::Revocations>(&message)) {
    return on_list(wall, revoked->list);
  }
  const auto* shown = std::get_if<wire::Credentials>(&message);
  if (shown == nullptr) return;
  if (gate_.lacks_lists(shown->revocations)) {
    for (Bytes& list : gate_.keeper().lists()) {
      outbox_.push(TellBridge{connection, wire::Revocations{std::move(list)}});
    }
  }
  if (founder_) certify(wall, connection, bridge, *shown);
}

/// A bridge without a certificate gets one, and a new one in the second half of the old.
void Entrance::certify(WallTime wall, ConnectionId connection, const wire::Contact& bridge,
                       const wire::Credentials& shown) {
  const auto identity = crypto::decode_identity_record(shown.identity);
  const bool is_its_own = identity &&
                          crypto::node_id_of(suite_, identity->proof_key) == bridge.id &&
                          crypto::is_genuine(suite_, *identity);
  if (!is_its_own || issuing_.size() >= kIssuingMax) return;
  const auto held = gate_.keeper().check(suite_, wall, bridge.id, {shown.membership, {}});
  if (held && held->until - wall > crypto::kMembershipLife / 2) return;
  IssueMembership order;
  order.content.network = network_;
  order.content.member = identity->proof_key;
  order.content.message_key = identity->message_key;
  order.content.inviter = *founder_;
  suite_.random(order.content.nonce);
  order.content.issued = wall;
  order.content.expires = wall + crypto::kMembershipLife;
  if (gate_.keeper().is_revoked(suite_, order.content)) return;
  order.sealing_key = identity->sealing_key;
  order.ticket = {++last_ticket_.value};
  issuing_.insert(order.ticket, connection);
  ++stats_.certified_total;
  outbox_.push(LogRecord{LogLevel::info, "bridge.certified", ErrorCode::none, bridge.id, {}});
  outbox_.push(order);
}

void Entrance::on_issued(IssueTicket ticket, const crypto::Membership& token) {
  const ConnectionId* const bridge = issuing_.find(ticket);
  if (bridge == nullptr) return;
  outbox_.push(TellBridge{*bridge, wire::Certify{crypto::encode(token)}});
  issuing_.erase(ticket);
}

// ---- revocations, time

void Entrance::on_list(WallTime wall, ByteSpan list) {
  if (!is_on()) return;
  const auto adopted = gate_.adopt(list);
  if (!adopted) return;
  outbox_.push(LogRecord{LogLevel::info,
                         "admission.revocations",
                         ErrorCode::none,
                         {},
                         "list " + std::to_string((*adopted)->number) + " is in force"});
  outbox_.push(SaveAdmission{SaveAdmission::Part::revocations, pack(gate_.keeper().lists())});
  const wire::Revocations news{Bytes(list.begin(), list.end())};
  put_out_unwelcome(wall);
  for (const ConnectionId client : gate_.admitted()) outbox_.push(TellClient{client, news});
  outbox_.push(TellBridges{news});
}

void Entrance::put_out_unwelcome(WallTime wall) {
  for (const ConnectionId client : gate_.unwelcome(wall)) {
    gate_.forget(client);
    outbox_.push(
        PutOut{client, ErrorCode::unauthorized, "the membership has ended or was revoked"});
  }
}

void Entrance::start(Instant now) {
  if (is_on()) look_at_ = now;
}

void Entrance::on_deadline(Instant now, WallTime wall) {
  if (!is_on()) return;
  for (const ConnectionId client : gate_.overdue(now)) {
    gate_.forget(client);
    outbox_.push(PutOut{client, ErrorCode::unauthorized, not_a_member().text});
  }
  if (now < look_at_) return;
  look_at_ = after(now, gate_.options().look_every);
  put_out_unwelcome(wall);
  if (!founder_ || wall < wake_at_) return;
  wake_at_ = wall + kWakeEvery;
  outbox_.push(WakeBridges{});
}

EntranceStats Entrance::stats() const {
  EntranceStats stats = stats_;
  stats.redeeming = redeeming_.size();
  return stats;
}

std::optional<Entrance::Effect> Entrance::poll_effect() { return outbox_.poll(); }

}  // namespace trestle::node
