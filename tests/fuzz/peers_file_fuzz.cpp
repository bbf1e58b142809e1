// F14: any bytes as the file of peers and as the file of the identity.
#include <string>

#include <sys/stat.h>
#include <unistd.h>

#include "entry.hpp"
#include "host/temporary_folder.hpp"
#include "trestle/crypto/identity.hpp"
#include "trestle/crypto/suite/suite.hpp"
#include "trestle/host/address.hpp"
#include "trestle/host/key_file.hpp"
#include "trestle/host/saved_peers.hpp"
#include "trestle/host/sealed_key.hpp"

namespace trestle::fuzz {
namespace {

using namespace host;

void check_peers(const test::TemporaryFolder& folder) {
  const SavedPeersOptions options{.peers_max = 8, .bytes_max = 16 * 1024};
  const SavedPeers read = read_saved_peers(folder.path(), options);
  MUST_HOLD(read.peers.size() <= options.peers_max);
  for (const wire::Contact& peer : read.peers) {
    MUST_HOLD(parse_web_socket_url(peer.address).has_value() && is_plain_text(peer.address));
  }
  MUST_HOLD(save_peers(folder.path(), read.peers, options));
  const SavedPeers again = read_saved_peers(folder.path(), options);
  MUST_HOLD(again.peers == read.peers && again.ignored == 0);
}

void check_key(const Result<crypto::KeyPair, std::string>& read, const std::string& path,
               crypto::Suite& suite) {
  if (!read) {
    MUST_HOLD(read.error().find(path) != std::string::npos);
    return;
  }
  const Bytes message = {1, 2, 3};
  MUST_HOLD(suite.verify(read->key, message, suite.sign(*read, message)));
}

/// A key that was read is written, read again, kept from being written over, and succeeded.
void check_writing(const test::TemporaryFolder& folder, crypto::Suite& suite,
                   const crypto::KeyPair& pair) {
  const std::string path = folder.file("written");
  const std::string old_path = path + "." + crypto::node_id_of(suite, pair.key).to_hex();
  MUST_HOLD(write_key_file(suite, path, pair.secret, {}));
  MUST_HOLD(!write_key_file(suite, path, pair.secret, {}) && !create_key_file(suite, path));
  const auto again = read_or_create_key_file(suite, path);
  MUST_HOLD(again && again->key == pair.key && !is_key_file_sealed(path));
  const crypto::KeyPair successor = suite.generate();
  MUST_HOLD(succeed_key_file(suite, path, pair, successor.secret, {}));
  const auto now = read_key_file(suite, path);
  const auto before = read_key_file(suite, old_path);
  MUST_HOLD(now && now->key == successor.key && before && before->key == pair.key);
  MUST_HOLD(::unlink(path.c_str()) == 0 && ::unlink(old_path.c_str()) == 0);
  const auto made = read_or_create_key_file(suite, path);
  check_key(made, path, suite);
  MUST_HOLD(made && ::unlink(path.c_str()) == 0);
}

/// Whether the costs that a sealed identity states are cheap to compute, or to be refused at sight:
/// what lies between takes as long as it may.
bool is_soon_over(ByteSpan content) {
  if (content.size() < 4) return true;
  const std::uint8_t log2_n = content[1];
  const std::uint8_t r = content[2];
  const std::uint8_t p = content[3];
  return log2_n > 20 || r > 16 || p > 16 || (log2_n <= 6 && p <= 4) || (log2_n >= 16 && r == 1);
}

void check_identity(const test::TemporaryFolder& folder, ByteSpan content) {
  static crypto::Suite suite;
  const std::string path = folder.write("identity", std::string(as_text(content)));
  MUST_HOLD(::chmod(path.c_str(), 0600) == 0);
  const auto read = read_key_file(suite, path);
  check_key(read, path, suite);
  const bool is_open = content.size() == 1 + crypto::PrivateKey::kBytes && content[0] == 1;
  MUST_HOLD(!read || is_open);
  const bool is_sealed =
      !content.empty() && content.size() <= kSealedKeyBytes && content[0] == kSealedKeyVersion;
  MUST_HOLD(is_key_file_sealed(path) == is_sealed);
  if (read) check_writing(folder, suite, *read);
  if (!is_soon_over(content)) return;
  check_key(read_key_file(suite, path, Passphrase(to_bytes(as_bytes("open")))), path, suite);
}

}  // namespace

TRESTLE_FUZZ_TARGET(peers_file) {
  static const test::TemporaryFolder folder;
  folder.write("peers", std::string(as_text(input)));
  check_peers(folder);
  check_identity(folder, input);
}

}  // namespace trestle::fuzz
