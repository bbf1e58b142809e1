// F8: the signatures that stand behind hellos and records, with the programs' suite. A genuine one
// verifies; whatever is altered in it, in the key or in the message does not, and neither does its
// twin: no two encodings verify.
#include <algorithm>
#include <array>
#include <span>

#include "entry.hpp"
#include "input.hpp"
#include "trestle/crypto/curve_order.hpp"
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

}  // namespace

TRESTLE_FUZZ_TARGET(signature) {
  static crypto::Suite suite;
  static const crypto::KeyPair pair = suite.generate();
  Input parts(input);
  const std::size_t kind = parts.below(5);
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
