#include "trestle/host/process_figures.hpp"

#include <cstdio>

#include <dirent.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

namespace trestle::host {
namespace {

std::uint64_t resident_bytes() {
  std::FILE* file = std::fopen("/proc/self/statm", "re");
  if (file == nullptr) return 0;
  unsigned long total = 0;
  unsigned long resident = 0;
  const bool is_read = std::fscanf(file, "%lu %lu", &total, &resident) == 2;
  std::fclose(file);
  return is_read ? resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE)) : 0;
}

std::uint64_t open_descriptors() {
  // Since Linux 6.2 the folder's size is their number; before, they have to be counted.
  struct stat facts{};
  if (::stat("/proc/self/fd", &facts) == 0 && facts.st_size > 0) {
    return static_cast<std::uint64_t>(facts.st_size);
  }
  DIR* folder = ::opendir("/proc/self/fd");
  if (folder == nullptr) return 0;
  std::uint64_t entries = 0;
  while (::readdir(folder) != nullptr) ++entries;
  ::closedir(folder);
  constexpr std::uint64_t kNotOurs = 3;  // `.`, `..` and the folder's own
  return entries > kNotOurs ? entries - kNotOurs : 0;
}

Duration as_duration(const timeval& time) {
  return std::chrono::seconds(time.tv_sec) + std::chrono::microseconds(time.tv_usec);
}

}  // namespace

std::uint64_t read_resident_bytes() { return resident_bytes(); }

ProcessFigures read_process_figures() {
  ProcessFigures figures;
  figures.resident_bytes = resident_bytes();
  figures.descriptors = open_descriptors();
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) figures.descriptors_max = limit.rlim_cur;
  rusage usage{};
  if (::getrusage(RUSAGE_SELF, &usage) == 0) {
    figures.processor_time = as_duration(usage.ru_utime) + as_duration(usage.ru_stime);
  }
  return figures;
}

}  // namespace trestle::host
