#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "trestle/wire/websocket/mask.hpp"

namespace trestle::wire::websocket {

/// One block of ChaCha20 (RFC 8439, section 2.3): sixteen words of constants, key, counter and
/// nonce make 64 bytes of key stream.
std::array<std::uint8_t, 64> chacha20_block(const std::array<std::uint32_t, 16>& state);

/// Gives every frame of a client a mask that cannot be told from those before it (RFC 6455,
/// sections 5.3 and 10.3): whoever can get us to send bytes of his choice, and sees our masks
/// because he is the server, must not be able to choose what a proxy between us reads. A server
/// sees enough of `Rng` to predict it, and to ask the suite for each frame is a call into the
/// library or the system; so the suite seeds a stream of ChaCha20 once. No secret depends on it.
///
/// One serves all connections of a thread.
class MaskSource {
 public:
  static constexpr std::size_t kSeedBytes = 32;

  /// `seed` comes from `crypto::Suite::random`.
  explicit MaskSource(std::span<const std::uint8_t, kSeedBytes> seed);

  MaskKey next();

 private:
  std::array<std::uint32_t, 16> state_;
  std::array<std::uint8_t, 64> block_{};
  std::size_t used_ = 64;
};

}  // namespace trestle::wire::websocket
