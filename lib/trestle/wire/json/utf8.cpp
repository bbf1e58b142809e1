#include "trestle/wire/json/utf8.hpp"

#include "trestle/base/assertion.hpp"

namespace trestle::wire::json {

namespace {

constexpr std::uint8_t byte_at(std::string_view text, std::size_t index) {
  return static_cast<std::uint8_t>(text[index]);
}

// The second byte alone decides whether a sequence is overlong, a surrogate or too large (Unicode
// 15, table 3-7).
struct SecondByteRange {
  std::uint8_t low;
  std::uint8_t high;
};

constexpr SecondByteRange second_byte_range(std::uint8_t first) {
  switch (first) {
    case 0xE0:
      return {0xA0, 0xBF};
    case 0xED:
      return {0x80, 0x9F};
    case 0xF0:
      return {0x90, 0xBF};
    case 0xF4:
      return {0x80, 0x8F};
    default:
      return {0x80, 0xBF};
  }
}

constexpr std::size_t announced_bytes(std::uint8_t first) {
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return 2;
  if (first >= 0xE0 && first <= 0xEF) return 3;
  if (first >= 0xF0 && first <= 0xF4) return 4;
  return 0;
}

}  // namespace

std::size_t utf8_sequence_bytes(std::string_view text) {
  TRESTLE_ASSERT(!text.empty());
  const std::uint8_t first = byte_at(text, 0);
  const std::size_t length = announced_bytes(first);
  if (length <= 1) return length;
  if (text.size() < length) return 0;
  const SecondByteRange range = second_byte_range(first);
  if (byte_at(text, 1) < range.low || byte_at(text, 1) > range.high) return 0;
  for (std::size_t index = 2; index < length; ++index) {
    if ((byte_at(text, index) & 0xC0) != 0x80) return 0;
  }
  return length;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t bytes = utf8_sequence_bytes(text);
    if (bytes == 0) return false;
    text.remove_prefix(bytes);
  }
  return true;
}

void append_utf8(std::string& out, std::uint32_t code_point) {
  TRESTLE_ASSERT(code_point <= 0x10FFFF && (code_point < 0xD800 || code_point > 0xDFFF));
  const auto put = [&out](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code_point < 0x80) {
    put(code_point);
  } else if (code_point < 0x800) {
    put(0xC0 | code_point >> 6);
    put(0x80 | (code_point & 0x3F));
  } else if (code_point < 0x10000) {
    put(0xE0 | code_point >> 12);
    put(0x80 | (code_point >> 6 & 0x3F));
    put(0x80 | (code_point & 0x3F));
  } else {
    put(0xF0 | code_point >> 18);
    put(0x80 | (code_point >> 12 & 0x3F));
    put(0x80 | (code_point >> 6 & 0x3F));
    put(0x80 | (code_point & 0x3F));
  }
}

}  // namespace trestle::wire::json
