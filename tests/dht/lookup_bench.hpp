#pragma once

#include <vector>

#include "dht/contacts.hpp"
#include "dht/dht_bench.hpp"
#include "trestle/dht/lookup.hpp"

namespace trestle::dht::test {

/// One lookup with its effects sorted by kind.
struct LookupBench {
  Rng rng{21};
  NodeId self = random_id(rng);
  NodeId target = random_id(rng);
  Lookup lookup;
  std::vector<LookupAsk> asks;
  std::vector<LookupEnded> ends;

  explicit LookupBench(LookupKind kind = LookupKind::find_node, LookupOptions options = {})
      : lookup(self, kind, target, kind == LookupKind::find_value ? "key" : "", options) {}

  /// A candidate sharing `bits` leading bits with the target.
  Candidate peer(unsigned bits, bool connected = false) {
    return {.contact = dialable(random_id_at(rng, target, bits)), .connected = connected};
  }
  Candidate seed(unsigned bits, bool connected = false) {
    const Candidate candidate = peer(bits, connected);
    lookup.add_seed(candidate);
    return candidate;
  }
  void drain() {
    for (LookupEffect& effect : drained(lookup)) {
      if (auto* ask = std::get_if<LookupAsk>(&effect)) asks.push_back(std::move(*ask));
      if (auto* ended = std::get_if<LookupEnded>(&effect)) ends.push_back(std::move(*ended));
    }
  }
  void start() {
    lookup.start(at(Duration{}));
    drain();
  }
  void answer(Duration when, const NodeId& from, const std::vector<Candidate>& contacts = {}) {
    lookup.on_contacts(at(when), from, contacts);
    drain();
  }
  void record(Duration when, const NodeId& from, std::uint64_t version = 0) {
    wire::Record found;
    found.key = "key";
    found.version = version;
    lookup.on_record(at(when), from, found);
    drain();
  }
  void fail(Duration when, const NodeId& peer, ErrorCode code = ErrorCode::unreachable) {
    lookup.on_failed(at(when), peer, code);
    drain();
  }
  void pass(Duration when) {
    lookup.on_deadline(at(when));
    drain();
  }
};

}  // namespace trestle::dht::test
