#pragma once

#include <cstdint>

#include "trestle/dht/record_store.hpp"
#include "trestle/dht/serving_limits.hpp"
#include "trestle/link/channel_set.hpp"
#include "trestle/node/member/carrying_budgets.hpp"
#include "trestle/node/member/record_verifier.hpp"
#include "trestle/onboarding/reception_options.hpp"

namespace trestle::node {

/// What a peer, an address, and all of them together may take of a node, as far as the core keeps
/// watch (reliability.md section 10). Every default and its reason stands in the room that keeps
/// it.
struct Limits {
  link::ChannelSetOptions links;
  RecordVerifierOptions records;         ///< Members; its `network` and `legacy` are not looked at.
  dht::ServingLimitsOptions serving;     ///< Members.
  dht::RecordStoreOptions store;         ///< dht-node
  CarryingBudgetOptions carried_origin;  ///< Members: requests carried for one originator.
  /// Bootstrap nodes: answers with peers to one identity.
  Pace introductions = onboarding::ReceptionOptions{}.answers;
};

/// How short memory is. The driver measures, the node gives up what it can do without.
enum class MemoryState : std::uint8_t {
  plenty,
  short_of,  ///< Caches and idle links go, strangers come in few at a time.
  exhausted  ///< Nothing new is kept, nobody new is let in.
};

}  // namespace trestle::node
