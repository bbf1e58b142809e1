// A member's records: checked on their way in, signed and written down on their way out.

#include <utility>

#include "trestle/dht/refusal.hpp"
#include "trestle/node/member/member_node.hpp"

namespace trestle::node {

void MemberNode::restore(Instant now, Restored restored) {
  stir();
  restore_admission(now, restored);
  dht_.restore(now, std::move(restored.records));
  peer_memory_.restore(std::move(restored.peers));
}

void MemberNode::on_persisted(Instant now, dht::StorageTicket ticket, ErrorCode code) {
  stir();
  dht_.on_persisted(now, ticket, code);
}

// ---- in

/// A bridge takes no record whatever its signature: it does not spend its time on checks.
void MemberNode::verify(Instant now, RecordVerifier::Item item) {
  const bool is_unwanted =
      self_.role == wire::Role::bridge && std::holds_alternative<wire::StoreRequest>(item.message);
  if (is_unwanted) return perform(now, RecordVerifier::Cleared{.item = std::move(item)});
  const bool has_no_room =
      memory_ == MemoryState::exhausted && std::holds_alternative<wire::StoreRequest>(item.message);
  if (has_no_room) {
    return perform(now, RecordVerifier::Cleared{.item = std::move(item), .code = ErrorCode::busy});
  }
  verifier_.submit(now, std::move(item));
  pump_records(now);
}

bool MemberNode::pump_records(Instant now) {
  bool moved = false;
  while (auto effect = verifier_.poll_effect()) {
    moved = true;
    if (auto* order = std::get_if<link::Verify>(&*effect)) {
      outbox_.push(std::move(*order));
    } else if (const auto* forger = std::get_if<RecordVerifier::Forger>(&*effect)) {
      channels_.banish(now, forger->connection, ErrorCode::unauthorized,
                       "records with wrong signatures");
    } else {
      perform(now, std::get<RecordVerifier::Cleared>(std::move(*effect)));
    }
  }
  return moved;
}

void MemberNode::perform(Instant now, RecordVerifier::Cleared&& cleared) {
  const RecordVerifier::Item& item = cleared.item;
  if (const auto* ask = std::get_if<dht::AskId>(&item.of)) {
    if (cleared.code != ErrorCode::none) return dht_.on_ask_failed(now, *ask, cleared.code);
    if (cleared.record) return dht_.on_record(now, *ask, *cleared.record);
    return dht_.on_answer(now, *ask, item.message);
  }
  const auto id = std::get<wire::RequestId>(item.of);
  if (cleared.code != ErrorCode::none) {
    return respond(now, item.connection, id, dht::refusal_with(cleared.code));
  }
  const auto token = served_.add({item.connection, id});
  if (!token) return respond(now, item.connection, id, dht::refusal_with(ErrorCode::busy));
  if (cleared.record) return dht_.on_store(now, item.from, *token, *cleared.record);
  dht_.on_request(now, item.from, *token, item.message);
}

void MemberNode::forget_requests(link::ConnectionId connection) {
  served_.on_closed(connection);
  verifier_.on_closed(connection);
}

// ---- out

void MemberNode::perform(Instant, const dht::SealValue& order) {
  dht_.on_value(order.operation, values_.seal({order.operation.value}, order.record));
}

void MemberNode::perform(Instant, dht::SignRecord&& order) {
  const link::Ticket ticket{++last_signing_};
  signing_.insert(ticket, order.operation);
  outbox_.push(link::Sign{.connection = {}, .ticket = ticket, .message = std::move(order.message)});
}

void MemberNode::on_record_signed(Instant now, link::Ticket ticket,
                                  const wire::Signature& signature) {
  stir();
  const dht::OperationId* operation = signing_.find(ticket);
  if (operation == nullptr) return;
  const dht::OperationId signed_for = *operation;
  signing_.erase(ticket);
  dht_.on_signed(now, signed_for, signature);
}

void MemberNode::report(Instant now, dht::Ended&& ended) {
  OperationEnded told{.operation = {ended.operation.value},
                      .code = ended.code,
                      .replicas = ended.replicas,
                      .replicas_wanted = ended.replicas_wanted,
                      .weak = ended.weak,
                      .version = ended.version,
                      .record = std::move(ended.record),
                      .contacts = std::move(ended.contacts),
                      .steps = std::move(ended.steps)};
  told.audience = values_.take_ended(told.operation);
  if (told.record) read_value(now, told);
  outbox_.push(std::move(told));
}

/// A value that cannot be read is shown to nobody, be it plain.
void MemberNode::read_value(Instant now, OperationEnded& ended) {
  wire::Record& record = *ended.record;
  const auto reading = values_.open(local_.wall_clock.at(now), record);
  ended.code = reading.code;
  ended.audience = reading.audience;
  ended.detail = reading.detail;
  if (!reading.detail.empty()) {
    outbox_.push(LogRecord{LogLevel::warning,
                           "values.read",
                           reading.code,
                           {},
                           record.key + ": " + std::string(reading.detail)});
  }
  if (reading.code != ErrorCode::none) ended.record.reset();
}

}  // namespace trestle::node
