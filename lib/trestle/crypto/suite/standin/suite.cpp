// THE STAND-IN OFFERS NO SECURITY WHATSOEVER.
//
// It gives the simulator and the tests something that behaves like cryptography and costs next to
// nothing: the same seed gives the same bytes, a signature verifies under the public key alone and
// under no other key, and nobody inside a simulation can produce one without calling `sign` with
// the right secret. That last point rests on an "oracle key" compiled into every copy of this file,
// so anybody who reads it can forge any signature. It must never reach a program that talks to real
// peers: linking it together with a real suite fails, and tests look for the marker below in the
// programs.
#include "trestle/crypto/suite/suite.hpp"

#include "trestle/base/assertion.hpp"
#include "trestle/base/rng.hpp"
#include "trestle/crypto/curve_order.hpp"
#include "trestle/crypto/suite/standin/marker.hpp"
#include "trestle/crypto/suite/standin/mixer.hpp"

// Kept although nothing reads it.
extern "C" [[gnu::used]] const char trestle_standin_crypto_marker[] =
    "trestle stand-in crypto: no security at all";

namespace trestle::crypto {

using standin::Mixer;

namespace {

/// The "secret" that every simulated verifier shares. Not a secret.
constexpr std::string_view kOracleKey = "trestle stand-in oracle: no security at all";

template <typename Digest>
Digest digest_of(std::string_view domain, ByteSpan data) {
  Mixer mixer(domain);
  mixer.add(data);
  Digest digest;
  mixer.finish(digest);
  return digest;
}

PublicKey public_key_of(const PrivateKey& secret) {
  Mixer mixer("public key");
  mixer.add(secret.bytes());
  PublicKey key;
  mixer.finish(key);
  return key;
}

Signature tag(const PublicKey& key, ByteSpan message) {
  Mixer mixer("signature");
  mixer.add(as_bytes(kOracleKey));
  mixer.add(key);
  mixer.add(message);
  Signature signature;
  mixer.finish(signature);
  // Into the range of real signatures: a clear top bit is below n, two clear ones below n/2.
  signature.front() &= 0x7f;
  signature[kScalarBytes] &= 0x3f;
  return signature;
}

}  // namespace

struct Suite::State {
  explicit State(std::uint64_t simulation_seed) : rng(Rng(simulation_seed).fork("crypto suite")) {}
  Rng rng;
};

Suite::Suite(std::uint64_t simulation_seed) : state_(std::make_unique<State>(simulation_seed)) {}
Suite::Suite(Suite&&) noexcept = default;
Suite& Suite::operator=(Suite&&) noexcept = default;
Suite::~Suite() = default;

Digest160 Suite::sha1(ByteSpan data) { return digest_of<Digest160>("sha1", data); }

Digest256 Suite::sha256(ByteSpan data) { return digest_of<Digest256>("sha256", data); }

Digest256 Suite::hmac_sha256(ByteSpan key, ByteSpan data) {
  Mixer mixer("hmac");
  mixer.add(key);
  mixer.add(data);
  Digest256 digest;
  mixer.finish(digest);
  return digest;
}

void Suite::random(std::span<std::uint8_t> out) {
  std::uint64_t word = 0;
  for (std::size_t index = 0; index < out.size(); ++index) {
    const std::size_t place = index % sizeof(word);
    if (place == 0) word = state_->rng.next();
    out[index] = static_cast<std::uint8_t>(word >> (8 * place));
  }
}

KeyPair Suite::generate() {
  KeyPair pair;
  std::array<std::uint8_t, PrivateKey::kBytes> bytes;
  // One draw in four thousand million is no scalar.
  do {
    random(bytes);
  } while (!restore(PrivateKey(bytes), pair));
  return pair;
}

bool Suite::restore(const PrivateKey& secret, KeyPair& out) {
  if (!is_scalar(secret.bytes())) return false;
  out = {secret, public_key_of(secret)};
  return true;
}

Signature Suite::sign(const KeyPair& pair, ByteSpan message) {
  TRESTLE_ASSERT(is_scalar(pair.secret.bytes()));
  // From the secret, not from `pair.key`: whoever puts a foreign key into the pair gains nothing.
  return tag(public_key_of(pair.secret), message);
}

bool Suite::verify(const PublicKey& key, ByteSpan message, const Signature& signature) {
  return equal_in_constant_time(tag(key, message), signature);
}

}  // namespace trestle::crypto
