#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <ev.h>

#include "trestle/crypto/network_key.hpp"
#include "trestle/crypto/suite/sealer.hpp"
#include "trestle/crypto/suite/suite.hpp"
#include "trestle/host/admin_server.hpp"
#include "trestle/host/clock.hpp"
#include "trestle/host/event_loop.hpp"
#include "trestle/host/log.hpp"
#include "trestle/host/memory_budget.hpp"
#include "trestle/host/overview.hpp"
#include "trestle/host/runner_hooks.hpp"
#include "trestle/host/storage_thread.hpp"
#include "trestle/host/threaded_transport.hpp"
#include "trestle/host/timer.hpp"
#include "trestle/host/web_socket_transport.hpp"
#include "trestle/node/node.hpp"

namespace trestle::host {

struct RunnerOptions {
  TransportOptions transport;
  ThreadedTransportOptions threads;
  AdminOptions admin;
  OverviewOptions overview;
  RunnerHooks hooks;
  MemoryBudgetOptions memory;
  /// How often it is looked at (reliability.md section 10).
  Duration memory_looks_every = std::chrono::milliseconds(250);
  /// How often freed memory is given back while there is little: it costs milliseconds.
  Duration memory_returned_every = std::chrono::seconds(5);
  /// How often the node is told the calendar anew, so that a jump is noticed within a minute.
  Duration wall_clock_every = std::chrono::seconds(60);
  /// From the order to stop to the end of the program, whatever peers do: what service managers
  /// grant at least.
  Duration shutdown_within = std::chrono::seconds(10);
  /// Log every frame.
  bool trace_frames = false;
  /// bridge-node: what goes to new members with their memberships, wrapped for each.
  crypto::NetworkKeys network_keys{};
};

/// Drives one node on one loop: feeds it sockets, time and users, and performs what it orders.
///
/// The node is drained once per turn of the loop, after everything that was ready has been fed in:
/// what many inputs caused leaves in one frame per connection, and a lone message never waits
/// (design section 4). Signing and verifying happen at once, on the loop; the disk has a thread of
/// its own, and what is dialled may have several.
class Runner final : public TransportEvents,
                     private AdminBackend,
                     private StatusSource,
                     private StorageEvents {
 public:
  /// All are borrowed and outlive the runner; it must be gone before the loop is.
  Runner(EventLoop& loop, node::Node& node, crypto::Suite& suite, const crypto::KeyPair& keys,
         Log& log, const RunnerOptions& options = {});
  ~Runner() override;
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  void listen(ListeningSocket socket, Security security = Security::plain);
  void listen_admin(ListeningSocket socket) { admin_.listen(std::move(socket)); }
  /// From here on SIGTERM and SIGINT begin the shutdown; a second one ends at once. One runner per
  /// process.
  void watch_signals();
  /// What SIGHUP does; without it the signal ends the program as it does any other.
  void set_on_hangup(std::function<void()> on_hangup);
  /// Where records and peers are kept; outlives the runner. Without one records are kept in memory
  /// alone, and peers not at all.
  void set_storage(StorageThread& storage);
  /// Those of the options, if any: what is dialled from now on is dialled there. Before `start`.
  /// Error: a sentence for the operator.
  Result<void, std::string> start_threads();
  /// `restored`: what the node was when it last ran.
  void start(node::Restored restored = {});
  /// Hands the node what may change while it runs.
  void reload(const node::Reload& reload);
  void limit(const TransportOptions& limits);
  /// What is dialled from now on believes whom `tls` does, which was renewed.
  void on_issuers_changed(const Tls& tls);
  void admit_pages(PageGate pages) { transport_.admit_pages(std::move(pages)); }
  void limit_accepted(std::size_t connections_max, std::size_t per_address_max) {
    transport_.limit_accepted(connections_max, per_address_max);
  }
  /// Stops listening and lets the node say goodbye; the loop's `run` returns when that is done.
  void begin_shutdown();
  bool is_stopped() const { return is_stopped_; }
  /// Those of the threads included.
  TransportStats transport_stats() const;
  /// For figures of an embedding program's own, and for thresholds that change while it runs.
  Overview& overview() { return overview_; }

 private:
  link::ConnectionId on_accepted(const link::Accepted& accepted) override;
  void on_page_refused(const std::string& remote_address, const std::string& origin) override;
  void on_dialled(link::ConnectionId connection) override;
  void on_dial_failed(link::ConnectionId connection, ErrorCode code,
                      std::string_view reason) override;
  void on_frame(link::ConnectionId connection, link::FrameKind kind, ByteSpan bytes) override;
  void on_drained(link::ConnectionId connection, std::size_t bytes) override;
  void on_closed(link::ConnectionId connection, std::uint16_t status,
                 std::string_view reason) override;
  HttpReply on_http_request(const HttpRequest& request) override;

  node::Status status() override;
  std::vector<node::MemberStatus> members() override { return node_.members(); }
  std::vector<ThreadFigures> threads() override;
  bool is_healthy() override;

  std::optional<HttpReply> admin_reply(const HttpRequest& request) override;
  Result<node::OperationId, ErrorCode> admin_put(std::string key, Bytes value,
                                                 const node::PutOptions& options) override;
  Result<crypto::X25519Key, std::string> admin_reader(std::string_view identity) override;
  Result<node::OperationId, ErrorCode> admin_get(std::string key,
                                                 const dht::LookupWish& wish) override;
  Result<node::OperationId, ErrorCode> admin_find(const NodeId& target,
                                                  const dht::LookupWish& wish) override;
  Result<node::OperationId, ErrorCode> admin_refresh(std::string key) override;
  Result<node::OperationId, ErrorCode> admin_remove(std::string key) override;
  Result<node::OperationId, ErrorCode> admin_trace(const std::string& id_or_key,
                                                   const dht::LookupWish& wish) override;

  void on_persisted(dht::StorageTicket ticket, ErrorCode code) override;
  void on_storage_lost() override;
  void on_storage_news(const LogRecord& news) override;

  void end_turn();
  void perform(link::Dial& order);
  void perform(link::SendFrame& order);
  void perform(link::CloseTransport& order);
  /// Whether it is one of a thread's.
  bool is_threaded(link::ConnectionId connection) const;
  void perform(link::Sign& order);
  void perform(link::Verify& order);
  void perform(node::OperationEnded& ended);
  void perform(node::Joined& joined);
  void perform(LogRecord& record);
  void perform(node::Stopped& stopped);
  void perform(dht::Persist& order);
  void perform(node::SavePeers& order);
  void perform(node::IssueMembership& order);
  void perform(node::SaveAdmission& order);

  void on_deadline();
  void on_signal();
  void tell_wall_clock();
  void look_at_memory();
  void trace(std::string_view event, link::ConnectionId connection, link::FrameKind kind,
             ByteSpan bytes);
  void stop();

  EventLoop& loop_;
  node::Node& node_;
  crypto::Suite& suite_;
  const crypto::KeyPair& keys_;
  Log& log_;
  StorageThread* storage_ = nullptr;
  RunnerOptions options_;
  WebSocketTransport transport_;
  std::unique_ptr<ThreadedTransport> threads_;  ///< Null: no further threads.
  AdminServer admin_;
  Overview overview_;
  Timer deadline_;
  Timer wall_clock_;
  Timer shutdown_;
  MemoryBudget memory_;
  Timer memory_timer_;
  Instant memory_returned_at_{};
  Instant armed_ = kNever;
  ev_signal terminate_{};
  ev_signal interrupt_{};
  ev_signal hangup_{};
  std::function<void()> on_hangup_;
  bool is_stopping_ = false;  ///< The shutdown has begun.
  bool is_drained_ = false;   ///< The node has nothing more to say.
  bool is_stopped_ = false;
};

}  // namespace trestle::host
