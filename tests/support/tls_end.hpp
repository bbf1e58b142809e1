#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "trestle/base/assertion.hpp"
#include "trestle/base/bytes.hpp"

namespace trestle::test {

/// One side of a TLS connection whose bytes lie in memory: OpenSSL without rules of ours, for peers
/// that do what our own never would.
class TlsEnd {
 public:
  enum class Side : std::uint8_t { dials, accepts };

  TlsEnd(SSL_CTX* context, Side side) : connection_(SSL_new(context)) {
    TRESTLE_ASSERT(connection_ != nullptr);
    in_ = BIO_new(BIO_s_mem());
    out_ = BIO_new(BIO_s_mem());
    SSL_set_bio(connection_.get(), in_, out_);
    if (side == Side::dials) {
      SSL_set_connect_state(connection_.get());
    } else {
      SSL_set_accept_state(connection_.get());
    }
  }

  void hear(ByteSpan bytes) {
    if (!bytes.empty()) BIO_write(in_, bytes.data(), static_cast<int>(bytes.size()));
  }
  /// False once the handshake has failed.
  bool advance() {
    if (is_over_) return false;
    const int result = SSL_do_handshake(connection_.get());
    is_over_ = result != 1 && SSL_get_error(connection_.get(), result) != SSL_ERROR_WANT_READ;
    ERR_clear_error();
    return !is_over_;
  }
  Bytes said() {
    Bytes bytes(BIO_ctrl_pending(out_));
    if (!bytes.empty()) BIO_read(out_, bytes.data(), static_cast<int>(bytes.size()));
    return bytes;
  }
  /// What comes behind a handshake, the tickets of TLS 1.3 included.
  Bytes read() {
    Bytes bytes(std::size_t{64} * 1024);
    std::size_t filled = 0;
    std::size_t more = 0;
    while (filled < bytes.size() && SSL_read_ex(connection_.get(), bytes.data() + filled,
                                                bytes.size() - filled, &more) == 1) {
      filled += more;
    }
    ERR_clear_error();
    bytes.resize(filled);
    return bytes;
  }
  void write(ByteSpan bytes) {
    SSL_write(connection_.get(), bytes.data(), static_cast<int>(bytes.size()));
    ERR_clear_error();
  }
  bool is_finished() const { return SSL_is_init_finished(connection_.get()) == 1; }
  SSL* get() const { return connection_.get(); }

 private:
  struct Free {
    void operator()(SSL* connection) const { SSL_free(connection); }
  };
  std::unique_ptr<SSL, Free> connection_;
  BIO* in_ = nullptr;
  BIO* out_ = nullptr;
  bool is_over_ = false;
};

}  // namespace trestle::test
