#include "trestle/crypto/text_form.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "trestle/base/assertion.hpp"

namespace trestle::crypto {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
constexpr std::size_t kChecksumBytes = 4;
constexpr unsigned kDigitBits = 6;
constexpr unsigned kByteBits = 8;

using Checksum = std::array<std::uint8_t, kChecksumBytes>;

Checksum checksum_of(Suite& suite, TextKind kind, ByteSpan bytes) {
  Bytes input = to_bytes(as_bytes(prefix(kind)));
  append(input, bytes);
  const Digest256 digest = suite.sha256(input);
  Checksum checksum;
  std::copy_n(digest.begin(), checksum.size(), checksum.begin());
  return checksum;
}

std::string encoded(ByteSpan bytes) {
  std::string text;
  text.reserve(bytes.size() * kByteBits / kDigitBits + 1);
  unsigned held = 0;
  unsigned held_bits = 0;
  for (const std::uint8_t byte : bytes) {
    held = held << kByteBits | byte;
    held_bits += kByteBits;
    while (held_bits >= kDigitBits) {
      held_bits -= kDigitBits;
      text.push_back(kAlphabet[held >> held_bits & 0x3f]);
    }
    held &= (1u << held_bits) - 1;
  }
  if (held_bits > 0) text.push_back(kAlphabet[held << (kDigitBits - held_bits)]);
  return text;
}

/// Nothing for a character outside the alphabet, and for bits at the end that are not zero: they
/// would make a second text of the same bytes.
std::optional<Bytes> decoded(std::string_view text) {
  Bytes bytes;
  bytes.reserve(text.size() * kDigitBits / kByteBits);
  unsigned held = 0;
  unsigned held_bits = 0;
  for (const char letter : text) {
    const std::size_t digit = kAlphabet.find(letter);
    if (digit == std::string_view::npos) return std::nullopt;
    held = held << kDigitBits | static_cast<unsigned>(digit);
    held_bits += kDigitBits;
    if (held_bits < kByteBits) continue;
    held_bits -= kByteBits;
    bytes.push_back(static_cast<std::uint8_t>(held >> held_bits));
    held &= (1u << held_bits) - 1;
  }
  const bool has_spare_digit = held_bits >= kDigitBits;
  if (has_spare_digit || held != 0) return std::nullopt;
  return bytes;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n";
  const std::size_t start = text.find_first_not_of(kBlanks);
  if (start == std::string_view::npos) return {};
  return text.substr(start, text.find_last_not_of(kBlanks) - start + 1);
}

}  // namespace

std::string_view explain(TextFault fault) {
  switch (fault) {
    case TextFault::another_kind:
      return "is something else";
    case TextFault::mistyped:
      return "is damaged: a character is missing, too many or exchanged";
    case TextFault::too_long:
      return "is too long";
  }
  return "";
}

std::string_view prefix(TextKind kind) {
  switch (kind) {
    case TextKind::identity:
      return "trestle-identity:";
    case TextKind::sealed_key:
      return "trestle-sealed-key:";
    case TextKind::rotation:
      return "trestle-rotation:";
    case TextKind::invitation:
      return "trestle-invitation:";
    case TextKind::membership:
      return "trestle-membership:";
    case TextKind::revocation:
      return "trestle-revocation:";
    case TextKind::network_key:
      return "trestle-network-key:";
  }
  return "";
}

std::string to_text(Suite& suite, TextKind kind, ByteSpan bytes) {
  TRESTLE_ASSERT(bytes.size() <= kTextBytesMax);
  Bytes whole = to_bytes(bytes);
  append(whole, checksum_of(suite, kind, bytes));
  return std::string(prefix(kind)) + encoded(whole);
}

Result<Bytes, TextFault> from_text(Suite& suite, TextKind kind, std::string_view text) {
  constexpr std::size_t kDigitsMax = (kTextBytesMax + kChecksumBytes) * kByteBits / kDigitBits + 1;
  text = trimmed(text);
  if (!text.starts_with(prefix(kind))) return refuse(TextFault::another_kind);
  text.remove_prefix(prefix(kind).size());
  if (text.size() > kDigitsMax) return refuse(TextFault::too_long);
  auto whole = decoded(text);
  if (!whole || whole->size() < kChecksumBytes) return refuse(TextFault::mistyped);
  Checksum stated;
  std::copy(whole->end() - kChecksumBytes, whole->end(), stated.begin());
  whole->resize(whole->size() - kChecksumBytes);
  if (whole->size() > kTextBytesMax) return refuse(TextFault::too_long);
  if (checksum_of(suite, kind, *whole) != stated) return refuse(TextFault::mistyped);
  return std::move(*whole);
}

}  // namespace trestle::crypto
