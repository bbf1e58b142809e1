#pragma once

#include <string>

#include <fcntl.h>
#include <unistd.h>

#include "temporary_folder.hpp"

namespace trestle::test {

/// Sends standard error into a file while it lives.
class CapturedErrors {
 public:
  explicit CapturedErrors(const std::string& path) : path_(path), saved_(::dup(STDERR_FILENO)) {
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
    ::dup2(file, STDERR_FILENO);
    ::close(file);
  }
  ~CapturedErrors() {
    ::dup2(saved_, STDERR_FILENO);
    ::close(saved_);
  }
  CapturedErrors(const CapturedErrors&) = delete;
  CapturedErrors& operator=(const CapturedErrors&) = delete;
  std::string text() const { return content_of(path_); }

 private:
  std::string path_;
  int saved_;
};

}  // namespace trestle::test
