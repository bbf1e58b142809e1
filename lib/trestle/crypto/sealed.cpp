#include "trestle/crypto/sealed.hpp"

#include <algorithm>

#include "trestle/crypto/transcript.hpp"

namespace trestle::crypto {
namespace {

constexpr std::uint8_t kVersion = 1;

Bytes bound(std::string_view label, ByteSpan context) {
  Transcript transcript;
  transcript.add(label);
  transcript.add_number(kVersion, sizeof kVersion);
  transcript.add(context);
  return transcript.take();
}

}  // namespace

Bytes seal(Suite& suite, Sealer& sealer, const SealKey& key, std::string_view label,
           ByteSpan context, ByteSpan plain) {
  SealNonce nonce;
  suite.random(nonce);
  Bytes sealed;
  sealed.reserve(plain.size() + kSealedOverheadBytes);
  sealed.push_back(kVersion);
  append(sealed, nonce);
  sealer.seal(key, nonce, bound(label, context), plain, sealed);
  return sealed;
}

std::optional<Bytes> open(Sealer& sealer, const SealKey& key, std::string_view label,
                          ByteSpan context, ByteSpan sealed) {
  if (sealed.size() < kSealedOverheadBytes || sealed[0] != kVersion) return std::nullopt;
  SealNonce nonce;
  std::copy_n(sealed.begin() + 1, nonce.size(), nonce.begin());
  Bytes plain;
  if (!sealer.open(key, nonce, bound(label, context), sealed.subspan(1 + nonce.size()), plain)) {
    return std::nullopt;
  }
  return plain;
}

}  // namespace trestle::crypto
