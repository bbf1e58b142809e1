#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "trestle/base/flat_map.hpp"
#include "trestle/base/time.hpp"

namespace trestle::link {

struct BanListOptions {
  /// Offences, each of which ended a connection, until who committed them stays out. Honest peers
  /// commit none; one may come of a fault of theirs, two of a fault and a new attempt.
  std::uint32_t offences_max = 3;
  /// Within this time: an offence that is older is forgotten.
  Duration offence_counts_for = std::chrono::seconds(60);
  /// Long enough that breaking the rules yields next to nothing, short enough that whoever gets a
  /// blameless peer's address tomorrow does not suffer for it.
  Duration ban_for = std::chrono::minutes(5);
  /// Offenders remembered, some 150 bytes each. Who has many addresses pushes out the memory of his
  /// own offences, never a ban.
  std::size_t offenders_max = 1024;
};

/// Who broke the rules again and again, and stays out for a while: a policy. Offenders are named by
/// the hex digits of their proven id, or by their address as `address_key` has it.
class BanList {
 public:
  struct Ban {
    std::string who;
    Duration left;
  };
  struct Stats {
    std::uint64_t offences = 0;
    std::uint64_t bans = 0;
  };

  explicit BanList(const BanListOptions& options = {}) : options_(options) {}
  /// Bans in force end when they were to end.
  void limit(const BanListOptions& options) { options_ = options; }

  /// One offence. True if it leads to a ban.
  bool on_offence(Instant now, std::string_view who);
  /// True if it was not banned already, and there is room for the ban.
  bool ban(Instant now, std::string_view who);
  /// For how long this one still stays out; zero if it may come.
  Duration left(Instant now, std::string_view who) const;
  /// Those in force.
  std::vector<Ban> bans(Instant now) const;
  const Stats& stats() const { return stats_; }

 private:
  struct Offender {
    std::uint32_t offences = 0;
    Instant last{};
    Instant banned_until{};
  };

  /// Null if everybody in a full table is banned.
  Offender* offender(Instant now, std::string_view who);
  bool is_forgotten(Instant now, const Offender& offender) const;

  BanListOptions options_;
  FlatMap<std::string, Offender> offenders_;
  Stats stats_;
};

}  // namespace trestle::link
