// A member's links: what channels and mesh report, and where it goes.

#include <string>
#include <utility>

#include "trestle/node/member/link_origin.hpp"
#include "trestle/node/member/member_node.hpp"
#include "trestle/node/request_token.hpp"
#include "trestle/wire/legacy/frame.hpp"
#include "trestle/wire/legacy/metadata.hpp"

namespace trestle::node {

using link::Channel;
using link::ConnectionId;

// ---- news of channels

void MemberNode::on_news(Instant now, link::ChannelSet::News&& news) {
  stir();
  const ConnectionId connection = news.connection;
  if (auto* requested = std::get_if<Channel::Requested>(&news.news)) {
    on_request(now, connection, std::move(*requested));
  } else if (auto* answered = std::get_if<Channel::Answered>(&news.news)) {
    on_answer(now, connection, std::move(*answered));
  } else if (const auto* failed = std::get_if<Channel::RequestFailed>(&news.news)) {
    on_request_failed(now, failed->token, failed->code);
  } else if (const auto* opened = std::get_if<Channel::Opened>(&news.news)) {
    on_opened(now, connection, opened->peer);
  } else if (const auto* notified = std::get_if<Channel::Notified>(&news.news)) {
    on_notified(now, connection, notified->message);
  } else if (const auto* withdrawn = std::get_if<Channel::Withdrawn>(&news.news)) {
    on_withdrawn(now, connection, withdrawn->id);
  } else if (const auto* closed = std::get_if<Channel::Closed>(&news.news)) {
    on_closed_news(now, connection, *closed);
  } else if (auto* received = std::get_if<Channel::LegacyReceived>(&news.news)) {
    if (is_registration(connection)) {
      old_bootstrap_.on_frame(now, std::move(received->frame));
    } else if (!carry_legacy(now, connection, received->frame)) {
      on_legacy_frame(now, connection, std::move(received->frame));
    }
  }
}

void MemberNode::on_opened(Instant now, ConnectionId connection, const wire::Contact& peer) {
  if (is_registration(connection)) return on_registration_opened(now, connection, peer);
  receive(now, connection, peer);
}

/// Somebody who may be here.
void MemberNode::welcome(Instant now, ConnectionId connection, const wire::Contact& peer) {
  const Channel* channel = channels_.find(connection);
  const bool dialled = channel != nullptr && channel->side() == crypto::Side::dialler;
  switch (peer.role) {
    case wire::Role::bootstrap:
      return on_bootstrap_linked(now, connection);
    case wire::Role::observer:
      // An observer may ask, but whoever dialled one expected a member.
      if (dialled) channels_.close(now, connection, ErrorCode::refused, "the peer is not a member");
      return;
    case wire::Role::bridge:
    case wire::Role::node:
      mesh_.on_link_opened(now, connection, peer,
                           dialled ? mesh::Direction::dialled : mesh::Direction::accepted);
  }
}

void MemberNode::on_closed_news(Instant now, ConnectionId connection,
                                const Channel::Closed& closed) {
  if (is_registration(connection)) return on_registration_closed(now, closed);
  forget_requests(connection);
  admission_.gate.forget(connection);
  on_channel_closed(now, connection);
  // The mesh takes the end of a connection that it does not know as a link for a failed dial.
  mesh_.on_link_closed(now, connection, closed.code, closed.text);
}

void MemberNode::on_request(Instant now, ConnectionId connection, Channel::Requested&& requested) {
  const Channel* channel = channels_.find(connection);
  if (channel == nullptr || !may_ask(now, connection, requested)) return;
  mesh_.on_used(now, channel->peer().id, mesh::Use::service);
  const bool for_dht = std::holds_alternative<wire::FindNodeRequest>(requested.message) ||
                       std::holds_alternative<wire::FindValueRequest>(requested.message) ||
                       std::holds_alternative<wire::StoreRequest>(requested.message) ||
                       std::holds_alternative<wire::ReplicaOffer>(requested.message);
  if (!for_dht) {
    if (carry(now, connection, channel->peer(), requested)) return;
    return serve(now, connection, requested.id, requested.message);
  }
  verify(now, {connection, channel->peer().id, requested.id, std::move(requested.message)});
}

void MemberNode::on_notified(Instant now, ConnectionId connection, const wire::Message& message) {
  if (const auto* shown = std::get_if<wire::Credentials>(&message)) {
    return on_credentials(now, connection, *shown);
  }
  if (admission_.gate.holds(connection)) return;
  if (const auto* certified = std::get_if<wire::Certify>(&message)) {
    if (self_.role == wire::Role::bridge) become(now, certified->membership, {});
    return;
  }
  if (const auto* revoked = std::get_if<wire::Revocations>(&message)) {
    return on_list(now, revoked->list);
  }
  const Channel* channel = channels_.find(connection);
  const auto* announced = std::get_if<wire::Announce>(&message);
  if (channel == nullptr || announced == nullptr) return;
  mesh_.on_announced(now, channel->peer().id, announced->peer);
}

void MemberNode::on_answer(Instant now, ConnectionId connection, Channel::Answered&& answered) {
  NodeId from;
  if (const Channel* channel = channels_.find(connection)) {
    from = channel->peer().id;
    // What it was for was said with the question.
    if (!std::holds_alternative<wire::Pong>(answered.message)) {
      mesh_.on_used(now, from, mesh::Use::upkeep);
    }
    mesh_.on_rtt(now, from, answered.round_trip);
    dht_.on_round_trip(from, answered.round_trip);
  }
  switch (asker_of(answered.token)) {
    case Asker::dht:
      return verify(now, {connection, from, dht::AskId{number_of(answered.token)},
                          std::move(answered.message)});
    case Asker::through:
      return on_carried_answer(now, connection, from, {number_of(answered.token)},
                               answered.message);
    case Asker::carrier:
      return carrier_.on_answer(now, number_of(answered.token), answered.message);
    case Asker::joiner:
      return on_join_ended(now, answered.message);
    case Asker::redeemer:
      return on_redeemed(now, answered.message);
    case Asker::probe: {
      const std::uint64_t number = number_of(answered.token);
      if (const NodeId* member = probes_.find(number)) {
        const NodeId id = *member;
        probes_.erase(number);
        on_probe_ended(now, id, true);
      }
    }
  }
}

void MemberNode::on_request_failed(Instant now, Channel::Token token, ErrorCode code) {
  switch (asker_of(token)) {
    case Asker::dht:
    case Asker::through:
      return dht_.on_ask_failed(now, {number_of(token)}, code);
    case Asker::carrier:
      return carrier_.on_failed(now, number_of(token), code);
    case Asker::redeemer:
      return on_redemption_failed(now, {code, 0, "no bridge answered"});
    case Asker::joiner:
      return joiner_.on_join_failed(now,
                                    wire::Failure{code, 0, "no answer from the bootstrap node"});
    case Asker::probe: {
      const std::uint64_t number = number_of(token);
      if (const NodeId* member = probes_.find(number)) {
        const NodeId id = *member;
        probes_.erase(number);
        on_probe_ended(now, id, false);
      }
    }
  }
}

/// Any frame of a linked peer is a sign of life.
void MemberNode::heard(Instant now, const Channel& channel) {
  const bool is_held = admission_.gate.is_on() && admission_.gate.holds(channel.id());
  if (!channel.is_open() || is_held) return;
  dht_.on_heard(now, channel.peer().id);
  on_member_heard(now, channel.peer().id);
}

// ---- orders and news of the mesh

void MemberNode::perform(Instant now, mesh::MeshEffect&& effect) {
  if (auto* wanted = std::get_if<mesh::Connect>(&effect)) {
    if (is_stopping_)
      return mesh_.on_dial_refused(now, wanted->contact.id, ErrorCode::shutting_down);
    const NodeId id = wanted->contact.id;
    const ConnectionId connection =
        channels_.dial(now, wanted->contact.address, wanted->contact.dialect);
    mesh_.on_dial_started(now, id, connection);
  } else if (auto* unwanted = std::get_if<mesh::Disconnect>(&effect)) {
    forget_requests(unwanted->connection);
    on_channel_closed(now, unwanted->connection);
    channels_.close(now, unwanted->connection, unwanted->code, std::string(name(unwanted->code)));
  } else if (auto* up = std::get_if<mesh::LinkUp>(&effect)) {
    on_link_up(now, *up);
  } else if (auto* down = std::get_if<mesh::LinkDown>(&effect)) {
    on_link_down(now, *down);
    on_member_down(now, down->peer);
  } else if (const auto* moved = std::get_if<mesh::LinkMoved>(&effect)) {
    for (const PendingAsk& ask : pending_asks_.take(moved->peer)) {
      send_ask(now, moved->connection, ask);
    }
  } else if (auto* failed = std::get_if<mesh::ContactFailed>(&effect)) {
    // Where the limit of links came in between it is us who are at fault.
    const ErrorCode code =
        failed->code == ErrorCode::busy ? ErrorCode::busy : ErrorCode::unreachable;
    std::vector<PendingAsk> asks = pending_asks_.take(failed->peer);
    if (asks.empty() && code == ErrorCode::unreachable) dht_.on_unreachable(now, failed->peer);
    fail_asks(now, std::move(asks), code);
  } else if (auto* newcomer = std::get_if<mesh::AnnouncePeer>(&effect)) {
    const wire::Announce announcement{std::move(newcomer->peer)};
    for (const ConnectionId to : newcomer->to) channels_.notify(now, to, announcement);
  } else if (const auto* announced = std::get_if<mesh::PeerAnnounced>(&effect)) {
    dht_.on_contact(now, announced->peer);
  } else if (auto* record = std::get_if<LogRecord>(&effect)) {
    outbox_.push(std::move(*record));
  }
}

void MemberNode::on_link_up(Instant now, const mesh::LinkUp& up) {
  const Channel* channel = channels_.find(up.connection);
  dht_.on_link_up(
      now, up.peer,
      channel != nullptr ? link_origin(*channel, up.connection, up.peer) : dht::LinkOrigin{});
  on_member_up(now, up.peer);
  for (const PendingAsk& ask : pending_asks_.take(up.peer.id)) send_ask(now, up.connection, ask);
}

/// Who had no use for the link is dialled again for the questions that met its goodbye; who had no
/// room, or we none, is busy.
void MemberNode::on_link_down(Instant now, const mesh::LinkDown& down) {
  const bool is_idle = down.code == ErrorCode::idle;
  const bool is_let_go = is_idle || down.code == ErrorCode::busy;
  dht_.on_link_down(now, down.peer, is_let_go ? dht::LinkEnding::let_go : dht::LinkEnding::lost);
  const ErrorCode code = is_let_go ? ErrorCode::busy : ErrorCode::connection_lost;
  std::vector<PendingAsk> asks = pending_asks_.take(down.peer);
  if (asks.empty()) return;
  wire::Contact peer;
  peer.id = down.peer;
  if (!is_idle || !mesh_.connect(now, peer)) return fail_asks(now, std::move(asks), code);
  for (PendingAsk& ask : asks) {
    const dht::AskId id = ask.ask;
    if (!pending_asks_.add(std::move(ask))) dht_.on_ask_failed(now, id, code);
  }
}

// ---- what a program may do, or does not

void MemberNode::respond(Instant now, ConnectionId connection, wire::RequestId id,
                         const wire::Message& answer) {
  channels_.respond(now, connection, id, answer);
}

void MemberNode::probe(Instant now, const NodeId& member, Duration within) {
  const std::uint64_t number = ++last_probe_;
  const auto connection = mesh_.find(member);
  if (connection && channels_.request(now, *connection, wire::Ping{}, after(now, within),
                                      make_token(Asker::probe, number))) {
    probes_.insert(number, member);
  } else {
    on_probe_ended(now, member, false);
  }
}

void MemberNode::serve(Instant now, ConnectionId connection, wire::RequestId id,
                       const wire::Message& request) {
  respond(now, connection, id,
          wire::Failure{ErrorCode::unsupported, 0,
                        "this program does not answer " + std::string(wire::name(request))});
}

/// A bridge of the old system asks this member to help a newcomer. It can be dialled without an
/// invitation; the bootstrap's signalling is only needed where it cannot.
void MemberNode::on_legacy_frame(Instant now, ConnectionId connection,
                                 wire::legacy::FrameBox&& box) {
  const Channel* channel = channels_.find(connection);
  if (channel == nullptr || channel->peer().role != wire::Role::bridge) return;
  const auto* wanted = std::get_if<wire::legacy::CreateInvitationForPeer>(&box->frame);
  if (wanted == nullptr || wanted->target_peer != self_.id) return;
  if (mesh_.find(wanted->target_node_id)) return;
  old_bootstrap_.invite(now, wanted->target_node_id);
  meet(now, wire::legacy::to_contact(wanted->target_node_id, wanted->target_node_metadata));
}

void MemberNode::meet(Instant now, const wire::Contact& contact) {
  mesh_.on_contact(now, contact);
  dht_.on_contact(now, contact);
}

void MemberNode::tell_legacy_peer(Instant now, const NodeId& peer, std::string text) {
  const auto connection = mesh_.find(peer);
  const Channel* channel = connection ? channels_.find(*connection) : nullptr;
  if (channel == nullptr || !channel->speaks_legacy()) return;
  channels_.send_text(now, *connection, std::move(text));
}

void MemberNode::send_text(Instant now, ConnectionId connection, std::string text) {
  channels_.send_text(now, connection, std::move(text));
}

void MemberNode::on_bootstrap_linked(Instant now, ConnectionId connection) {
  channels_.close(now, connection, ErrorCode::unsupported, "only a bridge serves a bootstrap node");
}

}  // namespace trestle::node
