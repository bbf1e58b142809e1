#pragma once

#include <string>
#include <utility>
#include <vector>

#include "dht/contacts.hpp"
#include "dht/records.hpp"
#include "trestle/crypto/identity.hpp"
#include "trestle/dht/dht.hpp"

namespace trestle::dht::test {

template <typename Machine>
auto drained(Machine& machine) {
  std::vector<typename decltype(machine.poll_effect())::value_type> effects;
  while (auto effect = machine.poll_effect()) effects.push_back(std::move(*effect));
  return effects;
}

/// When the disk answers.
enum class Disk { at_once, when_told };

/// What stands for a sealed value of that version.
inline Bytes sealed_for(std::uint64_t version) {
  return to_bytes(as_bytes("sealed for " + std::to_string(version)));
}

/// One machine with its effects sorted by kind. Seals and signs at once, with nothing.
struct DhtBench {
  explicit DhtBench(const DhtOptions& options = {}, std::uint64_t seed = 17)
      : rng(seed),
        suite(seed),
        pair(suite.generate()),
        dht(dialable(crypto::node_id_of(suite, pair.key)), as_author(options, pair), suite,
            rng.fork("own")) {}

  static DhtOptions as_author(DhtOptions options, const crypto::KeyPair& pair) {
    options.author = pair.key;
    return options;
  }

  Rng rng;
  crypto::Suite suite;
  crypto::KeyPair pair;
  Dht dht;
  Disk disk = Disk::at_once;
  std::vector<Persist> orders;
  std::vector<SealValue> seals;
  std::vector<LogRecord> logs;
  std::vector<Ask> asks;
  std::vector<Respond> responses;
  std::vector<Ended> ends;
  std::vector<Discovered> discoveries;
  std::vector<NeighbourhoodKnown> news;
  std::vector<QuestionEnded> questions;
  std::vector<PeerDeaf> deaf;

  void drain() {
    while (auto next = dht.poll_effect()) {
      Effect& effect = *next;
      if (const auto* seal = std::get_if<SealValue>(&effect)) {
        dht.on_value(seal->operation, sealed_for(seal->record.version));
        seals.push_back(*seal);
      }
      if (const auto* sign = std::get_if<SignRecord>(&effect)) {
        dht.on_signed(latest, sign->operation, {});
      }
      if (auto* order = std::get_if<Persist>(&effect)) {
        if (disk == Disk::at_once) dht.on_persisted(latest, order->ticket, ErrorCode::none);
        orders.push_back(std::move(*order));
      }
      if (auto* record = std::get_if<LogRecord>(&effect)) logs.push_back(std::move(*record));
      if (auto* ask = std::get_if<Ask>(&effect)) asks.push_back(std::move(*ask));
      if (auto* respond = std::get_if<Respond>(&effect)) responses.push_back(std::move(*respond));
      if (auto* ended = std::get_if<Ended>(&effect)) ends.push_back(std::move(*ended));
      if (auto* found = std::get_if<Discovered>(&effect)) discoveries.push_back(std::move(*found));
      if (auto* known = std::get_if<NeighbourhoodKnown>(&effect)) news.push_back(std::move(*known));
      if (auto* told = std::get_if<QuestionEnded>(&effect)) questions.push_back(*told);
      if (auto* mute = std::get_if<PeerDeaf>(&effect)) deaf.push_back(*mute);
    }
  }

  wire::Contact stranger(wire::Role role = wire::Role::node) {
    return dialable(random_id(rng), role);
  }
  /// A peer whose link is up; what the machine asks because of it is answered with nothing.
  wire::Contact linked(Duration when, wire::Role role = wire::Role::node) {
    const wire::Contact contact = stranger(role);
    link(when, contact);
    return contact;
  }
  void link(Duration when, const wire::Contact& contact) {
    latest = std::max(latest, at(when));
    dht.on_link_up(at(when), contact);
    drain();
    answer_all(when);
  }
  /// Answers every open question with an empty list, or keeps the record.
  void answer_all(Duration when) {
    while (!asks.empty()) {
      const std::vector<Ask> open = std::exchange(asks, {});
      for (const Ask& ask : open) {
        wire::Message message = wire::FindNodeResponse{};
        if (std::holds_alternative<wire::FindValueRequest>(ask.message)) {
          message = wire::FindValueResponse{};
        }
        if (std::holds_alternative<wire::StoreRequest>(ask.message)) {
          message = wire::StoreResponse{};
        }
        answer(when, ask, message);
      }
    }
  }
  void answer(Duration when, const Ask& ask, const wire::Message& message) {
    latest = std::max(latest, at(when));
    const auto* value = std::get_if<wire::FindValueResponse>(&message);
    if (value != nullptr && value->found) {
      dht.on_record(at(when), ask.ask, crypto::VerifiedRecord::vouch_for(value->record));
    } else {
      dht.on_answer(at(when), ask.ask, message);
    }
    drain();
  }
  wire::Message request(Duration when, const NodeId& from, const wire::Message& message) {
    latest = std::max(latest, at(when));
    responses.clear();
    const RequestToken token{++tokens};
    if (const auto* store = std::get_if<wire::StoreRequest>(&message)) {
      dht.on_store(at(when), from, token, crypto::VerifiedRecord::vouch_for(store->record));
    } else {
      dht.on_request(at(when), from, token, message);
    }
    drain();
    if (responses.size() != 1 || responses[0].token.value != tokens) return wire::Goodbye{};
    return responses[0].message;
  }
  NodeId place(std::string_view key) { return crypto::place_of_key(suite, key); }

  std::uint64_t tokens = 0;
  /// The latest moment that the machine was told of.
  Instant latest{};
};

}  // namespace trestle::dht::test
