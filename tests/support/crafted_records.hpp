#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/ssl.h>

#include "support/tls_end.hpp"
#include "trestle/base/assertion.hpp"
#include "trestle/base/bytes.hpp"

namespace trestle::test {

/// Records of TLS 1.3 as OpenSSL would never write them, under the keys that one side has agreed
/// upon (RFC 8446, sections 5.2 and 7.3). That side must write nothing itself any more.
class CraftedRecords {
 public:
  /// Before the handshake of a connection.
  static void listen(SSL* connection) {
    SSL_CTX_set_keylog_callback(SSL_get_SSL_CTX(connection), [](const SSL* end, const char* line) {
      const std::string_view label =
          SSL_is_server(end) == 1 ? "SERVER_TRAFFIC_SECRET_0 " : "CLIENT_TRAFFIC_SECRET_0 ";
      const std::string_view text = line;
      if (text.starts_with(label)) secret() = text.substr(text.rfind(' ') + 1);
    });
    SSL_set_ciphersuites(connection, "TLS_AES_128_GCM_SHA256");
  }
  /// As the side of the last handshake, which has written so many records since.
  explicit CraftedRecords(std::uint64_t written = 0)
      : key_(expand("key", 16)), nonce_(expand("iv", 12)), sequence_(written) {}

  /// A record whose plaintext is `content`, of that inner type.
  Bytes record(std::uint8_t type, ByteSpan content) {
    Bytes inner = to_bytes(content);
    inner.push_back(type);
    const std::size_t size = inner.size() + kTagBytes;
    const Bytes head = {23, 3, 3, static_cast<std::uint8_t>(size >> 8),
                        static_cast<std::uint8_t>(size)};
    Bytes nonce = nonce_;
    for (std::size_t index = 0; index < 8; ++index) {
      nonce[11 - index] ^= static_cast<std::uint8_t>(sequence_ >> 8 * index);
    }
    ++sequence_;
    Bytes made = head;
    append(made, seal(nonce, head, inner));
    return made;
  }

 private:
  static constexpr std::size_t kTagBytes = 16;

  static std::string& secret() {
    static std::string last;
    return last;
  }
  static Bytes expand(std::string_view label, std::size_t bytes) {
    Bytes from(secret().size() / 2);
    TRESTLE_ASSERT(from_hex(secret(), from));
    const std::string name = "tls13 " + std::string(label);
    Bytes info = {0, static_cast<std::uint8_t>(bytes), static_cast<std::uint8_t>(name.size())};
    append(info, as_bytes(name));
    info.push_back(0);  // no context
    Bytes made(bytes);
    EVP_PKEY_CTX* hkdf = EVP_PKEY_CTX_new_id(EVP_PKEY_HKDF, nullptr);
    EVP_PKEY_derive_init(hkdf);
    EVP_PKEY_CTX_set_hkdf_mode(hkdf, EVP_PKEY_HKDEF_MODE_EXPAND_ONLY);
    EVP_PKEY_CTX_set_hkdf_md(hkdf, EVP_sha256());
    EVP_PKEY_CTX_set1_hkdf_key(hkdf, from.data(), static_cast<int>(from.size()));
    EVP_PKEY_CTX_add1_hkdf_info(hkdf, info.data(), static_cast<int>(info.size()));
    TRESTLE_ASSERT(EVP_PKEY_derive(hkdf, made.data(), &bytes) == 1);
    EVP_PKEY_CTX_free(hkdf);
    return made;
  }
  Bytes seal(const Bytes& nonce, const Bytes& head, const Bytes& inner) const {
    Bytes sealed(inner.size() + kTagBytes);
    int size = 0;
    EVP_CIPHER_CTX* cipher = EVP_CIPHER_CTX_new();
    EVP_EncryptInit_ex(cipher, EVP_aes_128_gcm(), nullptr, key_.data(), nonce.data());
    EVP_EncryptUpdate(cipher, nullptr, &size, head.data(), static_cast<int>(head.size()));
    EVP_EncryptUpdate(cipher, sealed.data(), &size, inner.data(), static_cast<int>(inner.size()));
    EVP_EncryptFinal_ex(cipher, sealed.data() + size, &size);
    EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_GCM_GET_TAG, kTagBytes, sealed.data() + inner.size());
    EVP_CIPHER_CTX_free(cipher);
    return sealed;
  }

  Bytes key_;
  Bytes nonce_;
  std::uint64_t sequence_;
};

}  // namespace trestle::test
