#include "trestle/node/bridge/bridge_node.hpp"

#include <algorithm>
#include <utility>

#include "trestle/node/counters.hpp"
#include "trestle/wire/legacy/codec.hpp"
#include "trestle/wire/legacy/metadata.hpp"

namespace trestle::node {

namespace legacy = wire::legacy;

namespace {

MemberOptions member_options(const BridgeOptions& options) {
  MemberOptions made;
  made.common = options.common;
  made.spread_limits();
  made.program = "bridge-node";
  made.role = wire::Role::bridge;
  made.bootstrap_urls = options.bootstrap_urls;
  made.bridge_secret = options.bridge_secret;
  made.legacy_bridge_secret = options.legacy_bridge_secret;
  // The registration is an ordinary client connection that closes once the bridge has peers (design
  // section 3).
  made.joiner.links_enough = 1;
  made.joiner.hold_after_enough = Duration::zero();
  made.dht.table.diversity.mode = options.diversity;
  made.dht.table.proximity = options.proximity;
  made.dht.mode = options.lookup_mode;
  return made;
}

admission::DeskOptions redemption_options(const BridgeOptions& options, crypto::Suite& suite) {
  const AdmissionOptions& admission = options.common.admission;
  admission::DeskOptions made;
  if (admission.mode == Admission::open) return made;
  made.network = crypto::network_hash(suite, options.common.network);
  made.founders = admission.founders;
  return made;
}

}  // namespace

BridgeNode::BridgeNode(const BridgeOptions& options, const crypto::Identity& identity,
                       crypto::Suite& suite, Rng rng)
    : MemberNode(member_options(options), identity, suite, rng),
      suite_(suite),
      redemptions_(redemption_options(options, suite), suite),
      desk_options_(options.desk),
      desk_(self(), desk_options_, rng.fork("desk"), options.admission) {}

BridgeNode::~BridgeNode() = default;

Instant BridgeNode::next_deadline() const {
  return std::min({MemberNode::next_deadline(), desk_.next_deadline(), save_members_at_});
}

void BridgeNode::on_deadline(Instant now) {
  stir();
  desk_.on_deadline(now);
  if (save_members_at_ <= now) save_members();
  MemberNode::on_deadline(now);
}

bool BridgeNode::is_healthy(Instant) const { return !is_stopping(); }

Status BridgeNode::status(Instant now) const {
  Status status = MemberNode::status(now);
  status.counters.emplace_back("desk.bootstraps", bootstraps_.size());
  add_counters(status, desk_.stats());
  if (admission().gate.is_on()) add_counters(status, redemptions_.desk());
  return status;
}

void BridgeNode::serve(Instant now, link::ConnectionId connection, wire::RequestId id,
                       const wire::Message& request) {
  if (const auto* wanted = std::get_if<wire::RedeemRequest>(&request)) {
    return redeem(now, connection, id, *wanted);
  }
  const auto* introduce = std::get_if<wire::IntroduceRequest>(&request);
  if (introduce == nullptr) return MemberNode::serve(now, connection, id, request);
  if (!bootstraps_.contains(connection)) {
    return respond(now, connection, id,
                   wire::Failure{ErrorCode::unauthorized, 0,
                                 "only a bootstrap node may ask for introductions"});
  }
  desk_.on_request(now, connection, id, *introduce);
}

void BridgeNode::on_bootstrap_linked(Instant, link::ConnectionId connection) {
  bootstraps_.insert(connection, true);
  emit(LogRecord{LogLevel::info, "bridge.bootstrap_linked", ErrorCode::none, {}, {}});
}

void BridgeNode::on_withdrawn(Instant now, link::ConnectionId connection, wire::RequestId id) {
  desk_.on_cancelled(now, connection, id);
}

void BridgeNode::on_channel_closed(Instant now, link::ConnectionId connection) {
  if (old_source_ == connection) introducing_.clear();
  if (bootstraps_.erase(connection)) desk_.on_source_closed(now, connection);
}

void BridgeNode::on_member_up(Instant now, const wire::Contact& peer) {
  desk_.on_member_up(now, peer);
}
void BridgeNode::on_member_heard(Instant now, const NodeId& peer) {
  stir();  // an introduction may have waited for this sign of life
  desk_.on_member_heard(now, peer);
}
void BridgeNode::on_member_down(Instant now, const NodeId& peer) {
  desk_.on_member_down(now, peer);
}
void BridgeNode::on_probe_ended(Instant now, const NodeId& peer, bool alive) {
  desk_.on_probe_result(now, peer, alive);
}

bool BridgeNode::pump_program(Instant now) {
  bool moved = pump_redemptions(now);
  while (auto effect = desk_.poll_effect()) {
    moved = true;
    if (auto* answer = std::get_if<bridge::Answer>(&*effect)) {
      this->answer(now, *answer);
    } else if (auto* asked = std::get_if<bridge::Probe>(&*effect)) {
      probe(now, asked->member, desk_options_.probe_wait);
    } else if (auto* record = std::get_if<LogRecord>(&*effect)) {
      emit(std::move(*record));
    }
  }
  return moved;
}

// ---- a bootstrap node of the old system

/// It asks on the connection that we opened (section 5.1 of its protocol). The question goes into
/// the same queue as everybody's.
void BridgeNode::introduce(Instant now, link::ConnectionId registration, wire::RequestId id,
                           const wire::IntroduceRequest& request) {
  old_source_ = registration;
  bootstraps_.insert(registration, true);
  introducing_.insert_or_assign(id, request.newcomer);
  desk_.on_request(now, registration, id, request);
}

void BridgeNode::answer(Instant now, const bridge::Answer& answer) {
  if (old_source_ != answer.source) {
    return respond(now, answer.source, answer.request_id, answer.message);
  }
  if (const wire::Contact* newcomer = introducing_.find(answer.request_id)) {
    tell_helper(now, *newcomer, answer.message);
    introducing_.erase(answer.request_id);
  }
  answer_introduction(now, answer.request_id, answer.message);
}

void BridgeNode::tell_helper(Instant now, const wire::Contact& newcomer,
                             const wire::Message& answer) {
  const auto* introduced = std::get_if<wire::IntroduceResponse>(&answer);
  if (introduced == nullptr || introduced->members.empty()) return;
  legacy::CreateInvitationForPeer frame;
  frame.target_peer = introduced->members.front().id;
  frame.target_node_id = newcomer.id;
  frame.target_node_metadata = legacy::metadata_of(newcomer);
  frame.from_bridge = self().id;
  frame.request_id = "onboarding_" + newcomer.id.to_short_hex();
  frame.candidate_index = 0;
  frame.timestamp = view(now).wall_ms;
  frame.from = self().id.to_hex();
  tell_legacy_peer(now, frame.target_peer, legacy::encode(frame));
}

/// It has dialled us and shown the shared secret (section 5.2). What it asks there it asks in no
/// other dialect.
void BridgeNode::on_legacy_frame(Instant now, link::ConnectionId connection,
                                 wire::legacy::FrameBox&& box) {
  if (!bootstraps_.contains(connection)) {
    return MemberNode::on_legacy_frame(now, connection, std::move(box));
  }
  if (const auto genesis = announced_genesis(box)) meet(now, *genesis);
  if (auto text = answer_old_bootstrap(view(now), suite_, box)) {
    send_text(now, connection, std::move(*text));
  }
}

BridgeView BridgeNode::view(Instant now) const {
  BridgeView seen;
  seen.self = self().id;
  seen.wall_ms = local().wall_clock.at(now).time_since_epoch().count();
  for (const auto& [id, link] : mesh().links()) {
    if (link.peer.role == wire::Role::node) seen.members.push_back(link.peer);
  }
  return seen;
}

}  // namespace trestle::node
