#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include "trestle/base/bytes.hpp"

namespace trestle::crypto {

/// Builds the bytes that are signed. Every item is a four-byte big-endian length and its bytes: no
/// byte can move from one field into the next without changing a length, so two different
/// statements never have the same transcript.
class Transcript {
 public:
  Transcript() { bytes_.reserve(kUsualBytes); }

  void add(ByteSpan item) {
    add_big_endian(item.size(), sizeof(std::uint32_t));
    append(bytes_, item);
  }
  void add(std::string_view text) { add(as_bytes(text)); }
  /// Big-endian in `width` bytes, 1..8.
  void add_number(std::uint64_t number, std::size_t width) {
    add_big_endian(width, sizeof(std::uint32_t));
    add_big_endian(number, width);
  }
  Bytes take() { return std::move(bytes_); }

 private:
  /// Two keys, two nonces, context, lengths. A reservation, not a limit.
  static constexpr std::size_t kUsualBytes = 512;

  void add_big_endian(std::uint64_t number, std::size_t width) {
    for (std::size_t index = width; index-- > 0;) {
      bytes_.push_back(static_cast<std::uint8_t>(number >> (8 * index)));
    }
  }

  Bytes bytes_;
};

/// The statement most things make: what it is about, and one piece of bytes.
inline Bytes transcript_of(std::string_view context, ByteSpan content) {
  Transcript transcript;
  transcript.add(context);
  transcript.add(content);
  return transcript.take();
}

}  // namespace trestle::crypto
