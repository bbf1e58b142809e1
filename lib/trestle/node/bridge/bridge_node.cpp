#include "trestle/node/bridge/bridge_node.hpp"

#include <algorithm>
#include <utility>

#include "trestle/node/counters.hpp"

namespace trestle::node {
namespace {

MemberOptions member_options(const BridgeOptions& options) {
  MemberOptions made;
  made.common = options.common;
  made.program = "bridge-node";
  made.role = wire::Role::bridge;
  made.bootstrap_urls = options.bootstrap_urls;
  made.bridge_secret = options.bridge_secret;
  // The registration is an ordinary client connection that closes once the bridge has peers (design
  // section 3).
  made.joiner.links_enough = 1;
  made.joiner.hold_after_enough = Duration::zero();
  return made;
}

}  // namespace

BridgeNode::BridgeNode(const BridgeOptions& options, const crypto::Identity& identity,
                       crypto::Suite& suite, Rng rng)
    : MemberNode(member_options(options), identity, suite, rng),
      desk_options_(options.desk),
      desk_(self(), desk_options_, rng.fork("desk"), options.admission) {}

Instant BridgeNode::next_deadline() const {
  return std::min(MemberNode::next_deadline(), desk_.next_deadline());
}

void BridgeNode::on_deadline(Instant now) {
  desk_.on_deadline(now);
  MemberNode::on_deadline(now);
}

bool BridgeNode::is_healthy(Instant) const { return !is_stopping(); }

Status BridgeNode::status(Instant now) const {
  Status status = MemberNode::status(now);
  status.counters.emplace_back("desk.bootstraps", bootstraps_.size());
  add_counters(status, desk_.stats());
  return status;
}

void BridgeNode::serve(Instant now, link::ConnectionId connection, wire::RequestId id,
                       const wire::Message& request) {
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
  if (bootstraps_.erase(connection)) desk_.on_source_closed(now, connection);
}

void BridgeNode::on_member_up(Instant now, const wire::Contact& peer) {
  desk_.on_member_up(now, peer);
}
void BridgeNode::on_member_heard(Instant now, const NodeId& peer) {
  desk_.on_member_heard(now, peer);
}
void BridgeNode::on_member_down(Instant now, const NodeId& peer) {
  desk_.on_member_down(now, peer);
}
void BridgeNode::on_probe_ended(Instant now, const NodeId& peer, bool alive) {
  desk_.on_probe_result(now, peer, alive);
}

bool BridgeNode::pump_program(Instant now) {
  bool moved = false;
  while (auto effect = desk_.poll_effect()) {
    moved = true;
    if (auto* answer = std::get_if<bridge::Answer>(&*effect)) {
      respond(now, answer->source, answer->request_id, answer->message);
    } else if (auto* asked = std::get_if<bridge::Probe>(&*effect)) {
      probe(now, asked->member, desk_options_.probe_wait);
    } else if (auto* record = std::get_if<LogRecord>(&*effect)) {
      emit(std::move(*record));
    }
  }
  return moved;
}

}  // namespace trestle::node
