#include "trestle/host/key_file.hpp"

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "trestle/crypto/cleanse.hpp"

namespace trestle::host {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kFileBytes = 1 + crypto::PrivateKey::kBytes;

using Content = std::array<std::uint8_t, kFileBytes>;

std::unexpected<std::string> refusal(const std::string& what, const std::string& path) {
  return refuse("the identity file " + path + " " + what);
}

/// Closes what it holds.
class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int value() const { return value_; }

 private:
  int value_;
};

bool write_durably(const std::string& path, const Content& content) {
  const Descriptor file(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (file.value() < 0) return false;
  return ::write(file.value(), content.data(), content.size()) ==
             static_cast<ssize_t>(content.size()) &&
         ::fsync(file.value()) == 0;
}

}  // namespace

std::string key_file_path(const std::string& data_folder) { return data_folder + "/identity"; }

Result<crypto::KeyPair, std::string> read_key_file(crypto::Suite& suite, const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.value() < 0)
    return refusal(std::string("cannot be read: ") + std::strerror(errno), path);
  struct stat facts{};
  if (::fstat(file.value(), &facts) != 0) return refusal("cannot be examined", path);
  if ((facts.st_mode & 0077) != 0) return refusal("is open to others; chmod 600 it", path);
  Content content{};
  const bool is_whole =
      facts.st_size == static_cast<off_t>(kFileBytes) &&
      ::read(file.value(), content.data(), content.size()) == static_cast<ssize_t>(kFileBytes);
  if (!is_whole || content[0] != kVersion) return refusal("is not an identity of version 1", path);
  crypto::KeyPair pair;
  const crypto::PrivateKey secret(std::span<const std::uint8_t, kFileBytes>(content).last<32>());
  const bool is_valid = suite.restore(secret, pair);
  crypto::cleanse(content);
  if (!is_valid) return refusal("holds no valid key", path);
  return pair;
}

Result<crypto::KeyPair, std::string> create_key_file(crypto::Suite& suite,
                                                     const std::string& path) {
  const crypto::KeyPair pair = suite.generate();
  Content content{};
  content[0] = kVersion;
  std::memcpy(content.data() + 1, pair.secret.bytes().data(), crypto::PrivateKey::kBytes);
  // Written beside, then linked into place: `link`, unlike `rename`, never replaces an identity
  // that is there.
  const std::string draft = path + ".draft";
  const bool is_written = write_durably(draft, content);
  crypto::cleanse(content);
  const bool is_placed = is_written && ::link(draft.c_str(), path.c_str()) == 0;
  const int error = errno;
  ::unlink(draft.c_str());
  if (!is_placed) return refusal(std::string("cannot be created: ") + std::strerror(error), path);
  const std::string folder = path.substr(0, path.rfind('/'));
  const Descriptor directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.value() >= 0) ::fsync(directory.value());
  return pair;
}

Result<crypto::KeyPair, std::string> read_or_create_key_file(crypto::Suite& suite,
                                                             const std::string& path) {
  struct stat facts{};
  if (::stat(path.c_str(), &facts) == 0 || errno != ENOENT) return read_key_file(suite, path);
  return create_key_file(suite, path);
}

}  // namespace trestle::host
