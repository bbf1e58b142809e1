#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "trestle/base/result.hpp"
#include "trestle/base/time.hpp"
#include "trestle/dht/storage.hpp"

namespace trestle::host {

struct RecordDatabaseOptions {
  /// Read back at most: what the store in memory takes (RecordStoreOptions), so that a file that
  /// grew elsewhere cannot fill the memory.
  std::size_t records_max = 65'536;
  std::size_t bytes_max = 64 * 1024 * 1024;
  /// One row: a key of 1 KiB and a value of 10 KiB, generously. A damaged length must not make
  /// SQLite reserve a gigabyte.
  int row_bytes_max = 1024 * 1024;
  /// The write-ahead log is folded into the database once it has so many pages: 4 MiB of 4 KiB
  /// pages, read again in some 10 ms after a crash.
  int log_pages_max = 1'000;
  /// SQLite's own page cache. Reads are served from the store in memory, not from here.
  int cache_kib = 2'048;
  /// Another file layer of SQLite's than the system's: the one by which tests crash and fill disks.
  const char* file_layer = nullptr;
};

/// Why a database could not be opened or read.
enum class DatabaseFault : std::uint8_t {
  damaged,  ///< Its content is not what was written.
  newer,    ///< Written by a later version of this program.
  failed,   ///< The disk or the file system refused.
};

struct DatabaseError {
  DatabaseFault fault = DatabaseFault::failed;
  std::string text;  ///< A sentence.
};

/// How a batch of changes ended.
enum class Written : std::uint8_t {
  synced,  ///< All of them are on disk, whatever happens now.
  full,    ///< No space; none of them was done. The next batch may be.
  failed,  ///< The disk failed. Final: nothing is taken any more.
};

/// What a database holds.
struct ReadBack {
  std::vector<dht::StoredRecord> records;
  std::size_t expired = 0;   ///< Over by the calendar, grace included.
  std::size_t damaged = 0;   ///< Did not match their digests.
  std::size_t left_out = 0;  ///< Over the bounds.
  /// Empty if the file is sound; else what is wrong with it. `records` holds what could be read all
  /// the same.
  std::string damage;
};

/// A change and when it was ordered: a record's life runs from there.
struct DatedChange {
  dht::StorageChange change;
  WallTime at{};
};

/// The records of one node in one SQLite file, to be found again at the next start. A batch of
/// changes is one transaction, on disk and synced when `apply` says so.
///
/// Write-ahead log, `synchronous=FULL` (NORMAL does not sync on commit), one connection that locks
/// the file for itself, a rowid table with a unique index on the key (design section 8). SQLite has
/// no checksums of its own in the database file: every row carries a digest of its content and
/// another of its life, and `read_back` believes nothing else. A bit that turns in the write-ahead
/// log cannot be told from a write that never finished: SQLite ends the log there, so that at the
/// worst the last transactions since the last folding are lost, in one piece.
///
/// Calls come from one thread at a time. No exception is needed to use it.
class RecordDatabase {
 public:
  /// Makes the file if it is missing.
  static Result<RecordDatabase, DatabaseError> open(const std::string& path,
                                                    const RecordDatabaseOptions& options = {});
  RecordDatabase(RecordDatabase&&) noexcept;
  RecordDatabase& operator=(RecordDatabase&&) noexcept;
  /// Folds the log in, as far as the disk lets it.
  ~RecordDatabase();

  /// Everything, each life reduced by what the calendar says has passed since (never less than
  /// nothing, if it was set back). What is over is erased. Looks through the whole file first
  /// (`PRAGMA integrity_check`: `quick_check` would not see an index that lost a row), at every
  /// start, which the bounds above keep to a fraction of a second.
  Result<ReadBack, DatabaseError> read_back(WallTime now);

  /// All or nothing, in their order. `absent`, if it is wanted: which of them (by their place) were
  /// to prolong what is not here.
  Written apply(std::span<const DatedChange> changes, std::vector<std::size_t>* absent = nullptr);

  /// Whether the files that are written stand where they were opened. One that was removed, or its
  /// folder, takes whatever is written and syncs it, and nobody will ever find it: no order is
  /// called done by `apply` unless this holds after it. Final as a failed disk is.
  bool is_in_place();

  /// What the disk said when `apply` last failed, or why nothing is in its place; a sentence.
  const std::string& complaint() const;

 private:
  struct State;
  explicit RecordDatabase(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace trestle::host
