#include "trestle/node/member/record_verifier.hpp"

#include <algorithm>
#include <utility>

#include "trestle/crypto/identity.hpp"

namespace trestle::node {

RecordVerifier::RecordVerifier(const RecordVerifierOptions& options, const dht::RecordStore& kept,
                               crypto::Suite& suite)
    : options_(options), kept_(&kept), suite_(&suite), checks_by_peer_(options.checked_peers_max) {}

// ---- inputs

void RecordVerifier::submit(Instant now, Item item) {
  const link::ConnectionId connection = item.connection;
  const auto known = lines_.find(connection);
  const std::size_t waiting = known == lines_.end() ? 0 : known->second.held.size();
  Held held{.cleared = {.item = std::move(item)}, .ticket = {}};
  const bool has_record = record_in(held.cleared.item.message) != nullptr;
  if (!has_record && waiting == 0) return outbox_.push(std::move(held.cleared));
  if (waiting >= places_of_a_link()) {
    ++stats_.refused;
    held.cleared.code = ErrorCode::busy;
    return outbox_.push(std::move(held.cleared));
  }
  ++held_count_;
  Line& line = lines_[connection];
  line.held.push_back(std::move(held));
  examine(now, connection, line);
  release(connection);
}

void RecordVerifier::on_verified(Instant now, link::Ticket ticket, bool valid) {
  const auto check = checks_.find(ticket);
  if (check == checks_.end()) return;
  const link::ConnectionId connection = check->second;
  checks_.erase(check);
  Line& line = lines_.at(connection);
  --line.checks;
  const auto held = std::find_if(line.held.begin(), line.held.end(),
                                 [&](const Held& one) { return one.ticket == ticket; });
  held->ticket.reset();
  wire::Record& record = *record_in(held->cleared.item.message);
  if (valid) {
    remember(crypto::record_digest(*suite_, options_.network, record), record.signature);
    held->cleared.record = crypto::VerifiedRecord::vouch_for(std::move(record));
  } else {
    ++stats_.forged;
    held->cleared.code = ErrorCode::unauthorized;
    if (!held->is_orphaned) on_forgery(connection);
  }
  examine(now, connection, line);
  release(connection);
}

void RecordVerifier::on_forgery(link::ConnectionId connection) {
  if (++*forgeries_.insert(connection, 0).first != options_.forgeries_max) return;
  ++stats_.forgers;
  outbox_.push(Forger{connection});
}

void RecordVerifier::on_closed(link::ConnectionId connection) {
  forgeries_.erase(connection);
  const auto line = lines_.find(connection);
  if (line == lines_.end()) return;
  for (Held& held : line->second.held) {
    held.is_orphaned = true;
    held.is_withdrawn = std::holds_alternative<wire::RequestId>(held.cleared.item.of);
  }
}

// ---- one record

wire::Record* RecordVerifier::record_in(wire::Message& message) {
  if (auto* store = std::get_if<wire::StoreRequest>(&message)) return &store->record;
  auto* value = std::get_if<wire::FindValueResponse>(&message);
  return value != nullptr && value->found ? &value->record : nullptr;
}

/// What needs no signature to be refused.
std::optional<ErrorCode> RecordVerifier::refusal(const wire::Record& record) {
  if (record.legacy && !options_.legacy) return ErrorCode::unauthorized;
  if (!crypto::may_write(*suite_, record)) return ErrorCode::unauthorized;
  return std::nullopt;
}

std::size_t RecordVerifier::places_of_a_link() const {
  const std::size_t free = options_.held_max - std::min(held_count_, options_.held_max);
  return std::min(std::max(free, options_.held_per_link_assured), options_.held_per_link_max);
}

bool RecordVerifier::may_check(Instant now, const Item& item) {
  const bool is_asked_for = std::holds_alternative<dht::AskId>(item.of);
  if (is_asked_for) return true;
  const std::uint32_t per_second = options_.checks_per_second;
  const Pace pace = Pace::per_second(per_second, std::max(options_.checks_burst, per_second));
  const std::uint32_t all = options_.checks_per_second_in_all;
  const Pace pace_of_all = Pace::per_second(all, all);
  // Whom its own account refuses takes nothing from the others, and the other way round.
  if (!checks_in_all_.has_one(now, pace_of_all)) return false;
  if (!checks_by_peer_.take(now, item.from, pace)) return false;
  checks_in_all_.charge(now, pace_of_all);
  return true;
}

void RecordVerifier::examine(Instant now, link::ConnectionId connection, Line& line) {
  const std::uint32_t* found = forgeries_.find(connection);
  const std::uint32_t forgeries = found == nullptr ? 0 : *found;
  const bool is_forger = forgeries >= options_.forgeries_max;
  while (line.examined < line.held.size()) {
    // Were all of those under way forged as well, they would just give it away.
    if (!is_forger && line.checks + forgeries >= options_.forgeries_max) return;
    Held& held = line.held[line.examined++];
    const wire::Record* record = record_in(held.cleared.item.message);
    if (record == nullptr || held.is_withdrawn) continue;
    if (!is_forger) {
      examine(now, line, held, *record);
    } else {
      ++stats_.unheard;
      held.cleared.code = ErrorCode::unauthorized;
    }
  }
}

void RecordVerifier::examine(Instant now, Line& line, Held& held, const wire::Record& record) {
  if (const auto code = refusal(record)) {
    ++stats_.forged;
    held.cleared.code = *code;
    return;
  }
  wire::Record& own = *record_in(held.cleared.item.message);
  if (record.legacy) {
    held.cleared.record = crypto::VerifiedRecord::vouch_for(std::move(own));
    return;
  }
  const auto digest = crypto::record_digest(*suite_, options_.network, record);
  if (const wire::Signature* signature = known_signature(record, digest)) {
    ++stats_.remembered;
    own.signature = *signature;
    held.cleared.record = crypto::VerifiedRecord::vouch_for(std::move(own));
    return;
  }
  if (!may_check(now, held.cleared.item)) {
    ++stats_.limited;
    held.cleared.code = ErrorCode::rate_limited;
    return;
  }
  ++stats_.checked;
  const link::Ticket ticket{++last_ticket_};
  held.ticket = ticket;
  ++line.checks;
  checks_.emplace(ticket, held.cleared.item.connection);
  outbox_.push(link::Verify{.connection = {},
                            .ticket = ticket,
                            .key = record.author,
                            .message = crypto::record_transcript(*suite_, options_.network, record),
                            .signature = record.signature});
}

const wire::Signature* RecordVerifier::known_signature(const wire::Record& record,
                                                       const wire::RecordDigest& digest) const {
  if (const auto known = known_.find(digest); known != known_.end()) return &known->second;
  const dht::Replica* kept = kept_->find_by_place(crypto::place_of_key(*suite_, record.key));
  if (kept == nullptr || kept->record.legacy || kept->digest != digest) return nullptr;
  return &kept->record.signature;
}

void RecordVerifier::remember(const wire::RecordDigest& digest, const wire::Signature& signature) {
  if (!known_.emplace(digest, signature).second) return;
  known_by_age_.push_back(digest);
  if (known_by_age_.size() <= options_.remembered_max) return;
  known_.erase(known_by_age_.front());
  known_by_age_.pop_front();
}

/// Lets go whatever stands at the front of the line and waits for nothing.
void RecordVerifier::release(link::ConnectionId connection) {
  const auto found = lines_.find(connection);
  Line& line = found->second;
  while (line.examined > 0 && !line.held.front().ticket) {
    Held& first = line.held.front();
    if (!first.is_withdrawn) outbox_.push(std::move(first.cleared));
    line.held.pop_front();
    --line.examined;
    --held_count_;
  }
  if (line.held.empty()) lines_.erase(found);
}

void RecordVerifier::forget_checked() {
  known_.clear();
  known_by_age_.clear();
}

RecordVerifierStats RecordVerifier::stats() const {
  RecordVerifierStats stats = stats_;
  stats.held = held_count_;
  return stats;
}

std::optional<RecordVerifier::Effect> RecordVerifier::poll_effect() { return outbox_.poll(); }

}  // namespace trestle::node
