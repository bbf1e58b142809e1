#include "trestle/wire/legacy/decode_error.hpp"

namespace trestle::wire::legacy {

std::string_view name(DecodeError error) {
  switch (error) {
    case DecodeError::bad_json:
      return "bad_json";
    case DecodeError::not_an_object:
      return "not_an_object";
    case DecodeError::missing_type:
      return "missing_type";
    case DecodeError::unknown_type:
      return "unknown_type";
    case DecodeError::bad_member:
      return "bad_member";
    case DecodeError::oversized:
      return "oversized";
  }
  return "unnamed";
}

}  // namespace trestle::wire::legacy
