#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "trestle/base/bytes.hpp"
#include "trestle/base/error_code.hpp"
#include "trestle/host/dial_failure.hpp"
#include "trestle/host/http_exchange.hpp"
#include "trestle/link/transport.hpp"

namespace trestle::host {

/// What was answered to the request for a WebSocket, beside yes or no.
struct UpgradeAnswer {
  unsigned status = 0;
  /// The answerer's calendar, as HTTP writes it (the `Date` header); empty if it stated none.
  std::string date;
  /// The path that arrived at the program, if it was not `/` (our `Content-Location` header).
  std::string arrived_path;
};

/// What the transport reports. The driver's runner implements it; the calls correspond to the
/// inputs of `node::Node`.
class TransportEvents {
 public:
  virtual ~TransportEvents() = default;
  virtual link::ConnectionId on_accepted(const link::Accepted& accepted) = 0;
  /// A page whose origin is not among those allowed was answered 403.
  virtual void on_page_refused(const std::string& remote_address, const std::string& origin);
  virtual void on_dialled(link::ConnectionId connection) = 0;
  virtual void on_dial_failed(link::ConnectionId connection, ErrorCode code,
                              std::string_view reason) = 0;
  /// For whoever diagnoses a dial; a program has no use for it. The last stage reported is the one
  /// at which a dial failed; the first is reported from inside `dial`.
  virtual void on_dial_stage(link::ConnectionId connection, DialStage stage);
  virtual void on_upgrade_answer(link::ConnectionId connection, const UpgradeAnswer& answer);
  virtual void on_frame(link::ConnectionId connection, link::FrameKind kind, ByteSpan bytes) = 0;
  virtual void on_drained(link::ConnectionId connection, std::size_t bytes) = 0;
  virtual void on_closed(link::ConnectionId connection, std::uint16_t status,
                         std::string_view reason) = 0;
  /// Plain HTTP on the public port: answered at once.
  virtual HttpReply on_http_request(const HttpRequest& request) = 0;
};

}  // namespace trestle::host
