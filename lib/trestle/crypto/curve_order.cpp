#include "trestle/crypto/curve_order.hpp"

#include "trestle/base/assertion.hpp"

namespace trestle::crypto {
namespace {

/// (n-1)/2 + 1, the first high s, big-endian.
constexpr std::array<std::uint8_t, kScalarBytes> kFirstHigh = {
    0x7f, 0xff, 0xff, 0xff, 0x80, 0x00, 0x00, 0x00, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
    0xde, 0x73, 0x7d, 0x56, 0xd3, 0x8b, 0xcf, 0x42, 0x79, 0xdc, 0xe5, 0x61, 0x7e, 0x31, 0x92, 0xa9};

struct Difference {
  std::array<std::uint8_t, kScalarBytes> value;
  bool borrowed;
};

/// left - right, without a branch that depends on either.
Difference subtract(Scalar left, Scalar right) {
  Difference difference{};
  unsigned borrow = 0;
  for (std::size_t index = kScalarBytes; index-- > 0;) {
    const unsigned wide = 0x100u + left[index] - right[index] - borrow;
    difference.value[index] = static_cast<std::uint8_t>(wide);
    borrow = 1 - (wide >> 8);
  }
  difference.borrowed = borrow == 1;
  return difference;
}

bool is_less(Scalar left, Scalar right) { return subtract(left, right).borrowed; }

bool is_zero(Scalar number) {
  unsigned seen = 0;
  for (const std::uint8_t byte : number) seen |= byte;
  return seen == 0;
}

}  // namespace

bool is_scalar(Scalar number) {
  const bool zero = is_zero(number);
  const bool in_range = is_less(number, kCurveOrder);
  return !zero && in_range;
}

bool is_canonical(const wire::Signature& signature) {
  const auto r = std::span(signature).first<kScalarBytes>();
  const auto s = std::span(signature).last<kScalarBytes>();
  return is_scalar(r) && !is_zero(s) && is_less(s, kFirstHigh);
}

std::array<std::uint8_t, kScalarBytes> negated(Scalar number) {
  TRESTLE_ASSERT(is_scalar(number));
  return subtract(kCurveOrder, number).value;
}

}  // namespace trestle::crypto
