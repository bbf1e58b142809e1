#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "trestle/base/result.hpp"

namespace trestle::host {

/// Addresses with the same first bits: `ADDR/BITS`, or one address.
struct AddressBlock {
  static constexpr unsigned kBits = 128;
  /// IPv4 as an IPv4-mapped IPv6 address, so that there is one kind of block.
  std::array<std::uint8_t, kBits / 8> first{};
  unsigned bits = kBits;
  friend bool operator==(const AddressBlock&, const AddressBlock&) = default;
};

/// Error: a sentence for the operator. Bits that are set behind the first `BITS` are refused: a
/// larger block than was meant would believe more callers than was meant.
Result<AddressBlock, std::string> parse_address_block(std::string_view text);
/// The inverse, IPv4 as IPv4.
std::string to_text(const AddressBlock& block);

/// The proxies in front of us whose word about a caller's address is taken (T3). Empty: nobody's.
class TrustedProxies {
 public:
  TrustedProxies() = default;
  explicit TrustedProxies(std::vector<AddressBlock> blocks) : blocks_(std::move(blocks)) {}

  bool contains(std::string_view address) const;

  /// Whose connection that is: `connected` is who opened it, `forwarded_for` the X-Forwarded-For
  /// header, to which every proxy adds whom it heard from at the right. Walks it from the right and
  /// stops at the first address that is no trusted proxy: whatever stands left of it was written by
  /// that caller and proves nothing. Where an entry is no address, whoever passed it on counts.
  /// Canonical text, as in `link::Accepted`.
  std::string caller(std::string_view connected, std::string_view forwarded_for) const;

 private:
  std::vector<AddressBlock> blocks_;
};

}  // namespace trestle::host
