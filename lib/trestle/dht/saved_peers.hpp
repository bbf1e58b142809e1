#pragma once

#include <cstddef>

#include "trestle/dht/routing_table.hpp"
#include "trestle/wire/message/contact.hpp"

namespace trestle::dht {

struct SavedPeersOptions {
  /// A snapshot is read in one piece at the next start and must not delay it.
  std::size_t bytes_max = 64 * 1024;
  /// Far more than a restarted node dials before it is back.
  std::size_t peers_max = 256;
  /// So many of one group come before anybody else's third.
  std::size_t per_group_first = 2;
};

/// Whom to remember for the next start, best first: linked peers before known ones, whoever has
/// been there longest first, and not all from one hand. Only those that can be dialled and did not
/// fail of late.
wire::Contacts peers_to_save(const RoutingTable& table, const SavedPeersOptions& options);

/// What a contact takes up in a snapshot: an upper bound of its text, whatever the format.
std::size_t saved_bytes(const wire::Contact& contact);

}  // namespace trestle::dht
