#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace trestle::link {

/// An address as numbers, for what is decided by its first bits. IPv4-mapped ones are IPv4.
struct IpAddress {
  enum class Family : std::uint8_t { v4, v6 };

  Family family = Family::v4;
  /// The first four count for IPv4.
  std::array<std::uint8_t, 16> bytes{};

  /// Loopback, private, link-local, shared (RFC 6598) or unspecified: it means something inside one
  /// site only, and says nothing about who is behind it.
  bool is_local() const;
  /// The first `bits`, at most 64, as a number.
  std::uint64_t prefix(unsigned bits) const;

  friend bool operator==(const IpAddress&, const IpAddress&) = default;
};

/// Reads `192.0.2.7` or `2001:db8::7`, without port, brackets or zone; anything else is nothing.
std::optional<IpAddress> parse_ip_address(std::string_view text);

}  // namespace trestle::link
