#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <variant>

#include "trestle/wire/message/message.hpp"

namespace trestle::wire::native {

/// The numbers of the messages on the wire (docs/protocol.md, "Messages"). Never reused; 0 is never
/// assigned.
enum class RecordType : std::uint8_t {
  hello = 1,
  welcome = 2,
  prove = 3,
  ready = 4,
  goodbye = 5,
  ping = 6,
  pong = 7,
  failure = 8,
  cancel = 9,
  credentials = 10,
  certify = 11,
  revocations = 12,
  join = 16,
  join_response = 17,
  introduce = 18,
  introduce_response = 19,
  redeem = 20,
  redeem_response = 21,
  find_node = 32,
  find_node_response = 33,
  find_value = 34,
  find_value_response = 35,
  store = 36,
  store_response = 37,
  replica_offer = 38,
  replica_answer = 39,
  route = 40,
  route_response = 41,
  find_recursive = 42,
  find_recursive_response = 43,
  announce = 44,
};

/// In the order of the alternatives of `Message`.
inline constexpr std::array<RecordType, kMessageKinds> kRecordTypes = {
    RecordType::hello,
    RecordType::welcome,
    RecordType::prove,
    RecordType::ready,
    RecordType::goodbye,
    RecordType::ping,
    RecordType::pong,
    RecordType::failure,
    RecordType::cancel,
    RecordType::join,
    RecordType::join_response,
    RecordType::introduce,
    RecordType::introduce_response,
    RecordType::find_node,
    RecordType::find_node_response,
    RecordType::find_value,
    RecordType::find_value_response,
    RecordType::store,
    RecordType::store_response,
    RecordType::replica_offer,
    RecordType::replica_answer,
    RecordType::route,
    RecordType::route_response,
    RecordType::find_recursive,
    RecordType::find_recursive_response,
    RecordType::announce,
    RecordType::credentials,
    RecordType::certify,
    RecordType::revocations,
    RecordType::redeem,
    RecordType::redeem_response,
};

/// No alternative: the type is unknown.
inline constexpr std::uint8_t kUnknownRecord = std::numeric_limits<std::uint8_t>::max();

/// From the number on the wire to the index of the alternative in `Message`, or `kUnknownRecord`.
inline constexpr auto kAlternatives = [] {
  std::array<std::uint8_t, 256> alternatives{};
  alternatives.fill(kUnknownRecord);
  for (std::size_t index = 0; index < kRecordTypes.size(); ++index) {
    alternatives[static_cast<std::uint8_t>(kRecordTypes[index])] = static_cast<std::uint8_t>(index);
  }
  return alternatives;
}();

}  // namespace trestle::wire::native
