#pragma once

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <sqlite3.h>

#include "trestle/base/bytes.hpp"

namespace trestle::test {

/// Files as they are found at a start: content by path.
using FileImage = std::map<std::string, Bytes>;

/// One thing that was done to a file. Files are numbered: a path that was removed and made again
/// names another one.
struct FileStep {
  enum class Kind { make, remove, write, truncate, sync, sync_folder };
  Kind kind = Kind::sync;
  std::size_t file = 0;
  std::string path{};
  std::size_t offset = 0;  ///< truncate: the length
  Bytes bytes{};
};

/// What goes wrong with a step.
enum class FileFault {
  io_error,     ///< It is not done at all.
  full,         ///< A write finds no space, none of it is done. Other steps are done.
  short_write,  ///< Half of a write is done, then there is no space. Other steps are done.
  sync_error,   ///< A sync fails. Other steps are done.
};

/// A file layer (VFS) for SQLite that keeps files in memory, writes down what is done to them, and
/// fails when told to. One connection at a time; what it does is repeatable.
class FileLayer {
 public:
  explicit FileLayer(const FileImage& image = {}) {
    for (const auto& [path, content] : image) {
      contents.push_back(content);
      names[path] = contents.size() - 1;
    }
    static int layers = 0;
    name_ = "trestle-test-" + std::to_string(++layers);
    vfs_.iVersion = 1;
    vfs_.szOsFile = sizeof(Handle);
    vfs_.mxPathname = 512;
    vfs_.zName = name_.c_str();
    vfs_.pAppData = this;
    vfs_.xOpen = &on_open;
    vfs_.xDelete = &on_delete;
    vfs_.xAccess = &on_access;
    vfs_.xFullPathname = &on_full_path;
    vfs_.xRandomness = &on_randomness;
    vfs_.xSleep = [](sqlite3_vfs*, int wait) { return wait; };
    vfs_.xCurrentTime = [](sqlite3_vfs*, double* day) { return *day = 2460000.5, SQLITE_OK; };
    vfs_.xGetLastError = [](sqlite3_vfs*, int, char*) { return 0; };
    sqlite3_vfs_register(&vfs_, 0);
    // SQLite draws the log's salts from a generator of the whole process: the same ones every time.
    sqlite3_test_control(SQLITE_TESTCTRL_PRNG_SEED, 7, nullptr);
  }
  ~FileLayer() { sqlite3_vfs_unregister(&vfs_); }
  FileLayer(const FileLayer&) = delete;
  FileLayer& operator=(const FileLayer&) = delete;

  const char* name() const { return name_.c_str(); }

  /// What a program that starts now would find.
  FileImage image() const {
    FileImage found;
    for (const auto& [path, file] : names) found[path] = contents[file];
    return found;
  }

  /// The step of that number (counted from 0) fails, and all later ones if `lasts`.
  void fail(std::size_t step, FileFault fault, bool lasts) {
    fail_at = step;
    fault_ = fault;
    lasts_ = lasts;
  }
  void heal() { fail_at = static_cast<std::size_t>(-1); }

  std::vector<FileStep> steps;
  std::vector<Bytes> contents;
  std::map<std::string, std::size_t> names;
  std::size_t steps_tried = 0;
  std::size_t fail_at = static_cast<std::size_t>(-1);
  /// Steps (by their place in `steps`) after which a sync failed: the kernel has given up what was
  /// written to that file before, and will not say so again.
  std::vector<std::pair<std::size_t, std::size_t>> given_up;

 private:
  struct Handle {
    sqlite3_file base;
    FileLayer* layer;
    std::size_t file;
    bool is_log;
    bool is_named;  ///< Its name is on disk for certain.
  };

  static FileLayer& of(sqlite3_vfs* vfs) { return *static_cast<FileLayer*>(vfs->pAppData); }
  static Handle& of(sqlite3_file* file) { return *reinterpret_cast<Handle*>(file); }

  bool is_failing() {
    const std::size_t now = steps_tried++;
    return now == fail_at || (lasts_ && now > fail_at);
  }

  static int on_open(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* out) {
    FileLayer& layer = of(vfs);
    file->pMethods = nullptr;
    auto place = layer.names.find(path);
    const bool is_new = place == layer.names.end();
    if (is_new) {
      if ((flags & SQLITE_OPEN_CREATE) == 0) return SQLITE_CANTOPEN;
      if (layer.is_failing() && layer.fault_ != FileFault::sync_error) return SQLITE_CANTOPEN;
      layer.contents.emplace_back();
      place = layer.names.emplace(path, layer.contents.size() - 1).first;
      layer.steps.push_back({FileStep::Kind::make, place->second, path});
    }
    Handle& handle = of(file);
    handle.layer = &layer;
    handle.file = place->second;
    handle.is_log = (flags & (SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL)) != 0;
    handle.is_named = !is_new;
    file->pMethods = methods();
    if (out != nullptr) *out = flags;
    return SQLITE_OK;
  }

  static int on_delete(sqlite3_vfs* vfs, const char* path, int syncs_folder) {
    FileLayer& layer = of(vfs);
    const auto place = layer.names.find(path);
    if (place == layer.names.end()) return SQLITE_IOERR_DELETE_NOENT;
    if (layer.is_failing() && layer.fault_ == FileFault::io_error) return SQLITE_IOERR_DELETE;
    layer.steps.push_back({FileStep::Kind::remove, place->second, path});
    layer.names.erase(place);
    if (syncs_folder != 0) layer.steps.push_back({FileStep::Kind::sync_folder});
    return SQLITE_OK;
  }

