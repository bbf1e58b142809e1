#pragma once

#include <cstdint>
#include <string>

#include "trestle/base/histogram.hpp"
#include "trestle/base/time.hpp"
#include "trestle/pool/bridge_set.hpp"
#include "trestle/sim/world.hpp"

namespace trestle::sim {

/// Many clients lose one of their bridges at the same moment; after a while it returns.
///
///     0         lost                       returns              ends
///     |---------|--------------------------|--------------------|
///      warm_up    outage                     aftermath
struct BridgeLossOptions {
  std::uint64_t seed = 1;
  std::uint32_t clients = 1000;
  std::uint32_t bridges = 3;
  Duration warm_up = std::chrono::seconds(30);
  Duration outage = std::chrono::seconds(60);
  Duration aftermath = std::chrono::seconds(60);
  /// Mean wait between two requests of one client. 1,000 of them ask 200 times a second: far less
  /// than bridges can answer, so that what is measured is the loss and not a lack of capacity.
  Duration request_every = std::chrono::seconds(5);
  KillKind kill = KillKind::process;
  pool::BridgeSetOptions set;  ///< `bridges` is filled in.
};

struct BridgeLossResult {
  /// Dials towards the lost bridge, from the loss to its return; and in the worst second.
  std::uint64_t dials = 0;
  std::uint64_t dials_in_worst_second = 0;
  std::uint64_t outage_seconds = 0;
  /// Requests accepted, and attempts made for them.
  std::uint64_t requests = 0;
  std::uint64_t attempts = 0;
  std::uint64_t refused = 0;
  std::uint64_t answered = 0;
  std::uint64_t failed = 0;
  std::uint64_t ended_wrongly = 0;
  std::uint64_t without_end = 0;
  /// From the return until every client is connected to every bridge with its breaker closed;
  /// negative if that was not reached.
  Duration whole_after{-1};
  /// The same without the breakers: one that opened before its bridge was lost for good closes with
  /// the second request after it.
  Duration connected_after{-1};
  Histogram took;
  std::uint64_t fingerprint = 0;
  std::string violation;  ///< Of the rules that hold everywhere; empty if there was none.

  /// The worst second against the mean, in percent.
  std::uint64_t peak_percent() const {
    return dials == 0 ? 0 : dials_in_worst_second * outage_seconds * 100 / dials;
  }
  /// Attempts a hundred requests.
  std::uint64_t amplification_percent() const {
    return requests == 0 ? 0 : attempts * 100 / requests;
  }
  std::string to_text() const;
};

BridgeLossResult study_bridge_loss(const BridgeLossOptions& options);

}  // namespace trestle::sim
