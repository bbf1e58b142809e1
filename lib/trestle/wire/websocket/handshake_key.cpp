#include "trestle/wire/websocket/handshake_key.hpp"

#include <algorithm>

namespace trestle::wire::websocket {
namespace {

constexpr std::string_view kDigits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kPadding = "==";
/// Section 1.3: no other protocol knows it.
constexpr std::string_view kProtocolId = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// RFC 4648, section 4.
std::string base64(ByteSpan bytes) {
  std::string text;
  for (std::size_t begin = 0; begin < bytes.size(); begin += 3) {
    const std::size_t count = std::min<std::size_t>(3, bytes.size() - begin);
    std::uint32_t group = 0;
    for (std::size_t index = 0; index < 3; ++index) {
      group = group << 8 | (index < count ? bytes[begin + index] : 0u);
    }
    for (std::size_t digit = 0; digit < 4; ++digit) {
      text.push_back(digit > count ? '=' : kDigits[group >> (18 - 6 * digit) & 0x3f]);
    }
  }
  return text;
}

}  // namespace

HandshakeKey::HandshakeKey(std::span<const std::uint8_t, kNonceBytes> nonce) {
  const std::string encoded = base64(nonce);
  std::copy(encoded.begin(), encoded.end(), text_.begin());
}

std::optional<HandshakeKey> HandshakeKey::parse(std::string_view text) {
  if (text.size() != kCharacters || !text.ends_with(kPadding)) return std::nullopt;
  const std::string_view digits = text.substr(0, kCharacters - kPadding.size());
  if (digits.find_first_not_of(kDigits) != std::string_view::npos) return std::nullopt;
  HandshakeKey key;
  std::copy(text.begin(), text.end(), key.text_.begin());
  return key;
}

std::string HandshakeKey::challenge() const {
  std::string text(this->text());
  return text.append(kProtocolId);
}

std::string accept_text(const HandshakeDigest& digest) { return base64(digest); }

}  // namespace trestle::wire::websocket
