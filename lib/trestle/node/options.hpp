#pragma once

#include <optional>
#include <string>
#include <vector>

#include "trestle/base/bytes.hpp"
#include "trestle/base/time.hpp"
#include "trestle/bridge/admission_policy.hpp"
#include "trestle/bridge/introduction_options.hpp"
#include "trestle/crypto/network_key.hpp"
#include "trestle/dht/lookup_wish.hpp"
#include "trestle/dht/peer_group.hpp"
#include "trestle/dht/routing_table_options.hpp"
#include "trestle/node/admission_options.hpp"
#include "trestle/node/limits.hpp"
#include "trestle/node/member/platform.hpp"
#include "trestle/pool/bridge_endpoint.hpp"

namespace trestle::node {

/// What all three programs are told.
struct CommonOptions {
  /// Links between different networks are refused.
  std::string network = "main";
  /// The URL under which others reach this node; what is advertised, never what is listened on
  /// (X15). Empty: cannot be dialled.
  std::string address;
  /// Whether peers of the old dialect are served. Off refuses their first frame.
  bool legacy = true;
  /// Members: a line for the end of every question of every lookup (OBS-08). Worth its cost at the
  /// log's finest level only.
  bool log_questions = false;
  /// Bound of a clean shutdown: what is in flight is answered or coded within it (C4: exit within
  /// 10 s).
  Duration drain_max = std::chrono::seconds(5);
  AdmissionOptions admission{};
  Limits limits;
};

struct BootstrapOptions {
  CommonOptions common;
  /// Each gets exactly one connection, whatever the number of its addresses.
  std::vector<pool::BridgeEndpoint> bridges;
  pool::BridgeMode bridge_mode = pool::BridgeMode::pool;
  /// Keys the challenge between bootstrap and bridge. Empty: bridges that demand it refuse us.
  Bytes bridge_secret;
  /// Demanded from bridges of the old dialect, which show it in clear: never the one above. Empty:
  /// none of them is asked.
  Bytes legacy_bridge_secret{};
  /// Whether the first node of an empty network may be designated genesis (BOOT-08).
  bool genesis = false;
};

struct BridgeOptions {
  CommonOptions common;
  std::vector<std::string> bootstrap_urls;
  /// Demanded from whoever connects as a bootstrap node. Empty: nobody can.
  Bytes bridge_secret;
  /// Demanded from a bootstrap node of the old dialect, which shows it in clear: never the one
  /// above. Empty: none can.
  Bytes legacy_bridge_secret{};
  /// Whom to admit and who goes first. Borrowed, outlives the node; null: everybody, in turn.
  bridge::AdmissionPolicy* admission = nullptr;
  bridge::IntroductionDeskOptions desk;
  /// Whether peers that may be in one hand are kept to a share of the routing table.
  dht::Diversity diversity = dht::Diversity::off;
  dht::LookupMode lookup_mode = dht::LookupMode::iterative;
  dht::Proximity proximity = dht::Proximity::off;
};

/// What the values of users are sealed with.
struct ValueOptions {
  /// Empty: a network without a key. Its values are signed and not encrypted, unless they are for
  /// somebody.
  crypto::NetworkKeys network_keys{};
  /// Until then values that are not sealed are read in a network with a key: while it moves from
  /// one to the other (X46). Each is counted and logged.
  WallTime plain_until = WallTime::min();
};

struct NodeOptions {
  CommonOptions common;
  std::vector<std::string> bootstrap_urls;
  dht::Diversity diversity = dht::Diversity::off;
  dht::LookupMode lookup_mode = dht::LookupMode::iterative;
  dht::Proximity proximity = dht::Proximity::off;
  Platform platform = Platform::server;
  ValueOptions values{};
};

/// What may change while a program runs (SIGHUP). Whatever is not here needs a restart.
struct Reload {
  std::vector<pool::BridgeEndpoint> bridges;              ///< bootstrap-node
  pool::BridgeMode bridge_mode = pool::BridgeMode::pool;  ///< bootstrap-node
  /// bootstrap-node, bridge-node. Also takes bridges back that refused the old one (X5).
  Bytes bridge_secret;
  Bytes legacy_bridge_secret{};  ///< bootstrap-node, bridge-node
  bool log_questions = false;    ///< bridge-node, dht-node
  /// dht-node. Nothing: those it has stay.
  std::optional<crypto::NetworkKeys> network_keys{};
  /// Lists of revocations, encoded. They count if they are newer than those in force.
  std::vector<Bytes> revocations{};
  /// Those of links, and of introductions. Nothing: those in force stay.
  std::optional<Limits> limits{};
};

}  // namespace trestle::node
