// F21: hexadecimal, varints, UTF-8, ids and base64url against slow readers written for this.
#include <array>
#include <cctype>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "entry.hpp"
#include "input.hpp"
#include "trestle/base/bytes.hpp"
#include "trestle/base/node_id.hpp"
#include "trestle/wire/json/utf8.hpp"
#include "trestle/wire/json/writer.hpp"
#include "trestle/wire/legacy/credentials.hpp"
#include "trestle/wire/native/fields.hpp"

namespace trestle::fuzz {
namespace {

NOT_GUIDING bool slow_is_hex(std::string_view text) {
  bool is_hex = text.size() % 2 == 0;
  for (const char letter : text) {
    is_hex = is_hex && std::isxdigit(static_cast<unsigned char>(letter)) != 0;
  }
  return is_hex;
}

void check_hex(std::string_view text) {
  const bool is_hex = slow_is_hex(text);
  // Without an allocation, which would cost more than all the rest.
  static std::array<std::uint8_t, 2048> space;
  if (text.size() >= 2 * space.size()) return;
  const std::span<std::uint8_t> read = std::span(space).first(text.size() / 2);
  space[read.size()] = 0xa5;
  MUST_HOLD(from_hex(text, read) == is_hex && space[read.size()] == 0xa5);
  if (is_hex) {
    std::string lower(text);
    for (char& letter : lower) letter = static_cast<char>(std::tolower(letter));
    MUST_HOLD(to_hex(read) == lower);
  }
  MUST_HOLD(NodeId::from_hex(text).has_value() == (is_hex && text.size() == 2 * NodeId::kBytes));
  if (!text.empty()) {
    MUST_HOLD(!from_hex(text, std::span(space).first(text.size() / 2 + 1)));
  }
}

void check_id(ByteSpan bytes) {
  if (bytes.size() < 2 * NodeId::kBytes) return;
  const auto first = bytes.first<NodeId::kBytes>();
  const auto second = bytes.subspan<NodeId::kBytes, NodeId::kBytes>();
  const NodeId left = NodeId::from_bytes(first);
  const NodeId right = NodeId::from_bytes(second);
  const auto written = left.to_bytes();
  MUST_HOLD(std::equal(first.begin(), first.end(), written.begin()));
  MUST_HOLD(NodeId::from_hex(left.to_hex()) == left);
  const bool is_less =
      std::lexicographical_compare(first.begin(), first.end(), second.begin(), second.end());
  MUST_HOLD((left < right) == is_less);
  unsigned shared = 0;
  while (shared < NodeId::kBits && left.bit(shared) == right.bit(shared)) ++shared;
  MUST_HOLD(common_prefix_bits(left, right) == shared);
  MUST_HOLD(distance(left, right) == distance(right, left));
  MUST_HOLD(distance(left, right).is_zero() == (left == right));
}

__extension__ typedef unsigned __int128 Wide;

/// The textbook's way: in 128 bits, and only then asked whether that was the shortest form.
NOT_GUIDING std::optional<std::pair<std::uint64_t, std::size_t>> slow_varint(ByteSpan bytes) {
  Wide value = 0;
  for (std::size_t index = 0; index < bytes.size() && index < 10; ++index) {
    value |= static_cast<Wide>(bytes[index] & 0x7f) << (7 * index);
    if ((bytes[index] & 0x80) != 0) continue;
    if (value >> 64 != 0) return std::nullopt;
    const auto number = static_cast<std::uint64_t>(value);
    if (wire::native::varint_bytes(number) != index + 1) return std::nullopt;
    return std::pair(number, index + 1);
  }
  return std::nullopt;
}

void check_varint(ByteSpan bytes) {
  wire::native::Reader reader(bytes);
  const std::uint64_t value = reader.varint();
  const auto expected = slow_varint(bytes);
  MUST_HOLD(reader.failed() != expected.has_value());
  if (!expected) return;
  MUST_HOLD(value == expected->first && bytes.size() - reader.left() == expected->second);
  Bytes written(wire::native::varint_bytes(value));
  wire::native::Writer writer(written);
  writer.varint(value);
  MUST_HOLD(writer.left() == 0 && std::equal(written.begin(), written.end(), bytes.begin()));
}

/// RFC 3629 by arithmetic: read the number, then ask whether it may be written so.
NOT_GUIDING std::size_t slow_utf8(std::string_view text) {
  const auto at = [&](std::size_t index) { return static_cast<unsigned char>(text[index]); };
  const std::size_t bytes = at(0) < 0x80   ? 1
                            : at(0) < 0xc0 ? 0
                            : at(0) < 0xe0 ? 2
                            : at(0) < 0xf0 ? 3
                            : at(0) < 0xf8 ? 4
                                           : 0;
  if (bytes == 0 || bytes > text.size()) return 0;
  std::uint32_t number = bytes == 1 ? at(0) : at(0) & (0x7fu >> bytes);
  for (std::size_t index = 1; index < bytes; ++index) {
    if ((at(index) & 0xc0) != 0x80) return 0;
    number = number << 6 | (at(index) & 0x3fu);
  }
  constexpr std::array<std::uint32_t, 5> kLeast = {0, 0, 0x80, 0x800, 0x10000};
  const bool is_surrogate = number >= 0xd800 && number < 0xe000;
  return number >= kLeast[bytes] && number <= 0x10ffff && !is_surrogate ? bytes : 0;
}

void check_utf8(std::string_view text) {
  for (std::size_t begin = 0; begin < text.size() && begin < 24; ++begin) {
    const std::string_view rest = text.substr(begin);
    MUST_HOLD(wire::json::utf8_sequence_bytes(rest) == slow_utf8(rest));
  }
}

/// A coordinate of a browser's key: 43 digits that stand for exactly 32 bytes.
void check_coordinate(std::string_view text) {
  std::string quoted;
  wire::json::append_quoted(quoted, text);
  wire::legacy::RawJson metadata;
  metadata.json = R"({"publicKey":{"kty":"EC","x":)" + quoted + R"(,"y":)" + quoted + "}}";
  const auto key = wire::legacy::browser_key_of(metadata);
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string bits;
  bool is_right = text.size() == 43;
  for (std::size_t index = 0; is_right && index < text.size(); ++index) {
    const std::size_t digit = kDigits.find(text[index]);
    is_right = is_right && digit != std::string_view::npos;
    for (unsigned bit = 6; bit-- > 0;) bits += (digit >> bit & 1) != 0 ? '1' : '0';
  }
  is_right = is_right && bits.ends_with("00");
  MUST_HOLD(key.has_value() == is_right);
  if (!key) return;
  for (std::size_t bit = 0; bit < 256; ++bit) {
    const bool is_set = ((*key)[bit / 8] >> (7 - bit % 8) & 1) != 0;
    MUST_HOLD(is_set == (bits[bit] == '1'));
  }
}

}  // namespace

TRESTLE_FUZZ_TARGET(primitives) {
  const std::string_view text = as_text(input);
  check_hex(text);
  check_id(input);
  check_varint(input);
  check_utf8(text);
  // What is far from its length is refused by the length: one such is as good as all.
  if (text.size() >= 42 && text.size() <= 44) check_coordinate(text);
}

}  // namespace trestle::fuzz
