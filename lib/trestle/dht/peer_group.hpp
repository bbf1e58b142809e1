#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "trestle/base/node_id.hpp"
#include "trestle/wire/message/contact.hpp"

namespace trestle::dht {

/// Peers that may well be in one hand. Zero is nobody's: such a peer counts in no group.
struct PeerGroup {
  std::uint64_t value = 0;
  bool is_exempt() const { return value == 0; }
  friend constexpr auto operator<=>(const PeerGroup&, const PeerGroup&) = default;
};

/// The groups of one peer: where it is, and who invited it.
struct PeerGroups {
  PeerGroup place;
  PeerGroup inviter{};
  friend constexpr bool operator==(const PeerGroups&, const PeerGroups&) = default;
};

/// The /24 of an IPv4 address, the /48 of an IPv6 address: what one customer is usually given.
/// Exempt: addresses that mean something inside one site only, and what is no address.
PeerGroup group_of_address(std::string_view address);
/// By the host of a URL: as above if it is an address, else a group for each name. Names cost more
/// than identities and less than networks; where a peer was met on an address, that goes before.
PeerGroup group_of_url(std::string_view url);
/// All whom this node invited.
PeerGroup group_of_inviter(const NodeId& inviter);

/// Whether one group's share of what we rely on is bounded (threats T9 and T10).
enum class Diversity : std::uint8_t {
  off,   ///< Everybody sits behind one address or one name, as behind one proxy.
  open,  ///< Strangers may come from anywhere, as many as they like.
};

struct DiversityOptions {
  /// Off, since a whole network behind one proxy is a common deployment and a cap would keep its
  /// tables empty; in an open network it belongs on.
  Diversity mode = Diversity::off;
  /// Peers of one group in one bucket, and in one answer of a stranger. Two: one may fail.
  std::size_t per_bucket_max = 2;
  /// In the whole table, and among those that are given one record: a quarter of k = 20, so that
  /// the majority that acknowledges a record never comes from two groups.
  std::size_t per_table_max = 5;
};

/// Bounds each group's part of a choice made one by one: a policy for the time of one choice.
class GroupCaps {
 public:
  explicit GroupCaps(std::size_t per_group_max) : per_group_max_(per_group_max) {}

  /// Takes the peer into the choice; false if one of its groups has its part already.
  bool take(const PeerGroups& groups);

 private:
  struct Count {
    PeerGroup group;
    std::size_t taken = 0;
  };

  std::size_t taken(PeerGroup group) const;
  void count(PeerGroup group);

  std::size_t per_group_max_;
  std::vector<Count> counts_;
};

}  // namespace trestle::dht
