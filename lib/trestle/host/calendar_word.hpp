#pragma once

#include <optional>
#include <string_view>

#include "trestle/base/time.hpp"

namespace trestle::host {

/// `2027-01-31`, the first moment of that day, or `2027-01-31T18:30:00Z`, both in UTC. Nothing for
/// anything else, and for days that are not.
std::optional<WallTime> calendar_time_of(std::string_view word);

}  // namespace trestle::host
