// A member's life, its users' operations, and what its systems order. Links are in
// member_links.cpp, the bootstrap node in member_registration.cpp.

#include "trestle/node/member/member_node.hpp"

#include <algorithm>
#include <utility>

#include "trestle/node/counters.hpp"
#include "trestle/node/request_token.hpp"

namespace trestle::node {
namespace {

dht::DhtOptions dht_options(const MemberOptions& options, const crypto::Identity& identity) {
  dht::DhtOptions made = options.dht;
  made.network = options.common.network;
  made.author = identity.key;
  if (options.role == wire::Role::bridge) made.data = dht::DataPolicy::refuses_data;
  if (options.common.log_questions) made.questions = dht::QuestionReport::told;
  return made;
}

link::ChannelSetOptions channel_options(const MemberOptions& options) {
  link::ChannelSetOptions made = options.channels;
  if (options.common.legacy) made.channel.legacy = link::LegacyMode::peers;
  return made;
}

onboarding::JoinerOptions joiner_options(const MemberOptions& options) {
  onboarding::JoinerOptions made = options.joiner;
  made.bootstrap_urls = options.bootstrap_urls;
  made.old_dialect = options.common.legacy;
  made.hold_old_registration = options.common.legacy && options.role == wire::Role::bridge;
  return made;
}

RecordVerifierOptions verifier_options(const MemberOptions& options) {
  RecordVerifierOptions made = options.records;
  made.network = options.common.network;
  made.legacy = options.common.legacy;
  return made;
}

Result<OperationId, ErrorCode> as_node_result(const Result<dht::OperationId, ErrorCode>& result) {
  if (!result) return refuse(result.error());
  return OperationId{result->value};
}

}  // namespace

MemberNode::MemberNode(const MemberOptions& options, const crypto::Identity& identity,
                       crypto::Suite& suite, Rng rng)
    : program_(options.program),
      join_timeout_(options.join_timeout),
      self_{identity.id, options.role, wire::Dialect::native, options.common.address, {}},
      suite_(&suite),
      local_{identity,
             options.role,
             options.common.network,
             options.common.address,
             options.bridge_secret,
             {},
             {},
             options.legacy_bridge_secret},
      admission_{LinkGate(options.common.admission, suite, options.common.network),
                 OwnMembership(options.common.admission, identity.id)},
      channels_(link::ConnectionOwner::node, local_, suite, channel_options(options),
                rng.fork("channels")),
      mesh_(self_, options.mesh, rng.fork("mesh")),
      dht_(self_, dht_options(options, identity), suite, rng.fork("dht")),
      worth_(self_.id, options.link_values, dht_.table()),
      verifier_(verifier_options(options), dht_.records(), suite),
      values_(options.values, options.common.network, identity, suite),
      served_(options.served_requests_max),
      joiner_(joiner_options(options), rng.fork("joiner")),
      old_bootstrap_(options.old_bootstrap, local_, suite),
      peer_memory_(options.peer_memory, rng),
      carrier_(options.carrier, local_, dht_),
      pending_asks_(options.pending_asks_max) {
  mesh_.value_links_by(&worth_);
  if (admission_.gate.is_on()) local_.credentials = admission_.own.credentials({});
}

// ---- life

void MemberNode::save_peers() {
  if (auto peers = peer_memory_.snapshot(dht_.table())) outbox_.push(SavePeers{std::move(*peers)});
}

void MemberNode::start(Instant now) {
  if (is_stopping_) return;
  stir();
  started_at_ = now;
  if (admission_.gate.is_on()) admission_.look_at = now;
  peer_memory_.start(now);
  for (const wire::Contact& peer : peer_memory_.to_try()) {
    mesh_.on_remembered(now, peer);
    dht_.on_contact(now, peer);
  }
  const bool remembers = mesh_.stats().known > 0;
  joiner_.start(
      now, remembers ? onboarding::Joiner::Start::returning : onboarding::Joiner::Start::fresh);
  pump(now);
}

void MemberNode::begin_shutdown(Instant now) {
  if (is_stopping_) return;
  stir();
  pump(now);
  save_peers();
  is_stopping_ = true;
  joiner_.stop(now);
  fail_asks(now, pending_asks_.take_all(), ErrorCode::shutting_down);
  dht_.close(now);
  stir();
  pump(now);
  channels_.close_all(now, ErrorCode::shutting_down, "the node is going away");
  pump(now);
  stop_when_drained();
}

void MemberNode::stop_when_drained() {
  if (!is_stopping_ || is_stopped_ || channels_.size() > 0) return;
  is_stopped_ = true;
  outbox_.push(Stopped{});
}

void MemberNode::on_reload(Instant now, const Reload& reload) {
  stir();
  for (const Bytes& list : reload.revocations) on_list(now, list);
  local_.bridge_secret = reload.bridge_secret;
  local_.legacy_bridge_secret = reload.legacy_bridge_secret;
  dht_.report_questions(reload.log_questions ? dht::QuestionReport::told
                                             : dht::QuestionReport::none);
  if (reload.network_keys) values_.replace_network_keys(*reload.network_keys);
  if (reload.limits) channels_.limit(reload.limits->links);
}

void MemberNode::on_wall_clock(Instant now, WallTime wall) {
  if (local_.started_at == WallTime{}) local_.started_at = wall;
  local_.wall_clock = {now, wall};
  stir();
  dht_.on_wall_clock(now, wall);
}

// ---- users

Result<OperationId, ErrorCode> MemberNode::put(Instant now, std::string key, Bytes value,
                                               Duration ttl) {
  return put_as(now, std::move(key), std::move(value), {.ttl = ttl});
}

Result<OperationId, ErrorCode> MemberNode::put_as(Instant now, std::string key, Bytes value,
                                                  const PutOptions& options) {
  stir();
  const auto audience =
      values_.audience_of(options, value.size(), dht_.options().records.value_bytes_max);
  if (!audience) return refuse(audience.error());
  if (!*audience) {
    return as_node_result(dht_.put(now, std::move(key), std::move(value), options.ttl));
  }
  const auto operation = as_node_result(dht_.put_sealed(now, std::move(key), options.ttl));
  if (operation) values_.await(*operation, **audience, options, std::move(value));
  return operation;
}

Result<OperationId, ErrorCode> MemberNode::get(Instant now, std::string key) {
  stir();
  return as_node_result(dht_.get(now, std::move(key)));
}

Result<OperationId, ErrorCode> MemberNode::find(Instant now, const NodeId& target) {
  stir();
  return as_node_result(dht_.find(now, target));
}

Result<OperationId, ErrorCode> MemberNode::get_as(Instant now, std::string key,
                                                  const dht::LookupWish& wish) {
  stir();
  return as_node_result(dht_.get(now, std::move(key), wish));
}

Result<OperationId, ErrorCode> MemberNode::find_as(Instant now, const NodeId& target,
                                                   const dht::LookupWish& wish) {
  stir();
  return as_node_result(dht_.find(now, target, wish));
}

Result<OperationId, ErrorCode> MemberNode::refresh(Instant now, std::string key) {
  stir();
  return as_node_result(dht_.refresh(now, std::move(key)));
}

Result<OperationId, ErrorCode> MemberNode::remove(Instant now, std::string key) {
  stir();
  return as_node_result(dht_.remove(now, std::move(key)));
}

// ---- transport: everything goes to the channels

link::ConnectionId MemberNode::on_accepted(Instant now, const link::Accepted& accepted) {
  const link::ConnectionId connection = channels_.on_accepted(now, accepted);
  if (is_stopping_) {
    channels_.close_with_status(now, connection, link::CloseStatus::going_away,
                                ErrorCode::shutting_down, "the node is going away");
  }
  return connection;
}

void MemberNode::on_dialled(Instant now, link::ConnectionId connection) {
  channels_.on_dialled(now, connection);
}

void MemberNode::on_dial_failed(Instant now, link::ConnectionId connection, ErrorCode code,
                                std::string_view reason) {
  channels_.on_dial_failed(now, connection, code, reason);
}

void MemberNode::on_frame(Instant now, link::ConnectionId connection, link::FrameKind kind,
                          ByteSpan bytes) {
  if (const link::Channel* channel = channels_.on_frame(now, connection, kind, bytes)) {
    heard(now, *channel);
  }
}

void MemberNode::on_drained(Instant now, link::ConnectionId connection, std::size_t bytes) {
  channels_.on_drained(now, connection, bytes);
}

void MemberNode::on_closed(Instant now, link::ConnectionId connection, std::uint16_t status,
                           std::string_view reason) {
  channels_.on_closed(now, connection, status, reason);
}

void MemberNode::on_signed(Instant now, link::ConnectionId connection, link::Ticket ticket,
                           const wire::Signature& signature) {
  if (connection == link::ConnectionId{}) return on_record_signed(now, ticket, signature);
  if (is_registration(connection) && registration_dialect_ == wire::Dialect::legacy) {
    stir();
    return old_bootstrap_.on_signed(ticket, signature);
  }
  channels_.on_signed(now, connection, ticket, signature);
}

void MemberNode::on_verified(Instant now, link::ConnectionId connection, link::Ticket ticket,
                             bool valid) {
  if (connection == link::ConnectionId{}) {
    stir();
    return verifier_.on_verified(now, ticket, valid);
  }
  channels_.on_verified(now, connection, ticket, valid);
}

// ---- time and drain

Instant MemberNode::next_deadline() const {
  if (is_stopped_) return kNever;
  return std::min(channels_.next_deadline(), is_stirred_ ? systems_deadline() : calm_deadline_);
}

Instant MemberNode::systems_deadline() const {
  return std::min({mesh_.next_deadline(), dht_.next_deadline(), joiner_.next_deadline(),
                   old_bootstrap_.next_deadline(), pending_asks_.next_deadline(),
                   peer_memory_.next_deadline(), admission_.next_deadline()});
}

void MemberNode::on_deadline(Instant now) {
  if (is_stopped_) return;
  channels_.on_deadline(now);
  if (!is_stirred_ && now < calm_deadline_) return pump(now);
  stir();
  mesh_.on_deadline(now);
  dht_.on_deadline(now);
  joiner_.on_deadline(now);
  old_bootstrap_.on_deadline(now);
  for (const PendingAsk& ask : pending_asks_.take_due(now)) {
    // Where we had too many others to dial it is no silence of the peer's.
    const bool is_silent = mesh_.is_dialling(ask.peer);
    dht_.on_ask_failed(now, ask.ask, is_silent ? ErrorCode::timeout : ErrorCode::busy);
  }
  look_at_admission(now);
  if (!is_stopping_ && peer_memory_.pop_due(now)) save_peers();
  pump(now);
}

std::optional<Effect> MemberNode::poll_effect(Instant now) {
  if (auto effect = outbox_.poll()) return effect;
  pump(now);
  stop_when_drained();
  return outbox_.poll();
}

/// Moves every child's effects until all are silent. Channels come last in each round: their
/// batches are flushed only when nobody has anything more to say, so that a turn's messages to one
/// peer leave together.
void MemberNode::pump(Instant now) {
  while ((is_stirred_ && pump_systems(now)) || pump_channels(now)) {
  }
}

bool MemberNode::pump_systems(Instant now) {
  bool moved = pump_program(now);
  moved = pump_records(now) || moved;
  while (auto effect = dht_.poll_effect()) {
    moved = true;
    perform(now, std::move(*effect));
  }
  moved = pump_carrier(now) || moved;
  while (auto effect = mesh_.poll_effect()) {
    moved = true;
    perform(now, std::move(*effect));
  }
  report_links(now);
  while (auto effect = joiner_.poll_effect()) {
    moved = true;
    perform(now, std::move(*effect));
  }
  while (auto effect = old_bootstrap_.poll_effect()) {
    moved = true;
    perform(now, std::move(*effect));
  }
  is_stirred_ = moved;
  if (!moved) calm_deadline_ = systems_deadline();
  return moved;
}

bool MemberNode::pump_channels(Instant now) {
  while (auto record = channels_.poll_log()) outbox_.push(std::move(*record));
  auto effect = channels_.poll_effect();
  if (!effect) return false;
  if (auto* order = std::get_if<link::TransportOrder>(&*effect)) {
    std::visit([this](auto&& one) { outbox_.push(std::move(one)); }, std::move(*order));
  } else {
    on_news(now, std::get<link::ChannelSet::News>(std::move(*effect)));
  }
  return true;
}

/// The joiner follows the number of links; it is told once per change.
void MemberNode::report_links(Instant now) {
  const std::size_t links = mesh_.links().size();
  if (links == reported_links_) return;
  reported_links_ = links;
  joiner_.on_links(now, links);
  old_bootstrap_.on_links(now, links);
}

// ---- what the DHT orders

void MemberNode::perform(Instant now, dht::Effect&& effect) {
  if (auto* ask = std::get_if<dht::Ask>(&effect)) {
    ask_peer(now, std::move(*ask));
  } else if (auto* answer = std::get_if<dht::Respond>(&effect)) {
    if (const auto place = served_.take(answer->token)) {
      respond(now, place->connection, place->id, answer->message);
    }
  } else if (auto* ended = std::get_if<dht::Ended>(&effect)) {
    report(now, std::move(*ended));
  } else if (const auto* seal = std::get_if<dht::SealValue>(&effect)) {
    perform(now, *seal);
  } else if (const auto* question = std::get_if<dht::QuestionEnded>(&effect)) {
    report(*question);
  } else if (const auto* deaf = std::get_if<dht::PeerDeaf>(&effect)) {
    report(*deaf);
  } else if (auto* discovered = std::get_if<dht::Discovered>(&effect)) {
    mesh_.on_contact(now, discovered->contact);
  } else if (auto* record = std::get_if<LogRecord>(&effect)) {
    outbox_.push(std::move(*record));
  } else if (auto* known = std::get_if<dht::NeighbourhoodKnown>(&effect)) {
    outbox_.push(LogRecord{LogLevel::info,
                           "dht.neighbourhood",
                           known->code,
                           {},
                           std::to_string(known->contacts.size()) + " neighbours answered"});
  } else if (auto* sign = std::get_if<dht::SignRecord>(&effect)) {
    perform(now, std::move(*sign));
  } else if (auto* order = std::get_if<dht::Persist>(&effect)) {
    outbox_.push(std::move(*order));
  }
}

void MemberNode::ask_peer(Instant now, dht::Ask&& ask) {
  if (ask.through) return ask_through(now, ask);
  PendingAsk pending{ask.ask, ask.peer.id, std::move(ask.message), after(now, ask.timeout),
                     ask.for_upkeep};
  if (const auto connection = mesh_.find(ask.peer.id)) return send_ask(now, *connection, pending);
  const auto wanted = mesh_.connect(now, ask.peer);
  if (!wanted) return dht_.on_ask_failed(now, ask.ask, wanted.error());
  if (!pending_asks_.add(std::move(pending))) dht_.on_ask_failed(now, ask.ask, ErrorCode::busy);
}

void MemberNode::send_ask(Instant now, link::ConnectionId connection, const PendingAsk& ask) {
  const auto sent = channels_.request(now, connection, ask.message, ask.deadline,
                                      make_token(Asker::dht, ask.ask.value));
  // The peer has just closed it: why, and what is to become of the question, comes with the link's
  // end.
  if (!sent && sent.error() == ErrorCode::connection_lost && pending_asks_.add(ask)) return;
  if (!sent) return dht_.on_ask_failed(now, ask.ask, sent.error());
  // A round trip that is measured for its own sake keeps no link.
  if (std::holds_alternative<wire::Ping>(ask.message)) return;
  mesh_.on_used(now, ask.peer, ask.for_upkeep ? mesh::Use::upkeep : mesh::Use::service);
}

void MemberNode::fail_asks(Instant now, std::vector<PendingAsk>&& asks, ErrorCode code) {
  for (const PendingAsk& ask : asks) dht_.on_ask_failed(now, ask.ask, code);
}

// ---- look

Status MemberNode::status(Instant now) const {
  Status status;
  status.program = program_;
  status.id = self_.id;
  status.address = self_.address;
  status.state = is_stopping_ ? "draining" : mesh_.links().empty() ? "joining" : "joined";
  status.uptime = now - started_at_;
  status.healthy = is_healthy(now);
  status.readiness = name(readiness(now));
  for (const auto& [id, link] : mesh_.links()) {
    const bool dialled = link.direction == mesh::Direction::dialled;
    status.peers.push_back({id, link.peer.role, link.peer.dialect, link.peer.address, dialled,
                            now - link.since, link.rtt});
  }
  add_counters(status, channels_);
  add_bans(status, now, channels_.bans());
  add_counters(status, mesh_.stats());
  add_counters(status, now, mesh_.stability());
  add_counters(status, dht_.stats());
  if (self_.role == wire::Role::node) add_upkeep(status, now, dht_);
  add_counters(status, verifier_.stats());
  if (self_.role == wire::Role::node) add_counters(status, values_.stats());
  add_counters(status, carrier_.stats());
  add_counters(status, joiner_.stats());
  if (admission_.gate.is_on()) add_counters(status, admission_.gate.stats());
  return status;
}

}  // namespace trestle::node
