#pragma once

#include <cstdint>
#include <string>

#include "trestle/base/time.hpp"

namespace trestle::sim {

/// Many newcomers at once, and a bridge that fails in the middle of it (C26).
///
///     0          joins_at   + half of the spread     + outage              ends
///     |----------|----------|------------------------|---------------------|
///      a small     all start  one bridge is lost       it returns
///      network
struct JoinStormOptions {
  std::uint64_t seed = 1;
  std::uint32_t newcomers = 200;
  std::uint32_t bridges = 2;
  std::uint32_t established = 8;
  Duration joins_at = std::chrono::seconds(40);
  Duration spread = std::chrono::seconds(1);
  Duration outage = std::chrono::seconds(20);
  Duration aftermath = std::chrono::seconds(60);
};

struct JoinStormResult {
  std::uint64_t joined = 0;        ///< Newcomers that are joined at the end.
  std::uint64_t joins = 0;         ///< Join requests that the edge got during the storm.
  std::uint64_t failed = 0;        ///< Of these, refused for want of anybody to introduce.
  std::uint64_t busy = 0;          ///< Asked to come again.
  std::uint64_t turned_away = 0;   ///< Connections refused at the edge's door.
  std::uint64_t ask_failures = 0;  ///< Joins that ended in an error for the newcomer.
  std::uint64_t attempts = 0;      ///< Requests to bridges.
  std::uint64_t asks = 0;          ///< Questions for bridges behind them.
  std::uint32_t bridge_connections_most = 0;  ///< At one time, with one bridge.
  Duration last_joined_after{};               ///< From the first start to the last join.
  std::uint64_t fingerprint = 0;
  std::string violation;
  std::string to_text() const;
};

JoinStormResult run_join_storm(const JoinStormOptions& options);

}  // namespace trestle::sim
