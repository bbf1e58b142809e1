#pragma once

#include <cstdint>
#include <string_view>

namespace trestle::wire::legacy {

/// Why a text is no frame we can use. What to do about it differs by place (protocol section 1): a
/// bootstrap node closes on bad JSON with 1002 "Invalid JSON" and ignores the rest; on a peer link
/// everything is dropped once the hello is past.
enum class DecodeError : std::uint8_t {
  bad_json,       ///< Not JSON, not UTF-8, or nested too deep.
  not_an_object,  ///< JSON, but no object.
  missing_type,   ///< No `type`, or one that is not a string.
  unknown_type,   ///< A type we do not know: counted and dropped.
  bad_member,  ///< A required member is missing, or a member has a value of a wrong type, or an id
               ///< not 40 hex digits.
  oversized,   ///< Over one of the limits.
};

/// `bad_json`, ...: for counters and logs.
std::string_view name(DecodeError error);

}  // namespace trestle::wire::legacy
