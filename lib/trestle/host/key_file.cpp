#include "trestle/host/key_file.hpp"

#include <cerrno>
#include <cstdint>
#include <utility>

#include <sys/stat.h>

#include "trestle/crypto/cleanse.hpp"
#include "trestle/crypto/identity.hpp"
#include "trestle/host/private_file.hpp"
#include "trestle/host/sealed_key.hpp"

namespace trestle::host {
namespace {

constexpr std::uint8_t kPlainVersion = 1;
constexpr std::size_t kPlainBytes = 1 + crypto::PrivateKey::kBytes;

std::unexpected<std::string> refusal(const std::string& what, const std::string& path) {
  return refuse("the identity file " + path + " " + what);
}

Bytes content_of(crypto::Suite& suite, const crypto::PrivateKey& secret,
                 const Passphrase& passphrase) {
  if (!passphrase.is_none()) return seal_key(suite, secret, passphrase);
  Bytes content{kPlainVersion};
  append(content, secret.bytes());
  return content;
}

Result<void, std::string> write(crypto::Suite& suite, const std::string& path,
                                const crypto::PrivateKey& secret, const Passphrase& passphrase,
                                Existing existing) {
  Bytes content = content_of(suite, secret, passphrase);
  const auto written = write_private_file(path, content, existing);
  crypto::cleanse(content);
  if (!written) return refusal(written.error(), path);
  return {};
}

/// Error: a clause.
Result<crypto::PrivateKey, std::string> secret_in(ByteSpan content, const Passphrase& passphrase) {
  if (!content.empty() && content[0] == kSealedKeyVersion) return open_key(content, passphrase);
  if (content.size() != kPlainBytes || content[0] != kPlainVersion) {
    return refuse(std::string("is not an identity of version 1 or 2"));
  }
  return crypto::PrivateKey(content.last<crypto::PrivateKey::kBytes>());
}

}  // namespace

std::string key_file_path(const std::string& data_folder) { return data_folder + "/identity"; }

Result<crypto::KeyPair, std::string> read_key_file(crypto::Suite& suite, const std::string& path,
                                                   const Passphrase& passphrase) {
  auto content = read_private_file(path, kSealedKeyBytes);
  if (!content) return refusal(content.error(), path);
  const auto secret = secret_in(*content, passphrase);
  crypto::cleanse(*content);
  if (!secret) return refusal(secret.error(), path);
  crypto::KeyPair pair;
  if (!suite.restore(*secret, pair)) return refusal("holds no valid key", path);
  return pair;
}

bool is_key_file_sealed(const std::string& path) {
  auto content = read_private_file(path, kSealedKeyBytes);
  if (!content) return false;
  const bool is_sealed = !content->empty() && content->front() == kSealedKeyVersion;
  crypto::cleanse(*content);
  return is_sealed;
}

Result<crypto::KeyPair, std::string> create_key_file(crypto::Suite& suite, const std::string& path,
                                                     const Passphrase& passphrase) {
  const crypto::KeyPair pair = suite.generate();
  auto written = write_key_file(suite, path, pair.secret, passphrase);
  if (!written) return refuse(std::move(written.error()));
  return pair;
}

Result<void, std::string> write_key_file(crypto::Suite& suite, const std::string& path,
                                         const crypto::PrivateKey& secret,
                                         const Passphrase& passphrase) {
  return write(suite, path, secret, passphrase, Existing::kept);
}

Result<void, std::string> succeed_key_file(crypto::Suite& suite, const std::string& path,
                                           const crypto::KeyPair& old_pair,
                                           const crypto::PrivateKey& successor,
                                           const Passphrase& passphrase) {
  const std::string old_path = path + "." + crypto::node_id_of(suite, old_pair.key).to_hex();
  // It may stand there already, if an earlier attempt ended between the two steps.
  auto kept = write(suite, old_path, old_pair.secret, passphrase, Existing::replaced);
  if (!kept) return kept;
  return write(suite, path, successor, passphrase, Existing::replaced);
}

Result<crypto::KeyPair, std::string> read_or_create_key_file(crypto::Suite& suite,
                                                             const std::string& path,
                                                             const Passphrase& passphrase) {
  struct stat facts{};
  const bool is_there = ::stat(path.c_str(), &facts) == 0 || errno != ENOENT;
  return is_there ? read_key_file(suite, path, passphrase)
                  : create_key_file(suite, path, passphrase);
}

}  // namespace trestle::host
