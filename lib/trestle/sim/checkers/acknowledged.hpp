#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "trestle/base/flat_map.hpp"
#include "trestle/sim/world.hpp"

namespace trestle::sim::checkers {

/// I3 (R1): what was acknowledged, and not said to be weak, is readable until its time ends. Keeps
/// the truth outside of the system: users tell it what they wrote and what came of it, and ask it
/// to judge what they read. What was deleted, or whose time is over, is not read; this and that
/// nothing is missed is demanded of those reads only that are said to be `Demand::everything`.
class Acknowledged {
 public:
  /// A record that must be there.
  struct Truth {
    std::string key;
    std::uint64_t version = 0;
    Instant expires{};
    /// How many copies made it acknowledged: so many must be destroyed at once to lose it.
    std::uint32_t copies = 0;
  };
  struct Stats {
    std::uint64_t acknowledged = 0;
    std::uint64_t weak = 0;
    std::uint64_t reads = 0;      ///< Of records that were acknowledged.
    std::uint64_t misses = 0;     ///< Of these, ended without a record.
    std::uint64_t stale = 0;      ///< Of these, brought an older version than was acknowledged.
    std::uint64_t deleted = 0;    ///< Acknowledged removals.
    std::uint64_t prolonged = 0;  ///< Acknowledged refreshes.
  };
  /// What a read may be blamed for.
  enum class Demand : std::uint8_t {
    truth,       ///< That it brings what nobody wrote.
    everything,  ///< That as well, and that it misses something, or finds what is no more.
  };

  /// Somebody is writing: from now on the value may be read.
  void on_put_begun(Instant now, const std::string& key, const Bytes& value, Duration ttl);
  void on_put_ended(Instant now, const std::string& key, const Bytes& value, Duration ttl,
                    const node::OperationEnded& end);
  /// Somebody deletes the key: what was written before it ends may be read and may be missed.
  void on_remove_begun(const std::string& key);
  void on_remove_ended(Instant now, const std::string& key, const node::OperationEnded& end);
  /// Somebody prolongs the key: it may live longer from now on, and does if it is acknowledged.
  void on_refresh_begun(Instant now, const std::string& key);
  void on_refresh_ended(Instant begun, const std::string& key, const node::OperationEnded& end);
  /// A read that began at `begun`.
  void judge(World& world, const std::string& key, Instant begun, const node::OperationEnded& end,
             Demand demand);

  /// Whether the newest acknowledged version of the key still has to be there at `at`.
  bool is_due(const std::string& key, Instant at) const;
  /// Everything that has to be there at `at`, in the order of the keys.
  std::vector<Truth> due(Instant at) const;
  /// Whether it will be for so much longer, with nobody writing, deleting or prolonging meanwhile.
  bool stays_due(const std::string& key, Instant at, Duration longer) const;
  /// The `pick`-th acknowledged key, modulo their number; empty if there is none.
  std::string pick(std::uint64_t pick) const;
  /// Forgets what has ended.
  void forget_ended(Instant now);
  const Stats& stats() const { return stats_; }

 private:
  struct Written {
    Bytes value;
    std::uint64_t version = 0;  ///< 0: not known, its writer never heard how it ended.
    Instant expires{};
    Instant acknowledged_at = kNever;
    std::uint32_t copies = 0;
    Duration ttl{};
    Instant begun{};
    Instant gone_by{};  ///< Nobody has it any more; later than `expires` if it was prolonged.
  };
  struct Key {
    std::vector<Written> written;       ///< In the order of writing.
    std::uint32_t removing = 0;         ///< Under way, or their end was never heard.
    Instant removed_at{};               ///< The last end of one.
    std::uint64_t removed_version = 0;  ///< The highest that was acknowledged.
    Instant removal_acknowledged_at = kNever;
  };

  void judge_found(World& world, const std::string& key, const Key& entry, Instant begun,
                   const node::OperationEnded& end, Demand demand);
  const Written* newest_due(const Key& key, Instant acknowledged_by, Instant at) const;

  FlatMap<std::string, Key> keys_;
  Stats stats_;
};

}  // namespace trestle::sim::checkers
