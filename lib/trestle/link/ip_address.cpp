#include "trestle/link/ip_address.hpp"

#include <algorithm>
#include <charconv>

namespace trestle::link {
namespace {

constexpr std::size_t kV4Bytes = 4;
constexpr std::size_t kV6Bytes = 16;

template <typename Number>
std::optional<Number> number_in(std::string_view text, int base, std::size_t digits_max) {
  if (text.empty() || text.size() > digits_max) return std::nullopt;
  Number number = 0;
  const char* end = text.data() + text.size();
  const auto [parsed, error] = std::from_chars(text.data(), end, number, base);
  if (error != std::errc{} || parsed != end) return std::nullopt;
  return number;
}

/// Four decimal numbers into the four bytes at `out`.
bool read_v4(std::string_view text, std::uint8_t* out) {
  for (std::size_t index = 0; index < kV4Bytes; ++index) {
    const std::size_t dot = text.find('.');
    if ((dot == std::string_view::npos) != (index + 1 == kV4Bytes)) return false;
    const std::string_view digits = text.substr(0, dot);
    // 027 is 27 to some and 23 to others: whoever checks must not see another host than who dials.
    if (digits.size() > 1 && digits.front() == '0') return false;
    const auto number = number_in<std::uint8_t>(digits, 10, 3);
    if (!number) return false;
    out[index] = *number;
    text.remove_prefix(dot == std::string_view::npos ? text.size() : dot + 1);
  }
  return true;
}

/// Whether what is read stands at the end of an address, where it may be an IPv4 one.
enum class Part : std::uint8_t { head, end };

/// Groups of 16 bits, colons between them, perhaps an IPv4 address at the end. How many bytes they
/// fill, or nothing.
std::optional<std::size_t> read_groups(std::string_view text, Part part, std::uint8_t* out) {
  std::size_t filled = 0;
  while (!text.empty()) {
    const std::size_t colon = text.find(':');
    const std::string_view group = text.substr(0, colon);
    if (group.find('.') != std::string_view::npos) {
      if (part == Part::head || colon != std::string_view::npos) return std::nullopt;
      if (filled + kV4Bytes > kV6Bytes) return std::nullopt;
      if (!read_v4(group, out + filled)) return std::nullopt;
      return filled + kV4Bytes;
    }
    const auto number = number_in<std::uint16_t>(group, 16, 4);
    if (!number || filled + 2 > kV6Bytes) return std::nullopt;
    out[filled++] = static_cast<std::uint8_t>(*number >> 8);
    out[filled++] = static_cast<std::uint8_t>(*number & 0xff);
    if (colon == std::string_view::npos) break;
    text.remove_prefix(colon + 1);
    if (text.empty()) return std::nullopt;  // a colon at the end
  }
  return filled;
}

std::optional<IpAddress> parse_v6(std::string_view text) {
  IpAddress address{.family = IpAddress::Family::v6, .bytes = {}};
  const std::size_t gap = text.find("::");
  const bool has_gap = gap != std::string_view::npos;
  const auto head =
      read_groups(text.substr(0, gap), has_gap ? Part::head : Part::end, address.bytes.data());
  if (!head) return std::nullopt;
  if (!has_gap) {
    if (*head != kV6Bytes) return std::nullopt;
  } else {
    std::array<std::uint8_t, kV6Bytes> tail{};
    const auto tail_bytes = read_groups(text.substr(gap + 2), Part::end, tail.data());
    if (!tail_bytes || *head + *tail_bytes >= kV6Bytes) return std::nullopt;
    std::copy_n(tail.begin(), *tail_bytes,
                address.bytes.end() - static_cast<std::ptrdiff_t>(*tail_bytes));
  }
  constexpr std::array<std::uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (!std::equal(kMapped.begin(), kMapped.end(), address.bytes.begin())) return address;
  IpAddress mapped;
  std::copy_n(address.bytes.begin() + kMapped.size(), kV4Bytes, mapped.bytes.begin());
  return mapped;
}

}  // namespace

bool IpAddress::is_local() const {
  if (family == Family::v4) {
    const std::uint64_t first = prefix(8);
    return first == 0 || first == 10 || first == 127 || prefix(12) == (172 << 4 | 1) ||
           prefix(16) == (192 << 8 | 168) || prefix(16) == (169 << 8 | 254) ||
           prefix(10) == (100 << 2 | 1);
  }
  const bool is_unspecified_or_loopback =
      std::all_of(bytes.begin(), bytes.end() - 1, [](std::uint8_t byte) { return byte == 0; }) &&
      bytes.back() <= 1;
  return is_unspecified_or_loopback || prefix(7) == 0xfc >> 1 || prefix(10) == 0xfe80 >> 6;
}

std::uint64_t IpAddress::prefix(unsigned bits) const {
  std::uint64_t number = 0;
  for (std::size_t index = 0; index < 8; ++index) number = number << 8 | bytes[index];
  return bits == 0 ? 0 : number >> (64 - std::min(bits, 64u));
}

std::optional<IpAddress> parse_ip_address(std::string_view text) {
  if (text.find(':') != std::string_view::npos) return parse_v6(text);
  IpAddress address;
  if (!read_v4(text, address.bytes.data())) return std::nullopt;
  return address;
}

}  // namespace trestle::link
