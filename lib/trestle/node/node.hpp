#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "trestle/base/bytes.hpp"
#include "trestle/base/log_record.hpp"
#include "trestle/base/result.hpp"
#include "trestle/base/time.hpp"
#include "trestle/dht/lookup_step.hpp"
#include "trestle/dht/lookup_wish.hpp"
#include "trestle/dht/storage.hpp"
#include "trestle/link/transport.hpp"
#include "trestle/node/issue_membership.hpp"
#include "trestle/node/options.hpp"
#include "trestle/node/put_options.hpp"
#include "trestle/node/status.hpp"
#include "trestle/wire/message/contact.hpp"
#include "trestle/wire/message/dht.hpp"

namespace trestle::node {

/// Names one operation of a user (put, get, find) until its end is reported.
struct OperationId {
  std::uint64_t value = 0;
  friend constexpr auto operator<=>(const OperationId&, const OperationId&) = default;
};

/// How a user's operation ended. Every accepted operation ends exactly once.
struct OperationEnded {
  OperationId operation;
  ErrorCode code = ErrorCode::none;
  /// put, refresh, remove: how many nodes have synced the record to their disk when this was
  /// reported, this one included if it is among the nearest.
  std::uint32_t replicas = 0;
  /// How many it takes to call it acknowledged: max(2, floor(R / 2) + 1) (design section 6).
  std::uint32_t replicas_wanted = 0;
  /// Kept, but by fewer than that: it may be lost with few nodes.
  bool weak = false;
  /// The version that was written.
  std::uint64_t version = 0;
  /// get: the record, when found; its value is opened already.
  std::optional<wire::Record> record{};
  /// get: for whom it was sealed; nothing if it was not. put: the same of what was written.
  std::optional<crypto::Audience> audience{};
  /// A clause for a person on the code, if it does not say all. Static storage.
  std::string_view detail{};
  /// find: the nearest nodes, nearest first.
  wire::Contacts contacts{};
  /// trace: every question of the lookup, in the order of asking.
  std::vector<dht::LookupStep> steps{};
};

/// What a node was when it last ran, as far as its driver kept it.
struct Restored {
  std::vector<dht::StoredRecord> records;
  /// Hints, as every contact; probed before anything is built on them.
  wire::Contacts peers;
  /// The last `SaveAdmission` of each part, and lists of revocations from elsewhere.
  Bytes membership{};
  Bytes members{};
  Bytes network_key{};
  std::vector<Bytes> revocations{};

  bool empty() const {
    return records.empty() && peers.empty() && membership.empty() && members.empty() &&
           network_key.empty() && revocations.empty();
  }
};

/// Keep this for the next start, in the place of what was said before of that part. It is nobody
/// else's business.
struct SaveAdmission {
  enum class Part : std::uint8_t {
    membership,   ///< What we are.
    members,      ///< At a bridge: whom it let in.
    revocations,  ///< The lists in force (`pack`).
    network_key,  ///< What values are sealed with, as a bridge wrapped it for us.
  };
  Part part = Part::membership;
  Bytes content;
};

/// These peers are worth remembering for the next start, best first. In the place of what was said
/// before.
struct SavePeers {
  wire::Contacts peers;
};

/// A peer joined through this node (bootstrap) or this node joined (the others): what `make run`
/// and an operator's log show.
struct Joined {
  wire::Contact peer;
  wire::Contact through;
  Duration took{};
  std::string_view outcome;
};

/// The node has finished draining after `begin_shutdown`; the driver may stop.
struct Stopped {};

using Effect = std::variant<link::Dial, link::SendFrame, link::CloseTransport, link::Sign,
                            link::Verify, OperationEnded, Joined, LogRecord, Stopped, dht::Persist,
                            SavePeers, IssueMembership, SaveAdmission>;

/// A whole node as its driver sees it: the only boundary between the core and the world (design
/// section 2).
///
/// The driver calls one changing member, drains `poll_effect` to the end, performs the effects in
/// order, then arms one timer for `next_deadline`. It may call several changing members before it
/// drains: what is ready then leaves in fewer, larger frames. `now` never goes backwards. All calls
/// come from one thread. Virtual on purpose: the driver is one piece of code for all three
/// programs, and one indirect call per input costs nothing beside the system call that brought it.
class Node {
 public:
  virtual ~Node() = default;

  // ---- life ----
  /// Before `start`, if there is anything.
  virtual void restore(Instant /*now*/, Restored /*restored*/) {}
  virtual void start(Instant now) = 0;
  /// Refuse new work, answer or code what is in flight, say goodbye; `Stopped` follows, at the
  /// latest after the drain bound.
  virtual void begin_shutdown(Instant now) = 0;
  /// The calendar, at start and whenever it jumped.
  virtual void on_wall_clock(Instant now, WallTime wall) = 0;
  /// The settings were read again. Nothing that is in flight fails by it. Nodes without settings
  /// that can change ignore it.
  virtual void on_reload(Instant /*now*/, const Reload& /*reload*/) {}

