#pragma once

#include "trestle/host/metrics.hpp"
#include "trestle/host/snapshot.hpp"

namespace trestle::host {

/// Everything in a snapshot as metric families. Names are stable: `trestle_<room>_<figure>`, with
/// the unit as the last word; docs/operators.md lists them.
void collect_metrics(const Snapshot& snapshot, MetricFamilies& families);

}  // namespace trestle::host
