#include "trestle/host/line_writer.hpp"

#include <algorithm>
#include <cerrno>
#include <climits>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

namespace trestle::host {
namespace {

/// At the end of the program, a reader that is merely slow gets this long for what is held.
constexpr int kLastWordsMilliseconds = 200;

}  // namespace

LineWriter::LineWriter(int descriptor, const LineWriterOptions& options)
    : options_(options), descriptor_(descriptor) {
  struct stat facts{};
  if (::fstat(descriptor, &facts) != 0) return;
  is_file_ = S_ISREG(facts.st_mode);
  if (!S_ISFIFO(facts.st_mode)) return;
  const std::string path = "/proc/self/fd/" + std::to_string(descriptor);
  const int own = ::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC);
  if (own < 0) return;
  descriptor_ = own;
  is_own_ = true;
}

LineWriter::~LineWriter() {
  if (!held_.empty() && is_ready(kLastWordsMilliseconds)) flush();
  if (is_own_) ::close(descriptor_);
}

void LineWriter::write(std::string_view line) {
  if (!held_.empty()) flush();
  if (!held_.empty() && held_.size() + line.size() + 1 > options_.held_bytes_max) {
    ++lines_dropped_;
    return;
  }
  held_.append(line).push_back('\n');
  flush();
}

/// Ready means that at least a page fits into a pipe or a socket: so much at a time does not block
/// there.
void LineWriter::flush() {
  std::size_t written = 0;
  while (written < held_.size() && is_ready(0)) {
    const std::size_t left = held_.size() - written;
    const std::size_t bytes = is_file_ ? left : std::min<std::size_t>(left, PIPE_BUF);
    const ssize_t taken = ::write(descriptor_, held_.data() + written, bytes);
    if (taken < 0 && errno == EINTR) continue;
    if (taken < 0 && errno != EAGAIN) {
      held_.erase(0, written);
      return give_up_held();
    }
    if (taken <= 0) break;
    written += static_cast<std::size_t>(taken);
  }
  held_.erase(0, written);
}

bool LineWriter::is_ready(int wait_ms) const {
  pollfd watched{descriptor_, POLLOUT, 0};
  // With an error or a hang-up the write will say what it is.
  return ::poll(&watched, 1, wait_ms) > 0;
}

/// Nobody will ever read it.
void LineWriter::give_up_held() {
  lines_dropped_ += static_cast<std::uint64_t>(std::ranges::count(held_, '\n'));
  held_.clear();
}

}  // namespace trestle::host
