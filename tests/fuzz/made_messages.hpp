#pragma once

#include <string>
#include <utility>
#include <variant>

#include "dht/contacts.hpp"
#include "input.hpp"
#include "trestle/crypto/record.hpp"
#include "trestle/dht/lookup_wish.hpp"
#include "trestle/wire/native/codec.hpp"

// What peers say to each other in stories, well-formed: bytes alone seldom become a question about
// a key that somebody wrote, or the answer to just what was asked.
namespace trestle::fuzz {

/// One of a few: what is written, asked for and forgotten is the same.
inline std::string made_key(Input& input) {
  const std::size_t choice = input.below(16);
  if (choice == 15) return "@" + NodeId(1, 2, 3).to_hex() + "/x";  // A stranger's own.
  return "key-" + std::to_string(choice);
}

inline wire::Contact made_contact(Input& input) {
  const NodeId id = input.id();
  const std::size_t kind = input.below(8);
  if (kind == 0) return dht::test::legacy(id);
  if (kind == 1) return dht::test::browser(id);
  if (kind == 2) return dht::test::dialable(id, wire::Role::bridge);
  return dht::test::dialable(id);
}

inline wire::Contacts made_contacts(Input& input) {
  wire::Contacts contacts;
  for (std::size_t count = input.below(6); count > 0; --count) {
    contacts.push_back(made_contact(input));
  }
  return contacts;
}

/// Unsigned.
inline wire::Record made_record(Input& input, std::string key) {
  const std::size_t kind = input.below(8);
  wire::Record record;
  record.key = std::move(key);
  record.version = 1'795'000'000'000 + input.byte();
  record.ttl_ms = 1000 * (1 + input.number(2));
  record.left_ms = record.ttl_ms / (1 + input.below(4));
  record.author[0] = static_cast<std::uint8_t>(1 + input.below(3));
  record.value = Bytes(input.below(64), input.byte());
  if (kind == 0) {
    record.kind = wire::RecordKind::tombstone;
    record.value.clear();
  }
  if (kind == 1) {
    record.legacy = true;
    record.version = 0;
    record.author = {};
    record.value = to_bytes(as_bytes("{\"old\":1}"));
  }
  return record;
}

/// As it was, or with another bit or more somewhere.
inline Bytes spoiled(Input& input, Bytes bytes) {
  if (bytes.empty() || input.below(4) != 3) return bytes;
  const std::size_t place = static_cast<std::size_t>(input.number(2)) % bytes.size();
  bytes[place] ^= static_cast<std::uint8_t>(1 + input.below(255));
  return bytes;
}

/// Possible and impossible ones.
inline dht::LookupWish made_wish(Input& input) {
  dht::LookupWish wish{.paths = input.below(5)};
  if (input.flag()) wish.steps = dht::StepReport::told;
  if (input.flag()) wish.mode = dht::LookupMode::recursive;
  return wish;
}

inline wire::Message made_request(Input& input) {
  switch (input.below(6)) {
    case 0:
      return wire::FindNodeRequest{input.id()};
    case 1:
      return wire::FindValueRequest{made_key(input)};
    case 2:
      return wire::StoreRequest{made_record(input, made_key(input))};
    case 3: {
      wire::ReplicaOffer offer;
      offer.delegated = input.flag();
      for (std::size_t count = 1 + input.below(6); count > 0; --count) {
        const std::uint64_t version = 1'795'000'000'000 + input.byte();
        offer.records.push_back({input.id(), version, 1000 * (1 + input.number(2)), {}});
        offer.records.back().digest[0] = input.byte();
      }
      return offer;
    }
    case 4:
      return wire::RecursiveFindRequest{input.id(), input.id(),
                                        static_cast<std::uint32_t>(input.below(24))};
    default:
      return wire::Ping{};
  }
}

/// An answer of the kind that the question wants, true or not.
struct Answering {
  Input& input;

  wire::Message operator()(const wire::FindNodeRequest&) const {
    return wire::FindNodeResponse{made_contacts(input)};
  }
  wire::Message operator()(const wire::FindValueRequest& asked) const {
    wire::FindValueResponse response;
    response.found = input.flag();
    if (response.found) {
      response.record = made_record(input, asked.key);
    } else {
      response.contacts = made_contacts(input);
    }
    return response;
  }
  wire::Message operator()(const wire::StoreRequest&) const {
    constexpr ErrorCode kCodes[] = {ErrorCode::outdated, ErrorCode::busy, ErrorCode::store_full,
                                    ErrorCode::unauthorized};
    const std::size_t choice = input.below(8);
    if (choice < 4) return wire::Failure{kCodes[choice], 100, "no"};
    return wire::StoreResponse{choice < 6 ? wire::StoreOutcome::stored
                                          : wire::StoreOutcome::refreshed};
  }
  wire::Message operator()(const wire::ReplicaOffer& offer) const {
    wire::ReplicaAnswer answer;
    for (std::size_t count = offer.records.size(); count > 0; --count) {
      answer.states.push_back(static_cast<wire::ReplicaState>(1 + input.below(5)));
    }
    return answer;
  }
  wire::Message operator()(const wire::RouteRequest& asked) const {
    wire::native::FrameReader reader(asked.request, {});
    const auto inner = reader.next();
    if (!inner || !*inner) return wire::Failure{ErrorCode::protocol_error, 0, "unreadable"};
    wire::RouteResponse response;
    const wire::Message answer = std::visit(Answering{input}, (**inner).message);
    wire::native::append_record(response.answer, {(**inner).request_id, answer});
    return response;
  }
  wire::Message operator()(const wire::RecursiveFindRequest& asked) const {
    const auto more = static_cast<std::uint32_t>(input.below(4));
    return wire::RecursiveFindResponse{made_contacts(input), asked.hop_count + more};
  }
  wire::Message operator()(const wire::JoinRequest&) const {
    wire::JoinResponse response;
    response.outcome = static_cast<wire::JoinOutcome>(1 + input.below(4));
    response.contacts = made_contacts(input);
    return response;
  }
  wire::Message operator()(const wire::IntroduceRequest&) const {
    wire::IntroduceResponse response;
    response.members = made_contacts(input);
    if (response.members.empty()) response.alternatives = made_contacts(input);
    return response;
  }
  wire::Message operator()(const auto&) const { return wire::Pong{}; }
};

inline wire::Message answer_to(const wire::Message& question, Input& input) {
  return std::visit(Answering{input}, question);
}

}  // namespace trestle::fuzz
