#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "trestle/base/deadlines.hpp"
#include "trestle/base/error_code.hpp"
#include "trestle/base/outbox.hpp"
#include "trestle/base/result.hpp"
#include "trestle/base/time.hpp"
#include "trestle/crypto/record.hpp"
#include "trestle/dht/record_quotas.hpp"
#include "trestle/dht/storage.hpp"

namespace trestle::dht {

/// All from reliability section 10 unless said otherwise.
struct RecordStoreOptions {
  std::size_t value_bytes_max = 10 * 1024;
  /// The codec's bound; legacy key texts are some 80 bytes.
  std::size_t key_bytes_max = 1024;
  RecordQuotaOptions quotas;
  Duration ttl_max = std::chrono::days(30);
  /// A version further ahead of our own calendar than this is refused: nobody may block a key with
  /// the highest number there is. A day covers clocks that are wrong by a time zone.
  Duration version_ahead_max = std::chrono::hours(24);
  /// Life gained by a refresh that may be lost by a restart: less is not worth a sync, since every
  /// holder's refresh brings the milliseconds a message was under way. Also never more than this
  /// part of the record's life.
  Duration unwritten_max = std::chrono::minutes(1);
  std::uint32_t unwritten_divisor = 64;
};

/// Who delivered a copy; decides what it is charged to.
enum class Deliverer : std::uint8_t {
  ourselves,  ///< A user of this node, or what it carries out for one.
  peer,       ///< A peer of the native dialect, on its own behalf or as a copy.
  old_peer,   ///< A peer of the old dialect: its values have no version, the last one counts.
};

struct Delivery {
  Deliverer by = Deliverer::ourselves;
  NodeId from{};
  PeerGroup group{};
};

/// A record is kept: what it was for us, and which order to the disk it takes to be synced.
struct Kept {
  wire::StoreOutcome outcome = wire::StoreOutcome::stored;
  /// Nothing: it is on disk already.
  std::optional<StorageTicket> awaits;
  friend bool operator==(const Kept&, const Kept&) = default;
};

/// A record that is kept, with what this node alone knows of it (STORE-06: none of it is told).
struct Replica {
  wire::Record record;  ///< `left_ms` is stale: see `left_ms(now)`.
  NodeId place{};
  wire::RecordDigest digest{};
  NodeId charged_to{};
  PeerGroup group{};
  /// Written through this node: it sees to the refreshing.
  bool own = false;
  Instant received{};
  /// When somebody last showed that it lives on; puts off our own refreshing (STORE-04).
  Instant refreshed{};
  /// The end of its life; from then on nobody is given it.
  Instant ends{};
  /// The end of its grace: from then on it is forgotten (STORE-05). Not before what it took the
  /// place of would have been, so that no copy of that comes back.
  Instant forgotten{};
  Instant forgotten_min{};

  bool is_alive(Instant now) const { return now < ends; }
  bool is_tombstone() const { return record.kind == wire::RecordKind::tombstone; }
  /// What is left of its life, rounded up; 0 in its grace.
  std::uint64_t left_ms(Instant now) const;
  /// As it is told to others.
  wire::Record told(Instant now) const;
};

struct RecordStoreStats {
  std::size_t records = 0;  ///< Tombstones and records in their grace included.
  std::size_t tombstones = 0;
  std::size_t bytes = 0;
  std::size_t sources = 0;
  std::uint64_t accepted = 0;
  std::uint64_t refused = 0;
  std::uint64_t outdated = 0;     ///< Of the refused, those that came too late.
  std::uint64_t ended = 0;        ///< Lives that ended.
  std::uint64_t crowded_out = 0;  ///< In their grace, when the store was full.
  std::uint64_t writes_failed = 0;
};

/// The records this node keeps for the network: a machine. It serves from memory and orders the
/// disk to follow: `poll_effect` says what, `on_persisted` says that it is done.
///
///          put        ends                  forgotten
///   ------->|--- alive -->|--- grace ---------->|      grace: as long as the life its author gave
///           `--- served --'    not served, but an equal record wakes it and an older one is
///           refused
///
/// Of two records of one key the signed one stays, then the higher version, then the higher digest:
/// whatever the order in which two stores learn of them, they end up with the same. Full means
/// refused (STORE_FULL): nothing is dropped in its life (T24). Lives are elapsed time on our own
/// clock, so that skewed calendars do no harm (STORE-06). After one failed write it is read-only.
class RecordStore {
 public:
  /// The quota of an author does not hold for `owner`, ourselves. `suite` is used for hashing only
  /// and must outlive the store.
  RecordStore(const NodeId& owner, std::string network, const RecordStoreOptions& options,
              crypto::Suite& suite);

