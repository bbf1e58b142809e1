#include "trestle/host/own_identity.hpp"

#include <utility>

namespace trestle::host {

Result<crypto::KeyPair, std::string> read_own_identity(crypto::Suite& suite,
                                                       const std::string& data_folder,
                                                       const std::string& passphrase_file) {
  auto passphrase = read_passphrase(passphrase_file);
  if (!passphrase) return refuse(std::move(passphrase.error()));
  return read_key_file(suite, key_file_path(data_folder), *passphrase);
}

Result<crypto::KeyPair, std::string> read_or_create_own_identity(
    crypto::Suite& suite, const std::string& data_folder, const std::string& passphrase_file) {
  auto passphrase = read_passphrase(passphrase_file);
  if (!passphrase) return refuse(std::move(passphrase.error()));
  return read_or_create_key_file(suite, key_file_path(data_folder), *passphrase);
}

}  // namespace trestle::host
