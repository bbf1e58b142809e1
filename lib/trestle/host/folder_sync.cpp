#include "trestle/host/folder_sync.hpp"

#include <cstdio>

#include <fcntl.h>
#include <unistd.h>

namespace trestle::host {
namespace {

bool write_and_sync(const std::string& path, ByteSpan content) {
  const int file =
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (file < 0) return false;
  bool is_good = true;
  while (is_good && !content.empty()) {
    const ssize_t written = ::write(file, content.data(), content.size());
    is_good = written > 0;
    if (is_good) content = content.subspan(static_cast<std::size_t>(written));
  }
  is_good = is_good && ::fsync(file) == 0;
  return ::close(file) == 0 && is_good;
}

}  // namespace

bool sync_folder(const std::string& folder) {
  const int directory = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return false;
  const bool is_synced = ::fsync(directory) == 0;
  ::close(directory);
  return is_synced;
}

bool replace_file(const std::string& folder, const std::string& name, ByteSpan content) {
  const std::string path = folder + "/" + name;
  const std::string draft = path + ".draft";
  if (!write_and_sync(draft, content) || std::rename(draft.c_str(), path.c_str()) != 0) {
    ::unlink(draft.c_str());
    return false;
  }
  return sync_folder(folder);
}

}  // namespace trestle::host
