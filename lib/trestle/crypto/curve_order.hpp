#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "trestle/wire/message/connection.hpp"

namespace trestle::crypto {

inline constexpr std::size_t kScalarBytes = 32;
using Scalar = std::span<const std::uint8_t, kScalarBytes>;

/// n, the number of points of P-256 (SEC 2, section 2.4.2), big-endian.
inline constexpr std::array<std::uint8_t, kScalarBytes> kCurveOrder = {
    0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51};

/// Whether a big-endian number is a private scalar, or half of a signature: 1 .. n-1. Takes the
/// same time for all of them, since it is asked about secrets.
bool is_scalar(Scalar number);

/// Whether r is in 1 .. n-1 and s in 1 .. (n-1)/2.
///
/// If (r, s) is an ECDSA signature then so is (r, n-s): anybody can alter a signature without
/// breaking it. Of the two only the one with the low s is valid here; `sign` returns it and
/// `verify` refuses the other, so that one signature has exactly one encoding. A signer elsewhere
/// (WebCrypto in a browser) must replace s by n-s when it is the high one.
bool is_canonical(const wire::Signature& signature);

/// n - number, for 1 .. n-1.
std::array<std::uint8_t, kScalarBytes> negated(Scalar number);

}  // namespace trestle::crypto
