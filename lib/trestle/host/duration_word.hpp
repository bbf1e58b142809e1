#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace trestle::host {

/// `90`, `90s`, `30m`, `12h` or `7d`; nothing if it is none of these, or not above 0.
std::optional<std::chrono::seconds> duration_of(std::string_view word);

}  // namespace trestle::host
