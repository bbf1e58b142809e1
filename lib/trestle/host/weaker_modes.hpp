#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "trestle/base/time.hpp"

namespace trestle::host {

struct Settings;

/// A way to run that protects less than what stands without it, so that something older, or
/// something that is only tried out, works (T34).
struct WeakerMode {
  std::string_view name;    ///< As `/status` shows it.
  std::string_view option;  ///< What switches it on.
  std::string_view risk;    ///< What is given up, for a person.
  /// From then on no start is possible with it. `max`: nobody has said when.
  WallTime end = WallTime::max();
  std::string end_word;  ///< As it was given.
};

/// Those that are in use, in the order of their names' importance to an operator.
std::vector<WeakerMode> weaker_modes(const Settings& settings);

/// One sentence for each of them: what it gives up, and until when.
std::vector<std::string> weaker_warnings(const Settings& settings);

/// A sentence if one of them is over, or its end is further away than an end may be: a start is
/// refused with it.
std::optional<std::string> refuse_weaker_modes(const Settings& settings, WallTime now);

/// Which of a running program's modes are over by now: their options, for one line of log.
std::string options_over(const std::vector<WeakerMode>& modes, WallTime now);

/// Whole days until the first of them is over, zero when one is; nothing while none has an end.
std::optional<std::uint64_t> days_left(const std::vector<WeakerMode>& modes, WallTime now);

}  // namespace trestle::host
