#include "trestle/host/private_file.hpp"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "trestle/crypto/cleanse.hpp"

namespace trestle::host {
namespace {

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

std::unexpected<std::string> refusal(const char* what, int error) {
  return refuse(std::string(what) + ": " + std::strerror(error));
}

bool write_durably(const std::string& path, ByteSpan content) {
  const Descriptor file(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (file.value() < 0) return false;
  return ::write(file.value(), content.data(), content.size()) ==
             static_cast<ssize_t>(content.size()) &&
         ::fsync(file.value()) == 0;
}

}  // namespace

Result<Bytes, std::string> read_private_file(const std::string& path, std::size_t bytes_max) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.value() < 0) return refusal("cannot be read", errno);
  struct stat facts{};
  if (::fstat(file.value(), &facts) != 0) return refusal("cannot be examined", errno);
  if ((facts.st_mode & 0077) != 0) return refuse(std::string("is open to others; chmod 600 it"));
  // One byte more than allowed shows that there is more.
  Bytes content(bytes_max + 1);
  std::size_t size = 0;
  while (size < content.size()) {
    const ssize_t taken = ::read(file.value(), content.data() + size, content.size() - size);
    if (taken < 0 && errno == EINTR) continue;
    if (taken < 0) {
      const int error = errno;
      crypto::cleanse(content);
      return refusal("cannot be read", error);
    }
    if (taken == 0) break;
    size += static_cast<std::size_t>(taken);
  }
  if (size > bytes_max) {
    crypto::cleanse(content);
    return refuse(std::string("is too large"));
  }
  content.resize(size);
  return content;
}

Result<void, std::string> write_private_file(const std::string& path, ByteSpan content,
                                             Existing existing) {
  // Written beside, then moved into place: `link`, unlike `rename`, never replaces what is there.
  const std::string draft = path + ".draft";
  const bool is_written = write_durably(draft, content);
  const bool is_placed =
      is_written && (existing == Existing::kept ? ::link(draft.c_str(), path.c_str())
                                                : ::rename(draft.c_str(), path.c_str())) == 0;
  const int error = errno;
  ::unlink(draft.c_str());
  if (!is_placed) return refusal("cannot be created", error);
  const std::size_t name_at = path.rfind('/');
  const std::string folder = name_at == std::string::npos ? "." : path.substr(0, name_at);
  const Descriptor directory(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (directory.value() >= 0) ::fsync(directory.value());
  return {};
}

}  // namespace trestle::host
