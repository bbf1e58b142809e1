#include "trestle/host/trusted_proxies.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>

#include <arpa/inet.h>
#include <netinet/in.h>

namespace trestle::host {
namespace {

using Address = std::array<std::uint8_t, AddressBlock::kBits / 8>;

constexpr std::size_t kMappedBytes = 12;  ///< In front of an IPv4 address.
constexpr unsigned kMappedBits = kMappedBytes * 8;
constexpr Address kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0};
/// A chain of proxies is two or three long; what is longer is somebody's game.
constexpr std::size_t kHopsMax = 16;

bool is_mapped(const Address& address) {
  return std::equal(kMapped.begin(), kMapped.begin() + kMappedBytes, address.begin());
}

std::optional<Address> parse_address(std::string_view text) {
  // inet_pton would stop there and believe what stands in front.
  if (text.find('\0') != std::string_view::npos) return std::nullopt;
  const std::string terminated(text);
  Address address{};
  if (inet_pton(AF_INET6, terminated.c_str(), address.data()) == 1) return address;
  address = kMapped;
  if (inet_pton(AF_INET, terminated.c_str(), address.data() + kMappedBytes) == 1) return address;
  return std::nullopt;
}

std::string textual(const Address& address) {
  char text[INET6_ADDRSTRLEN] = {};
  if (is_mapped(address)) {
    inet_ntop(AF_INET, address.data() + kMappedBytes, text, sizeof text);
  } else {
    inet_ntop(AF_INET6, address.data(), text, sizeof text);
  }
  return text;
}

bool has_bit(const Address& address, unsigned bit) {
  return (address[bit / 8] >> (7 - bit % 8) & 1) != 0;
}

bool holds(const AddressBlock& block, const Address& address) {
  for (unsigned bit = 0; bit < block.bits; ++bit) {
    if (has_bit(block.first, bit) != has_bit(address, bit)) return false;
  }
  return true;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

/// One entry of the header. Some proxies add the port: `1.2.3.4:5678`, `[2001:db8::1]:5678`.
std::optional<Address> parse_hop(std::string_view entry) {
  entry = trimmed(entry);
  if (!entry.empty() && entry.front() == '[') {
    const std::size_t bracket = entry.find(']');
    if (bracket == std::string_view::npos) return std::nullopt;
    return parse_address(entry.substr(1, bracket - 1));
  }
  const std::size_t colon = entry.find(':');
  const bool has_port = colon != std::string_view::npos && entry.find(':', colon + 1) == entry.npos;
  return parse_address(has_port ? entry.substr(0, colon) : entry);
}

}  // namespace

Result<AddressBlock, std::string> parse_address_block(std::string_view text) {
  const auto malformed = [&] {
    return refuse("'" + std::string(text) +
                  "' is not ADDR or ADDR/BITS, for example 10.0.0.7, 10.0.0.0/8 or fd00::/8");
  };
  const std::size_t slash = text.find('/');
  const auto address = parse_address(text.substr(0, slash));
  if (!address) return malformed();
  AddressBlock block{*address};
  if (slash != std::string_view::npos) {
    const std::string_view number = text.substr(slash + 1);
    // What is written with dots counts its bits from the IPv4 address on.
    const bool is_v4 = text.substr(0, slash).find(':') == std::string_view::npos;
    const unsigned before = is_v4 ? kMappedBits : 0;
    unsigned bits = 0;
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), bits);
    if (error != std::errc{} || end != number.data() + number.size() ||
        bits > AddressBlock::kBits - before) {
      return malformed();
    }
    block.bits = before + bits;
  }
  for (unsigned bit = block.bits; bit < AddressBlock::kBits; ++bit) {
    if (has_bit(block.first, bit)) {
      return refuse("'" + std::string(text) + "' has bits set behind the first " +
                    std::string(text.substr(slash + 1)) + "; an address alone has no slash");
    }
  }
  return block;
}

std::string to_text(const AddressBlock& block) {
  std::string text = textual(block.first);
  if (block.bits == AddressBlock::kBits) return text;
  const bool is_v4 = is_mapped(block.first) && block.bits >= kMappedBits;
  return text + "/" + std::to_string(is_v4 ? block.bits - kMappedBits : block.bits);
}

bool TrustedProxies::contains(std::string_view address) const {
  if (blocks_.empty()) return false;
  const auto parsed = parse_address(address);
  return parsed && std::ranges::any_of(
                       blocks_, [&](const AddressBlock& block) { return holds(block, *parsed); });
}

std::string TrustedProxies::caller(std::string_view connected,
                                   std::string_view forwarded_for) const {
  std::string caller(connected);
  for (std::size_t hops = 0; hops < kHopsMax && contains(caller); ++hops) {
    if (trimmed(forwarded_for).empty()) break;
    const std::size_t comma = forwarded_for.rfind(',');
    const std::size_t begin = comma == std::string_view::npos ? 0 : comma + 1;
    const auto hop = parse_hop(forwarded_for.substr(begin));
    if (!hop) break;
    caller = textual(*hop);
    forwarded_for = forwarded_for.substr(0, begin == 0 ? 0 : comma);
  }
  return caller;
}

}  // namespace trestle::host
