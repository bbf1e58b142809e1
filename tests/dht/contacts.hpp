#pragma once

#include <string>

#include "trestle/base/rng.hpp"
#include "trestle/wire/message/contact.hpp"

namespace trestle::dht::test {

inline NodeId random_id(Rng& rng) {
  const std::uint64_t high = rng.next();
  const std::uint64_t middle = rng.next();
  const auto low = static_cast<std::uint32_t>(rng.next());
  return {high, middle, low};
}

/// An id that shares exactly `bits` leading bits with `self`.
inline NodeId random_id_at(Rng& rng, const NodeId& self, unsigned bits) {
  NodeId id = random_id(rng);
  for (unsigned bit = 0; bit <= bits && bit < NodeId::kBits; ++bit) {
    const bool wanted = bit == bits ? !self.bit(bit) : self.bit(bit);
    if (id.bit(bit) != wanted) id = id.with_bit_flipped(bit);
  }
  return id;
}

inline wire::Contact dialable(const NodeId& id, wire::Role role = wire::Role::node) {
  wire::Contact contact;
  contact.id = id;
  contact.role = role;
  contact.dialect = wire::Dialect::native;
  contact.address = "ws://" + id.to_short_hex() + ".test:1";
  return contact;
}

/// A peer that cannot be dialled.
inline wire::Contact browser(const NodeId& id) {
  wire::Contact contact = dialable(id);
  contact.address.clear();
  return contact;
}

inline wire::Contact legacy(const NodeId& id) {
  wire::Contact contact = dialable(id);
  contact.dialect = wire::Dialect::legacy;
  return contact;
}

inline Instant at(Duration since_start) { return Instant{} + since_start; }

}  // namespace trestle::dht::test
