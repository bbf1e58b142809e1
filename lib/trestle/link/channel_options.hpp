#pragma once

#include <cstddef>
#include <cstdint>

#include "trestle/base/time.hpp"
#include "trestle/link/keepalive.hpp"
#include "trestle/link/multiplexer.hpp"
#include "trestle/wire/legacy/limits.hpp"
#include "trestle/wire/native/limits.hpp"

namespace trestle::link {

/// What becomes of a connection whose first frame is text.
enum class LegacyMode : std::uint8_t {
  refused,  ///< The old dialect is switched off (`--legacy off`).
  peers,    ///< A DHT peer: `dht_peer_hello`, then requests in both directions. On a bridge also
            ///< `bootstrap_auth`.
  clients,  ///< A client of a bootstrap node, seen from either end: its frames go to the owner, who
            ///< decides when the link counts as open. Whoever dialled needs no opening.
};

struct ChannelOptions {
  MultiplexerOptions multiplexer;
  KeepaliveOptions keepalive;
  wire::native::Limits limits;
  /// A stranger's frame is bounded tighter until it has proven who it is (reliability.md section
  /// 10).
  std::size_t frame_bytes_max_before_open = wire::native::kFrameBytesBeforeHelloMax;
  /// A connection that has not finished its opening by then is closed (slowloris; reliability.md
  /// section 10: first message 10 s).
  Duration open_within = std::chrono::seconds(10);
  /// A batch is closed at this size and the next one begun: large enough to fill a TLS record,
  /// small enough to be one write (design section 4: 16-64 KiB).
  std::size_t batch_bytes_max = 16 * 1024;
  /// Requests of the peer that we have not answered yet; one more is answered BUSY.
  std::size_t served_max = 256;
  /// Ordered but not yet sent. Over it the peer is not reading what it asked for and is cut (C13).
  std::size_t unsent_bytes_max = 1024 * 1024;
  /// Over this for so long it does not read either, only less obviously: a slow line is given time
  /// for one burst, not a megabyte for as long as it likes (reliability.md section 10).
  std::size_t unsent_soft_bytes_max = 256 * 1024;
  Duration unsent_soft_for = std::chrono::seconds(10);
  /// Towards a stranger, who is told a welcome or a goodbye and asks for nothing more.
  std::size_t unsent_bytes_max_before_open = 16 * 1024;
  /// Requests that the peer may withdraw unanswered within `withdrawals_within`; one more ends the
  /// link, for asking and withdrawing costs us work and the peer nothing. Bootstrap nodes have
  /// shown a secret and withdraw what a quicker bridge has answered: as many as they like.
  std::uint32_t withdrawals_max = 100;
  Duration withdrawals_within = std::chrono::seconds(10);
  LegacyMode legacy = LegacyMode::refused;
  wire::legacy::Limits legacy_limits;
};

}  // namespace trestle::link
