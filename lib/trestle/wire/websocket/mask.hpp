#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "trestle/base/bytes.hpp"

namespace trestle::wire::websocket {

/// As it stands on the wire (RFC 6455, section 5.3).
using MaskKey = std::array<std::uint8_t, 4>;

/// Masks or unmasks in place: one is the other. `offset` is how many bytes of the same payload came
/// before these.
void apply_mask(std::span<std::uint8_t> bytes, MaskKey key, std::size_t offset = 0);

/// Writes `from`, masked, to `to`, which is as long and does not overlap it.
void copy_masked(ByteSpan from, std::span<std::uint8_t> to, MaskKey key);

}  // namespace trestle::wire::websocket
