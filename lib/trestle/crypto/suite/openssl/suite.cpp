#include "trestle/crypto/suite/suite.hpp"

#include <algorithm>

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include "trestle/base/assertion.hpp"
#include "trestle/crypto/cleanse.hpp"
#include "trestle/crypto/curve_order.hpp"
#include "trestle/crypto/suite/openssl/handles.hpp"

// Two kinds of failure. What a peer can cause (a key that is not a point, a signature that does not
// fit) is answered with `false`, and the error queue is emptied, since libwebsockets reads the same
// queue for its TLS connections. Everything else means that we called OpenSSL wrongly or that it
// lacks an algorithm: that is asserted.
namespace trestle::crypto {

using namespace openssl;

namespace {

constexpr char kCurveName[] = "P-256";
constexpr std::uint8_t kUncompressed = 0x04;
/// SEC 1, section 2.3.3: the prefix, then x, then y.
constexpr std::size_t kEncodedPointBytes = 1 + std::tuple_size_v<PublicKey>;
/// SEQUENCE of two INTEGERs of at most 33 bytes (32 and a zero that keeps them positive), each with
/// two bytes in front.
constexpr std::size_t kDerSignatureBytesMax = 2 + 2 * (2 + 33);
/// What P-256 offers, and what the generator must therefore be worth.
constexpr unsigned kStrengthBits = 128;

using EncodedPoint = std::array<std::uint8_t, kEncodedPointBytes>;

EncodedPoint encoded(const PublicKey& key) {
  EncodedPoint point;
  point[0] = kUncompressed;
  std::copy(key.begin(), key.end(), point.begin() + 1);
  return point;
}

PublicKey without_prefix(const EncodedPoint& point) {
  TRESTLE_ASSERT(point[0] == kUncompressed);
  PublicKey key;
  std::copy(point.begin() + 1, point.end(), key.begin());
  return key;
}

SecretNumber read_scalar(const PrivateKey& secret) {
  SecretNumber scalar(
      BN_bin2bn(secret.bytes().data(), static_cast<int>(PrivateKey::kBytes), nullptr));
  TRESTLE_ASSERT(scalar != nullptr);
  // Keeps OpenSSL on the paths whose duration does not depend on the number (T23).
  BN_set_flags(scalar.get(), BN_FLG_CONSTTIME);
  return scalar;
}

PrivateKey write_scalar(const BIGNUM* scalar) {
  std::array<std::uint8_t, PrivateKey::kBytes> bytes;
  TRESTLE_ASSERT(BN_bn2binpad(scalar, bytes.data(), static_cast<int>(bytes.size())) ==
                 static_cast<int>(bytes.size()));
  const PrivateKey secret{std::span<const std::uint8_t, PrivateKey::kBytes>(bytes)};
  cleanse(bytes);
  return secret;
}

/// r then s, with the low one of both possible s.
Signature from_der(const std::uint8_t* der, std::size_t size) {
  const EcdsaSignature parsed(d2i_ECDSA_SIG(nullptr, &der, static_cast<long>(size)));
  TRESTLE_ASSERT(parsed != nullptr);
  Signature signature;
  const auto r = std::span(signature).first<kScalarBytes>();
  const auto s = std::span(signature).last<kScalarBytes>();
  constexpr int kWidth = static_cast<int>(kScalarBytes);
  TRESTLE_ASSERT(BN_bn2binpad(ECDSA_SIG_get0_r(parsed.get()), r.data(), kWidth) == kWidth);
  TRESTLE_ASSERT(BN_bn2binpad(ECDSA_SIG_get0_s(parsed.get()), s.data(), kWidth) == kWidth);
  if (!is_canonical(signature)) std::ranges::copy(negated(s), s.begin());
  TRESTLE_ASSERT(is_canonical(signature));
  return signature;
}

struct DerSignature {
  std::array<std::uint8_t, kDerSignatureBytesMax> bytes;
  std::size_t size = 0;
};

DerSignature to_der(const Signature& signature) {
  const EcdsaSignature parsed(ECDSA_SIG_new());
  TRESTLE_ASSERT(parsed != nullptr);
  constexpr int kWidth = static_cast<int>(kScalarBytes);
  Number r(BN_bin2bn(signature.data(), kWidth, nullptr));
  Number s(BN_bin2bn(signature.data() + kScalarBytes, kWidth, nullptr));
  TRESTLE_ASSERT(r != nullptr);
  TRESTLE_ASSERT(s != nullptr);
  TRESTLE_ASSERT(ECDSA_SIG_set0(parsed.get(), r.release(), s.release()) == 1);
  const int size = i2d_ECDSA_SIG(parsed.get(), nullptr);
  TRESTLE_ASSERT(size > 0 && static_cast<std::size_t>(size) <= kDerSignatureBytesMax);
  DerSignature der;
  std::uint8_t* end = der.bytes.data();
  der.size = static_cast<std::size_t>(i2d_ECDSA_SIG(parsed.get(), &end));
  return der;
}

}  // namespace

/// What is fetched once and used for every call: fetching anew each time triples the price of a
/// short hash.
struct Suite::State {
  State()
      : sha1(EVP_MD_fetch(nullptr, "SHA1", nullptr)),
        sha256(EVP_MD_fetch(nullptr, "SHA2-256", nullptr)),
        hmac(EVP_MAC_fetch(nullptr, "HMAC", nullptr)),
        hash_context(EVP_MD_CTX_new()),
        signature_context(EVP_MD_CTX_new()),
        generation(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr)),
        import(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr)),
        group(EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1)) {
    TRESTLE_ASSERT(sha1 != nullptr);
    TRESTLE_ASSERT(sha256 != nullptr);
    TRESTLE_ASSERT(hmac != nullptr);
    TRESTLE_ASSERT(hash_context != nullptr);
    TRESTLE_ASSERT(signature_context != nullptr);
    TRESTLE_ASSERT(generation != nullptr);
    TRESTLE_ASSERT(import != nullptr);
    TRESTLE_ASSERT(group != nullptr);
    TRESTLE_ASSERT(EVP_PKEY_keygen_init(generation.get()) == 1);
    TRESTLE_ASSERT(EVP_PKEY_CTX_set_group_name(generation.get(), kCurveName) == 1);
    TRESTLE_ASSERT(EVP_PKEY_fromdata_init(import.get()) == 1);
    peer = import_curve();
  }

  template <typename Digest>
  Digest hash(const Hash& algorithm, ByteSpan data) {
    Digest digest;
    TRESTLE_ASSERT(EVP_DigestInit_ex2(hash_context.get(), algorithm.get(), nullptr) == 1);
    TRESTLE_ASSERT(EVP_DigestUpdate(hash_context.get(), data.data(), data.size()) == 1);
    unsigned written = 0;
    TRESTLE_ASSERT(EVP_DigestFinal_ex(hash_context.get(), digest.data(), &written) == 1);
    TRESTLE_ASSERT(written == digest.size());
    return digest;
  }

  /// Makes `peer` the key to verify with; false if `key` is no point of the curve. Reading the
  /// point checks that both coordinates are below the field's prime and satisfy the equation, and
  /// this encoding has no form for the point at infinity. The curve has no small subgroups, so
  /// nothing is left to check.
  bool set_peer(const PublicKey& key) {
    const EncodedPoint point = encoded(key);
    if (EVP_PKEY_set1_encoded_public_key(peer.get(), point.data(), point.size()) == 1) return true;
    ERR_clear_error();
    return false;
  }

  Key import_curve() {
    OSSL_PARAM parameters[] = {group_parameter(), OSSL_PARAM_construct_end()};
    EVP_PKEY* imported = nullptr;
    TRESTLE_ASSERT(
        EVP_PKEY_fromdata(import.get(), &imported, EVP_PKEY_KEY_PARAMETERS, parameters) == 1);
    return Key(imported);
  }

  Key import_pair(const KeyPair& pair) {
    EncodedPoint point = encoded(pair.key);
    // OpenSSL takes numbers in the byte order of the machine.
    std::array<std::uint8_t, PrivateKey::kBytes> scalar;
    const SecretNumber number = read_scalar(pair.secret);
    TRESTLE_ASSERT(BN_bn2nativepad(number.get(), scalar.data(), static_cast<int>(scalar.size())) ==
                   static_cast<int>(scalar.size()));
    OSSL_PARAM parameters[] = {
        group_parameter(), point_parameter(point),
        OSSL_PARAM_construct_BN(OSSL_PKEY_PARAM_PRIV_KEY, scalar.data(), scalar.size()),
        OSSL_PARAM_construct_end()};
    EVP_PKEY* imported = nullptr;
    TRESTLE_ASSERT(EVP_PKEY_fromdata(import.get(), &imported, EVP_PKEY_KEYPAIR, parameters) == 1);
    cleanse(scalar);
    return Key(imported);
  }

  Hash sha1;
  Hash sha256;
  Mac hmac;
  HashContext hash_context;
  HashContext signature_context;
  KeyContext generation;
  KeyContext import;
  Group group;
  /// The key of the verification under way, one object for all of them: importing each key anew
  /// took a fifth of a verification's time (15 of 78 us).
  Key peer;

 private:
  // OpenSSL's parameters point at mutable bytes, which an import only reads.
  static OSSL_PARAM group_parameter() {
    return OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME,
                                            const_cast<char*>(kCurveName), 0);
  }
  static OSSL_PARAM point_parameter(EncodedPoint& point) {
    return OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size());
  }
};

