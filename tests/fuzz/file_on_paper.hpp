#pragma once

#include <string>

#include <sys/mman.h>
#include <unistd.h>

#include "trestle/base/assertion.hpp"
#include "trestle/base/bytes.hpp"

namespace trestle::fuzz {

/// A file that lies in memory alone and is written again for every input: for parsers that open
/// what they read.
class FileOnPaper {
 public:
  FileOnPaper() : descriptor_(::memfd_create("fuzz", MFD_CLOEXEC)) {
    TRESTLE_ASSERT(descriptor_ >= 0);
  }
  ~FileOnPaper() { ::close(descriptor_); }
  FileOnPaper(const FileOnPaper&) = delete;
  FileOnPaper& operator=(const FileOnPaper&) = delete;

  void write(ByteSpan content) const {
    TRESTLE_ASSERT(::ftruncate(descriptor_, 0) == 0);
    const auto written = ::pwrite(descriptor_, content.data(), content.size(), 0);
    TRESTLE_ASSERT(written == static_cast<ssize_t>(content.size()));
  }
  std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  int descriptor_;
};

}  // namespace trestle::fuzz
