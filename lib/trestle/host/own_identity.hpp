#pragma once

#include <string>

#include "trestle/crypto/suite/suite.hpp"
#include "trestle/host/key_file.hpp"

namespace trestle::host {

/// The identity in a data folder, under the passphrase in that file if there is one (or in the file
/// that the environment names, see `read_passphrase`). Error: a sentence.
Result<crypto::KeyPair, std::string> read_own_identity(crypto::Suite& suite,
                                                       const std::string& data_folder,
                                                       const std::string& passphrase_file);

/// The same, made on the first run.
Result<crypto::KeyPair, std::string> read_or_create_own_identity(
    crypto::Suite& suite, const std::string& data_folder, const std::string& passphrase_file);

}  // namespace trestle::host
