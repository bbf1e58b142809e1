#pragma once

#include <cstdint>

#include "trestle/base/bytes.hpp"

namespace trestle::wire::websocket {

/// Whether text that comes in pieces is UTF-8 (RFC 3629; RFC 6455, section 8.1), decided at the
/// first byte that no continuation could mend. Pieces may end inside a character. ASCII, which
/// nearly all of it is, is looked at a word at a time.
class Utf8Check {
 public:
  /// False: it is not, whatever follows. Nothing may be taken after that.
  [[nodiscard]] bool take(ByteSpan piece);
  /// Whether the pieces so far end with a whole character.
  bool is_whole() const { return missing_ == 0; }

 private:
  /// The state of the character that has begun; {0, 0, 0} between two.
  std::uint8_t missing_ = 0;  ///< So many bytes follow, the next one between
  std::uint8_t low_ = 0;      ///< this
  std::uint8_t high_ = 0;     ///< and this.
};

/// The same for a whole text.
inline bool is_utf8(ByteSpan text) {
  Utf8Check check;
  return check.take(text) && check.is_whole();
}

}  // namespace trestle::wire::websocket
