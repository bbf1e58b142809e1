#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

#include "trestle/base/bytes.hpp"

namespace trestle::sim {

/// What may stand between the codec and the line at one end of a stream: TLS, in tests that have a
/// library for it. The calls mean what those of `tls::Engine` do.
class LineCipher {
 public:
  virtual ~LineCipher() = default;

  /// How much was taken from the front; nothing before the handshake is over.
  virtual std::size_t send(ByteSpan plaintext) = 0;
  virtual void close() = 0;
  virtual void receive(ByteSpan ciphertext) = 0;
  /// What came, piece by piece until it is empty. Borrowed until the next call, and changed.
  virtual std::span<std::uint8_t> plaintext() = 0;
  virtual ByteSpan ciphertext() const = 0;
  virtual void consume(std::size_t bytes) = 0;
  virtual bool has_failed() const = 0;
};

/// Makes the two ends of a stream's cipher.
class LineCipherSource {
 public:
  virtual ~LineCipherSource() = default;
  virtual std::unique_ptr<LineCipher> dialler() = 0;
  virtual std::unique_ptr<LineCipher> acceptor() = 0;
};

}  // namespace trestle::sim
