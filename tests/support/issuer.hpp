#pragma once

#include <memory>
#include <string>
#include <utility>

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "trestle/tls/material.hpp"

namespace trestle::test {

/// An issuer of certificates of its own for one test, in memory. Certificates are valid between two
/// moments in seconds from now.
class Issuer {
 public:
  static constexpr long kDay = 24 * 60 * 60;
  using Key = std::unique_ptr<EVP_PKEY, tls::MaterialFree>;
  using Certificate = std::unique_ptr<X509, tls::MaterialFree>;

  explicit Issuer(const std::string& name = "issuer")
      : key_(EVP_EC_gen("P-256")), certificate_(X509_new()) {
    fill(certificate_.get(), name, key_.get(), -kDay, kDay);
    extend(certificate_.get(), NID_basic_constraints, "critical,CA:TRUE");
    X509_sign(certificate_.get(), key_.get(), EVP_sha256());
  }

  X509* certificate() const { return certificate_.get(); }
  /// Trusting this issuer, and showing nothing.
  tls::Material trusting() const {
    tls::Material made;
    made.trusted.reset(X509_STORE_new());
    X509_STORE_add_cert(made.trusted.get(), certificate_.get());
    return made;
  }
  /// Showing a certificate for some `subjectAltName`, and trusting the system's issuers.
  tls::Material issue(const std::string& names, long begin = -kDay, long end = kDay) {
    return issue(Key(EVP_EC_gen("P-256")), names, begin, end);
  }
  /// Of a key that was broken long ago.
  tls::Material issue_weak(const std::string& names) {
    return issue(Key(EVP_RSA_gen(1024)), names, -kDay, kDay);
  }

 private:
  tls::Material issue(Key key, const std::string& names, long begin, long end) {
    tls::Material made;
    made.certificate.reset(X509_new());
    X509* certificate = made.certificate.get();
    fill(certificate, "certificate" + std::to_string(++issued_), key.get(), begin, end);
    extend(certificate, NID_subject_alt_name, names);
    X509_sign(certificate, key_.get(), EVP_sha256());
    made.key = std::move(key);
    return made;
  }
  void fill(X509* certificate, const std::string& name, EVP_PKEY* key, long begin, long end) {
    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), issued_ + 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), begin);
    X509_gmtime_adj(X509_getm_notAfter(certificate), end);
    X509_set_pubkey(certificate, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(certificate), "CN", MBSTRING_ASC,
                               reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1, 0);
    X509_set_issuer_name(certificate, X509_get_subject_name(certificate_.get()));
  }
  static void extend(X509* certificate, int extension, const std::string& value) {
    X509_EXTENSION* made = X509V3_EXT_conf_nid(nullptr, nullptr, extension, value.c_str());
    X509_add_ext(certificate, made, -1);
    X509_EXTENSION_free(made);
  }

  Key key_;
  Certificate certificate_;
  long issued_ = 0;
};

}  // namespace trestle::test
