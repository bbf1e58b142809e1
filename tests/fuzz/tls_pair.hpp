#pragma once

#include <memory>
#include <optional>
#include <utility>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include "host/certificates.hpp"
#include "host/temporary_folder.hpp"
#include "trestle/base/assertion.hpp"
#include "trestle/base/bytes.hpp"
#include "trestle/host/tls.hpp"

namespace trestle::fuzz {

/// One side of a TLS connection whose bytes lie in memory.
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
  /// What comes behind a handshake: the tickets of TLS 1.3.
  void read() {
    std::uint8_t byte = 0;
    SSL_read(connection_.get(), &byte, sizeof byte);
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

/// A listener of ours, with a certificate of an issuer whom nobody knows.
class TlsListener {
 public:
  TlsListener()
      : issuer_(folder_),
        tls_(test::material(issuer_.issue("DNS:localhost"))),
        context_(SSL_CTX_new(TLS_server_method())) {
    TRESTLE_ASSERT(context_ != nullptr);
    tls_.prepare_accepting(context_.get());
  }
  SSL_CTX* context() const { return context_.get(); }
  /// Of somebody who dials, trusts the issuer, and shows nothing.
  host::TlsMaterial trusting() const { return test::material(issuer_.trusting()); }
  /// Shows another certificate from now on.
  void renew() { tls_.renew(test::material(issuer_.issue("DNS:localhost"))); }

 private:
  struct Free {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
  };
  test::TemporaryFolder folder_;
  test::FileIssuer issuer_;
  host::Tls tls_;
  std::unique_ptr<SSL_CTX, Free> context_;
};

inline TlsListener& stranger() {
  static TlsListener listener;
  return listener;
}

/// What a dialler says of a certificate that nobody issued whom it could know.
inline long verdict_on_a_stranger(const host::Tls& dialler) {
  TlsEnd dials(dialler.dialling(), TlsEnd::Side::dials);
  TlsEnd accepts(stranger().context(), TlsEnd::Side::accepts);
  SSL_set_verify(dials.get(), SSL_VERIFY_PEER, nullptr);
  for (int turns = 0; turns < 8; ++turns) {
    dials.advance();
    accepts.hear(dials.said());
    accepts.advance();
    dials.hear(accepts.said());
  }
  TRESTLE_ASSERT(!dials.is_finished());
  return SSL_get_verify_result(dials.get());
}

}  // namespace trestle::fuzz
