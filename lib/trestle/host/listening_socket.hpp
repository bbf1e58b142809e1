#pragma once

#include <cstdint>
#include <string>

#include "trestle/base/result.hpp"
#include "trestle/host/address.hpp"

namespace trestle::host {

/// A bound and listening descriptor. Closed, and a unix socket's file removed, when destroyed.
class ListeningSocket {
 public:
  /// Port 0 picks a free one: see `address`. Error: a sentence with the operating system's reason.
  static Result<ListeningSocket, std::string> open(const HostPort& address);
  /// Readable and writable by the owner alone. A stale file of the same name is replaced: the
  /// caller holds the folder's lock.
  static Result<ListeningSocket, std::string> open_unix(const std::string& path);

  ListeningSocket(ListeningSocket&& other) noexcept;
  ListeningSocket& operator=(ListeningSocket&&) = delete;
  ~ListeningSocket();

  int descriptor() const { return descriptor_; }
  /// With the real port. Empty host for a unix socket.
  const HostPort& address() const { return address_; }

 private:
  ListeningSocket(int descriptor, HostPort address, std::string unix_path);

  int descriptor_;
  HostPort address_;
  std::string unix_path_;
};

}  // namespace trestle::host
