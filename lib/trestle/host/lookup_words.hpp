#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "trestle/dht/lookup_wish.hpp"

namespace trestle::host {

/// How a lookup is to be done, in the words of the settings, the command line and the admin socket.
/// Nothing: it is none of them.
inline std::optional<dht::LookupMode> lookup_mode_of(std::string_view word) {
  if (word == "iterative") return dht::LookupMode::iterative;
  if (word == "recursive") return dht::LookupMode::recursive;
  return std::nullopt;
}

constexpr std::string_view lookup_mode_word(dht::LookupMode mode) {
  return mode == dht::LookupMode::recursive ? "recursive" : "iterative";
}

static_assert(dht::kLookupPathsMax <= 9, "a number of paths is one digit");
inline std::optional<std::size_t> lookup_paths_of(std::string_view text) {
  constexpr char kLast = static_cast<char>('0' + dht::kLookupPathsMax);
  if (text.size() != 1 || text[0] < '1' || text[0] > kLast) return std::nullopt;
  return static_cast<std::size_t>(text[0] - '0');
}

}  // namespace trestle::host
