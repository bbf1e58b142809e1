#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "trestle/base/result.hpp"
#include "trestle/host/acceptor.hpp"
#include "trestle/host/admin_gate.hpp"
#include "trestle/host/event_loop.hpp"
#include "trestle/host/http_exchange.hpp"
#include "trestle/host/status_json.hpp"
#include "trestle/node/node.hpp"
#include "trestle/node/put_options.hpp"
#include "trestle/wire/json/document.hpp"

namespace trestle::host {

struct AdminOptions {
  /// Requests at once; the operator's tools ask one at a time.
  std::size_t requests_max = 64;
  /// From the accepted socket to the whole request.
  Duration request_within = std::chrono::seconds(5);
  /// From the reply to its last byte: a reader that stops reading holds it no longer (C31).
  Duration reply_within = std::chrono::seconds(10);
  /// Metrics on their way to readers, the largest replies there are: two Prometheus servers may ask
  /// at the same moment, a third is told BUSY.
  std::size_t scrapes_max = 2;
  /// How long a put lasts when the request does not say: one hour, the refresh period (requirements
  /// X34).
  std::chrono::seconds ttl_default = std::chrono::hours(1);
  /// TTL cap (requirements X35).
  std::chrono::seconds ttl_max = std::chrono::hours(24 * 30);
  /// Demanded from whoever comes over TCP. Empty: only this machine may come (see AdminGate).
  Bytes secret;
};

/// What the admin pages show and do. The runner implements it over `node::Node`.
class AdminBackend {
 public:
  virtual ~AdminBackend() = default;
  /// Everything that is answered at once: see Overview.
  virtual std::optional<HttpReply> admin_reply(const HttpRequest& request) = 0;
  virtual Result<node::OperationId, ErrorCode> admin_put(std::string key, Bytes value,
                                                         const node::PutOptions& options) = 0;
  /// The key of a reader who is named by his identity record in its text form. Error: a clause.
  virtual Result<crypto::X25519Key, std::string> admin_reader(std::string_view identity) = 0;
  virtual Result<node::OperationId, ErrorCode> admin_get(std::string key,
                                                         const dht::LookupWish& wish) = 0;
  virtual Result<node::OperationId, ErrorCode> admin_find(const NodeId& target,
                                                          const dht::LookupWish& wish) = 0;
  virtual Result<node::OperationId, ErrorCode> admin_refresh(std::string key) = 0;
  virtual Result<node::OperationId, ErrorCode> admin_remove(std::string key) = 0;
  /// Of an id, or of the place of a key.
  virtual Result<node::OperationId, ErrorCode> admin_trace(const std::string& id_or_key,
                                                           const dht::LookupWish& wish) = 0;
};

/// HTTP for the operator: the page, /status, /peers, /health, /metrics, /get?key=, /find?id=,
/// /trace?of=, the last three with &paths=, the last two with &lookup=; POST /put, /refresh and
/// /delete with a JSON body, POST /metrics/on and /metrics/off.
///
/// Whoever reaches it may change data, so it listens on a unix socket in the data folder, which
/// only its owner can open, or behind an AdminGate. State changes by POST with a JSON content type
/// alone: a web page that tricks a browser into a request cannot send that one.
class AdminServer {
 public:
  AdminServer(EventLoop& loop, AdminBackend& backend, const AdminOptions& options = {});
  ~AdminServer();
  AdminServer(const AdminServer&) = delete;
  AdminServer& operator=(const AdminServer&) = delete;

  /// Once.
  void listen(ListeningSocket socket);
  /// How long operators' puts, gets and finds took, under their names in the status.
  void add_figures(node::Status& status) const;
  /// Answers the request that waits for this operation, if it still does.
  void on_operation_ended(const node::OperationEnded& ended);

 private:
  class Socket;

  void on_request(Socket& socket, const HttpRequest& request);
  void on_get(Socket& socket, const HttpRequest& request);
  void on_lookup(Socket& socket, const HttpRequest& request);
  void on_write(Socket& socket, const HttpRequest& request, OperationKind kind);
  /// The reply follows when the operation ends, or at once if it was refused.
  void await(Socket& socket, OperationKind kind, Result<node::OperationId, ErrorCode> operation);
  Result<node::PutOptions, std::string> put_options(const wire::json::Value& body);
  void remove(Socket* socket);

  EventLoop& loop_;
  AdminBackend& backend_;
  AdminOptions options_;
  std::optional<Acceptor> acceptor_;
  AdminGate gate_;
  std::unordered_map<Socket*, std::unique_ptr<Socket>> sockets_;
  struct Waiting {
    Socket* socket;
    OperationKind kind;
    Instant asked;
  };
  std::unordered_map<std::uint64_t, Waiting> waiting_;
  std::array<Histogram, kOperationKinds> times_;  ///< By kind of operation.
  std::array<std::uint64_t, kOperationKinds> failures_{};
};

}  // namespace trestle::host
