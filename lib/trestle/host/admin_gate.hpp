#pragma once

#include <optional>
#include <string>

#include "trestle/base/bytes.hpp"
#include "trestle/host/address.hpp"
#include "trestle/host/http_exchange.hpp"

namespace trestle::host {

/// Who may ask an admin listener (C30, T37). A unix socket is guarded by its file's permissions. A
/// TCP listener serves, without a secret, this machine alone; and because a browser on this machine
/// may have been led here by a foreign page whose name was rebound to us, only requests for a
/// loopback name. With a secret it serves whoever shows it.
class AdminGate {
 public:
  explicit AdminGate(Bytes secret = {}) : secret_(std::move(secret)) {}

  /// The reply that turns the request away, or nothing if it may pass.
  std::optional<HttpReply> turn_away(const HttpRequest& request) const;

 private:
  bool shows_secret(const HttpRequest& request) const;

  Bytes secret_;
};

}  // namespace trestle::host
