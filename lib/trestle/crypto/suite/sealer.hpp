#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "trestle/base/bytes.hpp"
#include "trestle/crypto/secret.hpp"

namespace trestle::crypto {

using SealKey = Secret<struct SealRole>;
inline constexpr std::size_t kSealNonceBytes = 12;
inline constexpr std::size_t kSealTagBytes = 16;
using SealNonce = std::array<std::uint8_t, kSealNonceBytes>;
/// Far above every value we carry; below what the cipher may take under one nonce (2^36 bytes) and
/// what OpenSSL counts in an int.
inline constexpr std::size_t kSealBytesMax = std::size_t{1} << 28;

/// Authenticated encryption: AES-256-GCM in the programs, a stand-in in the simulator. Part of the
/// suite's seam; like the suite it belongs to one thread.
///
/// A nonce must never meet the same key twice, or both messages lie open and forging becomes
/// possible. `crypto/sealed.hpp` draws them; nothing else calls `seal`.
class Sealer {
 public:
  Sealer();
  Sealer(Sealer&&) noexcept;
  Sealer& operator=(Sealer&&) noexcept;
  ~Sealer();

  /// Appends the ciphertext, as long as `plain`, and the tag to `out`. `context` is authenticated
  /// and not encrypted: who opens must know it. At most `kSealBytesMax` each.
  void seal(const SealKey& key, const SealNonce& nonce, ByteSpan context, ByteSpan plain,
            Bytes& out);
  /// Replaces `plain`. False, with `plain` empty, unless key, nonce, context and every bit of
  /// `sealed` (ciphertext and tag) are those of one call of `seal`.
  [[nodiscard]] bool open(const SealKey& key, const SealNonce& nonce, ByteSpan context,
                          ByteSpan sealed, Bytes& plain);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace trestle::crypto
