#pragma once

#include <string>

#include "temporary_folder.hpp"
#include "trestle/host/passphrase.hpp"

namespace trestle::test {

inline host::Passphrase passphrase(const std::string& text) {
  return host::Passphrase(to_bytes(as_bytes(text)));
}

/// A file that only we may read.
inline std::string passphrase_file(const TemporaryFolder& folder, const std::string& content) {
  const std::string path = folder.write("passphrase", content);
  ::chmod(path.c_str(), 0600);
  return path;
}

}  // namespace trestle::test
