#include "trestle/crypto/hkdf.hpp"

#include <algorithm>

#include "trestle/base/assertion.hpp"
#include "trestle/crypto/cleanse.hpp"
#include "trestle/crypto/transcript.hpp"

namespace trestle::crypto {
namespace {

/// One for everything here: what keeps uses apart is the label.
constexpr std::string_view kSalt = "trestle key derivation v1";

}  // namespace

Digest256 hkdf_extract(Suite& suite, ByteSpan salt, ByteSpan input) {
  return suite.hmac_sha256(salt, input);
}

void hkdf_expand(Suite& suite, const Digest256& key, ByteSpan info, std::span<std::uint8_t> out) {
  TRESTLE_ASSERT(out.size() <= kHkdfBytesMax);
  // Each block is the HMAC of the block before, the info, and the block's number from 1.
  Bytes input;
  input.reserve(std::tuple_size_v<Digest256> + info.size() + 1);
  Digest256 block{};
  std::uint8_t number = 0;
  while (!out.empty()) {
    input.clear();
    if (number > 0) append(input, block);
    append(input, info);
    input.push_back(++number);
    block = suite.hmac_sha256(key, input);
    const std::size_t taken = std::min(out.size(), block.size());
    std::copy_n(block.begin(), taken, out.begin());
    out = out.subspan(taken);
  }
  cleanse(block);
  cleanse(input);
}

void derive_bytes(Suite& suite, ByteSpan input, std::string_view label, ByteSpan context,
                  std::span<std::uint8_t> out) {
  Digest256 key = hkdf_extract(suite, as_bytes(kSalt), input);
  hkdf_expand(suite, key, transcript_of(label, context), out);
  cleanse(key);
}

}  // namespace trestle::crypto
