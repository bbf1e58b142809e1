#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>

#include "trestle/base/bytes.hpp"
#include "trestle/wire/message/connection.hpp"

namespace trestle::crypto {

using Digest160 = std::array<std::uint8_t, 20>;
using Digest256 = std::array<std::uint8_t, 32>;
using wire::PublicKey;
using wire::Signature;

/// A P-256 private scalar, big-endian. Cleared when destroyed.
class PrivateKey {
 public:
  static constexpr std::size_t kBytes = 32;
  PrivateKey() = default;
  explicit PrivateKey(std::span<const std::uint8_t, kBytes> bytes);
  PrivateKey(const PrivateKey&) = default;
  PrivateKey& operator=(const PrivateKey&) = default;
  ~PrivateKey();
  std::span<const std::uint8_t, kBytes> bytes() const { return bytes_; }

 private:
  std::array<std::uint8_t, kBytes> bytes_{};
};

struct KeyPair {
  PrivateKey secret;
  PublicKey key{};
};

/// The primitives, one implementation per world, chosen at link time: OpenSSL in the programs, a
/// stand-in in the simulator (fast, deterministic, no security at all; it cannot be linked into the
/// programs).
///
/// One suite belongs to one thread. Hashing and random bytes are plain calls; signing and verifying
/// are performed by the driver on behalf of the core, which asks for them by effects with a ticket
/// (design section 2).
class Suite {
 public:
  /// `simulation_seed` decides every byte the stand-in produces. OpenSSL ignores it and draws from
  /// the operating system.
  explicit Suite(std::uint64_t simulation_seed = 0);
  Suite(Suite&&) noexcept;
  Suite& operator=(Suite&&) noexcept;
  ~Suite();

  Digest160 sha1(ByteSpan data);
  Digest256 sha256(ByteSpan data);
  Digest256 hmac_sha256(ByteSpan key, ByteSpan data);
  /// Fills `out`. Aborts when the system has no entropy: continuing with guessable keys is worse
  /// than stopping (T16).
  void random(std::span<std::uint8_t> out);

  KeyPair generate();
  /// The pair of a stored scalar; false when it is not in 1 .. n-1 (`out` is then left as it was).
  [[nodiscard]] bool restore(const PrivateKey& secret, KeyPair& out);
  /// `pair` comes from `generate` or `restore`. The signature is the one of two with the low s
  /// (`crypto/curve_order.hpp`).
  Signature sign(const KeyPair& pair, ByteSpan message);
  /// False for a wrong signature, for one with the high s, and for a key that is no point of the
  /// curve: all of that is a peer's doing and never asserts.
  bool verify(const PublicKey& key, ByteSpan message, const Signature& signature);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Compares without telling by its duration where the first difference is (T23).
bool equal_in_constant_time(ByteSpan left, ByteSpan right);

}  // namespace trestle::crypto
