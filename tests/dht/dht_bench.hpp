#pragma once

#include <string>
#include <utility>
#include <vector>

#include "dht/contacts.hpp"
#include "trestle/crypto/identity.hpp"
#include "trestle/dht/dht.hpp"

namespace trestle::dht::test {

template <typename Machine>
auto drained(Machine& machine) {
  std::vector<typename decltype(machine.poll_effect())::value_type> effects;
  while (auto effect = machine.poll_effect()) effects.push_back(std::move(*effect));
  return effects;
}

/// One machine with its effects sorted by kind.
struct DhtBench {
  explicit DhtBench(const DhtOptions& options = {}, std::uint64_t seed = 17)
      : rng(seed), suite(seed), dht(dialable(random_id(rng)), options, suite, rng.fork("own")) {}

  Rng rng;
  crypto::Suite suite;
  Dht dht;
  std::vector<Ask> asks;
  std::vector<Respond> responses;
  std::vector<Ended> ends;
  std::vector<Discovered> discoveries;
  std::vector<NeighbourhoodKnown> news;

  void drain() {
    for (Effect& effect : drained(dht)) {
      if (auto* ask = std::get_if<Ask>(&effect)) asks.push_back(std::move(*ask));
      if (auto* respond = std::get_if<Respond>(&effect)) responses.push_back(std::move(*respond));
      if (auto* ended = std::get_if<Ended>(&effect)) ends.push_back(std::move(*ended));
      if (auto* found = std::get_if<Discovered>(&effect)) discoveries.push_back(std::move(*found));
      if (auto* known = std::get_if<NeighbourhoodKnown>(&effect)) news.push_back(std::move(*known));
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
    dht.on_answer(at(when), ask.ask, message);
    drain();
  }
  wire::Message request(Duration when, const NodeId& from, const wire::Message& message) {
    responses.clear();
    dht.on_request(at(when), from, RequestToken{++tokens}, message);
    drain();
    if (responses.size() != 1 || responses[0].token.value != tokens) return wire::Goodbye{};
    return responses[0].message;
  }
  NodeId place(std::string_view key) { return crypto::place_of_key(suite, key); }

  std::uint64_t tokens = 0;
};

inline Bytes value_of(std::string_view text) { return to_bytes(as_bytes(text)); }

}  // namespace trestle::dht::test
