#include "trestle/link/remote_address.hpp"

#include <vector>

namespace trestle::link {
namespace {

constexpr std::size_t kGroups = 8;        ///< of 16 bits
constexpr std::size_t kKeyGroups = 4;     ///< a /64
constexpr std::size_t kPrefixGroups = 3;  ///< a /48

std::vector<std::string_view> groups_of(std::string_view text) {
  std::vector<std::string_view> groups;
  while (!text.empty()) {
    const std::string_view group = text.substr(0, text.find(':'));
    groups.push_back(group);
    text.remove_prefix(group.size());
    if (!text.empty()) text.remove_prefix(1);
  }
  return groups;
}

/// The first `wanted` groups of an IPv6 address, each with a colon behind it.
std::string first_groups(std::string_view address, std::size_t wanted) {
  const std::size_t gap = address.find("::");
  std::vector<std::string_view> groups = groups_of(address.substr(0, gap));
  if (gap != std::string_view::npos) {
    const std::vector<std::string_view> tail = groups_of(address.substr(gap + 2));
    // An IPv4 address at the end stands for two groups.
    const std::size_t tail_size = tail.size() + (address.find('.') < address.size() ? 1 : 0);
    while (groups.size() + tail_size < kGroups) groups.emplace_back("0");
    groups.insert(groups.end(), tail.begin(), tail.end());
  }
  groups.resize(wanted, "0");
  std::string key;
  for (const std::string_view group : groups) key.append(group).append(":");
  return key;
}

bool is_v6(std::string_view address) { return address.find(':') != std::string_view::npos; }

}  // namespace

bool is_loopback(std::string_view address) {
  return address.starts_with("127.") || address == "::1";
}

std::string address_key(std::string_view address) {
  return is_v6(address) ? first_groups(address, kKeyGroups) + ":/64" : std::string(address);
}

std::string address_prefix_key(std::string_view address) {
  if (is_v6(address)) return first_groups(address, kPrefixGroups) + ":/48";
  return std::string(address.substr(0, address.rfind('.'))) + ".0/24";
}

}  // namespace trestle::link
