#include "trestle/host/sealed_key.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

#include <openssl/err.h>
#include <openssl/evp.h>

#include "trestle/base/assertion.hpp"
#include "trestle/crypto/sealed.hpp"

namespace trestle::host {
namespace {

constexpr std::string_view kLabel = "trestle identity file v2";
constexpr std::size_t kSaltBytes = 16;
constexpr std::size_t kHeaderBytes = 4 + kSaltBytes;
static_assert(kSealedKeyBytes ==
              kHeaderBytes + crypto::PrivateKey::kBytes + crypto::kSealedOverheadBytes);

/// What a guess costs: 128 * r * N bytes of memory, p times over.
struct Costs {
  std::uint8_t log2_n;
  std::uint8_t r;
  std::uint8_t p;
};

/// 32 MiB three times: a quarter of a second at start, and ten million guesses are a month.
constexpr Costs kCosts{15, 8, 3};
constexpr std::uint64_t kMemoryMax = std::uint64_t{256} << 20;
/// OpenSSL counts its small blocks as well.
constexpr std::uint64_t kMemorySlack = std::uint64_t{1} << 20;

bool are_bearable(const Costs& costs) {
  const bool in_range = costs.log2_n >= 1 && costs.log2_n <= 20 && costs.r >= 1 && costs.r <= 16 &&
                        costs.p >= 1 && costs.p <= 16;
  // RFC 7914, section 2: scrypt knows no larger N, whatever memory it would take.
  const bool is_known = costs.log2_n < 16 * costs.r;
  return in_range && is_known && (std::uint64_t{128} * costs.r << costs.log2_n) <= kMemoryMax;
}

crypto::SealKey wrapping_key(const Passphrase& passphrase, ByteSpan salt, const Costs& costs) {
  crypto::SealKey key;
  const ByteSpan secret = passphrase.bytes();
  const int is_derived =
      EVP_PBE_scrypt(reinterpret_cast<const char*>(secret.data()), secret.size(), salt.data(),
                     salt.size(), std::uint64_t{1} << costs.log2_n, costs.r, costs.p,
                     kMemoryMax + kMemorySlack, key.writable().data(), key.writable().size());
  TRESTLE_ASSERT(is_derived == 1);
  return key;
}

}  // namespace

Bytes seal_key(crypto::Suite& suite, const crypto::PrivateKey& secret,
               const Passphrase& passphrase) {
  TRESTLE_ASSERT(!passphrase.is_none());
  std::array<std::uint8_t, kSaltBytes> salt;
  suite.random(salt);
  Bytes bytes{kSealedKeyVersion, kCosts.log2_n, kCosts.r, kCosts.p};
  append(bytes, salt);
  crypto::Sealer sealer;
  append(bytes, crypto::seal(suite, sealer, wrapping_key(passphrase, salt, kCosts), kLabel, bytes,
                             secret.bytes()));
  return bytes;
}

Result<crypto::PrivateKey, std::string> open_key(ByteSpan sealed, const Passphrase& passphrase) {
  if (sealed.size() != kSealedKeyBytes || sealed[0] != kSealedKeyVersion) {
    return refuse(std::string("is no identity under a passphrase"));
  }
  if (passphrase.is_none()) {
    return refuse(std::string("needs a passphrase; give --identity-passphrase-file F"));
  }
  const Costs costs{sealed[1], sealed[2], sealed[3]};
  if (!are_bearable(costs)) return refuse(std::string("asks for more work than is sensible"));
  const ByteSpan header = sealed.first(kHeaderBytes);
  crypto::Sealer sealer;
  auto plain = crypto::open(sealer, wrapping_key(passphrase, header.subspan(4), costs), kLabel,
                            header, sealed.subspan(kHeaderBytes));
  if (!plain) return refuse(std::string("does not open: another passphrase, or damaged"));
  const crypto::PrivateKey secret(
      std::span<const std::uint8_t>(*plain).first<crypto::PrivateKey::kBytes>());
  crypto::cleanse(*plain);
  return secret;
}

}  // namespace trestle::host
