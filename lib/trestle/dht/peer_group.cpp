#include "trestle/dht/peer_group.hpp"

#include <algorithm>

#include "trestle/link/ip_address.hpp"

namespace trestle::dht {
namespace {

/// The kinds of groups never meet: the first byte tells them apart.
enum class Kind : std::uint8_t { v4 = 1, v6 = 2, name = 3, inviter = 4 };

constexpr std::uint64_t kValueBits = 56;

PeerGroup make(Kind kind, std::uint64_t value) {
  return {static_cast<std::uint64_t>(kind) << kValueBits |
          (value & ((std::uint64_t{1} << kValueBits) - 1))};
}

char lower(char letter) {
  return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}

/// FNV-1a. Whoever makes a name collide with another's only shares that one's cap.
std::uint64_t hash_of_name(std::string_view name) {
  std::uint64_t hash = 0xcbf29ce484222325u;
  for (const char letter : name) {
    hash = (hash ^ static_cast<std::uint8_t>(lower(letter))) * 0x100000001b3u;
  }
  return hash;
}

std::string_view host_of(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
  url = url.substr(0, url.find_first_of("/?#"));
  if (const std::size_t user = url.rfind('@'); user != std::string_view::npos) {
    url.remove_prefix(user + 1);
  }
  if (url.starts_with('[')) return url.substr(1, std::max<std::size_t>(url.find(']'), 1) - 1);
  return url.substr(0, url.find(':'));
}

bool is_own_machine(std::string_view name) {
  constexpr std::string_view kLocal = "localhost";
  if (name.size() < kLocal.size()) return false;
  const std::string_view end = name.substr(name.size() - kLocal.size());
  const bool same = std::equal(end.begin(), end.end(), kLocal.begin(),
                               [](char left, char right) { return lower(left) == right; });
  return same && (end.size() == name.size() || name[name.size() - end.size() - 1] == '.');
}

}  // namespace

PeerGroup group_of_address(std::string_view address) {
  constexpr unsigned kV4Bits = 24;
  constexpr unsigned kV6Bits = 48;
  const auto parsed = link::parse_ip_address(address);
  if (!parsed || parsed->is_local()) return {};
  const bool is_v4 = parsed->family == link::IpAddress::Family::v4;
  return is_v4 ? make(Kind::v4, parsed->prefix(kV4Bits)) : make(Kind::v6, parsed->prefix(kV6Bits));
}

PeerGroup group_of_url(std::string_view url) {
  const std::string_view host = host_of(url);
  if (host.empty() || is_own_machine(host)) return {};
  if (link::parse_ip_address(host)) return group_of_address(host);
  return make(Kind::name, hash_of_name(host));
}

PeerGroup group_of_inviter(const NodeId& inviter) {
  if (inviter.is_zero()) return {};
  return make(Kind::inviter, inviter.high() >> (64 - kValueBits));
}

std::size_t GroupCaps::taken(PeerGroup group) const {
  if (group.is_exempt()) return 0;
  for (const Count& one : counts_) {
    if (one.group == group) return one.taken;
  }
  return 0;
}

void GroupCaps::count(PeerGroup group) {
  if (group.is_exempt()) return;
  for (Count& one : counts_) {
    if (one.group == group) {
      ++one.taken;
      return;
    }
  }
  counts_.push_back({.group = group, .taken = 1});
}

bool GroupCaps::take(const PeerGroups& groups) {
  if (taken(groups.place) >= per_group_max_ || taken(groups.inviter) >= per_group_max_) {
    return false;
  }
  count(groups.place);
  count(groups.inviter);
  return true;
}

}  // namespace trestle::dht