Suite::Suite(std::uint64_t) : state_(std::make_unique<State>()) {}
Suite::Suite(Suite&&) noexcept = default;
Suite& Suite::operator=(Suite&&) noexcept = default;
Suite::~Suite() = default;

Digest160 Suite::sha1(ByteSpan data) { return state_->hash<Digest160>(state_->sha1, data); }

Digest256 Suite::sha256(ByteSpan data) { return state_->hash<Digest256>(state_->sha256, data); }

Digest256 Suite::hmac_sha256(ByteSpan key, ByteSpan data) {
  // A context of its own for each call: a reused one would keep the secret until the next.
  const MacContext context(EVP_MAC_CTX_new(state_->hmac.get()));
  TRESTLE_ASSERT(context != nullptr);
  char digest_name[] = "SHA2-256";
  const OSSL_PARAM parameters[] = {
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest_name, 0),
      OSSL_PARAM_construct_end()};
  // A null key would mean "the key of last time" instead of an empty one.
  const std::uint8_t none = 0;
  const std::uint8_t* const key_bytes = key.empty() ? &none : key.data();
  TRESTLE_ASSERT(EVP_MAC_init(context.get(), key_bytes, key.size(), parameters) == 1);
  TRESTLE_ASSERT(EVP_MAC_update(context.get(), data.data(), data.size()) == 1);
  Digest256 digest;
  std::size_t written = 0;
  TRESTLE_ASSERT(EVP_MAC_final(context.get(), digest.data(), &written, digest.size()) == 1);
  TRESTLE_ASSERT(written == digest.size());
  return digest;
}

