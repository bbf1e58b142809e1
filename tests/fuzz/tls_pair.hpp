#pragma once

#include <memory>

#include <openssl/ssl.h>

#include "host/certificates.hpp"
#include "host/temporary_folder.hpp"
#include "support/tls_end.hpp"
#include "trestle/base/assertion.hpp"
#include "trestle/host/tls.hpp"

namespace trestle::fuzz {

using test::TlsEnd;

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
