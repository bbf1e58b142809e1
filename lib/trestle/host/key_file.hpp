#pragma once

#include <string>

#include "trestle/base/result.hpp"
#include "trestle/crypto/suite/suite.hpp"

namespace trestle::host {

/// The identity's file in a data folder: one version byte, then the 32 bytes of the P-256 scalar.
/// Readable by its owner alone.
///
/// All functions return a sentence with the path on error.
std::string key_file_path(const std::string& data_folder);

/// Refuses a file that others may read or write, one of an unknown version, and one without a valid
/// key.
Result<crypto::KeyPair, std::string> read_key_file(crypto::Suite& suite, const std::string& path);

/// Writes a new identity. It appears complete or not at all, also across a power loss; an existing
/// file is never replaced.
Result<crypto::KeyPair, std::string> create_key_file(crypto::Suite& suite, const std::string& path);

/// Reads the file, or makes it on the first run.
Result<crypto::KeyPair, std::string> read_or_create_key_file(crypto::Suite& suite,
                                                             const std::string& path);

}  // namespace trestle::host