void Suite::random(std::span<std::uint8_t> out) {
  if (out.empty()) return;
  TRESTLE_ASSERT(RAND_bytes_ex(nullptr, out.data(), out.size(), kStrengthBits) == 1);
}

KeyPair Suite::generate() {
  EVP_PKEY* generated = nullptr;
  // Fails only without entropy.
  TRESTLE_ASSERT(EVP_PKEY_generate(state_->generation.get(), &generated) == 1);
  const Key key(generated);
  BIGNUM* read = nullptr;
  TRESTLE_ASSERT(EVP_PKEY_get_bn_param(key.get(), OSSL_PKEY_PARAM_PRIV_KEY, &read) == 1);
  const SecretNumber scalar(read);
  EncodedPoint point;
  std::size_t written = 0;
  TRESTLE_ASSERT(EVP_PKEY_get_octet_string_param(key.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                                 point.size(), &written) == 1);
  TRESTLE_ASSERT(written == point.size());
  return {write_scalar(scalar.get()), without_prefix(point)};
}

bool Suite::restore(const PrivateKey& secret, KeyPair& out) {
  if (!is_scalar(secret.bytes())) return false;
  // The one place below EVP: EVP imports a scalar without its point, but never computes the point.
  const EC_GROUP* const group = state_->group.get();
  const SecretNumber scalar = read_scalar(secret);
  const Point product(EC_POINT_new(group));
  const NumberContext context(BN_CTX_new());
  TRESTLE_ASSERT(product != nullptr);
  TRESTLE_ASSERT(context != nullptr);
  TRESTLE_ASSERT(
      EC_POINT_mul(group, product.get(), scalar.get(), nullptr, nullptr, context.get()) == 1);
  EncodedPoint point;
  TRESTLE_ASSERT(EC_POINT_point2oct(group, product.get(), POINT_CONVERSION_UNCOMPRESSED,
                                    point.data(), point.size(), context.get()) == point.size());
  out = {secret, without_prefix(point)};
  return true;
}

Signature Suite::sign(const KeyPair& pair, ByteSpan message) {
  TRESTLE_ASSERT(is_scalar(pair.secret.bytes()));
  const Key key = state_->import_pair(pair);
  EVP_MD_CTX* const context = state_->signature_context.get();
  TRESTLE_ASSERT(EVP_DigestSignInit_ex(context, nullptr, "SHA2-256", nullptr, nullptr, key.get(),
                                       nullptr) == 1);
  std::array<std::uint8_t, kDerSignatureBytesMax> der;
  std::size_t size = der.size();
  TRESTLE_ASSERT(EVP_DigestSign(context, der.data(), &size, message.data(), message.size()) == 1);
  // The context would keep the key alive until the next signature.
  EVP_MD_CTX_reset(context);
  return from_der(der.data(), size);
}

bool Suite::verify(const PublicKey& key, ByteSpan message, const Signature& signature) {
  // The cheap check first (T20).
  if (!is_canonical(signature)) return false;
  if (!state_->set_peer(key)) return false;
  const DerSignature der = to_der(signature);
  EVP_MD_CTX* const context = state_->signature_context.get();
  TRESTLE_ASSERT(EVP_DigestVerifyInit_ex(context, nullptr, "SHA2-256", nullptr, nullptr,
                                         state_->peer.get(), nullptr) == 1);
  // An "error" is a refusal as well, not our mistake: a peer who chooses key and signature together
  // can make the sum inside come out as the point at infinity, which OpenSSL reports so.
  const int outcome =
      EVP_DigestVerify(context, der.bytes.data(), der.size, message.data(), message.size());
  EVP_MD_CTX_reset(context);
  if (outcome == 1) return true;
  ERR_clear_error();
  return false;
}

}  // namespace trestle::crypto
