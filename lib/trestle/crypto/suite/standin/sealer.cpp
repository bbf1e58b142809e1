// THE STAND-IN OFFERS NO SECURITY WHATSOEVER; see suite.cpp beside this file.
#include "trestle/crypto/suite/sealer.hpp"

#include "trestle/base/assertion.hpp"
#include "trestle/crypto/suite/standin/mixer.hpp"

namespace trestle::crypto {

using standin::Mixer;

namespace {

/// What is added to plain bytes. It keeps them from being found in what a simulation sent or wrote.
Bytes stream(const SealKey& key, const SealNonce& nonce, std::size_t size) {
  Mixer mixer("seal stream");
  mixer.add(key.bytes());
  mixer.add(nonce);
  Bytes bytes(size);
  mixer.finish(bytes);
  return bytes;
}

std::array<std::uint8_t, kSealTagBytes> tag(const SealKey& key, const SealNonce& nonce,
                                            ByteSpan context, ByteSpan ciphertext) {
  Mixer mixer("seal tag");
  mixer.add(key.bytes());
  mixer.add(nonce);
  mixer.add(context);
  mixer.add(ciphertext);
  std::array<std::uint8_t, kSealTagBytes> bytes;
  mixer.finish(bytes);
  return bytes;
}

}  // namespace

struct Sealer::State {};

Sealer::Sealer() = default;
Sealer::Sealer(Sealer&&) noexcept = default;
Sealer& Sealer::operator=(Sealer&&) noexcept = default;
Sealer::~Sealer() = default;

void Sealer::seal(const SealKey& key, const SealNonce& nonce, ByteSpan context, ByteSpan plain,
                  Bytes& out) {
  TRESTLE_ASSERT(plain.size() <= kSealBytesMax);
  Bytes ciphertext = stream(key, nonce, plain.size());
  for (std::size_t index = 0; index < plain.size(); ++index) ciphertext[index] ^= plain[index];
  append(out, ciphertext);
  append(out, tag(key, nonce, context, ciphertext));
}

bool Sealer::open(const SealKey& key, const SealNonce& nonce, ByteSpan context, ByteSpan sealed,
                  Bytes& plain) {
  plain.clear();
  if (sealed.size() < kSealTagBytes || sealed.size() > kSealBytesMax) return false;
  const ByteSpan ciphertext = sealed.first(sealed.size() - kSealTagBytes);
  const auto expected = tag(key, nonce, context, ciphertext);
  if (to_bytes(expected) != to_bytes(sealed.last(kSealTagBytes))) return false;
  plain = stream(key, nonce, ciphertext.size());
  for (std::size_t index = 0; index < plain.size(); ++index) plain[index] ^= ciphertext[index];
  return true;
}

}  // namespace trestle::crypto
