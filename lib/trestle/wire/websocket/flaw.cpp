#include "trestle/wire/websocket/flaw.hpp"

#include "trestle/wire/websocket/close_status.hpp"

namespace trestle::wire::websocket {

std::uint16_t status_of(Flaw flaw) {
  switch (flaw) {
    case Flaw::too_large:
      return kMessageTooLarge;
    case Flaw::too_many_controls:
      return kPolicyViolation;
    case Flaw::not_utf8:
    case Flaw::reason_not_utf8:
      return kInvalidText;
    default:
      return kProtocolError;
  }
}

std::string_view sentence(Flaw flaw) {
  switch (flaw) {
    case Flaw::reserved_bits:
      return "reserved bits are set";
    case Flaw::reserved_opcode:
      return "reserved opcode";
    case Flaw::fragmented_control:
      return "fragmented control frame";
    case Flaw::long_control:
      return "control frame too long";
    case Flaw::length_not_minimal:
      return "length not minimal";
    case Flaw::length_out_of_bounds:
      return "length out of bounds";
    case Flaw::not_masked:
      return "frame not masked";
    case Flaw::masked:
      return "frame masked";
    case Flaw::stray_continuation:
      return "continuation of nothing";
    case Flaw::nested_message:
      return "message inside another";
    case Flaw::too_large:
      return "message too large";
    case Flaw::too_many_fragments:
      return "too many fragments";
    case Flaw::too_many_controls:
      return "too many control frames";
    case Flaw::not_utf8:
      return "text is not UTF-8";
    case Flaw::half_status:
      return "close with half a status";
    case Flaw::unsendable_status:
      return "close with an invalid status";
    case Flaw::reason_not_utf8:
      return "close reason is not UTF-8";
  }
  return {};
}

}  // namespace trestle::wire::websocket
