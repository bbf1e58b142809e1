#include "trestle/host/data_folder.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace trestle::host {
namespace {

constexpr const char* kLockFile = "/lock";

}  // namespace

DataFolder::DataFolder(std::string path, int lock) : path_(std::move(path)), lock_(lock) {}

DataFolder::DataFolder(DataFolder&& other) noexcept
    : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)) {}

DataFolder::~DataFolder() {
  if (lock_ >= 0) ::close(lock_);
}

Result<DataFolder, std::string> DataFolder::open(const std::string& path) {
  const auto refusal = [&](const std::string& why) {
    return refuse("cannot use the data folder " + path + ": " + why);
  };
  std::error_code error;
  const std::filesystem::path folder(path);
  if (folder.has_parent_path()) std::filesystem::create_directories(folder.parent_path(), error);
  if (error) return refusal(error.message());
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return refusal(std::strerror(errno));
  const int lock = ::open((path + kLockFile).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0) return refusal(std::strerror(errno));
  DataFolder opened(path, lock);
  if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
    return refusal(errno == EWOULDBLOCK ? "another program runs on it" : std::strerror(errno));
  }
  return opened;
}

}  // namespace trestle::host
