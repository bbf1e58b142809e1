#pragma once

#include <cstddef>
#include <string>

#include "trestle/wire/message/contact.hpp"

namespace trestle::host {

struct SavedPeersOptions {
  /// More than a routing table's worth of dialable peers is not needed to come back.
  std::size_t peers_max = 256;
  /// That many lines with addresses of the longest kind (1 KiB).
  std::size_t bytes_max = 512 * 1024;
};

/// What a file of peers said.
struct SavedPeers {
  wire::Contacts peers;
  /// Lines that made no sense, and peers over the bound.
  std::size_t ignored = 0;
};

/// Peers worth remembering, in the file `peers` of the data folder: one a line, best first, with
/// id, role, dialect and address, under a line that names the version. They are hints, as
/// everything is that a stranger says of a third peer; somebody who edits the file gains nothing.
/// False: what stood there still does.
bool save_peers(const std::string& folder, const wire::Contacts& peers,
                const SavedPeersOptions& options = {});

/// Nothing if there is no such file. Whatever else the file holds, it is read as far as it makes
/// sense.
SavedPeers read_saved_peers(const std::string& folder, const SavedPeersOptions& options = {});

}  // namespace trestle::host
