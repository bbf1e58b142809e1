#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace trestle::wire::json {

/// Length in bytes (1..4) of the UTF-8 sequence that begins `text`; 0 if there is none: overlong
/// forms, surrogates, numbers above U+10FFFF and cut sequences are not UTF-8 (RFC 3629). `text`
/// must not be empty.
std::size_t utf8_sequence_bytes(std::string_view text);

/// Whether it is all of a text.
bool is_utf8(std::string_view text);

/// Appends one code point, at most U+10FFFF and no surrogate.
void append_utf8(std::string& out, std::uint32_t code_point);

/// What stands in for text that cannot be represented.
inline constexpr std::uint32_t kReplacementCharacter = 0xFFFD;

}  // namespace trestle::wire::json
