#pragma once

#include <cstddef>

#include "trestle/base/assertion.hpp"
#include "trestle/base/bytes.hpp"

namespace trestle::http {

/// Bytes on their way out, in one piece; whoever adds to them sees to their bound:
///
///     |  gone  |     waiting     |
///     0        begin_            bytes_.size()
///
/// What waits is moved to the front when as much has gone, so that no more memory is held than
/// twice what waited at most, and each byte is moved once at most.
class Outgoing {
 public:
  /// Valid until the next change.
  ByteSpan waiting() const { return ByteSpan(bytes_).subspan(begin_); }
  std::size_t size() const { return bytes_.size() - begin_; }

  void add(ByteSpan bytes) { append(bytes_, bytes); }

  /// The first so many bytes have gone.
  void consume(std::size_t bytes) {
    TRESTLE_ASSERT(bytes <= size());
    begin_ += bytes;
    if (begin_ < size()) return;
    bytes_.erase(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(begin_));
    begin_ = 0;
  }

 private:
  Bytes bytes_;
  std::size_t begin_ = 0;
};

}  // namespace trestle::http
