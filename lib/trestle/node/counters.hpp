#pragma once

#include "trestle/dht/dht.hpp"
#include "trestle/link/channel_set.hpp"
#include "trestle/mesh/mesh.hpp"
#include "trestle/node/link_gate.hpp"
#include "trestle/node/member/carrier.hpp"
#include "trestle/node/member/record_verifier.hpp"
#include "trestle/node/member/sealed_values.hpp"
#include "trestle/node/status.hpp"
#include "trestle/onboarding/joiner.hpp"
#include "trestle/onboarding/reception.hpp"
#include "trestle/pool/bridge_set.hpp"

namespace trestle::bridge {
struct DeskStats;
}
namespace trestle::admission {
class MembershipDesk;
}

namespace trestle::node {

struct EntranceStats;

/// Each room's figures under the stable names that `/status` and the metrics show. `_total` marks
/// those that only grow.
void add_counters(Status& status, const link::ChannelSet& channels);
/// Who is banned, and how often somebody was.
void add_bans(Status& status, Instant now, const link::BanList& bans);
void add_counters(Status& status, const mesh::MeshStats& stats);
void add_counters(Status& status, Instant now, const mesh::Stability& stability);
void add_counters(Status& status, const dht::DhtStats& stats);
void add_upkeep(Status& status, Instant now, const dht::Dht& dht);
void add_counters(Status& status, const LinkGateStats& stats);
void add_counters(Status& status, const EntranceStats& stats);
void add_counters(Status& status, const RecordVerifierStats& stats);
void add_counters(Status& status, const SealedValuesStats& stats);
void add_counters(Status& status, const CarrierStats& stats);
void add_counters(Status& status, const onboarding::JoinerStats& stats);
void add_counters(Status& status, const onboarding::ReceptionStats& stats);
void add_counters(Status& status, const bridge::DeskStats& stats);
void add_counters(Status& status, const admission::MembershipDesk& desk);
/// The slots of the set, and what sums over them.
void add_bridges(Status& status, Instant now, const pool::BridgeSet& bridges);

}  // namespace trestle::node
