// F8: the signatures and seals that stand behind hellos, records, tokens and values, with the
// programs' suite. A genuine one verifies; whatever is altered in it, in the key or in the message
// does not, and neither does its twin: no two encodings verify.
#include <algorithm>
#include <array>
#include <span>

#include "entry.hpp"
#include "input.hpp"
#include "trestle/crypto/curve_order.hpp"
#include "trestle/crypto/edwards_encoding.hpp"
#include "trestle/crypto/sealed.hpp"
#include "trestle/crypto/suite/suite.hpp"

namespace trestle::fuzz {
namespace {

template <typename Array>
bool alter(Array& bytes, Input& input) {
  bool is_changed = false;
  for (std::size_t changes = 1 + input.below(4); changes > 0; --changes) {
    const std::size_t place = input.below(bytes.size());
    const std::uint8_t mask = input.byte();
    bytes[place] = static_cast<std::uint8_t>(bytes[place] ^ mask);
    is_changed = is_changed || mask != 0;
  }
  return is_changed;
}

/// The order of the group that the base point of Ed25519 generates, little-endian (RFC 8032).
constexpr std::array<std::uint8_t, 32> kOrder = {
    0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
    0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x10};

/// The same S in another encoding: with the order added.
crypto::Ed25519Signature twin_of(crypto::Ed25519Signature signature) {
  unsigned carry = 0;
  for (std::size_t index = 0; index < kOrder.size(); ++index) {
    std::uint8_t& byte = signature.bytes[32 + index];
    carry += byte + kOrder[index];
    byte = static_cast<std::uint8_t>(carry);
    carry >>= 8;
  }
  return signature;
}

template <typename Secret>
Secret secret_of(Input& input) {
  std::array<std::uint8_t, Secret::kBytes> bytes{};
  std::ranges::copy(input.take(bytes.size()), bytes.begin());
  return Secret(bytes);
}

void check_ed25519(Input& input) {
  const std::size_t kind = input.below(5);
  crypto::Ed25519Pair pair = crypto::ed25519_pair(secret_of<crypto::Ed25519Secret>(input));
  const ByteSpan decisions = input.take(16);
  Input changes(decisions);
  if (kind == 0) {  // A key and a signature out of nothing.
    crypto::Ed25519Key key;
    crypto::Ed25519Signature signature;
    std::ranges::copy(input.take(key.bytes.size()), key.bytes.begin());
    std::ranges::copy(input.take(signature.bytes.size()), signature.bytes.begin());
    const bool is_valid = crypto::ed25519_verify(key, input.rest(), signature);
    MUST_HOLD(!is_valid || crypto::is_strict(key, signature));
    return;
  }
  Bytes message = to_bytes(input.rest());
  const crypto::Ed25519Signature genuine = crypto::ed25519_sign(pair, message);
  MUST_HOLD(crypto::ed25519_verify(pair.key, message, genuine));
  MUST_HOLD(!crypto::ed25519_verify(pair.key, message, twin_of(genuine)));
  crypto::Ed25519Signature signature = genuine;
  const crypto::Ed25519Key key = pair.key;
  if (kind == 1) alter(signature.bytes, changes);
  if (kind == 2) alter(pair.key.bytes, changes);
  if (kind == 3) message.push_back(changes.byte());
  const bool is_same = kind != 3 && signature == genuine && pair.key == key;
  MUST_HOLD(crypto::ed25519_verify(pair.key, message, signature) == is_same);
}

void check_x25519(Input& input) {
  const crypto::X25519Pair one = crypto::x25519_pair(secret_of<crypto::X25519Secret>(input));
  const crypto::X25519Pair two = crypto::x25519_pair(secret_of<crypto::X25519Secret>(input));
  crypto::SharedSecret left;
  crypto::SharedSecret right;
  MUST_HOLD(crypto::x25519_agree(one, two.key, left) && crypto::x25519_agree(two, one.key, right));
  MUST_HOLD(std::ranges::equal(left.bytes(), right.bytes()));
  crypto::X25519Key any;
  std::ranges::copy(input.take(any.bytes.size()), any.bytes.begin());
  const bool is_agreed = crypto::x25519_agree(one, any, left);
  MUST_HOLD(is_agreed == !crypto::is_small_order(any));
  const bool is_zero = std::ranges::all_of(left.bytes(), [](auto byte) { return byte == 0; });
  MUST_HOLD(is_zero == !is_agreed);
}

void check_seal(Input& input) {
  static crypto::Suite suite;
  static crypto::Sealer sealer;
  const auto key = secret_of<crypto::SealKey>(input);
  const ByteSpan decisions = input.take(16);
  const ByteSpan context = input.piece();
  const ByteSpan plain = input.rest();
  Bytes sealed = crypto::seal(suite, sealer, key, "label", context, plain);
  const auto opened = crypto::open(sealer, key, "label", context, sealed);
  MUST_HOLD(opened.has_value() && std::ranges::equal(*opened, plain));
  MUST_HOLD(!crypto::open(sealer, key, "label", context, plain).has_value());
  MUST_HOLD(!crypto::open(sealer, key, "other", context, sealed).has_value());
  const Bytes before = sealed;
  Input changes(decisions);
  if (changes.flag()) {
    sealed.resize(changes.below(256) % sealed.size());
  } else {
    alter(sealed, changes);
  }
  if (sealed != before) {
    MUST_HOLD(!crypto::open(sealer, key, "label", context, sealed).has_value());
  }
}

crypto::KeyPair known_pair(crypto::Suite& suite) {
  std::array<std::uint8_t, crypto::PrivateKey::kBytes> scalar{};
  scalar.fill(7);
  crypto::KeyPair pair;
  MUST_HOLD(suite.restore(crypto::PrivateKey(scalar), pair));
  return pair;
}

}  // namespace

TRESTLE_FUZZ_TARGET(signature) {
  static crypto::Suite suite;
  static const crypto::KeyPair pair = known_pair(suite);
  Input parts(input);
  const std::size_t kind = parts.below(8);
  if (kind == 5) return check_ed25519(parts);
  if (kind == 6) return check_x25519(parts);
  if (kind == 7) return check_seal(parts);
  if (kind == 0) {  // A key and a signature out of nothing.
    crypto::PublicKey key{};
    crypto::Signature signature{};
    std::ranges::copy(parts.take(key.size()), key.begin());
    std::ranges::copy(parts.take(signature.size()), signature.begin());
    MUST_HOLD(!suite.verify(key, parts.rest(), signature));
    MUST_HOLD(!suite.verify(pair.key, parts.rest(), signature));
    return;
  }
  if (kind == 1) {  // A stored scalar.
    std::array<std::uint8_t, crypto::PrivateKey::kBytes> bytes{};
    std::ranges::copy(parts.take(bytes.size()), bytes.begin());
    crypto::KeyPair restored;
    if (!suite.restore(crypto::PrivateKey(bytes), restored)) return;
    const ByteSpan message = parts.rest();
    MUST_HOLD(suite.verify(restored.key, message, suite.sign(restored, message)));
    return;
  }
  crypto::PublicKey key = pair.key;
  const ByteSpan decisions = parts.take(16);
  Bytes message = to_bytes(parts.rest());
  crypto::Signature signature = suite.sign(pair, message);
  MUST_HOLD(suite.verify(key, message, signature));
  Input changes(decisions);
  crypto::Signature before = signature;
  if (kind == 2 && alter(signature, changes)) {
    MUST_HOLD(signature == before || !suite.verify(key, message, signature));
  }
  if (kind == 3 && alter(key, changes)) {
    MUST_HOLD(key == pair.key || !suite.verify(key, message, signature));
  }
  if (kind == 4) {
    message.push_back(changes.byte());
    MUST_HOLD(!suite.verify(key, message, signature));
  }
}

}  // namespace trestle::fuzz
