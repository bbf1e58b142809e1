#pragma once

#include <memory>
#include <string>
#include <vector>

#include "trestle/base/result.hpp"

struct evp_pkey_st;
struct x509_st;
struct x509_store_st;

namespace trestle::host {

/// The PEM files that TLS is made of. Empty: not used; certificate and key are given both or
/// neither.
struct TlsFiles {
  std::string certificate;  ///< Our certificate and the chain behind it, for the side that accepts.
  std::string key;          ///< Its private key.
  std::string ca;           ///< Trusted issuers for the side that dials; else the system's.
  friend bool operator==(const TlsFiles&, const TlsFiles&) = default;
};

/// Frees an OpenSSL object.
struct TlsFree {
  void operator()(evp_pkey_st* key) const;
  void operator()(x509_st* certificate) const;
  void operator()(x509_store_st* store) const;
};

/// Those files, read whole and found good before anything of them is put to use: a reload with a
/// broken file changes nothing.
struct TlsMaterial {
  std::unique_ptr<x509_st, TlsFree> certificate;         ///< Null: we do not accept TLS.
  std::vector<std::unique_ptr<x509_st, TlsFree>> chain;  ///< Between it and a root.
  std::unique_ptr<evp_pkey_st, TlsFree> key;
  std::unique_ptr<x509_store_st, TlsFree> trusted;  ///< Null: the system's store.
  std::string identity_digest;  ///< Of the certificate and its chain, to tell whether they changed.
  std::string trusted_digest;   ///< Of the trusted issuers.
  std::string warning;          ///< A sentence, if the key is open to others.
};

/// Error: a sentence with the file's name. A certificate that is not valid today, a key that
/// belongs to another certificate, one that OpenSSL would not show (too short a key) and a file
/// without any certificate are refused: nobody who verifies could connect.
Result<TlsMaterial, std::string> read_tls_files(const TlsFiles& files);

}  // namespace trestle::host
