#pragma once

#include <string>
#include <string_view>

#include "trestle/base/time.hpp"
#include "trestle/host/old_monitoring.hpp"

namespace trestle::host {

// The long answers of the old system's monitoring: what a node says of itself, what a bootstrap
// says when it has nothing to say, and its pages for people.

std::string old_node_metrics(const Snapshot& snapshot, bool is_healthy);
std::string old_node_status(const Snapshot& snapshot, bool is_healthy,
                            const OldMonitoringFacts& facts);

/// As the old one said it before the first report.
std::string no_ipv6_trends(WallTime now);
extern const std::string_view kNoCandidateTypes;
extern const std::string_view kNoConnectionProfiles;

extern const std::string_view kInfoPage;
extern const std::string_view kInstallScript;
extern const std::string_view kInstallPowerShell;
extern const std::string_view kNotFoundText;

}  // namespace trestle::host
