#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "trestle/base/bytes.hpp"
#include "trestle/base/rng.hpp"
#include "trestle/base/time.hpp"
#include "trestle/link/transport.hpp"
#include "trestle/sim/happening.hpp"

namespace trestle::sim {

/// A side of a connection, and the direction that begins there.
using Side = std::uint8_t;
inline constexpr Side kDialler = 0;
inline constexpr Side kAcceptor = 1;
constexpr Side opposite(Side side) { return static_cast<Side>(1 - side); }

enum class EndState : std::uint8_t {
  absent,    ///< The acceptor has not heard of the connection yet.
  dialling,  ///< The dialler waits for the handshake.
  open,
  closed,  ///< The node was told, or said so itself, or is gone: it hears nothing more.
};

/// What one node believes about a connection. The two ends may believe different things: that is
/// the point.
struct End {
  NodeIndex node = kNoNode;
  std::uint32_t incarnation = 0;
  link::ConnectionId id{};
  EndState state = EndState::absent;
};

/// A frame under way, or the close behind the last one. Small: a network of a hundred thousand
/// nodes has millions of them.
struct Item {
  enum class Kind : std::uint8_t {
    frame,
    close,
    segment,  ///< A piece of a stream of bytes.
    end,      ///< The end of such a stream.
  };
  Bytes bytes;  ///< The frame, the segment, or the reason of the close.
  Instant arrives{};
  Kind kind = Kind::frame;
  link::FrameKind frame_kind = link::FrameKind::binary;
  std::uint16_t status = 0;
};

/// One direction of a connection: a queue in order of sending.
///
///     items:  [ arrived | in flight, in the kernel | waiting for room in the kernel ]
///             0       first                     admitted                          size
struct Lane {
  std::vector<Item> items;
  std::size_t first = 0;
  std::size_t admitted = 0;
  std::size_t kernel_bytes = 0;  ///< Admitted and not yet arrived.
  std::size_t undrained = 0;     ///< Admitted and not yet reported by `on_drained`.
  Instant busy_until{};          ///< The line is occupied by earlier bytes until then.
  Instant last_arrival{};        ///< Order is kept: nothing arrives before what was sent earlier.
  Instant stalled_since{};
  bool due_scheduled = false;
  bool drain_scheduled = false;
  bool stalled = false;
  /// Half-open: what is sent is taken over, and is gone.
  bool vanishes = false;

  bool empty() const { return first == items.size(); }
  bool ends_in_close() const { return !empty() && items.back().kind == Item::Kind::close; }
  /// Forgets the first item, which has arrived. Storage is kept and the dead front is cut off now
  /// and then.
  void drop_first() {
    constexpr std::size_t kDeadMax = 64;
    ++first;
    if (first == items.size() || (first >= kDeadMax && 2 * first >= items.size())) {
      items.erase(items.begin(), items.begin() + static_cast<std::ptrdiff_t>(first));
      admitted -= first;
      first = 0;
    }
  }
  void clear() {
    items.clear();
    first = admitted = kernel_bytes = undrained = 0;
    stalled = false;
  }
};

/// How the opening handshake stands.
enum class Opening : std::uint8_t {
  under_way,     ///< Not yet at the listener.
  unknown_host,  ///< The URL names nobody.
  refused,       ///< Nobody listens there.
  accepted,      ///< The listener accepted; its answer is under way.
  connected,     ///< Bytes can pass, and the upgrade is made of them.
  over,
};

/// One attempt to connect and what became of it.
struct Connection {
  ConnectionSerial serial = 0;
  std::uint32_t generation = 0;
  bool in_use = false;
  /// The path is dead for good and nobody is told: a half-open connection.
  bool cut = false;
  Opening opening = Opening::under_way;
  std::uint32_t opening_tries = 0;
  NodeIndex target = kNoNode;
  Rng rng{0};
  std::array<End, 2> ends;
  std::array<Lane, 2> lanes;
};

}  // namespace trestle::sim
