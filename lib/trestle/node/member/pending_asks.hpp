#pragma once

#include <cstddef>
#include <vector>

#include "trestle/base/node_id.hpp"
#include "trestle/base/time.hpp"
#include "trestle/dht/dht_effect.hpp"

namespace trestle::node {

/// A question to a peer whose link is still being made.
struct PendingAsk {
  dht::AskId ask;
  NodeId peer{};
  wire::Message message;
  Instant deadline = kNever;
  bool for_upkeep = false;
};

/// Questions that wait for a link. A policy: bounded, small, in the order they came.
class PendingAsks {
 public:
  explicit PendingAsks(std::size_t asks_max) : asks_max_(asks_max) {}

  /// False when full.
  [[nodiscard]] bool add(PendingAsk ask);
  /// Takes out everything that waits for this peer.
  std::vector<PendingAsk> take(const NodeId& peer);
  /// Takes out everything whose time is over.
  std::vector<PendingAsk> take_due(Instant now);
  std::vector<PendingAsk> take_all();
  Instant next_deadline() const;
  std::size_t size() const { return asks_.size(); }

 private:
  template <typename Condition>
  std::vector<PendingAsk> take_if(Condition condition);

  std::size_t asks_max_;
  std::vector<PendingAsk> asks_;
};

}  // namespace trestle::node
