#pragma once

#include <cstdint>
#include <string>

#include "trestle/wire/message/onboarding.hpp"

namespace trestle::bench {

/// The onboarding request and answer that every figure of group P is about: about 200 bytes of
/// content each way. The peers in bench/peers/ carry the same fields.
inline constexpr std::uint8_t kContactsWanted = 4;
inline constexpr std::uint64_t kMembers = 32;

inline wire::Contact newcomer(std::uint64_t number) {
  wire::Contact contact;
  contact.id = NodeId(number * 0x9e3779b97f4a7c15u, number, 7);
  contact.dialect = wire::Dialect::native;
  contact.address = "ws://newcomer.example.org:40000/dht";
  contact.metadata =
      R"({"nodeType":"bench","protocol":"1.0","region":"eu-central","capabilities":["dht"],)"
      R"("startTime":1732650000000})";
  return contact;
}

inline wire::IntroduceRequest introduce_request(std::uint64_t number) {
  return {.newcomer = newcomer(number), .contacts_max = kContactsWanted};
}

/// One of the members that the bridge knows to be alive.
inline wire::Contact member(std::uint64_t number) {
  wire::Contact contact;
  contact.id = NodeId(number * 0xc2b2ae3d27d4eb4fu, number, 3);
  contact.dialect = wire::Dialect::native;
  contact.address = "ws://member.example.org:4000" + std::to_string(number % 10);
  return contact;
}

}  // namespace trestle::bench
