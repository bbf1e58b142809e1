#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "trestle/base/deadlines.hpp"
#include "trestle/base/flat_map.hpp"
#include "trestle/base/log_record.hpp"
#include "trestle/base/outbox.hpp"
#include "trestle/dht/dht_effect.hpp"
#include "trestle/dht/record_store.hpp"

namespace trestle::dht {

struct RecordDeskOptions {
  /// A store request whose record is not synced by then is answered BUSY: the server's budget is 3
  /// s (P-CR-6), the rest is for the way back.
  Duration answer_within = std::chrono::milliseconds(2500);
  /// Whoever waits for the disk; one more is answered BUSY. At the 5,000 synced writes a second of
  /// a slow disk, all of them are done within a second.
  std::size_t waiting_max = 4096;
};

/// The copy that a write of ours keeps here.
struct OwnCopy {
  OperationId operation;
  std::uint32_t attempt = 0;
};

/// It is synced, or will not be.
struct SyncedHere {
  OwnCopy copy;
  ErrorCode code = ErrorCode::none;
};

using RecordDeskEffect = std::variant<Persist, Respond, SyncedHere, LogRecord>;

/// The store, and those who wait for its disk: a machine. A record is kept for a peer or for an
/// operation of our own; either hears of it once, when the disk has synced it.
class RecordDesk {
 public:
  RecordDesk(const NodeId& owner, std::string network, const RecordStoreOptions& records,
             const RecordDeskOptions& options, crypto::Suite& suite);

  // ---- commands ----
  /// Answers with `Respond`, once.
  void store(Instant now, RequestToken token, const NodeId& from, wire::Dialect dialect,
             const crypto::VerifiedRecord& record);
  /// Our own copy. True: it is on disk already; false: `SyncedHere` follows.
  Result<bool, ErrorCode> keep(Instant now, const OwnCopy& copy,
                               const crypto::VerifiedRecord& record);
  /// Whoever waits is answered SHUTTING_DOWN.
  void close();

  // ---- inputs ----
  void on_link_up(const NodeId& peer, PeerGroup group);
  void on_link_down(const NodeId& peer) { groups_.erase(peer); }
  void on_persisted(StorageTicket ticket, ErrorCode code);

  // ---- time, drain, look ----
  Instant next_deadline() const;
  void on_deadline(Instant now);
  std::optional<RecordDeskEffect> poll_effect();
  RecordStore& records() { return records_; }
  const RecordStore& records() const { return records_; }
  std::size_t waiting() const { return by_ticket_.size(); }
  /// Store requests that the disk was too slow for.
  std::uint64_t busy() const { return busy_; }

 private:
  using Slot = Deadlines::Slot;
  struct Waiter {
    std::variant<RequestToken, OwnCopy> who;
    wire::StoreOutcome outcome = wire::StoreOutcome::stored;
    StorageTicket ticket;
  };

  void await(Instant now, StorageTicket ticket, const Waiter& waiter);
  void tell(const Waiter& waiter, ErrorCode code);
  void forget(Slot slot);

  RecordStore records_;
  RecordDeskOptions options_;
  FlatMap<NodeId, PeerGroup> groups_;
  std::vector<Waiter> waiters_;
  std::vector<Slot> vacant_;
  std::multimap<StorageTicket, Slot> by_ticket_;
  Deadlines deadlines_;
  std::uint64_t busy_ = 0;
  Outbox<RecordDeskEffect> outbox_;
};

}  // namespace trestle::dht
