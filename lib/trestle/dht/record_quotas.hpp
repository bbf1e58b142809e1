#pragma once

#include <cstddef>
#include <cstdint>
#include <map>

#include "trestle/base/node_id.hpp"
#include "trestle/dht/peer_group.hpp"

namespace trestle::dht {

/// All from reliability section 10.
struct RecordQuotaOptions {
  /// 65,536 records of a kilobyte are the 64 MiB below.
  std::size_t records_max = 65'536;
  std::size_t bytes_max = 64 * 1024 * 1024;
  std::size_t records_per_source_max = 1'000;
  std::size_t bytes_per_source_max = 4 * 1024 * 1024;
  /// Ids are free to make, addresses are not: all links of one group together may fill one part in
  /// this many (T24). Sixteen groups that do are a large part of the network.
  std::size_t group_share_divisor = 16;
  /// Charged on top of key and value: what a record costs here (344 bytes of its own, its places in
  /// tree and timers, spare room in the arrays), so that tiny ones are not free.
  std::size_t record_overhead_bytes = 512;
};

/// What one record takes of whom.
struct QuotaCharge {
  /// Its author, or the peer that delivered it if it has none.
  NodeId source{};
  PeerGroup group{};
  std::size_t bytes = 0;
  /// In its grace a record takes room, but nobody's share: it may be dropped for another.
  bool takes_share = true;
};

/// Who takes how much of the store: a policy. Refusing is left to the caller.
class RecordQuotas {
 public:
  enum class Verdict : std::uint8_t { fits, share_full, store_full };

  /// Shares of sources do not bound `owner`.
  RecordQuotas(const NodeId& owner, const RecordQuotaOptions& options);

  /// Whether `wanted` fits, once `replaced` has gone if there is one.
  Verdict judge(const QuotaCharge& wanted, const QuotaCharge* replaced) const;
  void book(const QuotaCharge& charge);
  void unbook(const QuotaCharge& charge);

  std::size_t records() const { return total_.records; }
  std::size_t bytes() const { return total_.bytes; }
  std::size_t sources() const { return by_source_.size(); }

 private:
  struct Usage {
    std::size_t records = 0;
    std::size_t bytes = 0;
  };
  template <typename Key>
  static Usage usage_of(const std::map<Key, Usage>& usages, const Key& key);
  template <typename Key>
  static void add(std::map<Key, Usage>& usages, const Key& key, std::size_t bytes);
  template <typename Key>
  static void remove(std::map<Key, Usage>& usages, const Key& key, std::size_t bytes);

  NodeId owner_;
  RecordQuotaOptions options_;
  Usage total_;
  /// Trees, because there may be as many sources as records.
  std::map<NodeId, Usage> by_source_;
  std::map<PeerGroup, Usage> by_group_;
};

}  // namespace trestle::dht
