#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace trestle::host {

/// Whether a setting may change while the program runs (SIGHUP).
enum class Change : std::uint8_t { by_restart, by_reload };

/// Why a value is not taken; nothing if it is.
using Refused = std::optional<std::string>;

Refused set_on_off(bool& target, const std::string& value);
Refused set_text(std::string& target, const std::string& value);

/// The least and the most that makes sense, so that a slip of the hand is told before it runs.
struct Range {
  std::size_t min = 0;
  std::size_t max = 0;
};
Refused set_count(std::size_t& target, const std::string& value, const Range& range);

/// URLs we dial ourselves.
Refused set_dialled_urls(std::vector<std::string>& target, const std::vector<std::string>& values);

// ---- values in the settings file's language

/// A TOML basic string; nothing for a setting that has no value.
std::string quoted(std::string_view text);
std::string quoted(const std::vector<std::string>& texts);
std::string on_off(bool value);
std::string true_false(bool value);

}  // namespace trestle::host
