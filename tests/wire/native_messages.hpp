#pragma once

#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "trestle/base/bytes.hpp"
#include "trestle/base/rng.hpp"
#include "trestle/wire/message/message.hpp"
#include "trestle/wire/native/codec.hpp"

namespace trestle::test {

/// Draws messages over the whole range of every field. Written field by field and not from the
/// layout of the codec, so that a field which the codec forgets is missed by the round trip.
class MessageSource {
 public:
  explicit MessageSource(std::uint64_t seed) : rng_(seed) {}

  Rng& rng() { return rng_; }

  /// A message of the given type (the index in `wire::Message`) with a request id that suits it.
  wire::Envelope envelope(std::size_t type) {
    wire::Envelope envelope{{}, message(type)};
    const bool needs_id = wire::is_request(envelope.message) || wire::is_answer(envelope.message) ||
                          std::holds_alternative<wire::Cancel>(envelope.message);
    if (needs_id)
      envelope.request_id.value = number(std::numeric_limits<std::uint64_t>::max() - 1) + 1;
    return envelope;
  }

  wire::Envelope envelope() { return envelope(rng_.below(wire::kMessageKinds)); }

 private:
  wire::Message message(std::size_t type) {
    wire::Message message;
    fill(message, type, std::make_index_sequence<wire::kMessageKinds>{});
    return message;
  }

  template <std::size_t... kIndices>
  void fill(wire::Message& message, std::size_t type, std::index_sequence<kIndices...>) {
    ((kIndices == type ? fill(message.emplace<kIndices>()) : void()), ...);
  }

  /// All magnitudes are equally likely, and so are the two ends: what matters to a varint is its
  /// length.
  std::uint64_t number(std::uint64_t max) {
    const std::uint64_t kind = rng_.below(8);
    if (kind == 0) return 0;
    if (kind == 1) return max;
    const std::uint64_t shift = rng_.below(64);
    const std::uint64_t drawn = rng_.next() >> shift;
    return max == std::numeric_limits<std::uint64_t>::max() ? drawn : drawn % (max + 1);
  }
  std::size_t length(std::size_t max) {
    const std::uint64_t kind = rng_.below(16);
    if (kind == 0) return 0;
    if (kind == 1) return max;
    return static_cast<std::size_t>(rng_.below(kind < 12 ? std::min<std::size_t>(max, 40) : max));
  }
  void fill(std::span<std::uint8_t> out) {
    for (std::uint8_t& byte : out) byte = static_cast<std::uint8_t>(rng_.next() >> 56);
  }
  void text(std::string& out, std::size_t bytes_max) {
    out.resize(length(bytes_max));
    for (char& letter : out) letter = static_cast<char>(rng_.next() >> 56);
  }
  NodeId id() {
    std::array<std::uint8_t, NodeId::kBytes> bytes;
    fill(bytes);
    return NodeId::from_bytes(bytes);
  }
  wire::Role role() { return static_cast<wire::Role>(1 + rng_.below(4)); }
  std::uint32_t milliseconds() {
    return static_cast<std::uint32_t>(number(std::numeric_limits<std::uint32_t>::max()));
  }
  wire::Contact contact() {
    wire::Contact contact;
    contact.id = id();
    contact.role = role();
    contact.dialect = static_cast<wire::Dialect>(rng_.below(3));
    text(contact.address, limits_.address_bytes_max);
    text(contact.metadata, limits_.metadata_bytes_max);
    return contact;
  }
  wire::Contacts contacts() {
    wire::Contacts contacts(rng_.below(limits_.contacts_max + 1));
    for (wire::Contact& each : contacts) each = contact();
    return contacts;
  }
  wire::Record record() {
    wire::Record record;
    text(record.key, limits_.key_bytes_max);
    record.value.resize(length(limits_.value_bytes_max));
    fill(record.value);
    record.kind = static_cast<wire::RecordKind>(1 + rng_.below(3));
    record.ttl_ms = number(limits_.ttl_ms_max);
    record.left_ms = number(limits_.ttl_ms_max);
    record.legacy = rng_.chance(1, 2);
    if (record.legacy) return record;
    record.version = number(std::numeric_limits<std::uint64_t>::max());
    fill(record.author);
    fill(record.signature);
    return record;
  }

