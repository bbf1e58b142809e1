#pragma once

#include <concepts>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "trestle/base/error_code.hpp"
#include "trestle/wire/message/message.hpp"
#include "trestle/wire/native/limits.hpp"

namespace trestle::wire::native {

// The fields of every message, once, in the order of the wire (docs/protocol.md, "Messages"). An
// archive walks them: one measures, one writes, one reads, one prints. What they must offer:
//
//   number(name, field, low, high)   varint within the range
//   limited(name, field, limit)      varint up to a member of Limits
//   choice(name, field, low, high)   one byte, an enumeration
//   flag(name, field)                one byte, 0 or 1
//   id(name, field)                  20 bytes
//   fixed(name, field)               an array of bytes
//   proof(name, field)               the same, not to be printed whole
//   text(name, field, limit)         length and bytes, up to a member of Limits
//   bytes(name, field, limit)        the same for raw bytes
//   contact(name, field), contacts(name, field), record(name, field)
//   summaries(name, field), states(name, field)
//
// `Of<Hello>` accepts Hello and const Hello: who reads gets the first, the others the second.

template <typename Candidate, typename Wanted>
concept Of = std::same_as<std::remove_const_t<Candidate>, Wanted>;

inline constexpr std::uint32_t kMillisecondsMax = std::numeric_limits<std::uint32_t>::max();
inline constexpr std::uint64_t kVersionOfRecordMax = std::numeric_limits<std::uint64_t>::max();
inline constexpr std::uint32_t kHopCountMax = std::numeric_limits<std::uint32_t>::max();
inline constexpr std::uint8_t kHopsLeftMax = std::numeric_limits<std::uint8_t>::max();
inline constexpr std::uint16_t kVersionMax = std::numeric_limits<std::uint16_t>::max();
inline constexpr auto kErrorCodeLast = static_cast<ErrorCode>(kErrorCodeMax);

// ---- parts

template <typename Archive, Of<Contact> Item>
void describe(Archive& archive, Item& contact) {
  archive.id("id", contact.id);
  archive.choice("role", contact.role, Role::bootstrap, Role::observer);
  archive.choice("dialect", contact.dialect, Dialect::unknown, Dialect::legacy);
  archive.text("address", contact.address, &Limits::address_bytes_max);
  archive.text("metadata", contact.metadata, &Limits::metadata_bytes_max);
}

template <typename Archive, Of<Record> Item>
void describe(Archive& archive, Item& record) {
  archive.text("key", record.key, &Limits::key_bytes_max);
  archive.bytes("value", record.value, &Limits::value_bytes_max);
  archive.choice("kind", record.kind, RecordKind::value, RecordKind::sealed);
  archive.limited("ttl_ms", record.ttl_ms, &Limits::ttl_ms_max);
  archive.limited("left_ms", record.left_ms, &Limits::ttl_ms_max);
  archive.flag("legacy", record.legacy);
  if (record.legacy) return;
  archive.number("version", record.version, 0, kVersionOfRecordMax);
  archive.proof("author", record.author);
  archive.proof("signature", record.signature);
}

template <typename Archive, Of<ReplicaSummary> Item>
void describe(Archive& archive, Item& summary) {
  archive.id("place", summary.place);
  archive.number("version", summary.version, 0, kVersionOfRecordMax);
  archive.limited("left_ms", summary.left_ms, &Limits::ttl_ms_max);
  archive.fixed("digest", summary.digest);
}

// ---- connection

template <typename Archive, Of<Hello> Item>
void describe(Archive& archive, Item& hello) {
  archive.number("version", hello.version, 0, kVersionMax);
  archive.choice("role", hello.role, Role::bootstrap, Role::observer);
  archive.fixed("key", hello.key);
  archive.fixed("nonce", hello.nonce);
  archive.text("dialled_url", hello.dialled_url, &Limits::address_bytes_max);
  archive.text("network", hello.network, &Limits::network_bytes_max);
  archive.text("address", hello.address, &Limits::address_bytes_max);
}

template <typename Archive, Of<Welcome> Item>
void describe(Archive& archive, Item& welcome) {
  archive.number("version", welcome.version, 0, kVersionMax);
  archive.choice("role", welcome.role, Role::bootstrap, Role::observer);
  archive.fixed("key", welcome.key);
  archive.fixed("nonce", welcome.nonce);
  archive.text("network", welcome.network, &Limits::network_bytes_max);
  archive.text("address", welcome.address, &Limits::address_bytes_max);
  archive.proof("proof", welcome.proof);
}

template <typename Archive, Of<Prove> Item>
void describe(Archive& archive, Item& prove) {
  archive.proof("proof", prove.proof);
  archive.flag("has_secret_proof", prove.has_secret_proof);
  if (prove.has_secret_proof) archive.proof("secret_proof", prove.secret_proof);
}

template <typename Archive, Of<Ready> Item>
void describe(Archive& archive, Item& ready) {
  archive.flag("has_secret_proof", ready.has_secret_proof);
  if (ready.has_secret_proof) archive.proof("secret_proof", ready.secret_proof);
}

template <typename Archive, Of<Goodbye> Item>
void describe(Archive& archive, Item& goodbye) {
  archive.choice("code", goodbye.code, ErrorCode::none, kErrorCodeLast);
  archive.number("retry_after_ms", goodbye.retry_after_ms, 0, kMillisecondsMax);
  archive.text("text", goodbye.text, &Limits::text_bytes_max);
}

template <typename Archive, Of<Ping> Item>
void describe(Archive&, Item&) {}

template <typename Archive, Of<Pong> Item>
void describe(Archive&, Item&) {}

template <typename Archive, Of<Failure> Item>
void describe(Archive& archive, Item& failure) {
  // A failure without a reason would look like a success to whoever reads the code.
  archive.choice("code", failure.code, ErrorCode::rate_limited, kErrorCodeLast);
  archive.number("retry_after_ms", failure.retry_after_ms, 0, kMillisecondsMax);
  archive.text("text", failure.text, &Limits::text_bytes_max);
}

template <typename Archive, Of<Cancel> Item>
void describe(Archive&, Item&) {}

// ---- onboarding

template <typename Archive, Of<JoinRequest> Item>
void describe(Archive& archive, Item& join) {
  archive.number("contacts_max", join.contacts_max, 1, kContactsWantedMax);
  archive.flag("rejoining", join.rejoining);
}

template <typename Archive, Of<JoinResponse> Item>
void describe(Archive& archive, Item& response) {
  archive.choice("outcome", response.outcome, JoinOutcome::introduced, JoinOutcome::bridge);
  archive.contacts("contacts", response.contacts);
  archive.id("introduced_by", response.introduced_by);
}

template <typename Archive, Of<IntroduceRequest> Item>
void describe(Archive& archive, Item& introduce) {
  archive.contact("newcomer", introduce.newcomer);
  archive.number("contacts_max", introduce.contacts_max, 1, kContactsWantedMax);
  archive.number("budget_ms", introduce.budget_ms, 0, kMillisecondsMax);
}

template <typename Archive, Of<IntroduceResponse> Item>
void describe(Archive& archive, Item& response) {
  archive.contacts("members", response.members);
  archive.contacts("alternatives", response.alternatives);
}

// ---- dht

template <typename Archive, Of<FindNodeRequest> Item>
void describe(Archive& archive, Item& request) {
  archive.id("target", request.target);
}

template <typename Archive, Of<FindNodeResponse> Item>
void describe(Archive& archive, Item& response) {
  archive.contacts("contacts", response.contacts);
}

template <typename Archive, Of<FindValueRequest> Item>
void describe(Archive& archive, Item& request) {
  archive.text("key", request.key, &Limits::key_bytes_max);
}

template <typename Archive, Of<FindValueResponse> Item>
void describe(Archive& archive, Item& response) {
  archive.flag("found", response.found);
  if (response.found) {
    archive.record("record", response.record);
  } else {
    archive.contacts("contacts", response.contacts);
  }
}

template <typename Archive, Of<StoreRequest> Item>
void describe(Archive& archive, Item& request) {
  archive.record("record", request.record);
}

template <typename Archive, Of<StoreResponse> Item>
void describe(Archive& archive, Item& response) {
  archive.choice("outcome", response.outcome, StoreOutcome::stored, StoreOutcome::refreshed);
}

template <typename Archive, Of<ReplicaOffer> Item>
void describe(Archive& archive, Item& offer) {
  archive.summaries("records", offer.records);
  archive.flag("delegated", offer.delegated);
}

template <typename Archive, Of<ReplicaAnswer> Item>
void describe(Archive& archive, Item& answer) {
  archive.states("states", answer.states);
}

template <typename Archive, Of<RouteRequest> Item>
void describe(Archive& archive, Item& route) {
  archive.id("destination", route.destination);
  archive.id("origin", route.origin);
  archive.number("hops_left", route.hops_left, 0, kHopsLeftMax);
  archive.bytes("request", route.request, &Limits::routed_bytes_max);
}

template <typename Archive, Of<RouteResponse> Item>
void describe(Archive& archive, Item& response) {
  archive.bytes("answer", response.answer, &Limits::routed_bytes_max);
}

template <typename Archive, Of<RecursiveFindRequest> Item>
void describe(Archive& archive, Item& request) {
  archive.id("target", request.target);
  archive.id("originator", request.originator);
  archive.number("hop_count", request.hop_count, 0, kHopCountMax);
}

template <typename Archive, Of<RecursiveFindResponse> Item>
void describe(Archive& archive, Item& response) {
  archive.contacts("contacts", response.contacts);
  archive.number("hop_count", response.hop_count, 0, kHopCountMax);
}

template <typename Archive, Of<Announce> Item>
void describe(Archive& archive, Item& announce) {
  archive.contact("peer", announce.peer);
}

}  // namespace trestle::wire::native
