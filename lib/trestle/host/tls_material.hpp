#pragma once

#include <string>

#include "trestle/base/result.hpp"
#include "trestle/tls/material.hpp"

namespace trestle::host {

/// The PEM files that TLS is made of. Empty: not used; certificate and key are given both or
/// neither.
struct TlsFiles {
  std::string certificate;  ///< Our certificate and the chain behind it, for the side that accepts.
  std::string key;          ///< Its private key.
  std::string ca;           ///< Trusted issuers for the side that dials; else the system's.
  friend bool operator==(const TlsFiles&, const TlsFiles&) = default;
};

/// Those files, read whole and found good before anything of them is put to use: a reload with a
/// broken file changes nothing.
using TlsMaterial = tls::Material;

/// Error: a sentence with the file's name. A certificate that is not valid today, a key that
/// belongs to another certificate, one that OpenSSL would not show (too short a key) and a file
/// without any certificate are refused: nobody who verifies could connect.
Result<TlsMaterial, std::string> read_tls_files(const TlsFiles& files);

}  // namespace trestle::host
