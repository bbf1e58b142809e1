#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "trestle/base/error_code.hpp"
#include "trestle/base/rng.hpp"
#include "trestle/base/time.hpp"
#include "trestle/dht/known_contact.hpp"
#include "trestle/dht/storage.hpp"
#include "trestle/node/node.hpp"

namespace trestle::sim {

struct DiskOptions {
  /// From the beginning of a sync to its end: a solid-state drive's up to a spinning one's.
  Duration sync_min = std::chrono::microseconds(200);
  Duration sync_max = std::chrono::milliseconds(10);
};

struct DiskStats {
  std::uint64_t orders = 0;
  std::uint64_t syncs = 0;
  std::uint64_t failed = 0;  ///< Orders that ended with a code.
  std::uint64_t lost = 0;    ///< Orders that a crash took with it, unanswered.
};

/// The disk of one node: what `host::StorageThread` on SQLite is to a program. It outlives the
/// node's process. Orders that gather while a sync is under way go into the next one together; a
/// crash takes those that wait, and the group under way survives as a whole or not at all (the
/// crash states of the real one are enumerated in tests/host).
class Disk {
 public:
  struct Answer {
    dht::StorageTicket ticket;
    ErrorCode code = ErrorCode::none;
  };

  Disk(const DiskOptions& options, Rng rng) : options_(options), rng_(rng) {}

  // ---- a driver's ----
  void persist(Instant now, WallTime wall, dht::Persist&& order);
  void save_peers(const wire::Contacts& peers) { peers_ = {peers.begin(), peers.end()}; }
  void save_admission(node::SaveAdmission&& order);
  /// When the sync under way ends.
  Instant next_deadline() const { return sync_ends_; }
  std::vector<Answer> on_deadline(Instant now);
  /// The process has died.
  void crash();
  /// What the next process finds, by the calendar it has.
  node::Restored restored(WallTime wall) const;

  // ---- faults ----
  /// From now on syncs fail. A process that met that is told nothing else until it ends.
  void fail_syncs() { does_sync_ = false; }
  /// No space: orders are refused, and what is stored stays.
  void fill() { has_space_ = false; }
  void heal() { does_sync_ = has_space_ = true; }
  /// Another disk, an empty one.
  void replace();

  // ---- look ----
  const DiskStats& stats() const { return stats_; }
  std::size_t records() const { return records_.size(); }
  /// How many peers the next process finds.
  std::size_t saved_peers() const { return peers_.size(); }
  /// What is synced under that key, or null.
  const dht::StoredRecord* find(const std::string& key) const;

 private:
  struct Order {
    dht::StorageTicket ticket;
    dht::StorageChange change;
    WallTime at{};
  };
  struct Entry {
    dht::StoredRecord stored;
    WallTime written{};
  };

  void begin_sync(Instant now);
  ErrorCode apply(Order& order);

  DiskOptions options_;
  Rng rng_;
  std::map<std::string, Entry> records_;
  std::vector<dht::KnownContact> peers_;  ///< Small: every node of a world has a disk.
  std::map<node::SaveAdmission::Part, Bytes> admission_;
  std::vector<Order> under_way_;
  std::vector<Order> waiting_;
  Instant sync_ends_ = kNever;
  bool does_sync_ = true;
  bool has_space_ = true;
  bool has_failed_ = false;  ///< Before the process that runs: it is told so until it ends.
  DiskStats stats_;
};

}  // namespace trestle::sim
