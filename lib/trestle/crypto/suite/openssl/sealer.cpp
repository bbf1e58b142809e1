#include "trestle/crypto/suite/sealer.hpp"

#include <algorithm>

#include <openssl/err.h>

#include "trestle/base/assertion.hpp"
#include "trestle/crypto/cleanse.hpp"
#include "trestle/crypto/suite/openssl/handles.hpp"

namespace trestle::crypto {

using namespace openssl;

/// Fetched once, the context reused: that halves the price of a short message.
struct Sealer::State {
  State()
      : cipher(EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr)), context(EVP_CIPHER_CTX_new()) {
    TRESTLE_ASSERT(cipher != nullptr);
    TRESTLE_ASSERT(context != nullptr);
    TRESTLE_ASSERT(EVP_CIPHER_get_iv_length(cipher.get()) == static_cast<int>(kSealNonceBytes));
  }

  Cipher cipher;
  CipherContext context;
};

namespace {

/// Forgets the key when a message is done.
class OneMessage {
 public:
  explicit OneMessage(EVP_CIPHER_CTX* context) : context_(context) {}
  ~OneMessage() { EVP_CIPHER_CTX_reset(context_); }
  OneMessage(const OneMessage&) = delete;
  OneMessage& operator=(const OneMessage&) = delete;

 private:
  EVP_CIPHER_CTX* context_;
};

}  // namespace

Sealer::Sealer() : state_(std::make_unique<State>()) {}
Sealer::Sealer(Sealer&&) noexcept = default;
Sealer& Sealer::operator=(Sealer&&) noexcept = default;
Sealer::~Sealer() = default;

void Sealer::seal(const SealKey& key, const SealNonce& nonce, ByteSpan context, ByteSpan plain,
                  Bytes& out) {
  TRESTLE_ASSERT(plain.size() <= kSealBytesMax);
  TRESTLE_ASSERT(context.size() <= kSealBytesMax);
  EVP_CIPHER_CTX* const cipher = state_->context.get();
  const OneMessage message(cipher);
  TRESTLE_ASSERT(EVP_EncryptInit_ex2(cipher, state_->cipher.get(), key.bytes().data(), nonce.data(),
                                     nullptr) == 1);
  int written = 0;
  // Empty pieces are left out: a null pointer would mean "finish".
  if (!context.empty()) {
    TRESTLE_ASSERT(EVP_EncryptUpdate(cipher, nullptr, &written, context.data(),
                                     static_cast<int>(context.size())) == 1);
  }
  const std::size_t start = out.size();
  out.resize(start + plain.size() + kSealTagBytes);
  std::uint8_t* const tag = out.data() + start + plain.size();
  if (!plain.empty()) {
    TRESTLE_ASSERT(EVP_EncryptUpdate(cipher, out.data() + start, &written, plain.data(),
                                     static_cast<int>(plain.size())) == 1);
    TRESTLE_ASSERT(static_cast<std::size_t>(written) == plain.size());
  }
  TRESTLE_ASSERT(EVP_EncryptFinal_ex(cipher, tag, &written) == 1);
  TRESTLE_ASSERT(EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, static_cast<int>(kSealTagBytes),
                                     tag) == 1);
}

bool Sealer::open(const SealKey& key, const SealNonce& nonce, ByteSpan context, ByteSpan sealed,
                  Bytes& plain) {
  plain.clear();
  if (sealed.size() < kSealTagBytes || sealed.size() > kSealBytesMax) return false;
  TRESTLE_ASSERT(context.size() <= kSealBytesMax);
  const ByteSpan ciphertext = sealed.first(sealed.size() - kSealTagBytes);
  std::array<std::uint8_t, kSealTagBytes> tag;
  std::copy(sealed.end() - kSealTagBytes, sealed.end(), tag.begin());
  EVP_CIPHER_CTX* const cipher = state_->context.get();
  const OneMessage message(cipher);
  TRESTLE_ASSERT(EVP_DecryptInit_ex2(cipher, state_->cipher.get(), key.bytes().data(), nonce.data(),
                                     nullptr) == 1);
  int written = 0;
  if (!context.empty()) {
    TRESTLE_ASSERT(EVP_DecryptUpdate(cipher, nullptr, &written, context.data(),
                                     static_cast<int>(context.size())) == 1);
  }
  plain.resize(ciphertext.size());
  if (!ciphertext.empty()) {
    TRESTLE_ASSERT(EVP_DecryptUpdate(cipher, plain.data(), &written, ciphertext.data(),
                                     static_cast<int>(ciphertext.size())) == 1);
  }
  TRESTLE_ASSERT(EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG, static_cast<int>(kSealTagBytes),
                                     tag.data()) == 1);
  // The tag is compared in constant time inside.
  std::uint8_t none = 0;
  if (EVP_DecryptFinal_ex(cipher, &none, &written) == 1) return true;
  ERR_clear_error();
  // Nobody may see what did not pass.
  cleanse(plain);
  plain.clear();
  return false;
}

}  // namespace trestle::crypto
