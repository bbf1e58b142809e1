#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "trestle/base/bytes.hpp"

namespace trestle::wire::websocket {

/// SHA-1, as `crypto::Suite::sha1` gives it. This room has no cryptography: who drives a handshake
/// hashes the challenge and hands the digest in.
using HandshakeDigest = std::array<std::uint8_t, 20>;

/// Sec-WebSocket-Key (RFC 6455, sections 4.1 and 11.3.1): sixteen bytes in base64, new for each
/// connection. It shows a client that its server speaks WebSocket and did not answer out of a
/// cache; nobody proves anything by it.
class HandshakeKey {
 public:
  static constexpr std::size_t kNonceBytes = 16;
  static constexpr std::size_t kCharacters = 24;

  /// A client's; the nonce comes from `crypto::Suite::random`.
  explicit HandshakeKey(std::span<const std::uint8_t, kNonceBytes> nonce);
  /// A server's, from the header. Nothing if the text is not the base64 of sixteen bytes; bits that
  /// such a text has to spare may be set, as decoders may allow (RFC 4648, section 3.5).
  static std::optional<HandshakeKey> parse(std::string_view text);

  std::string_view text() const { return {text_.data(), text_.size()}; }
  /// What a server hashes to prove that it has read the key (4.2.2, step 5.4).
  std::string challenge() const;

 private:
  HandshakeKey() = default;
  std::array<char, kCharacters> text_{};
};

/// Sec-WebSocket-Accept: the digest of the challenge in base64.
std::string accept_text(const HandshakeDigest& digest);

}  // namespace trestle::wire::websocket
