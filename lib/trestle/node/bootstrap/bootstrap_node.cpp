#include "trestle/node/bootstrap/bootstrap_node.hpp"

#include <algorithm>
#include <utility>

#include "trestle/node/counters.hpp"

namespace trestle::node {

using link::Channel;
using link::ConnectionId;

namespace {

/// A client with more to read than this gets nothing from other clients. A quarter of what ends a
/// connection (`ChannelOptions::unsent_bytes_max`): the largest frame fits in once more, and what
/// the client asks for itself always has room.
constexpr std::size_t kForwardedUnsentMax = 256 * 1024;

onboarding::ReceptionOptions reception_options(const BootstrapOptions& options) {
  onboarding::ReceptionOptions made;
  if (options.genesis) made.genesis = onboarding::Genesis::allowed;
  made.answers = options.common.limits.introductions;
  return made;
}

link::ChannelSetOptions client_options(const BootstrapOptions& options) {
  link::ChannelSetOptions made = options.common.limits.links;
  if (options.common.legacy) made.channel.legacy = link::LegacyMode::clients;
  return made;
}

pool::BridgeSetOptions bridge_set_options(const BootstrapOptions& options) {
  pool::BridgeSetOptions made;
  made.bridges = options.bridges;
  made.mode = options.bridge_mode;
  return made;
}

}  // namespace

BootstrapNode::BootstrapNode(const BootstrapOptions& options, const crypto::Identity& identity,
                             crypto::Suite& suite, Rng rng)
    : options_(options),
      local_{identity,
             wire::Role::bootstrap,
             options.common.network,
             options.common.address,
             options.bridge_secret,
             {},
             {},
             options.legacy_bridge_secret},
      clients_(link::ConnectionOwner::node, local_, suite, client_options(options),
               rng.fork("clients")),
      reception_(reception_options(options), rng.fork("reception")),
      legacy_({}, local_, suite),
      bridges_(bridge_set_options(options), local_, suite, rng.fork("bridges")),
      entrance_(options.common.admission, identity.id, suite, options.common.network) {
  local_.credentials = entrance_.credentials();
}

BootstrapNode::~BootstrapNode() = default;

// ---- life

void BootstrapNode::start(Instant now) {
  if (is_stopping_) return;
  started_at_ = now;
  entrance_.start(now);
  bridges_.start(now);
  pump(now);
}

void BootstrapNode::begin_shutdown(Instant now) {
  if (is_stopping_) return;
  pump(now);
  is_stopping_ = true;
  // The pool's end codes every join that waits for a bridge; their answers leave before the clients
  // are closed.
  bridges_.stop(now);
  pump(now);
  clients_.close_all(now, ErrorCode::shutting_down, "the bootstrap node is going away");
  pump(now);
  stop_when_drained();
}

void BootstrapNode::stop_when_drained() {
  if (!is_stopping_ || is_stopped_ || clients_.size() > 0) return;
  is_stopped_ = true;
  outbox_.push(Stopped{});
}

void BootstrapNode::on_wall_clock(Instant now, WallTime wall) { local_.wall_clock = {now, wall}; }

void BootstrapNode::on_memory(Instant, MemoryState state) {
  const std::size_t pending_max = clients_.pending_max();
  clients_.limit_pending(state == MemoryState::plenty ? pending_max : pending_max / 8);
}

/// Connections that are open have shown the old secret and stay; the next ones show the new.
void BootstrapNode::on_reload(Instant now, const Reload& reload) {
  if (is_stopping_) return;
  local_.bridge_secret = reload.bridge_secret;
  local_.legacy_bridge_secret = reload.legacy_bridge_secret;
  for (const Bytes& list : reload.revocations) entrance_.on_list(local_.wall_clock.at(now), list);
  if (reload.limits) {
    clients_.limit(reload.limits->links);
    reception_.limit_answers(reload.limits->introductions);
  }
  bridges_.reload(now, reload.bridges, reload.bridge_mode);
  pump(now);
}

// ---- transport

ConnectionId BootstrapNode::on_accepted(Instant now, const link::Accepted& accepted) {
  const ConnectionId connection = clients_.on_accepted(now, accepted);
  if (is_stopping_) {
    clients_.close_with_status(now, connection, link::CloseStatus::going_away,
                               ErrorCode::shutting_down, "the bootstrap node is going away");
  }
  return connection;
}

void BootstrapNode::on_dialled(Instant now, ConnectionId connection) {
  if (is_of_pool(connection)) bridges_.on_dialled(now, connection);
}

void BootstrapNode::on_dial_failed(Instant now, ConnectionId connection, ErrorCode code,
                                   std::string_view reason) {
  if (is_of_pool(connection)) bridges_.on_dial_failed(now, connection, code, reason);
}

void BootstrapNode::on_frame(Instant now, ConnectionId connection, link::FrameKind kind,
                             ByteSpan bytes) {
  if (is_of_pool(connection)) return bridges_.on_frame(now, connection, kind, bytes);
  clients_.on_frame(now, connection, kind, bytes);
}

void BootstrapNode::on_drained(Instant now, ConnectionId connection, std::size_t bytes) {
  if (is_of_pool(connection)) return bridges_.on_drained(now, connection, bytes);
  clients_.on_drained(now, connection, bytes);
}

void BootstrapNode::on_closed(Instant now, ConnectionId connection, std::uint16_t status,
                              std::string_view reason) {
  if (is_of_pool(connection)) return bridges_.on_closed(now, connection, status, reason);
  clients_.on_closed(now, connection, status, reason);
}

void BootstrapNode::on_signed(Instant now, ConnectionId connection, link::Ticket ticket,
                              const wire::Signature& signature) {
  if (is_of_pool(connection)) return bridges_.on_signed(now, connection, ticket, signature);
  clients_.on_signed(now, connection, ticket, signature);
}

void BootstrapNode::on_verified(Instant now, ConnectionId connection, link::Ticket ticket,
                                bool valid) {
  if (is_of_pool(connection)) return bridges_.on_verified(now, connection, ticket, valid);
  if (legacy_.knows(connection)) return legacy_.on_verified(now, connection, ticket, valid);
  clients_.on_verified(now, connection, ticket, valid);
}

// ---- users

Result<OperationId, ErrorCode> BootstrapNode::put(Instant, std::string, Bytes, Duration) {
  return refuse(ErrorCode::unsupported);
}
Result<OperationId, ErrorCode> BootstrapNode::get(Instant, std::string) {
  return refuse(ErrorCode::unsupported);
}
Result<OperationId, ErrorCode> BootstrapNode::find(Instant, const NodeId&) {
  return refuse(ErrorCode::unsupported);
}

// ---- time and drain

Instant BootstrapNode::next_deadline() const {
  if (is_stopped_) return kNever;
  return std::min({clients_.next_deadline(), reception_.next_deadline(), legacy_.next_deadline(),
                   bridges_.next_deadline(), entrance_.next_deadline()});
}

void BootstrapNode::on_deadline(Instant now) {
  if (is_stopped_) return;
  clients_.on_deadline(now);
  reception_.on_deadline(now);
  legacy_.on_deadline(now);
  entrance_.on_deadline(now, local_.wall_clock.at(now));
  bridges_.on_deadline(now);
  pump(now);
}

std::optional<Effect> BootstrapNode::poll_effect(Instant now) {
  if (auto effect = outbox_.poll()) return effect;
  pump(now);
  stop_when_drained();
  return outbox_.poll();
}

void BootstrapNode::pump(Instant now) {
  while (pump_once(now)) {
  }
}

/// Channels come last: their batches are flushed only when nobody has anything more to say.
bool BootstrapNode::pump_once(Instant now) {
  bool moved = false;
  while (auto effect = reception_.poll_effect()) {
    moved = true;
    perform(now, std::move(*effect));
  }
  while (auto effect = legacy_.poll_effect()) {
    moved = true;
    perform(now, std::move(*effect));
  }
  while (auto effect = entrance_.poll_effect()) {
    moved = true;
    perform(now, std::move(*effect));
  }
  if (moved) return true;
  if (auto effect = bridges_.poll_effect(now)) {
    perform(now, std::move(*effect));
    return true;
  }
  while (auto record = clients_.poll_log()) outbox_.push(std::move(*record));
  if (auto effect = clients_.poll_effect()) {
    if (auto* transport_order = std::get_if<link::TransportOrder>(&*effect)) {
      order(std::move(*transport_order));
    } else {
      on_news(now, std::get<link::ChannelSet::News>(std::move(*effect)));
    }
    return true;
  }
  return false;
}

void BootstrapNode::order(link::TransportOrder&& transport_order) {
  std::visit([this](auto&& one) { outbox_.push(std::move(one)); }, std::move(transport_order));
}

// ---- clients

void BootstrapNode::on_news(Instant now, link::ChannelSet::News&& news) {
  const ConnectionId connection = news.connection;
  if (const auto* opened = std::get_if<Channel::Opened>(&news.news)) {
    if (!entrance_.on_opened(now, connection, opened->peer)) register_client(now, connection);
  } else if (const auto* notified = std::get_if<Channel::Notified>(&news.news)) {
    entrance_.on_notified(local_.wall_clock.at(now), connection, notified->message);
  } else if (const auto* requested = std::get_if<Channel::Requested>(&news.news)) {
    on_request(now, connection, *requested);
  } else if (const auto* withdrawn = std::get_if<Channel::Withdrawn>(&news.news)) {
    reception_.on_cancelled(now, connection, withdrawn->id);
  } else if (auto* received = std::get_if<Channel::LegacyReceived>(&news.news)) {
    legacy_.on_frame(now, connection, std::move(received->frame));
  } else if (const auto* refused = std::get_if<Channel::LegacyRefused>(&news.news)) {
    legacy_.on_refused(now, connection, refused->error);
  } else if (std::holds_alternative<Channel::Closed>(news.news)) {
    entrance_.on_closed(connection);
    reception_.on_client_closed(now, connection);
    legacy_.on_closed(now, connection);
  }
}

void BootstrapNode::on_request(Instant now, ConnectionId connection,
                               const Channel::Requested& requested) {
  if (const auto* wanted = std::get_if<wire::RedeemRequest>(&requested.message)) {
    return entrance_.on_redeem(connection, requested.id, *wanted);
  }
  if (!entrance_.may_join(connection)) {
    clients_.respond(now, connection, requested.id, not_a_member());
    return;
  }
  if (const auto* join = std::get_if<wire::JoinRequest>(&requested.message)) {
    return reception_.on_join(now, connection, requested.id, *join);
  }
  clients_.respond(now, connection, requested.id,
                   wire::Failure{ErrorCode::unsupported, 0,
                                 "a bootstrap node does not answer " +
                                     std::string(wire::name(requested.message))});
}

void BootstrapNode::perform(Instant now, onboarding::ReceptionEffect&& effect) {
  if (auto* ask = std::get_if<onboarding::AskBridge>(&effect)) {
    ask_bridge(now, *ask);
  } else if (auto* cancelled = std::get_if<onboarding::CancelAsk>(&effect)) {
    cancel_ask(now, cancelled->ask);
  } else if (auto* ended = std::get_if<onboarding::Answer>(&effect)) {
    answer(now, *ended);
  } else if (auto* away = std::get_if<onboarding::TurnAway>(&effect)) {
    if (legacy_.knows(away->client)) return legacy_.turn_away(now, away->client);
    clients_.close(now, away->client, away->code, "no room for another client");
  } else if (auto* admitted = std::get_if<onboarding::Admitted>(&effect)) {
    outbox_.push(Joined{admitted->newcomer, admitted->bridge, admitted->took,
                        wire::name(admitted->outcome)});
  } else if (auto* record = std::get_if<LogRecord>(&effect)) {
    outbox_.push(std::move(*record));
  }
}

void BootstrapNode::answer(Instant now, const onboarding::Answer& answer) {
  if (legacy_.knows(answer.client)) {
    legacy_.on_join_ended(now, answer.client, answer.request_id, answer.message);
  } else {
    clients_.respond(now, answer.client, answer.request_id, answer.message);
  }
}

void BootstrapNode::perform(Instant now, LegacyReception::Effect&& effect) {
  if (auto* text = std::get_if<LegacyReception::SendText>(&effect)) {
    clients_.send_text(now, text->client, std::move(text->text));
  } else if (auto* passed_on = std::get_if<LegacyForward>(&effect)) {
    forward(now, std::move(*passed_on));
  } else if (auto* known = std::get_if<LegacyReception::ClientKnown>(&effect)) {
    clients_.open_as_legacy(now, known->client, known->contact);
    reception_.on_client_opened(now, known->client, known->contact);
  } else if (auto* join = std::get_if<LegacyReception::Join>(&effect)) {
    reception_.on_join(now, join->client, join->request_id, join->request);
  } else if (auto* close = std::get_if<LegacyReception::CloseClient>(&effect)) {
    clients_.close_with_status(now, close->client, close->status, close->code,
                               std::move(close->reason));
  } else if (auto* verify = std::get_if<link::Verify>(&effect)) {
    outbox_.push(std::move(*verify));
  } else if (const auto* attached = std::get_if<LegacyBridges::Attached>(&effect)) {
    bridges_.attach(now, attached->connection, attached->bridge);
  } else if (const auto* detached = std::get_if<LegacyBridges::Detached>(&effect)) {
    bridges_.detach(now, detached->connection);
  } else if (auto* answered = std::get_if<LegacyBridges::Answered>(&effect)) {
    bridges_.on_attached_answer(now, answered->connection, answered->id,
                                std::move(answered->message));
  } else if (auto* record = std::get_if<LogRecord>(&effect)) {
    outbox_.push(std::move(*record));
  }
}

void BootstrapNode::forward(Instant now, LegacyForward&& one) {
  const Channel* target = clients_.find(one.target);
  const bool is_sent = target != nullptr && target->unsent_bytes() <= kForwardedUnsentMax;
  if (is_sent) {
    clients_.send_text(now, one.target, std::move(one.text));
  } else {
    legacy_.on_forward_dropped();
  }
  std::string& told = is_sent ? one.if_sent : one.if_dropped;
  if (!told.empty()) clients_.send_text(now, one.sender, std::move(told));
}

// ---- bridges

/// The set carries the ask as its token: nothing has to be looked up when the end comes.
void BootstrapNode::ask_bridge(Instant now, const onboarding::AskBridge& ask) {
  const auto request =
      bridges_.submit(now, ask.request, pool::Hedging::never, {.value = ask.ask.value});
  if (!request) reception_.on_introduction_failed(now, ask.ask, request.error(), 0);
}

void BootstrapNode::cancel_ask(Instant now, onboarding::AskId ask) {
  bridges_.cancel(now, pool::RequestToken{ask.value});
}

void BootstrapNode::perform(Instant now, pool::BridgeSet::Effect&& effect) {
  if (auto* transport_order = std::get_if<link::TransportOrder>(&effect)) {
    order(std::move(*transport_order));
  } else if (auto* heard = std::get_if<pool::BridgeSet::Heard>(&effect)) {
    entrance_.on_bridge_said(local_.wall_clock.at(now), heard->connection, heard->bridge,
                             heard->message);
  } else if (auto* answered = std::get_if<pool::BridgeSet::Answered>(&effect)) {
    if (is_redemption(answered->token)) return on_redeemed(answered->token, answered->message);
    const onboarding::AskId ask{answered->token.value};
    if (const auto* response = std::get_if<wire::IntroduceResponse>(&answered->message)) {
      const wire::Contact* bridge = bridges_.find(answered->bridge);
      wire::Contact gone;
      gone.id = answered->bridge;
      gone.role = wire::Role::bridge;
      reception_.on_introduced(now, ask, bridge != nullptr ? *bridge : gone, *response);
    } else if (const auto* failure = std::get_if<wire::Failure>(&answered->message)) {
      // These two are the bridge owner's word on the newcomer, not a bridge's trouble.
      if (failure->code == ErrorCode::refused || failure->code == ErrorCode::rate_limited) {
        reception_.on_turned_away(now, ask, *failure);
      } else {
        reception_.on_introduction_failed(now, ask, failure->code, failure->retry_after_ms);
      }
    }
  } else if (auto* failed = std::get_if<pool::BridgeSet::Failed>(&effect)) {
    if (is_redemption(failed->token)) {
      return on_redeemed(failed->token, wire::Failure{failed->code, failed->retry_after_ms,
                                                      "no bridge could redeem it"});
    }
    const onboarding::AskId ask{failed->token.value};
    reception_.on_introduction_failed(now, ask, failed->code, failed->retry_after_ms);
  } else if (auto* changed = std::get_if<pool::BridgeSet::BridgesChanged>(&effect)) {
    reception_.on_bridges(now, changed->available);
  } else if (auto* asked = std::get_if<pool::BridgeSet::AskAttached>(&effect)) {
    ask_attached_bridge(now, std::move(*asked));
  } else if (auto* withdrawn = std::get_if<pool::BridgeSet::WithdrawAttached>(&effect)) {
    withdraw_from_attached_bridge(now, *withdrawn);
  } else if (auto* record = std::get_if<LogRecord>(&effect)) {
    outbox_.push(std::move(*record));
  }
}

/// An attached bridge is a client of the old dialect: what it is asked is put into its words.
void BootstrapNode::ask_attached_bridge(Instant now, pool::BridgeSet::AskAttached&& ask) {
  legacy_.ask_bridge(now, ask.connection, ask.id, ask.message);
}

void BootstrapNode::withdraw_from_attached_bridge(
    Instant, const pool::BridgeSet::WithdrawAttached& withdrawn) {
  legacy_.withdraw_question(withdrawn.connection, withdrawn.id);
}

// ---- look

bool BootstrapNode::is_healthy(Instant) const {
  return !is_stopping_ && (!bridges_.available().empty() || reception_.stats().nodes > 0);
}

Status BootstrapNode::status(Instant now) const {
  Status status;
  status.program = "bootstrap-node";
  status.id = local_.identity.id;
  status.address = local_.address;
  status.state = is_stopping_ ? "draining" : "serving";
  status.uptime = now - started_at_;
  status.healthy = is_healthy(now);
  add_counters(status, clients_);
  add_bans(status, now, clients_.bans());
  add_counters(status, reception_.stats());
  add_counters(status, legacy_.stats());
  if (entrance_.is_on()) {
    add_counters(status, entrance_.gate_stats());
    add_counters(status, entrance_.stats());
  }
  add_bridges(status, now, bridges_);
  return status;
}

}  // namespace trestle::node