  static int on_access(sqlite3_vfs* vfs, const char* path, int, int* result) {
    *result = of(vfs).names.contains(path) ? 1 : 0;
    return SQLITE_OK;
  }

  static int on_full_path(sqlite3_vfs*, const char* path, int size, char* out) {
    sqlite3_snprintf(size, out, "%s", path);
    return SQLITE_OK;
  }

  static int on_randomness(sqlite3_vfs* vfs, int size, char* out) {
    for (int index = 0; index < size; ++index) {
      out[index] = static_cast<char>(++of(vfs).draws_ * 37);
    }
    return size;
  }

  static int on_close(sqlite3_file*) { return SQLITE_OK; }

  static int on_read(sqlite3_file* file, void* out, int size, sqlite3_int64 offset) {
    const Bytes& content = of(file).layer->contents[of(file).file];
    const auto begin = std::min(static_cast<std::size_t>(offset), content.size());
    const auto wanted = static_cast<std::size_t>(size);
    const std::size_t there = std::min(wanted, content.size() - begin);
    std::memset(out, 0, wanted);
    if (there > 0) std::memcpy(out, content.data() + begin, there);
    return there == wanted ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
  }

  static int on_write(sqlite3_file* file, const void* data, int size, sqlite3_int64 offset) {
    FileLayer& layer = *of(file).layer;
    const auto* bytes = static_cast<const std::uint8_t*>(data);
    auto length = static_cast<std::size_t>(size);
    const bool fails = layer.is_failing();
    if (fails && layer.fault_ == FileFault::io_error) return SQLITE_IOERR_WRITE;
    if (fails && layer.fault_ == FileFault::full) return SQLITE_FULL;
    const bool is_short = fails && layer.fault_ == FileFault::short_write;
    if (is_short) length /= 2;
    FileStep step{FileStep::Kind::write,
                  of(file).file,
                  {},
                  static_cast<std::size_t>(offset),
                  Bytes(bytes, bytes + length)};
    apply(step, layer.contents[of(file).file]);
    layer.steps.push_back(std::move(step));
    return is_short ? SQLITE_FULL : SQLITE_OK;
  }

  static int on_truncate(sqlite3_file* file, sqlite3_int64 size) {
    FileLayer& layer = *of(file).layer;
    if (layer.is_failing() && layer.fault_ == FileFault::io_error) return SQLITE_IOERR_TRUNCATE;
    FileStep step{FileStep::Kind::truncate, of(file).file, {}, static_cast<std::size_t>(size)};
    apply(step, layer.contents[of(file).file]);
    layer.steps.push_back(std::move(step));
    return SQLITE_OK;
  }

  static int on_sync(sqlite3_file* file, int) {
    Handle& handle = of(file);
    FileLayer& layer = *handle.layer;
    if (layer.is_failing() &&
        (layer.fault_ == FileFault::io_error || layer.fault_ == FileFault::sync_error)) {
      layer.given_up.emplace_back(layer.steps.size(), handle.file);
      return SQLITE_IOERR_FSYNC;
    }
    layer.steps.push_back({FileStep::Kind::sync, handle.file});
    // As SQLite's own layer does: with the first sync of a new log its folder is synced too.
    if (handle.is_log && !std::exchange(handle.is_named, true)) {
      layer.steps.push_back({FileStep::Kind::sync_folder});
    }
    return SQLITE_OK;
  }

  static int on_size(sqlite3_file* file, sqlite3_int64* size) {
    *size = static_cast<sqlite3_int64>(of(file).layer->contents[of(file).file].size());
    return SQLITE_OK;
  }

 public:
  /// What a write or a truncation makes of a file.
  static void apply(const FileStep& step, Bytes& content) {
    if (step.kind == FileStep::Kind::truncate) {
      content.resize(std::min(step.offset, content.size()));
    } else if (step.kind == FileStep::Kind::write) {
      content.resize(std::max(content.size(), step.offset + step.bytes.size()));
      std::copy(step.bytes.begin(), step.bytes.end(),
                content.begin() + static_cast<std::ptrdiff_t>(step.offset));
    }
  }

 private:
  static const sqlite3_io_methods* methods() {
    static const sqlite3_io_methods kMethods = [] {
      sqlite3_io_methods made{};
      made.iVersion = 1;
      made.xClose = &on_close;
      made.xRead = &on_read;
      made.xWrite = &on_write;
      made.xTruncate = &on_truncate;
      made.xSync = &on_sync;
      made.xFileSize = &on_size;
      made.xLock = [](sqlite3_file*, int) { return SQLITE_OK; };
      made.xUnlock = [](sqlite3_file*, int) { return SQLITE_OK; };
      made.xCheckReservedLock = [](sqlite3_file*, int* held) { return *held = 0, SQLITE_OK; };
      made.xFileControl = [](sqlite3_file*, int, void*) { return SQLITE_NOTFOUND; };
      // As SQLite's own layer says on Linux.
      made.xSectorSize = [](sqlite3_file*) { return 4096; };
      made.xDeviceCharacteristics = [](sqlite3_file*) { return SQLITE_IOCAP_POWERSAFE_OVERWRITE; };
      return made;
    }();
    return &kMethods;
  }

  std::string name_;
  sqlite3_vfs vfs_{};
  FileFault fault_ = FileFault::io_error;
  bool lasts_ = false;
  std::uint32_t draws_ = 0;
};

}  // namespace trestle::test
