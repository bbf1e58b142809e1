#pragma once

#include <memory>
#include <string>
#include <vector>

struct evp_pkey_st;
struct x509_st;
struct x509_store_st;

namespace trestle::tls {

/// Frees an OpenSSL object.
struct MaterialFree {
  void operator()(evp_pkey_st* key) const;
  void operator()(x509_st* certificate) const;
  void operator()(x509_store_st* store) const;
};

/// What one side of TLS shows and whom it trusts. Whoever fills it has found it good: the key
/// belongs to the certificate, and `show_identity` takes them.
struct Material {
  std::unique_ptr<x509_st, MaterialFree> certificate;         ///< Null: we do not accept TLS.
  std::vector<std::unique_ptr<x509_st, MaterialFree>> chain;  ///< Between it and a root.
  std::unique_ptr<evp_pkey_st, MaterialFree> key;
  std::unique_ptr<x509_store_st, MaterialFree> trusted;  ///< Null: the system's store.
  std::string identity_digest;  ///< Of the certificate and its chain, to tell whether they changed.
  std::string trusted_digest;   ///< Of the trusted issuers.
  std::string warning;          ///< A sentence, if the key is open to others.
};

}  // namespace trestle::tls
