#pragma once

#include <string>

#include "trestle/base/bytes.hpp"
#include "trestle/base/result.hpp"
#include "trestle/crypto/cleanse.hpp"

namespace trestle::host {

/// What an identity file is locked with. Cleared when destroyed. It comes from a file that only its
/// owner may read, never from the command line, which every program on the machine can see.
class Passphrase {
 public:
  /// None: the identity stands in its file as it is.
  Passphrase() = default;
  explicit Passphrase(Bytes bytes) : bytes_(std::move(bytes)) {}
  Passphrase(Passphrase&& other) noexcept = default;
  Passphrase& operator=(Passphrase&& other) noexcept = default;
  ~Passphrase() { crypto::cleanse(bytes_); }

  bool is_none() const { return bytes_.empty(); }
  ByteSpan bytes() const { return bytes_; }

 private:
  Bytes bytes_;
};

/// Names the passphrase's file where the setting does not: a service manager's place for it.
inline constexpr const char* kPassphraseVariable = "TRESTLE_IDENTITY_PASSPHRASE_FILE";

/// The first line of the file that the setting names, else of the one that the variable names, else
/// no passphrase. Error: a sentence.
Result<Passphrase, std::string> read_passphrase(const std::string& setting);

}  // namespace trestle::host
