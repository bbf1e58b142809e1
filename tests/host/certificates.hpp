#pragma once

#include <cstdio>
#include <string>
#include <utility>

#include <openssl/pem.h>
#include <sys/stat.h>

#include "support/issuer.hpp"
#include "temporary_folder.hpp"
#include "trestle/host/tls_material.hpp"

namespace trestle::test {

/// An issuer whose certificates lie in files.
class FileIssuer {
 public:
  static constexpr long kDay = Issuer::kDay;

  explicit FileIssuer(const TemporaryFolder& folder, const std::string& name = "issuer")
      : folder_(folder), issuer_(name) {
    file_ = write_certificate(name + ".pem", issuer_.certificate());
  }

  /// Trusting this issuer, and showing nothing.
  host::TlsFiles trusting() const { return {{}, {}, file_}; }
  /// See `Issuer`.
  host::TlsFiles issue(const std::string& names, long begin = -kDay, long end = kDay) {
    return write(issuer_.issue(names, begin, end));
  }
  host::TlsFiles issue_weak(const std::string& names) { return write(issuer_.issue_weak(names)); }

 private:
  host::TlsFiles write(const tls::Material& issued) {
    const std::string name = "certificate" + std::to_string(++written_);
    const std::string path = folder_.file(name + ".key");
    std::FILE* file = std::fopen(path.c_str(), "w");
    ::fchmod(fileno(file), 0600);
    PEM_write_PrivateKey(file, issued.key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    std::fclose(file);
    return {write_certificate(name + ".pem", issued.certificate.get()), path, file_};
  }
  std::string write_certificate(const std::string& name, X509* certificate) const {
    const std::string path = folder_.file(name);
    std::FILE* file = std::fopen(path.c_str(), "w");
    PEM_write_X509(file, certificate);
    std::fclose(file);
    return path;
  }

  const TemporaryFolder& folder_;
  Issuer issuer_;
  std::string file_;
  int written_ = 0;
};

inline host::TlsMaterial material(const host::TlsFiles& files) {
  return std::move(*host::read_tls_files(files));
}

}  // namespace trestle::test
