#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <span>
#include <string_view>

#include "trestle/base/bytes.hpp"
#include "trestle/base/time.hpp"
#include "trestle/dht/storage.hpp"
#include "trestle/link/transport.hpp"

namespace trestle::sim {

/// Names one node of a world for its whole life, restarts included.
using NodeIndex = std::uint32_t;
inline constexpr NodeIndex kNoNode = std::numeric_limits<NodeIndex>::max();

/// Names one connection (or attempt) of a world; counted from 1, never used again. 0: none.
using ConnectionSerial = std::uint64_t;

/// Everything that can happen to or be ordered by a node.
enum class HappeningKind : std::uint8_t {
  // life
  started,
  killed,
  shutdown_begun,
  reloaded,
  stopped,
  // orders of the node
  dial_ordered,   ///< peer: who listens at the URL, or kNoNode; text: the URL
  frame_ordered,  ///< bytes, records
  close_ordered,  ///< number: status; text: reason
  stray_order,    ///< An order for a connection that is not (or no longer) the node's. text: which
  sign_ordered,
  verify_ordered,
  disk_ordered,  ///< number: ticket; change: what is to be written
  // inputs of the node
  accepted,
  dialled,
  dial_failed,      ///< number: ErrorCode; text: reason
  frame_delivered,  ///< bytes, records
  drained,          ///< number: bytes
  closed,           ///< number: status; text: reason
  signed_,
  verified,       ///< number: 1 if valid
  disk_answered,  ///< number: ticket; code
  deadline,
  disk_lost,  ///< Its next start finds an empty disk.
  // users
  operation_accepted,  ///< number: operation
  operation_refused,   ///< number: ErrorCode
  operation_ended,     ///< number: operation; code
  joined,              ///< text: outcome
  logged,              ///< text: event; code
  // faults
  fault,
};

inline constexpr std::size_t kHappeningKinds = static_cast<std::size_t>(HappeningKind::fault) + 1;

std::string_view name(HappeningKind kind);

/// What a record of a native frame is to the rules of conversation.
enum class RecordPart : std::uint8_t { notification, request, answer, withdrawal };

/// The head of one record of a native frame. Frames are decoded once, when they are ordered.
struct RecordHead {
  std::string_view name;  ///< Static storage.
  std::uint64_t request_id = 0;
  RecordPart part = RecordPart::notification;
};

/// One thing that happened, as observers, the trace and the fingerprint see it. Views are valid
/// during the call only.
struct Happening {
  HappeningKind kind = HappeningKind::fault;
  Instant at{};
  NodeIndex node = kNoNode;
  std::uint32_t incarnation = 0;
  NodeIndex peer = kNoNode;
  ConnectionSerial connection = 0;
  /// 0: the node is the connection's dialler; 1: its acceptor.
  std::uint8_t side = 0;
  ErrorCode code = ErrorCode::none;
  std::uint64_t number = 0;
  link::FrameKind frame_kind = link::FrameKind::binary;
  ByteSpan bytes;
  std::span<const RecordHead> records;
  /// The frame was ordered by one of our nodes in the native dialect and does not decode.
  bool undecodable = false;
  std::string_view text;
  const dht::StorageChange* change = nullptr;
};

class World;

/// What an observer wants to be told of.
struct Interest {
  std::uint64_t kinds = ~std::uint64_t{0};  ///< One bit a kind of happening.
  /// To be called after every event too.
  bool wants_events = true;

  enum class Events : std::uint8_t { none, every };
  static constexpr Interest in(std::initializer_list<HappeningKind> kinds,
                               Events events = Events::none) {
    Interest interest{.kinds = 0, .wants_events = events == Events::every};
    for (const HappeningKind kind : kinds) interest.kinds |= bit(kind);
    return interest;
  }
  constexpr bool contains(HappeningKind kind) const { return (kinds & bit(kind)) != 0; }

 private:
  static constexpr std::uint64_t bit(HappeningKind kind) {
    return std::uint64_t{1} << static_cast<unsigned>(kind);
  }
};
static_assert(kHappeningKinds <= 64);

/// Watches a world. Called after every happening that interests it and after every event; may look
/// at everything and change nothing. A checker is an observer that calls
/// `World::report_violation`.
class Observer {
 public:
  virtual ~Observer() = default;
  /// Asked once, when it is added.
  virtual Interest interest() const { return {}; }
  virtual void observe(World& world, const Happening& happening) = 0;
  virtual void after_event(World& world) { static_cast<void>(world); }
};

}  // namespace trestle::sim
