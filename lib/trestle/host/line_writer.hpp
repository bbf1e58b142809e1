#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace trestle::host {

struct LineWriterOptions {
  /// Kept while nobody reads: a burst of some thousand lines. A line that does not fit is given up.
  std::size_t held_bytes_max = 256 * 1024;
};

/// Writes lines to a descriptor and never waits for who reads it (C31): what the reader does not
/// take is held, and what does not fit is dropped whole and counted.
class LineWriter {
 public:
  /// The descriptor is borrowed. A pipe is opened a second time, since its readiness to take bytes
  /// without waiting is a property that all holders of the first would share.
  explicit LineWriter(int descriptor, const LineWriterOptions& options = {});
  ~LineWriter();
  LineWriter(const LineWriter&) = delete;
  LineWriter& operator=(const LineWriter&) = delete;

  /// The line without its end.
  void write(std::string_view line);
  /// Tries again with what is held.
  void flush();

  bool has_room() const { return held_.empty(); }
  std::uint64_t lines_dropped() const { return lines_dropped_; }

 private:
  bool is_ready(int wait_ms) const;
  void give_up_held();

  LineWriterOptions options_;
  int descriptor_;
  bool is_own_ = false;
  bool is_file_ = false;
  std::string held_;
  std::uint64_t lines_dropped_ = 0;
};

}  // namespace trestle::host
