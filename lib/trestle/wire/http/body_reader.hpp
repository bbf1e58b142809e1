#pragma once

#include <cstddef>
#include <cstdint>

#include "trestle/base/bytes.hpp"

namespace trestle::wire::http {

struct BodyLimits {
  /// The line in front of a chunk: its length in at most sixteen digits, and extensions, which
  /// nobody uses and we pass over.
  std::size_t chunk_line_bytes_max = 256;
  /// The lines behind the last chunk, which are passed over too.
  std::size_t trailer_bytes_max = std::size_t{4} * 1024;
};

enum class BodyFlaw : std::uint8_t {
  none,
  chunk_line,  ///< No length in hexadecimal digits, a length over 2^63, or too long a line.
  chunk_end,   ///< No line end where a chunk ends.
  trailer,     ///< More than may be, or a line that does not end with CR and LF.
  cut_off,     ///< The connection ended first: somebody may have cut off the rest.
};

/// Where the body of an HTTP/1.1 message ends, and what of its bytes is content (RFC 9112, sections
/// 6 and 7). Nothing is kept and nothing copied: parts are views into the input.
///
/// What is found does not depend on the pieces in which the bytes come.
class BodyReader {
 public:
  enum class State : std::uint8_t { incomplete, complete, flawed };

  static BodyReader none() { return BodyReader(Framing::length, 0, {}); }
  static BodyReader of_length(std::uint64_t bytes) {
    return BodyReader(Framing::length, bytes, {});
  }
  static BodyReader chunked(const BodyLimits& limits) {
    return BodyReader(Framing::chunked, 0, limits);
  }
  /// The end of the connection is the end of the body.
  static BodyReader until_end() { return BodyReader(Framing::until_end, 0, {}); }

  struct Step {
    std::size_t taken = 0;  ///< Of the input, from its front.
    ByteSpan content;       ///< Part of what was taken; may be empty.
  };
  /// Call again with what is left until nothing is taken: the rest, once complete, belongs to what
  /// comes behind the body.
  Step next(ByteSpan input);
  /// The connection has ended.
  void on_end();

  State state() const { return state_; }
  BodyFlaw flaw() const { return flaw_; }

 private:
  enum class Framing : std::uint8_t { length, chunked, until_end };
  /// Where in a chunk, or behind the last one, the next byte stands.
  enum class Place : std::uint8_t {
    length,
    extension,
    line_feed,
    content,
    content_return,
    content_feed,
    trailer_begin,
    trailer_line,
    trailer_feed,
    last_feed,
  };

  BodyReader(Framing framing, std::uint64_t left, const BodyLimits& limits)
      : limits_(limits),
        framing_(framing),
        state_(framing == Framing::length && left == 0 ? State::complete : State::incomplete),
        left_(left) {}

  Step take_content(ByteSpan input);
  void on_chunk_byte(std::uint8_t byte);
  void on_length_byte(std::uint8_t byte);
  void on_chunk_line_end();
  void on_trailer_byte(std::uint8_t byte);
  void fail(BodyFlaw flaw);

  BodyLimits limits_;
  Framing framing_;
  State state_;
  BodyFlaw flaw_ = BodyFlaw::none;
  std::uint64_t left_;  ///< Of the body or of the chunk; while its line is read, its length so far.
  Place place_ = Place::length;
  std::size_t line_bytes_ = 0;
  std::size_t trailer_bytes_ = 0;
};

}  // namespace trestle::wire::http
