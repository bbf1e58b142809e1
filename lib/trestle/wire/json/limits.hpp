#pragma once

#include <cstddef>
#include <cstdint>

namespace trestle::wire::json {

/// Bounds of one text, checked before anything grows (threat T19).
struct Limits {
  /// Absolute bound of one message (reliability section 10). Before its hello a peer gets 4 KiB;
  /// its owner lowers this then. Must stay below 4 GiB: offsets in a document are 32 bits wide.
  std::size_t bytes_max = 256 * 1024;
  /// Arrays and objects inside each other, the outermost counted as 1. T19 asks for 16; the deepest
  /// recorded message has 6.
  std::size_t depth_max = 16;
  /// Entries of the flat tape: values, and the names of members too. Twenty contacts with full
  /// metadata need under 1,000; 16 Ki entries of 24 bytes keep the tape under 400 KiB for the worst
  /// text of `bytes_max`.
  std::size_t values_max = 16 * 1024;
};

/// Why a text was not read.
enum class ParseError : std::uint8_t {
  oversized,        ///< Longer than `bytes_max`; nothing was looked at.
  too_deep,         ///< Nested deeper than `depth_max`.
  too_many_values,  ///< More than `values_max` values and names.
  malformed,        ///< Not JSON (RFC 8259), or not UTF-8.
};

}  // namespace trestle::wire::json
