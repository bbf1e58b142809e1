#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "trestle/base/node_id.hpp"
#include "trestle/wire/legacy/raw_json.hpp"
#include "trestle/wire/message/contact.hpp"

namespace trestle::wire::legacy {

/// Bounds of what is remembered of a peer's metadata. The same figures as for contacts in the
/// native dialect.
struct MetadataLimits {
  std::size_t address_bytes_max = 512;  ///< A URL. A longer one counts as none.
  std::size_t metadata_bytes_max =
      4096;  ///< Kept bytes; a recorded bridge with its token has 1.1 KiB. Longer: not kept.
  std::size_t node_type_bytes_max =
      32;  ///< "nodejs-active" is the longest known one. Longer: as if unknown.
};

/// What one of our nodes shows to JavaScript peers.
struct Advertisement {
  /// `node`, `bridge` or `observer`; a bootstrap node has no metadata.
  Role role = Role::node;
  /// Where this node can be dialled, or empty if it cannot.
  std::string address;
  /// Milliseconds since 1970; peers show it and decide nothing by it.
  std::int64_t start_time_ms = 0;
  /// Membership token to show, as JSON object.
  std::optional<RawJson> membership_token;
  /// A bridge or node without any peer asks the bootstrap node for any peer at all (protocol
  /// section 5.3).
  bool needs_peers = false;
  /// Whether to add our own member. False only when describing somebody else, who does not speak
  /// it.
  bool lists_native_dialect = true;
};

/// The `metadata` object for `register`, `get_peers_or_genesis`, `dht_peer_hello` and
/// `dht_peer_connected`. Says "nodejs" or "bridge", the only types a JavaScript peer dials
/// (protocol section 4.1); never contains the shared bridge secret; and has one member of ours,
/// `trestle`, by which our nodes recognise each other in what JavaScript peers pass on.
RawJson describe(const Advertisement& advertisement);

/// What a peer's metadata says, as far as we use it. All of it is a claim.
struct PeerDescription {
  /// URL to dial: `listeningAddress`, else `publicWssAddress`, else `websocketAddress`. Empty if
  /// there is none, if it is not ws:// or wss://, if its host is the unspecified address (a
  /// JavaScript node without a configured address says ws://0.0.0.0), or if the peer accepts no
  /// connections.
  std::string address;
  /// "nodejs", "bridge", "browser", ...; empty if it does not say.
  std::string node_type;
  bool is_bridge = false;
  bool is_browser = false;
  /// One of ours: dial it in the native dialect.
  bool lists_native_dialect = false;
  /// Asks for any peer at all (`needsPeers` or `emergencyRecovery`).
  bool needs_peers = false;
  /// Shows a membership token with a holder and an issuer: was a member before. Unproven.
  bool shows_membership = false;
  /// Signed by the token's issuer as genesis. Unproven.
  bool claims_genesis = false;

  bool is_dialable() const { return !address.empty(); }
  friend bool operator==(const PeerDescription&, const PeerDescription&) = default;
};

/// Reads metadata. Never fails: what is missing or senseless reads as not said, and `null` or
/// absent metadata says nothing.
PeerDescription describe_peer(const std::optional<RawJson>& metadata,
                              const MetadataLimits& limits = {});

/// The peer as a contact of the common vocabulary, with its metadata as received.
Contact to_contact(NodeId id, const std::optional<RawJson>& metadata,
                   const MetadataLimits& limits = {});

/// The metadata to show for a contact when naming it to a JavaScript peer: as received if that is a
/// JSON object, else made from what we know of it.
RawJson metadata_of(const Contact& contact);

}  // namespace trestle::wire::legacy
