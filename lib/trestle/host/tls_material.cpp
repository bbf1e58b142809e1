#include "trestle/host/tls_material.hpp"

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <optional>
#include <utility>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <sys/stat.h>

#include "trestle/crypto/cleanse.hpp"
#include "trestle/tls/rules.hpp"

namespace trestle::host {
namespace {

/// A system's whole bundle of issuers is 220 KB.
constexpr std::size_t kFileBytesMax = std::size_t{4} * 1024 * 1024;
/// Links between a certificate and its root; longer chains are refused by verifiers anyway.
constexpr std::size_t kChainMax = 10;

using Certificate = std::unique_ptr<x509_st, tls::MaterialFree>;

/// A file's content, wiped afterwards: it may be a private key.
class Content {
 public:
  explicit Content(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) {
      error_ = std::strerror(errno);
      return;
    }
    // Not by its announced size: devices and pipes have none. One piece, so that no copy of a key
    // stays behind.
    text_.resize(kFileBytesMax + 1);
    file.read(text_.data(), static_cast<std::streamsize>(text_.size()));
    text_.resize(static_cast<std::size_t>(file.gcount()));
    if (text_.size() > kFileBytesMax) error_ = "it is too large";
    if (file.bad() || text_.empty()) error_ = "it is empty or cannot be read";
  }
  ~Content() { crypto::cleanse({reinterpret_cast<std::uint8_t*>(text_.data()), text_.size()}); }
  Content(const Content&) = delete;
  Content& operator=(const Content&) = delete;

  const std::string& error() const { return error_; }
  /// For one pass of OpenSSL's readers.
  std::unique_ptr<BIO, decltype(&BIO_free)> reader() const {
    return {BIO_new_mem_buf(text_.data(), static_cast<int>(text_.size())), &BIO_free};
  }

 private:
  std::string text_;
  std::string error_;
};

std::unexpected<std::string> refusal(const std::string& option, const std::string& path,
                                     const std::string& what) {
  return refuse("--" + option + ": " + path + ": " + what);
}

/// A key with a passphrase cannot be used by a program that starts unattended.
int no_passphrase(char*, int, int, void*) { return -1; }

Result<std::vector<Certificate>, std::string> read_certificates(const std::string& option,
                                                                const std::string& path) {
  const Content content(path);
  if (!content.error().empty()) return refusal(option, path, content.error());
  const auto reader = content.reader();
  std::vector<Certificate> found;
  while (X509* next = PEM_read_bio_X509(reader.get(), nullptr, no_passphrase, nullptr)) {
    found.emplace_back(next);
  }
  const bool is_damaged = ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE;
  ERR_clear_error();
  if (found.empty()) return refusal(option, path, "there is no PEM certificate in it");
  if (is_damaged) {
    return refusal(
        option, path,
        "certificate number " + std::to_string(found.size() + 1) + " in it cannot be read");
  }
  return found;
}

std::optional<std::string> why_not_valid_today(const X509* certificate) {
  if (X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0) {
    return "the certificate has expired";
  }
  if (X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0) {
    return "the certificate is not valid yet";
  }
  return std::nullopt;
}

/// A certificate's SHA-256, to be appended to others'.
std::string digest_of(const X509* certificate) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned size = 0;
  X509_digest(certificate, EVP_sha256(), bytes.data(), &size);
  return {reinterpret_cast<const char*>(bytes.data()), size};
}

/// Tried as it will be used, so that what is accepted here cannot fail later.
std::optional<std::string> why_not_usable(const TlsMaterial& material) {
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_server_method()),
                                                                  &SSL_CTX_free);
  if (context == nullptr) return "it cannot be used: TLS is out of memory";
  tls::keep_to_modern(context.get());
  return tls::show_identity(context.get(), material);
}

Result<void, std::string> read_identity(TlsMaterial& material, const TlsFiles& files) {
  auto certificates = read_certificates("tls-cert", files.certificate);
  if (!certificates) return refuse(std::move(certificates.error()));
  for (const Certificate& each : *certificates) material.identity_digest += digest_of(each.get());
  material.certificate = std::move(certificates->front());
  certificates->erase(certificates->begin());
  if (certificates->size() > kChainMax) {
    return refusal("tls-cert", files.certificate, "its chain is too long");
  }
  material.chain = std::move(*certificates);
  if (const auto reason = why_not_valid_today(material.certificate.get())) {
    return refusal("tls-cert", files.certificate, *reason);
  }
  const Content content(files.key);
  if (!content.error().empty()) return refusal("tls-key", files.key, content.error());
  material.key.reset(
      PEM_read_bio_PrivateKey(content.reader().get(), nullptr, no_passphrase, nullptr));
  ERR_clear_error();
  if (material.key == nullptr) {
    return refusal("tls-key", files.key, "there is no PEM private key without passphrase in it");
  }
  const bool is_its_key = X509_check_private_key(material.certificate.get(), material.key.get());
  ERR_clear_error();
  if (!is_its_key) {
    return refusal("tls-key", files.key,
                   "the key does not belong to the certificate in " + files.certificate);
  }
  if (const auto reason = why_not_usable(material)) {
    return refusal("tls-cert", files.certificate, *reason);
  }
  struct stat facts{};
  if (::stat(files.key.c_str(), &facts) == 0 && (facts.st_mode & 0077) != 0) {
    material.warning = "the TLS key in " + files.key + " is readable by others; chmod 600 it";
  }
  return {};
}

}  // namespace

Result<TlsMaterial, std::string> read_tls_files(const TlsFiles& files) {
  TlsMaterial material;
  if (!files.certificate.empty()) {
    if (auto read = read_identity(material, files); !read) return refuse(std::move(read.error()));
  }
  if (!files.ca.empty()) {
    const auto issuers = read_certificates("tls-ca", files.ca);
    if (!issuers) return refuse(issuers.error());
    material.trusted.reset(X509_STORE_new());
    for (const Certificate& issuer : *issuers) {
      X509_STORE_add_cert(material.trusted.get(), issuer.get());
      material.trusted_digest += digest_of(issuer.get());
    }
  }
  return material;
}

}  // namespace trestle::host
