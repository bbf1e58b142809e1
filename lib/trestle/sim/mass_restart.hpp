#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "trestle/base/time.hpp"

namespace trestle::sim {

/// Every member of a settled network is killed and started again within the same second: a bad
/// release, a power cut in the one data centre, a supervisor with a schedule (T33, RECOV-05).
struct MassRestartOptions {
  std::uint64_t seed = 1;
  std::uint32_t members = 1000;
  std::uint32_t bridges = 2;
  Duration start_spacing = std::chrono::milliseconds(100);
  Duration settles = std::chrono::minutes(3);
  Duration spread = std::chrono::seconds(1);
  Duration watched = std::chrono::minutes(5);
  /// The disks are lost with it, and everybody has to come through the bootstrap node again.
  bool forgets = false;
  /// Joins are counted in parts of this length.
  Duration part = std::chrono::seconds(5);
};

struct MassRestartResult {
  std::uint64_t rejoined = 0;        ///< Members that are linked at the end.
  Duration last_rejoined_after{};    ///< From the restart.
  std::vector<std::uint64_t> joins;  ///< That the edge was asked for, part by part.
  std::vector<std::uint64_t> dials;  ///< That reached the edge, part by part.
  std::uint64_t turned_away = 0;
  std::size_t parts = 0;  ///< That the network is in at the end.
  std::uint64_t fingerprint = 0;
  std::string violation;

  std::uint64_t joins_total() const;
  std::uint64_t joins_peak() const;
  /// Joins of a part on average, from the restart until nine of ten had come.
  std::uint64_t joins_steady() const;
  std::string to_text() const;
};

MassRestartResult run_mass_restart(const MassRestartOptions& options);

}  // namespace trestle::sim