  // ---- commands ----
  /// Before anything else: what the disk had, its lives already shortened by what has passed.
  void restore(Instant now, std::vector<StoredRecord> records);
  /// Keeps a copy. An equal record prolongs the life of what is here, never shortens it. Errors:
  /// invalid_request (no sense, no life left, or a version from the future), unauthorized
  /// (somebody else's key), outdated, too_large, store_full, storage_failed; nothing has changed
  /// then.
  Result<Kept, ErrorCode> put(Instant now, const crypto::VerifiedRecord& record,
                              const Delivery& delivery);
  /// Another holder says that it keeps the same: as an equal record, without the record. Errors:
  /// not_found unless exactly this content is here, invalid_request, storage_failed.
  Result<Kept, ErrorCode> prolong(Instant now, const NodeId& place,
                                  const wire::RecordDigest& digest, std::uint64_t left_ms);

  // ---- inputs ----
  void on_wall_clock(const WallClock& clock) { calendar_ = clock; }
  void on_persisted(StorageTicket ticket, ErrorCode code);

  // ---- time, drain ----
  Instant next_deadline() const;
  void on_deadline(Instant now);
  std::optional<Persist> poll_effect() { return outbox_.poll(); }

  // ---- look: pointers are good until the next changing call ----
  /// What is kept under the key and alive, a tombstone too.
  const Replica* find(Instant now, std::string_view key) const;
  /// What is kept at the place, also in its grace.
  const Replica* find_by_place(const NodeId& place) const;
  /// Calls `visit(const Replica&)` from `first` to `last`, both included, by rising place; ends
  /// early when it returns false.
  template <typename Visit>
  void visit_range(const NodeId& first, const NodeId& last, Visit visit) const {
    for (auto place = slot_by_place_.lower_bound(first);
         place != slot_by_place_.end() && place->first <= last; ++place) {
      if (!visit(slots_[place->second].replica)) return;
    }
  }
  /// The life this store would grant: the default for 0, never more than its maximum.
  Duration granted_life(std::uint64_t ttl_ms) const;
  bool is_read_only() const { return read_only_; }
  std::size_t size() const { return slot_by_place_.size(); }
  const RecordStoreOptions& options() const { return options_; }
  RecordStoreStats stats() const;

 private:
  using Slot = Deadlines::Slot;
  struct Entry {
    Replica replica;
    /// The end of its life as the disk knows it, or will when its orders are carried out.
    Instant written_ends{};
    /// The last order that concerns it, while that is open.
    std::optional<StorageTicket> open_order;
    /// An order for it was not done: what the disk has under its key is nothing, or less than this.
    /// The next one writes the whole of it.
    bool is_unwritten = false;
    bool in_grace = false;
  };
  enum class Standing : std::uint8_t { newer, equal, older };

  std::optional<ErrorCode> senseless(Instant now, const wire::Record& record) const;
  Duration life_of(const wire::Record& record) const;
  Standing standing(const wire::Record& record, const wire::RecordDigest& digest,
                    const Replica& kept, const Delivery& delivery) const;
  Kept refresh(Instant now, Slot slot, Duration life);
  Kept write(Instant now, std::optional<Slot> old, Replica&& replica);
  bool wake(Instant now, Slot slot);
  bool make_room(const QuotaCharge& wanted, std::optional<Slot> replaced);
  QuotaCharge charge(const Replica& replica, bool takes_share = true) const;
  QuotaCharge charge(const Entry& entry) const { return charge(entry.replica, !entry.in_grace); }
  StorageTicket order(StorageChange change);
  static WriteRecord written_form(Instant now, const Replica& replica);
  /// Orders that change, after which the disk will know the record as it is here.
  void write_out(Slot slot, StorageChange change);
  void set_life(Instant now, Slot slot, Instant ends);
  Slot vacant_slot();
  void forget(Slot slot);

  NodeId owner_;
  std::string network_;
  RecordStoreOptions options_;
  crypto::Suite* suite_;
  std::optional<WallClock> calendar_;
  std::vector<Entry> slots_;
  std::vector<Slot> vacant_;
  std::map<NodeId, Slot> slot_by_place_;
  RecordQuotas quotas_;
  /// A slot stands in one of the two: its life ends, or its grace.
  Deadlines lives_;
  Deadlines graces_;
  std::map<StorageTicket, Slot> open_orders_;
  std::uint64_t last_ticket_ = 0;
  bool read_only_ = false;
  RecordStoreStats stats_;
  Outbox<Persist> outbox_;
};

}  // namespace trestle::dht
