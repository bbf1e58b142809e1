#pragma once

#include <cstdio>
#include <memory>
#include <string>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include "temporary_folder.hpp"
#include "trestle/host/tls_material.hpp"

namespace trestle::test {

/// An issuer of its own for one test, and the files of what it issues.
class Issuer {
 public:
  static constexpr long kDay = 24 * 60 * 60;

  explicit Issuer(const TemporaryFolder& folder, const std::string& name = "issuer")
      : folder_(folder), key_(EVP_EC_gen("P-256")), certificate_(X509_new()) {
    fill(certificate_.get(), name, key_.get(), -kDay, kDay);
    extend(certificate_.get(), NID_basic_constraints, "critical,CA:TRUE");
    X509_sign(certificate_.get(), key_.get(), EVP_sha256());
    file_ = write_certificate(name + ".pem", certificate_.get());
  }

  /// Trusting this issuer, and showing nothing.
  host::TlsFiles trusting() const { return {{}, {}, file_}; }
  /// The files of a certificate for some `subjectAltName`, valid between two moments in seconds
  /// from now.
  host::TlsFiles issue(const std::string& names, long begin = -kDay, long end = kDay) {
    return issue(Key(EVP_EC_gen("P-256")), names, begin, end);
  }
  /// Of a key that was broken long ago.
  host::TlsFiles issue_weak(const std::string& names) {
    return issue(Key(EVP_RSA_gen(1024)), names, -kDay, kDay);
  }

 private:
  using Key = std::unique_ptr<EVP_PKEY, host::TlsFree>;
  using Certificate = std::unique_ptr<X509, host::TlsFree>;

  host::TlsFiles issue(const Key& key, const std::string& names, long begin, long end) {
    const std::string name = "certificate" + std::to_string(++issued_);
    const Certificate certificate(X509_new());
    fill(certificate.get(), name, key.get(), begin, end);
    extend(certificate.get(), NID_subject_alt_name, names);
    X509_sign(certificate.get(), key_.get(), EVP_sha256());
    const std::string path = folder_.file(name + ".key");
    std::FILE* file = std::fopen(path.c_str(), "w");
    ::fchmod(fileno(file), 0600);
    PEM_write_PrivateKey(file, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(file);
    return {write_certificate(name + ".pem", certificate.get()), path, file_};
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
  std::string write_certificate(const std::string& name, X509* certificate) const {
    const std::string path = folder_.file(name);
    std::FILE* file = std::fopen(path.c_str(), "w");
    PEM_write_X509(file, certificate);
    std::fclose(file);
    return path;
  }

  const TemporaryFolder& folder_;
  Key key_;
  Certificate certificate_;
  std::string file_;
  long issued_ = 0;
};

inline host::TlsMaterial material(const host::TlsFiles& files) {
  return std::move(*host::read_tls_files(files));
}

}  // namespace trestle::test
