#include "trestle/onboarding/reception.hpp"

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

#include "trestle/base/assertion.hpp"

namespace trestle::onboarding {
namespace {

/// An ask carries the place of its join in the low bits.
constexpr unsigned kSlotBits = 16;

/// Of those named to a newcomer one in so many is registered here, whatever the bridge says: two of
/// eight. Whom a bridge knows may be one part of a network that liars have cut in two, or liars
/// alone; two members that somebody else knows lead into the other part (T6, T8). No more: whoever
/// registers again and again is in here as long as it likes.
constexpr std::size_t kRegisteredShare = 4;

std::uint32_t to_milliseconds(Duration wait) {
  const auto count = std::chrono::duration_cast<std::chrono::milliseconds>(wait).count();
  return static_cast<std::uint32_t>(
      std::clamp<std::int64_t>(count, 0, std::numeric_limits<std::uint32_t>::max()));
}

/// Whether the asker can do something with a contact that has no address: two peers of the old
/// dialect can meet without dialling, by an invitation and signals through this node.
bool can_be_invited(const wire::Contact& contact, const wire::Contact& asker) {
  return contact.dialect == wire::Dialect::legacy && asker.dialect == wire::Dialect::legacy;
}

void add_unless_named(wire::Contacts& contacts, const wire::Contact& contact, const NodeId& asker,
                      std::size_t contacts_max) {
  if (contacts.size() >= contacts_max) return;
  if (contact.id == asker || contact.id.is_zero()) return;
  if (contact.role != wire::Role::node) return;
  const auto is_same = [&](const wire::Contact& other) { return other.id == contact.id; };
  if (std::none_of(contacts.begin(), contacts.end(), is_same)) contacts.push_back(contact);
}

/// Those nearest to the asker of the few that may be named to it: the same ones however often it
/// asks, and the first that a search for its own neighbourhood has a use for.
wire::Contacts registered_near(Registry& registry, Instant now, const NodeId& asker,
                               std::size_t count) {
  if (count == 0) return {};
  wire::Contacts few = registry.choose_nodes(now, asker, std::numeric_limits<std::size_t>::max());
  std::ranges::sort(few, [&](const wire::Contact& left, const wire::Contact& right) {
    return closer(asker, left.id, right.id);
  });
  if (few.size() > count) few.resize(count);
  return few;
}

/// Of one that proves no id the connection is counted: whose id it claims must not pay for it.
link::RateKey payer(const wire::Contact& contact, link::ConnectionId connection) {
  return contact.dialect == wire::Dialect::native ? link::RateKey::of_identity(contact.id)
                                                  : link::RateKey::of_connection(connection);
}

}  // namespace

Reception::Reception(const ReceptionOptions& options, Rng rng)
    : options_(options),
      rng_(rng.fork("reception")),
      registry_(options.clients_max, options.named, rng.fork("registry")),
      answers_(options.counted_max),
      joins_(options.joins_max) {
  TRESTLE_ASSERT(options_.joins_max > 0 && options_.joins_max <= std::size_t{1} << kSlotBits);
  TRESTLE_ASSERT(options_.contacts_max > 0 && options_.asks_max > 0);
  unused_.reserve(options_.joins_max);
  for (std::size_t slot = options_.joins_max; slot > 0; --slot) {
    unused_.push_back(static_cast<Slot>(slot - 1));
  }
}

// ---- clients

void Reception::on_client_opened(Instant, link::ConnectionId client, const wire::Contact& contact) {
  if (registry_.open(client, contact)) return check_genesis();
  ++stats_.turned_away;
  outbox_.push(TurnAway{.client = client, .code = ErrorCode::busy});
}

void Reception::on_client_closed(Instant, link::ConnectionId client) {
  const Client* known = registry_.find(client);
  if (known == nullptr) return;
  if (known->join) cancel(static_cast<Slot>(*known->join));
  registry_.close(client);
  check_genesis();
}

void Reception::check_genesis() {
  if (!genesis_ || registry_.find_node(*genesis_) != nullptr) return;
  log(LogLevel::info, "reception.genesis_left", ErrorCode::none, *genesis_,
      "the first node's registration ended; another may be named while the bridges know nobody");
  genesis_.reset();
}

void Reception::on_cancelled(Instant, link::ConnectionId client, wire::RequestId request_id) {
  const Client* known = registry_.find(client);
  if (known == nullptr || !known->join) return;
  const Slot slot = static_cast<Slot>(*known->join);
  if (joins_[slot].request_id == request_id) cancel(slot);
}

void Reception::cancel(Slot slot) {
  ++stats_.cancelled;
  if (joins_[slot].ask.value != 0) outbox_.push(CancelAsk{joins_[slot].ask});
  release(slot);
}

void Reception::on_join(Instant now, link::ConnectionId client, wire::RequestId request_id,
                        const wire::JoinRequest& request) {
  ++stats_.joins;
  const Client* known = registry_.find(client);
  const bool repeated =
      known != nullptr && known->join && joins_[*known->join].request_id == request_id;
  if (request_id.value == 0 || repeated) {
    ++stats_.ignored;
    return;
  }
  if (known == nullptr || known->contact.role == wire::Role::bootstrap) {
    return refuse_join(client, request_id, ErrorCode::invalid_request,
                       "only a registered node or bridge can join");
  }
  if (known->join) {
    return refuse_join(client, request_id, ErrorCode::busy,
                       "your previous request to join is still being worked on");
  }
  if (refuse_greedy(now, *known, client, request_id)) return;
  const std::size_t wanted =
      std::clamp<std::size_t>(request.contacts_max, 1, options_.contacts_max);
  if (known->contact.role == wire::Role::bridge) {
    return join_as_bridge(now, client, request_id, wanted);
  }
  if (options_.admission == Admission::invitation) {
    return refuse_join(client, request_id, ErrorCode::unauthorized,
                       "this network is by invitation; ask a member to invite you");
  }
  if (unused_.empty()) {
    return refuse_join(client, request_id, ErrorCode::busy,
                       "too many peers are joining at this moment; ask again later");
  }
  begin(now, client, request_id, wanted);
}

void Reception::refuse_join(link::ConnectionId client, wire::RequestId request_id, ErrorCode code,
                            std::string_view text) {
  wire::Failure failure{.code = code, .retry_after_ms = 0, .text = std::string(text)};
  if (code == ErrorCode::busy) {
    ++stats_.busy;
    failure.retry_after_ms = draw_retry_after_ms();
  } else {
    ++stats_.failed;
  }
  outbox_.push(Answer{client, request_id, std::move(failure)});
}

bool Reception::refuse_greedy(Instant now, const Client& client, link::ConnectionId connection,
                              wire::RequestId request_id) {
  const Duration wait = answers_.wait(now, payer(client.contact, connection), options_.answers);
  if (wait == Duration::zero()) return false;
  ++stats_.limited;
  const auto retry_after = std::chrono::ceil<std::chrono::milliseconds>(wait);
  outbox_.push(Answer{connection, request_id,
                      wire::Failure{.code = ErrorCode::rate_limited,
                                    .retry_after_ms = to_milliseconds(retry_after),
                                    .text = "you were named peers just now; ask again later"}});
  return true;
}

void Reception::charge(Instant now, link::ConnectionId connection, std::size_t contacts) {
  if (contacts <= options_.free_contacts_max) return;
  answers_.charge(now, payer(registry_.find(connection)->contact, connection), options_.answers);
}

void Reception::join_as_bridge(Instant now, link::ConnectionId client, wire::RequestId request_id,
                               std::size_t wanted) {
  Client& bridge = *registry_.find(client);
  wire::JoinResponse response{.outcome = wire::JoinOutcome::bridge, .contacts = {}};
  response.contacts = registry_.choose_nodes(now, bridge.contact.id, wanted);
  charge(now, client, response.contacts.size());
  count(response.outcome);
  tell(bridge, response.outcome, {}, Duration::zero());
  outbox_.push(Answer{client, request_id, std::move(response)});
}

// ---- asking bridges

void Reception::begin(Instant now, link::ConnectionId client, wire::RequestId request_id,
                      std::size_t wanted) {
  const Slot slot = unused_.back();
  unused_.pop_back();
  Join& join = joins_[slot];
  join.used = true;
  join.client = client;
  join.request_id = request_id;
  join.wanted = wanted;
  join.asked = now;
  join.answer_by = after(now, answer_bound());
  registry_.find(client)->join = slot;
  deadlines_.set(slot, join.answer_by);
  ++stats_.in_flight;
  stats_.in_flight_peak = std::max(stats_.in_flight_peak, stats_.in_flight);
  if (bridges_.empty()) return decide(now, slot, Knowledge::unreachable);
  ask_bridge(now, slot);
}

Duration Reception::answer_bound() const {
  const bool old = std::any_of(bridges_.begin(), bridges_.end(), [](const wire::Contact& bridge) {
    return bridge.dialect == wire::Dialect::legacy;
  });
  return old ? options_.answer_within_old_bridge : options_.answer_within;
}

void Reception::ask_bridge(Instant now, Slot slot) {
  Join& join = joins_[slot];
  join.ask = {++asks_made_ << kSlotBits | slot};
  ++join.asks;
  ++stats_.asks;
  outbox_.push(AskBridge{
      .ask = join.ask,
      .request = {.newcomer = registry_.find(join.client)->contact,
                  .contacts_max = static_cast<std::uint8_t>(join.wanted),
                  .budget_ms = to_milliseconds(join.answer_by - now - options_.ask_margin)}});
}

std::optional<Reception::Slot> Reception::find_ask(AskId ask) const {
  const auto slot = static_cast<Slot>(ask.value & ((std::uint64_t{1} << kSlotBits) - 1));
  if (ask.value == 0 || slot >= joins_.size() || joins_[slot].ask != ask) return std::nullopt;
  return slot;
}

void Reception::on_bridges(Instant, const wire::Contacts& connected) {
  if (bridges_.empty() != connected.empty()) {
    const bool lost = connected.empty();
    log(lost ? LogLevel::warning : LogLevel::info,
        lost ? "reception.no_bridge" : "reception.bridges",
        lost ? ErrorCode::bridge_unavailable : ErrorCode::none, {},
        lost ? "no bridge is connected; joins get live peers known here, if any"
             : "joins go through bridges");
  }
  bridges_ = connected;
}

void Reception::on_introduced(Instant now, AskId ask, const wire::Contact& bridge,
                              const wire::IntroduceResponse& response) {
  const auto slot = find_ask(ask);
  if (!slot) {
    ++stats_.late;
    return;
  }
  Join& join = joins_[*slot];
  join.ask = {};
  const wire::Contact asker_contact = registry_.find(join.client)->contact;
  const NodeId asker = asker_contact.id;
  // Whoever speaks the old dialect is helped by the one that its bridge has chosen.
  const bool is_old = asker_contact.dialect == wire::Dialect::legacy;
  const wire::Contacts registered =
      registered_near(registry_, now, asker, is_old ? 0 : join.wanted / kRegisteredShare);
  wire::Contacts members;
  const auto add_introduced = [&](std::size_t most) {
    for (const wire::Contact& member : response.members) {
      if (member.address.empty() && !can_be_invited(member, asker_contact)) continue;
      add_unless_named(members, member, asker, most);
    }
  };
  add_introduced(join.wanted - registered.size());
  if (!members.empty()) {
    for (const wire::Contact& node : registered) {
      add_unless_named(members, node, asker, join.wanted);
    }
    add_introduced(join.wanted);
    registry_.find(join.client)->is_turned_away = false;
    return succeed(now, *slot, wire::JoinOutcome::introduced, std::move(members), bridge);
  }
  for (const wire::Contact& other : response.alternatives) {
    if (other.address.empty()) continue;
    add_unless_named(join.alternatives, other, asker, join.wanted);
  }
  const auto place = std::find(join.empty_bridges.begin(), join.empty_bridges.end(), bridge.id);
  if (place == join.empty_bridges.end()) join.empty_bridges.push_back(bridge.id);
  const bool others_left = join.empty_bridges.size() < bridges_.size();
  const bool time_left = join.answer_by - now > options_.ask_margin;
  if (others_left && time_left && join.asks < options_.asks_max) return ask_bridge(now, *slot);
  decide(now, *slot, Knowledge::empty);
}

void Reception::on_introduction_failed(Instant now, AskId ask, ErrorCode code,
                                       std::uint32_t retry_after_ms) {
  const auto slot = find_ask(ask);
  if (!slot) {
    ++stats_.late;
    return;
  }
  Join& join = joins_[*slot];
  join.ask = {};
  if (!join.empty_bridges.empty()) return decide(now, *slot, Knowledge::empty);
  if (code != ErrorCode::busy) return decide(now, *slot, Knowledge::unreachable);
  fail(*slot, code, retry_after_ms != 0 ? retry_after_ms : draw_retry_after_ms(),
       "every bridge is busy; ask again after the stated wait");
}

void Reception::on_turned_away(Instant, AskId ask, const wire::Failure& failure) {
  const auto slot = find_ask(ask);
  if (!slot) {
    ++stats_.late;
    return;
  }
  joins_[*slot].ask = {};
  registry_.find(joins_[*slot].client)->is_turned_away = true;
  fail(*slot, failure.code, failure.retry_after_ms, failure.text);
}

// ---- deciding without members

void Reception::decide(Instant now, Slot slot, Knowledge knowledge) {
  const Join& join = joins_[slot];
  const wire::Contact asker = registry_.find(join.client)->contact;
  wire::Contacts live = choose_emergency(now, join, asker.id);
  // A bridge that names nodes as other ways in has seen a network, though it cannot introduce to it
  // now: beginning another beside it would split it.
  const bool is_first =
      !genesis_ && join.alternatives.empty() && may_be_genesis(asker, knowledge, !live.empty());
  const bool is_first_again = genesis_ == asker.id && knowledge == Knowledge::empty && live.empty();
  if (is_first || is_first_again) {
    if (is_first) {
      log(LogLevel::info, "reception.genesis", ErrorCode::none, asker.id,
          "the network is empty; this node is its first");
    }
    genesis_ = asker.id;
    wire::Contacts bridges = bridges_;
    if (bridges.size() > join.wanted) bridges.resize(join.wanted);
    return succeed(now, slot, wire::JoinOutcome::genesis, std::move(bridges), {});
  }
  if (!live.empty()) {
    return succeed(now, slot, wire::JoinOutcome::emergency, std::move(live), {});
  }
  fail(slot, ErrorCode::bridge_unavailable, draw_retry_after_ms(), explain(asker, knowledge));
}

bool Reception::may_be_genesis(const wire::Contact& asker, Knowledge knowledge,
                               bool others_live) const {
  // The others will dial it, and it must be found in the registry as long as it is the genesis.
  if (asker.role != wire::Role::node || asker.address.empty()) return false;
  if (knowledge == Knowledge::empty) return options_.genesis != Genesis::refused;
  // A bridge that is connected and silent may know a network; only without any we start one
  // blindly.
  return options_.genesis == Genesis::allowed_without_bridges && bridges_.empty() && !others_live;
}

wire::Contacts Reception::choose_emergency(Instant now, const Join& join, const NodeId& asker) {
  wire::Contacts live;
  if (genesis_) add_unless_named(live, *registry_.find_node(*genesis_), asker, join.wanted);
  for (const wire::Contact& node : registry_.choose_nodes(now, asker, join.wanted)) {
    add_unless_named(live, node, asker, join.wanted);
  }
  for (const wire::Contact& node : join.alternatives) {
    add_unless_named(live, node, asker, join.wanted);
  }
  return live;
}

std::string Reception::explain(const wire::Contact& asker, Knowledge knowledge) const {
  if (bridges_.empty()) {
    return "no bridge is connected to this bootstrap node and it knows no live peer; start a "
           "bridge-node, or check --bridge and --bridge-secret-file here, then ask again";
  }
  if (knowledge == Knowledge::unreachable) {
    return "no bridge answered in time and this bootstrap node knows no live peer; check the "
           "bridges' logs and their connection to this node, then ask again";
  }
  if (options_.genesis == Genesis::refused) {
    return "the network is empty and this bootstrap node may not start one; run it with "
           "--genesis, or start a first node that is linked to a bridge, then ask again";
  }
  if (asker.address.empty()) {
    return "the network is empty and its first node must be dialable; give this node --advertise "
           "URL, or wait for another, then ask again";
  }
  return "the network is empty and you cannot be its first node; start a dht-node, then ask again";
}

// ---- ends

void Reception::succeed(Instant now, Slot slot, wire::JoinOutcome outcome, wire::Contacts contacts,
                        const wire::Contact& bridge) {
  const Join& join = joins_[slot];
  count(outcome);
  charge(now, join.client, contacts.size());
  failure_logged_ = false;
  stats_.join_time.add(now - join.asked);
  tell(*registry_.find(join.client), outcome, bridge, now - join.asked);
  outbox_.push(
      Answer{join.client, join.request_id,
             wire::JoinResponse{
                 .outcome = outcome, .contacts = std::move(contacts), .introduced_by = bridge.id}});
  release(slot);
}

void Reception::fail(Slot slot, ErrorCode code, std::uint32_t retry_after_ms,
                     std::string_view text) {
  const Join& join = joins_[slot];
  ++(code == ErrorCode::busy ? stats_.busy : stats_.failed);
  if (!std::exchange(failure_logged_, true)) {  // one line for a series of failures
    log(LogLevel::warning, "reception.join_failed", code, registry_.find(join.client)->contact.id,
        std::string(text));
  }
  outbox_.push(Answer{
      join.client, join.request_id,
      wire::Failure{.code = code, .retry_after_ms = retry_after_ms, .text = std::string(text)}});
  release(slot);
}

void Reception::count(wire::JoinOutcome outcome) {
  switch (outcome) {
    case wire::JoinOutcome::introduced:
      ++stats_.introduced;
      break;
    case wire::JoinOutcome::genesis:
      ++stats_.genesis;
      break;
    case wire::JoinOutcome::emergency:
      ++stats_.emergency;
      break;
    case wire::JoinOutcome::bridge:
      ++stats_.bridges;
      break;
  }
}

void Reception::tell(Client& client, wire::JoinOutcome outcome, const wire::Contact& bridge,
                     Duration took) {
  if (std::exchange(client.admitted_as, outcome) == outcome) return;
  outbox_.push(
      Admitted{.newcomer = client.contact, .bridge = bridge, .outcome = outcome, .took = took});
}

void Reception::release(Slot slot) {
  Join& join = joins_[slot];
  TRESTLE_ASSERT(join.used);
  registry_.find(join.client)->join.reset();
  deadlines_.erase(slot);
  join = Join{};
  unused_.push_back(slot);
  --stats_.in_flight;
}

// ---- time, look

void Reception::on_deadline(Instant now) {
  while (const auto slot = deadlines_.pop_due(now)) {
    Join& join = joins_[*slot];
    ++stats_.timeouts;
    outbox_.push(CancelAsk{std::exchange(join.ask, {})});
    decide(now, *slot, join.empty_bridges.empty() ? Knowledge::unreachable : Knowledge::empty);
  }
}

ReceptionStats Reception::stats() const {
  ReceptionStats stats = stats_;
  stats.clients = registry_.clients();
  stats.nodes = registry_.nodes();
  return stats;
}

std::uint32_t Reception::draw_retry_after_ms() {
  return to_milliseconds(rng_.between(options_.retry_after_min, options_.retry_after_max));
}

void Reception::log(LogLevel level, std::string_view event, ErrorCode code, const NodeId& peer,
                    std::string detail) {
  outbox_.push(LogRecord{
      .level = level, .event = event, .code = code, .peer = peer, .detail = std::move(detail)});
}

std::optional<ReceptionEffect> Reception::poll_effect() { return outbox_.poll(); }

}  // namespace trestle::onboarding
