#pragma once

#include <cstdint>

#include "trestle/link/multiplexer.hpp"

namespace trestle::node {

/// Which part of a node waits for the end of a request it sent.
enum class Asker : std::uint8_t {
  dht = 1,
  joiner = 2,
  probe = 3,
  through = 4,
  carrier = 5,
  redeemer = 6
};

/// A channel gives one number back with the end of a request; a node has several askers with
/// numbers of their own. The asker goes into the top byte, its own number below.
constexpr link::Multiplexer::Token make_token(Asker asker, std::uint64_t number) {
  return static_cast<std::uint64_t>(asker) << 56 | number;
}
constexpr Asker asker_of(link::Multiplexer::Token token) { return static_cast<Asker>(token >> 56); }
constexpr std::uint64_t number_of(link::Multiplexer::Token token) {
  return token & ((std::uint64_t{1} << 56) - 1);
}

}  // namespace trestle::node
