#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "trestle/base/deadlines.hpp"
#include "trestle/base/error_code.hpp"
#include "trestle/base/flat_map.hpp"
#include "trestle/base/node_id.hpp"
#include "trestle/base/result.hpp"
#include "trestle/base/time.hpp"
#include "trestle/wire/message/dht.hpp"

namespace trestle::dht {

/// All from reliability section 10 unless said otherwise.
struct RecordStoreOptions {
  std::size_t value_bytes_max = 10 * 1024;
  /// The codec's bound; legacy key texts are some 80 bytes.
  std::size_t key_bytes_max = 1024;
  /// 65,536 records of a kilobyte are the 64 MiB below.
  std::size_t records_max = 65'536;
  std::size_t bytes_max = 64 * 1024 * 1024;
  std::size_t records_per_source_max = 1'000;
  std::size_t bytes_per_source_max = 4 * 1024 * 1024;
  /// Charged on top of key and value: the bookkeeping a record costs, so that tiny ones are not
  /// free.
  std::size_t record_overhead_bytes = 256;
  /// For records that come without a time to live (the old dialect has none; X34).
  Duration ttl_default = std::chrono::hours(24);
  Duration ttl_max = std::chrono::days(30);
};

/// What became of a record that is kept now.
enum class Kept : std::uint8_t { added, replaced, refreshed };

struct RecordStoreStats {
  std::size_t records = 0;
  std::size_t bytes = 0;
  std::size_t sources = 0;
  std::uint64_t accepted = 0;
  std::uint64_t refused = 0;
  std::uint64_t expired = 0;
};

/// The records this node keeps for the network, in memory: a policy. Full means refused
/// (store_full): nothing kept is dropped before its time (T24). Time to live is elapsed time on our
/// own clock, so skewed calendars do no harm (STORE-06).
class RecordStore {
 public:
  /// The per-source quota does not hold for `owner`, ourselves.
  RecordStore(const NodeId& owner, const RecordStoreOptions& options);

  /// Keeps a copy on behalf of `source`. The same value again prolongs its life, never shortens it;
  /// a new value takes the place of the old. Errors: invalid_request (no key, or a key too long),
  /// too_large, store_full; nothing has changed then.
  Result<Kept, ErrorCode> put(Instant now, const NodeId& source, const wire::Record& record);

  /// The record with what is left of its time to live.
  std::optional<wire::Record> find(Instant now, std::string_view key) const;

  /// When the next record ends, `kNever` if none is kept.
  Instant next_deadline() const { return expiries_.next(); }
  /// Drops what has ended by `now`.
  void on_deadline(Instant now);

  /// A time to live as this store would grant it: the default for 0, never more than the maximum.
  Duration granted_ttl(std::uint64_t ttl_ms) const;
  const RecordStoreOptions& options() const { return options_; }
  RecordStoreStats stats() const;

 private:
  using Slot = Deadlines::Slot;
  struct Entry {
    wire::Record record;
    NodeId source{};
    Instant expires{};
  };
  struct Usage {
    std::size_t records = 0;
    std::size_t bytes = 0;
  };
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>{}(text);
    }
  };
  struct TextEqual {
    using is_transparent = void;
    bool operator()(std::string_view left, std::string_view right) const { return left == right; }
  };

  std::size_t charge(const wire::Record& record) const;
  bool fits(const NodeId& source, std::size_t bytes, const Entry* replaced) const;
  void book(const NodeId& source, std::size_t bytes);
  void unbook(const NodeId& source, std::size_t bytes);
  Slot vacant_slot();
  void drop(Slot slot);

  NodeId owner_;
  RecordStoreOptions options_;
  std::vector<Entry> slots_;
  std::vector<Slot> vacant_;
  /// Only ever asked for one key; never iterated, so its order decides nothing.
  std::unordered_map<std::string, Slot, TextHash, TextEqual> slot_by_key_;
  FlatMap<NodeId, Usage> usage_;
  Deadlines expiries_;
  std::size_t bytes_ = 0;
  std::uint64_t accepted_ = 0;
  std::uint64_t refused_ = 0;
  std::uint64_t expired_ = 0;
};

}  // namespace trestle::dht
