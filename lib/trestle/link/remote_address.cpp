#include "trestle/link/remote_address.hpp"

#include <vector>

namespace trestle::link {
namespace {

constexpr std::size_t kGroups = 8;     ///< of 16 bits
constexpr std::size_t kKeyGroups = 4;  ///< a /64

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

}  // namespace

bool is_loopback(std::string_view address) {
  return address.starts_with("127.") || address == "::1";
}

std::string address_key(std::string_view address) {
  if (address.find(':') == std::string_view::npos) return std::string(address);
  const std::size_t gap = address.find("::");
  std::vector<std::string_view> groups = groups_of(address.substr(0, gap));
  if (gap != std::string_view::npos) {
    const std::vector<std::string_view> tail = groups_of(address.substr(gap + 2));
    // An IPv4 address at the end stands for two groups.
    const std::size_t tail_size = tail.size() + (address.find('.') < address.size() ? 1 : 0);
    while (groups.size() + tail_size < kGroups) groups.emplace_back("0");
    groups.insert(groups.end(), tail.begin(), tail.end());
  }
  groups.resize(kKeyGroups, "0");
  std::string key;
  for (const std::string_view group : groups) key.append(group).append(":");
  return key + ":/64";
}

}  // namespace trestle::link
