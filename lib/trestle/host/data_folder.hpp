#pragma once

#include <string>

#include "trestle/base/result.hpp"

namespace trestle::host {

/// The folder in which one program keeps its identity and its admin socket. Made if it is missing,
/// readable by its owner alone, and locked as long as this object lives: two programs with one
/// identity would each undo what the other does.
class DataFolder {
 public:
  /// Error: a sentence with the path.
  static Result<DataFolder, std::string> open(const std::string& path);

  DataFolder(DataFolder&& other) noexcept;
  DataFolder& operator=(DataFolder&&) = delete;
  ~DataFolder();

  const std::string& path() const { return path_; }

 private:
  DataFolder(std::string path, int lock);

  std::string path_;
  int lock_;  ///< Descriptor of the locked file; the lock ends with it, also after a crash.
};

}  // namespace trestle::host
