#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace trestle::inline base {

using Bytes = std::vector<std::uint8_t>;
/// Borrowed bytes: inputs borrow, effects own.
using ByteSpan = std::span<const std::uint8_t>;

inline ByteSpan as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

inline std::string_view as_text(ByteSpan bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline Bytes to_bytes(ByteSpan bytes) { return {bytes.begin(), bytes.end()}; }

/// `bytes` must not lie within `out`.
inline void append(Bytes& out, ByteSpan bytes) {
  out.insert(out.end(), bytes.begin(), bytes.end());
}

/// Lower-case hexadecimal, two digits a byte.
std::string to_hex(ByteSpan bytes);

/// Reads exactly `out.size()` bytes from `2 * out.size()` hex digits of either case; false (and
/// `out` unspecified) otherwise.
[[nodiscard]] bool from_hex(std::string_view text, std::span<std::uint8_t> out);

}  // namespace trestle::inline base
