#pragma once

#include <string>

#include "trestle/base/result.hpp"
#include "trestle/crypto/suite/suite.hpp"
#include "trestle/host/passphrase.hpp"

namespace trestle::host {

/// The identity's file in a data folder, readable by its owner alone. Its first byte is a version:
/// 1, then the 32 bytes of the P-256 scalar; or 2, then the scalar under a passphrase
/// (`sealed_key.hpp`). A file of either version is read, whether or not there is a passphrase.
///
/// All functions return a sentence with the path on error.
std::string key_file_path(const std::string& data_folder);

/// Refuses a file that others may read or write, one of an unknown version, one without a valid
/// key, and one that the passphrase does not open.
Result<crypto::KeyPair, std::string> read_key_file(crypto::Suite& suite, const std::string& path,
                                                   const Passphrase& passphrase = {});

/// Whether the file there is one that needs a passphrase.
bool is_key_file_sealed(const std::string& path);

/// Writes a new identity, under the passphrase if there is one. It appears complete or not at all,
/// also across a power loss; an existing file is never replaced.
Result<crypto::KeyPair, std::string> create_key_file(crypto::Suite& suite, const std::string& path,
                                                     const Passphrase& passphrase = {});

/// Writes an identity that comes from elsewhere, in the same way.
Result<void, std::string> write_key_file(crypto::Suite& suite, const std::string& path,
                                         const crypto::PrivateKey& secret,
                                         const Passphrase& passphrase);

/// Puts the successor in the place of the identity that is there, which stays beside it as
/// `identity.OLD_ID`: what was written under it may still have to be refreshed or deleted.
Result<void, std::string> succeed_key_file(crypto::Suite& suite, const std::string& path,
                                           const crypto::KeyPair& old_pair,
                                           const crypto::PrivateKey& successor,
                                           const Passphrase& passphrase);

/// Reads the file, or makes it on the first run.
Result<crypto::KeyPair, std::string> read_or_create_key_file(crypto::Suite& suite,
                                                             const std::string& path,
                                                             const Passphrase& passphrase = {});

}  // namespace trestle::host
