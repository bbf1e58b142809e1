#pragma once

#include <cstdint>
#include <string_view>

namespace trestle::wire::native {

/// Why a frame of a peer cannot be read. Each of them ends the connection: TOO_LARGE for
/// `oversized`, PROTOCOL_ERROR for the others (docs/protocol.md, "Errors").
enum class DecodeError : std::uint8_t {
  truncated = 1,  ///< A record or a field ends beyond the frame or its record.
  oversized = 2,  ///< The frame or a field is over one of the limits.
  malformed = 3,  ///< A value outside its range, a number not in its shortest form, or an id where
                  ///< none may be.
  too_many_records = 4,  ///< More records in one frame than the limit.
};

/// `truncated`, `oversized`, ...: for logs.
std::string_view name(DecodeError error);

}  // namespace trestle::wire::native