  // ---- transport ----
  /// An inbound WebSocket is open. The id names it from now on.
  virtual link::ConnectionId on_accepted(Instant now, const link::Accepted& accepted) = 0;
  virtual void on_dialled(Instant now, link::ConnectionId connection) = 0;
  virtual void on_dial_failed(Instant now, link::ConnectionId connection, ErrorCode code,
                              std::string_view reason) = 0;
  /// One whole message, fragments joined. `bytes` is borrowed for the call.
  virtual void on_frame(Instant now, link::ConnectionId connection, link::FrameKind kind,
                        ByteSpan bytes) = 0;
  /// So many bytes of the frames ordered earlier have left for the kernel.
  virtual void on_drained(Instant now, link::ConnectionId connection, std::size_t bytes) = 0;
  /// The peer closed, or the connection broke (`status` 1006). The last input for this id.
  virtual void on_closed(Instant now, link::ConnectionId connection, std::uint16_t status,
                         std::string_view reason) = 0;

  // ---- crypto ----
  virtual void on_signed(Instant now, link::ConnectionId connection, link::Ticket ticket,
                         const wire::Signature& signature) = 0;
  virtual void on_verified(Instant now, link::ConnectionId connection, link::Ticket ticket,
                           bool valid) = 0;

  /// The token is signed. `network_key` goes with it to the member, sealed to its key; empty if
  /// there is none.
  virtual void on_membership_issued(Instant /*now*/, IssueTicket /*ticket*/,
                                    const crypto::Membership& /*token*/, Bytes /*network_key*/) {}

  // ---- disk ----
  /// `none` once the order is on disk and synced. STORAGE_FAILED is final: the driver will take no
  /// more, the node keeps nothing new. Any other code (STORE_FULL: no space, BUSY: too many orders,
  /// NOT_FOUND: no such record is there to be prolonged): this one was not done, later ones may be.
  /// STORAGE_FAILED with a ticket that was never given: the disk was lost while nothing was
  /// ordered.
  virtual void on_persisted(Instant /*now*/, dht::StorageTicket /*ticket*/, ErrorCode /*code*/) {}

  // ---- memory ----
  /// How much there is left, whenever that changes.
  virtual void on_memory(Instant /*now*/, MemoryState /*state*/) {}

  // ---- users ----
  /// UNSUPPORTED on nodes that keep no data, BUSY when too many operations are under way. For the
  /// network, if it has a key.
  virtual Result<OperationId, ErrorCode> put(Instant now, std::string key, Bytes value,
                                             Duration ttl) = 0;
  /// For an audience. Refused as well: INVALID_REQUEST for readers that cannot be, UNSUPPORTED
  /// without the secrets it takes, TOO_LARGE if the value with its seal is.
  virtual Result<OperationId, ErrorCode> put_as(Instant now, std::string key, Bytes value,
                                                const PutOptions& options) {
    if (options.audience) return refuse(ErrorCode::unsupported);
    return put(now, std::move(key), std::move(value), options.ttl);
  }
  virtual Result<OperationId, ErrorCode> get(Instant now, std::string key) = 0;
  virtual Result<OperationId, ErrorCode> find(Instant now, const NodeId& target) = 0;
  /// Gives a record its whole life again, whoever wrote it.
  virtual Result<OperationId, ErrorCode> refresh(Instant /*now*/, std::string /*key*/) {
    return refuse(ErrorCode::unsupported);
  }
  /// Deletes: a tombstone takes the record's place.
  virtual Result<OperationId, ErrorCode> remove(Instant /*now*/, std::string /*key*/) {
    return refuse(ErrorCode::unsupported);
  }
  /// As `get` and `find`, along several paths, with every step told, or as else is wished.
  virtual Result<OperationId, ErrorCode> get_as(Instant now, std::string key,
                                                const dht::LookupWish& /*wish*/) {
    return get(now, std::move(key));
  }
  virtual Result<OperationId, ErrorCode> find_as(Instant now, const NodeId& target,
                                                 const dht::LookupWish& /*wish*/) {
    return find(now, target);
  }

  // ---- time, drain, look ----
  virtual Instant next_deadline() const = 0;
  virtual void on_deadline(Instant now) = 0;
  virtual std::optional<Effect> poll_effect(Instant now) = 0;
  virtual Status status(Instant now) const = 0;
  /// Who was let in, and by whom: at a bridge, in the order of their ids.
  virtual std::vector<MemberStatus> members() const { return {}; }
  /// What `/health` says: whether the node can do its job right now.
  virtual bool is_healthy(Instant now) const = 0;
};

}  // namespace trestle::node
