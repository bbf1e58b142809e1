#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "trestle/base/bytes.hpp"
#include "trestle/base/time.hpp"
#include "trestle/dht/dht_options.hpp"
#include "trestle/dht/link_value.hpp"
#include "trestle/link/channel_set.hpp"
#include "trestle/mesh/mesh_options.hpp"
#include "trestle/node/member/carrier.hpp"
#include "trestle/node/member/legacy_registration.hpp"
#include "trestle/node/member/peer_memory.hpp"
#include "trestle/node/member/record_verifier.hpp"
#include "trestle/node/options.hpp"
#include "trestle/onboarding/joiner.hpp"
#include "trestle/wire/message/contact.hpp"

namespace trestle::node {

/// What distinguishes the two programs that are members of the DHT.
struct MemberOptions {
  CommonOptions common;
  std::string_view program;
  wire::Role role = wire::Role::node;
  std::vector<std::string> bootstrap_urls;
  Bytes bridge_secret;
  Bytes legacy_bridge_secret;
  link::ChannelSetOptions channels;
  mesh::MeshOptions mesh;
  /// Whose link is given up for a newcomer's when there are `mesh.links_max`.
  dht::LinkValueOptions link_values;
  dht::DhtOptions dht;
  onboarding::JoinerOptions joiner;
  LegacyRegistrationOptions old_bootstrap;
  PeerMemoryOptions peer_memory;
  CarrierOptions carrier;
  /// How long a join asked of a bootstrap node may take: its own bound is 4.5 s, or 10.5 s while a
  /// bridge of the old dialect may be asked.
  Duration join_timeout = std::chrono::seconds(12);
  /// Questions to peers whose link is still being made; one more fails at once.
  std::size_t pending_asks_max = 1024;
  /// `network` and `legacy` follow the common options.
  RecordVerifierOptions records;
  ValueOptions values;
  /// Requests that the DHT works on: twice those that may wait for its disk.
  std::size_t served_requests_max = 8192;

  /// Takes the limits out of the common options into the rooms that keep them.
  void spread_limits();
};

}  // namespace trestle::node
