#pragma once

// What the targets of WebSocket share: slow readers to compare with, and how an input begins.

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "trestle/base/bytes.hpp"
#include "trestle/base/rng.hpp"
#include "trestle/wire/websocket/connection.hpp"
#include "trestle/wire/websocket/message_reader.hpp"
#include "trestle/wire/websocket/server_upgrade.hpp"
// NOT_GUIDING for whole files. What they include themselves is included above.
#ifdef TRESTLE_FUZZ
#pragma clang attribute push(__attribute__((no_sanitize("coverage"))), apply_to = function)
#endif
#include "wire/websocket/frames.hpp"
#include "wire/websocket/slow_reader.hpp"
#include "wire/websocket/slow_request.hpp"
#ifdef TRESTLE_FUZZ
#pragma clang attribute pop
#endif

namespace trestle::fuzz {

using namespace wire::websocket;
using test::Pieces;

/// Small enough that short inputs reach them.
inline constexpr ReaderLimits kSmallLimits = {.frame_bytes_max = 40,
                                              .message_bytes_max = 60,
                                              .fragments_max = 3,
                                              .controls = Pace::per_second(4, 4)};

/// A byte that chooses what the rest is and how much may be, one that cuts it into pieces, the
/// rest.
struct Beginning {
  static constexpr std::size_t kBytes = 2;

  explicit Beginning(ByteSpan input) : choice(input[0]), seed(input[1]), rest(input.subspan(2)) {}

  unsigned kind() const { return choice & 3; }
  bool has_small_limits() const { return (choice & 4) != 0; }
  Pieces whole() const { return test::whole(rest.size()); }
  /// One, or as the seed has it.
  Pieces pieces() const {
    if (seed == 0) return whole();
    Rng rng(seed);
    return test::random_pieces(rest.size(), rng);
  }

  std::uint8_t choice;
  std::uint8_t seed;
  ByteSpan rest;
};

}  // namespace trestle::fuzz