  void fill(wire::Hello& hello) {
    hello.version = static_cast<std::uint16_t>(number(0xffff));
    hello.role = role();
    fill(hello.key);
    fill(hello.nonce);
    text(hello.dialled_url, limits_.address_bytes_max);
    text(hello.network, limits_.network_bytes_max);
    text(hello.address, limits_.address_bytes_max);
  }
  void fill(wire::Welcome& welcome) {
    welcome.version = static_cast<std::uint16_t>(number(0xffff));
    welcome.role = role();
    fill(welcome.key);
    fill(welcome.nonce);
    text(welcome.network, limits_.network_bytes_max);
    text(welcome.address, limits_.address_bytes_max);
    fill(welcome.proof);
  }
  void fill(wire::Prove& prove) {
    fill(prove.proof);
    prove.has_secret_proof = rng_.chance(1, 2);
    if (prove.has_secret_proof) fill(prove.secret_proof);
  }
  void fill(wire::Ready& ready) {
    ready.has_secret_proof = rng_.chance(1, 2);
    if (ready.has_secret_proof) fill(ready.secret_proof);
  }
  void fill(wire::Goodbye& goodbye) {
    goodbye.code = static_cast<ErrorCode>(rng_.below(kErrorCodeMax + 1));
    goodbye.retry_after_ms = milliseconds();
    text(goodbye.text, limits_.text_bytes_max);
  }
  void fill(wire::Ping&) {}
  void fill(wire::Pong&) {}
  void fill(wire::Failure& failure) {
    failure.code = static_cast<ErrorCode>(1 + rng_.below(kErrorCodeMax));
    failure.retry_after_ms = milliseconds();
    text(failure.text, limits_.text_bytes_max);
  }
  void fill(wire::Cancel&) {}
  void fill(wire::JoinRequest& join) {
    join.contacts_max = static_cast<std::uint8_t>(1 + rng_.below(20));
    join.rejoining = rng_.chance(1, 2);
  }
  void fill(wire::JoinResponse& response) {
    response.outcome = static_cast<wire::JoinOutcome>(1 + rng_.below(4));
    response.contacts = contacts();
    response.introduced_by = id();
  }
  void fill(wire::IntroduceRequest& introduce) {
    introduce.newcomer = contact();
    introduce.contacts_max = static_cast<std::uint8_t>(1 + rng_.below(20));
    introduce.budget_ms = milliseconds();
  }
  void fill(wire::IntroduceResponse& response) {
    response.members = contacts();
    response.alternatives = contacts();
  }
  void fill(wire::FindNodeRequest& request) { request.target = id(); }
  void fill(wire::FindNodeResponse& response) { response.contacts = contacts(); }
  void fill(wire::FindValueRequest& request) { text(request.key, limits_.key_bytes_max); }
  void fill(wire::FindValueResponse& response) {
    response.found = rng_.chance(1, 2);
    if (response.found) {
      response.record = record();
    } else {
      response.contacts = contacts();
    }
  }
  void fill(wire::StoreRequest& request) { request.record = record(); }
  void fill(wire::StoreResponse& response) {
    response.outcome = static_cast<wire::StoreOutcome>(1 + rng_.below(2));
  }
  void fill(wire::ReplicaOffer& offer) {
    offer.records.resize(length(limits_.replicas_max));
    for (wire::ReplicaSummary& summary : offer.records) {
      summary.place = id();
      summary.version = number(std::numeric_limits<std::uint64_t>::max());
      summary.left_ms = number(limits_.ttl_ms_max);
      fill(summary.digest);
    }
    offer.delegated = rng_.chance(1, 2);
  }
  void fill(wire::ReplicaAnswer& answer) {
    answer.states.resize(length(limits_.replicas_max));
    for (wire::ReplicaState& state : answer.states) {
      state = static_cast<wire::ReplicaState>(1 + rng_.below(5));
    }
  }
  void fill(wire::RouteRequest& route) {
    route.destination = id();
    route.origin = id();
    route.hops_left = static_cast<std::uint8_t>(number(0xff));
    route.request.resize(length(limits_.routed_bytes_max));
    fill(route.request);
  }
  void fill(wire::RouteResponse& response) {
    response.answer.resize(length(limits_.routed_bytes_max));
    fill(response.answer);
  }
  void fill(wire::RecursiveFindRequest& request) {
    request.target = id();
    request.originator = id();
    request.hop_count = milliseconds();
  }
  void fill(wire::RecursiveFindResponse& response) {
    response.contacts = contacts();
    response.hop_count = milliseconds();
  }
  void fill(wire::Announce& announce) { announce.peer = contact(); }
  void token(Bytes& out) {
    out.resize(length(limits_.token_bytes_max));
    fill(out);
  }
  void fill(wire::Credentials& credentials) {
    token(credentials.identity);
    token(credentials.membership);
    token(credentials.certificate);
    fill(credentials.revocations);
  }
  void fill(wire::Certify& certify) { token(certify.membership); }
  void fill(wire::Revocations& revocations) {
    revocations.list.resize(length(limits_.revocations_bytes_max));
    fill(revocations.list);
  }
  void fill(wire::RedeemRequest& redeem) {
    token(redeem.identity);
    token(redeem.invitation);
    token(redeem.membership);
    token(redeem.certificate);
  }
  void fill(wire::RedeemResponse& response) {
    token(response.membership);
    token(response.certificate);
    token(response.network_key);
  }

  Rng rng_;
  wire::native::Limits limits_;
};

/// What a frame says: its records up to the end or the first error.
struct Reading {
  std::vector<wire::Envelope> records;
  std::size_t unknown_records = 0;
  bool failed = false;
  wire::native::DecodeError error{};
};

inline Reading read_frame(ByteSpan frame, const wire::native::Limits& limits = {}) {
  Reading reading;
  wire::native::FrameReader reader(frame, limits);
  while (true) {
    auto record = reader.next();
    reading.unknown_records = reader.unknown_records();
    if (!record) {
      reading.failed = true;
      reading.error = record.error();
      return reading;
    }
    if (!*record) return reading;
    reading.records.push_back(std::move(**record));
  }
}

inline Bytes encoded(const wire::Envelope& envelope) {
  Bytes frame;
  wire::native::append_record(frame, envelope);
  return frame;
}

/// Bytes from hex digits; spaces are for the reader of the test.
inline Bytes bytes_from(std::string_view hex) {
  std::string digits;
  for (const char letter : hex) {
    if (letter != ' ' && letter != '\n') digits += letter;
  }
  Bytes bytes(digits.size() / 2);
  if (!from_hex(digits, bytes)) bytes.clear();
  return bytes;
}

}  // namespace trestle::test
