#pragma once

#include <optional>
#include <string_view>

#include "trestle/base/node_id.hpp"
#include "trestle/base/time.hpp"
#include "trestle/host/doctor_probe.hpp"
#include "trestle/host/doctor_report.hpp"

namespace trestle::host {

/// What somebody at the end of a path must be.
struct PathExpectation {
  std::string_view path;  ///< As in `Finding`.
  std::optional<wire::Role> role{};
  std::optional<NodeId> id{};  ///< Of ourselves, as others reach us.
  /// A network that has nobody yet is as it should be.
  bool may_be_empty = false;
};

/// Turns a walked path into findings, one a step, up to the first that fails. `now` is our
/// calendar.
void report_path(const PathOrder& order, const PathWalk& walk, const PathExpectation& expectation,
                 WallTime now, DoctorReport& report);

}  // namespace trestle::host
