#pragma once

#include <cstdint>
#include <string>

#include "trestle/base/histogram.hpp"
#include "trestle/base/time.hpp"
#include "trestle/pool/bridge_set.hpp"

namespace trestle::sim {

/// One bootstrap node in front of bridges that queueing theory describes: Poisson arrivals, one
/// exponential server a bridge, one of them slower. Shows what a way of choosing bridges costs the
/// last percent of the requests (goal P10).
struct BalancingOptions {
  std::uint64_t seed = 1;
  std::uint32_t bridges = 8;
  /// Mean time that a request takes at a bridge.
  Duration service = std::chrono::milliseconds(1);
  /// At the slow one so many times as long.
  std::uint32_t slow_factor = 10;
  /// Of what all bridges together can serve.
  std::uint32_t load_percent = 60;
  /// One way between client and bridge.
  Duration latency = std::chrono::microseconds(50);
  /// Before measuring: the choosers must have learnt.
  Duration warm_up = std::chrono::seconds(5);
  Duration measured = std::chrono::seconds(20);
  pool::Balancing balancing = pool::Balancing::round_robin;
  pool::Hedging hedging = pool::Hedging::never;
};

struct BalancingResult {
  std::uint64_t requests = 0;  ///< Accepted while measuring.
  std::uint64_t attempts = 0;  ///< Begun while measuring.
  std::uint64_t refused = 0;
  std::uint64_t failed = 0;
  std::uint64_t hedges = 0;
  std::uint64_t at_slow_bridge = 0;  ///< Attempts that went to it.
  Histogram took;                    ///< Of answered requests that ended while measuring.
  std::uint64_t fingerprint = 0;

  Duration p50() const { return took.quantile(500); }
  Duration p99() const { return took.quantile(990); }
  /// Attempts beyond one a request, per thousand requests.
  std::uint64_t extra_permille() const {
    return requests == 0 || attempts < requests ? 0 : (attempts - requests) * 1000 / requests;
  }
  std::string to_text() const;
};

BalancingResult study_balancing(const BalancingOptions& options);

}  // namespace trestle::sim
