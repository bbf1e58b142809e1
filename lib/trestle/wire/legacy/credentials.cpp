#include "trestle/wire/legacy/credentials.hpp"

#include <span>
#include <string_view>

#include "trestle/wire/json/parse.hpp"

namespace trestle::wire::legacy {
namespace {

constexpr std::size_t kCoordinateBytes = 32;

std::optional<std::uint32_t> digit_of(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '-') return 62;
  if (c == '_') return 63;
  return std::nullopt;
}

/// One coordinate: 43 digits of base64url without padding, 32 bytes and two bits that are zero.
bool read_coordinate(std::string_view text, std::span<std::uint8_t, kCoordinateBytes> out) {
  if (text.size() != (kCoordinateBytes * 8 + 5) / 6) return false;
  std::uint32_t bits = 0;
  unsigned held = 0;
  std::size_t written = 0;
  for (const char c : text) {
    const auto digit = digit_of(c);
    if (!digit) return false;
    bits = (bits << 6 | *digit) & 0xffff;
    held += 6;
    if (held < 8) continue;
    held -= 8;
    out[written++] = static_cast<std::uint8_t>(bits >> held);
  }
  return (bits & ((1u << held) - 1)) == 0;
}

std::string_view text_of(json::Value object, std::string_view name) {
  const std::optional<json::Value> member = object.member(name);
  return member ? member->text().value_or(std::string_view()) : std::string_view();
}

}  // namespace

std::optional<PublicKey> browser_key_of(const std::optional<RawJson>& metadata) {
  if (!metadata) return std::nullopt;
  const auto document = json::parse(metadata->json);
  if (!document) return std::nullopt;
  const std::optional<json::Value> key = document->root().member("publicKey");
  if (!key || text_of(*key, "kty") != "EC") return std::nullopt;
  PublicKey point{};
  const std::span<std::uint8_t, 2 * kCoordinateBytes> bytes(point);
  if (!read_coordinate(text_of(*key, "x"), bytes.first<kCoordinateBytes>())) return std::nullopt;
  if (!read_coordinate(text_of(*key, "y"), bytes.last<kCoordinateBytes>())) return std::nullopt;
  return point;
}

std::optional<std::string> bridge_token_of(const std::optional<RawJson>& metadata) {
  if (!metadata) return std::nullopt;
  const auto document = json::parse(metadata->json);
  if (!document) return std::nullopt;
  const std::string_view token = text_of(document->root(), "bridgeAuthToken");
  if (token.empty()) return std::nullopt;
  return std::string(token);
}

}  // namespace trestle::wire::legacy
