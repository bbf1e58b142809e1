#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "trestle/base/bytes.hpp"
#include "trestle/base/error_code.hpp"
#include "trestle/wire/message/contact.hpp"

namespace trestle::wire {

/// Uncompressed P-256 point without its 0x04 prefix: x then y, big-endian.
using PublicKey = std::array<std::uint8_t, 64>;
/// ECDSA P-256 with SHA-256: r then s, big-endian (IEEE P1363 form), fixed length, so that one
/// signature has one encoding.
using Signature = std::array<std::uint8_t, 64>;
/// 32 bytes from the suite's generator, used once (SEC-05).
using Nonce = std::array<std::uint8_t, 32>;
/// HMAC-SHA-256 under the shared bridge secret. The secret itself never crosses the wire (design
/// section 5).
using SecretProof = std::array<std::uint8_t, 32>;

inline constexpr std::uint16_t kProtocolVersion = 1;

/// First record of the dialler. Everything in it is covered by both proofs.
struct Hello {
  std::uint16_t version = kProtocolVersion;
  Role role = Role::node;
  PublicKey key{};
  Nonce nonce{};
  /// The URL that was dialled: a proof made for one listener is worthless at another.
  std::string dialled_url;
  /// The network's name; links between different networks are refused (WRONG_NETWORK).
  std::string network;
  /// Where this peer can be dialled, or empty.
  std::string address;
  friend bool operator==(const Hello&, const Hello&) = default;
};

/// Answer of the acceptor, with its proof over `hello` and this record without `proof`.
struct Welcome {
  std::uint16_t version = kProtocolVersion;
  Role role = Role::node;
  PublicKey key{};
  Nonce nonce{};
  std::string network;
  std::string address;
  Signature proof{};
  friend bool operator==(const Welcome&, const Welcome&) = default;
};

/// The dialler's proof over the same transcript, and, towards a bridge that asks for the shared
/// secret, the keyed digest that shows knowledge of it (all zero otherwise). The dialler goes first
/// here: an anonymous caller must not be able to collect digests for guessing a weak secret at
/// leisure.
struct Prove {
  Signature proof{};
  bool has_secret_proof = false;
  SecretProof secret_proof{};
  friend bool operator==(const Prove&, const Prove&) = default;
};

/// The acceptor admits the dialler; the link is open for both. Carries the acceptor's own keyed
/// digest if the dialler sent one.
struct Ready {
  bool has_secret_proof = false;
  SecretProof secret_proof{};
  friend bool operator==(const Ready&, const Ready&) = default;
};

/// Last record before a close: why. Nothing on this connection is answered after it.
struct Goodbye {
  ErrorCode code = ErrorCode::none;
  /// How long the other side should stay away, in milliseconds; 0 if it may come back at once.
  std::uint32_t retry_after_ms = 0;
  std::string text;
  friend bool operator==(const Goodbye&, const Goodbye&) = default;
};

/// Health check of a link, answered by `Pong` under the same request id (POOL-04). Carries nothing.
struct Ping {
  friend bool operator==(const Ping&, const Ping&) = default;
};
struct Pong {
  friend bool operator==(const Pong&, const Pong&) = default;
};

/// The coded refusal of one request. The connection stays (BRIDGE-04).
struct Failure {
  ErrorCode code = ErrorCode::none;
  std::uint32_t retry_after_ms = 0;
  /// A sentence for a person: what is wrong and what to do.
  std::string text;
  friend bool operator==(const Failure&, const Failure&) = default;
};

/// Withdraws a request of one's own; no answer is expected any more.
struct Cancel {
  friend bool operator==(const Cancel&, const Cancel&) = default;
};

}  // namespace trestle::wire
