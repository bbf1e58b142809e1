#pragma once

#include <functional>
#include <future>
#include <memory>
#include <string>

#include "trestle/base/rng.hpp"
#include "trestle/crypto/identity.hpp"
#include "trestle/crypto/suite/suite.hpp"
#include "trestle/host/address.hpp"
#include "trestle/host/event_loop.hpp"
#include "trestle/host/log.hpp"
#include "trestle/host/memories.hpp"
#include "trestle/host/runner.hpp"
#include "trestle/node/node.hpp"

namespace trestle::host {

struct ServiceOptions {
  /// Port 0 picks a free one.
  HostPort listen{"127.0.0.1", 0};
  /// The URL under which others reach this node. Empty: the address listened on, with `wss://` if
  /// `loop.tls` has a certificate to accept with, else `ws://`.
  std::string advertise{};
  /// Where the identity is kept, locked against a second program. Empty: a new identity each time,
  /// kept nowhere.
  std::string data_folder{};
  /// File whose first line unlocks the identity; the environment may name one, too
  /// (`host/passphrase.hpp`). Neither: the identity stands in its file as it is.
  std::string identity_passphrase_file{};
  /// Where records are kept, if there is a data folder: in it, or in memory alone. Peers worth
  /// remembering are kept in it in any case.
  StoragePlace storage = StoragePlace::disk;
  /// Quiet by default: the embedding program has a log of its own (`runner.hooks.on_log`).
  LogOptions log{.level = LogLevel::error};
  EventLoopOptions loop{};
  RunnerOptions runner{};
};

/// A node inside somebody else's program, on real sockets: event loop, identity, listening socket,
/// log and runner in one object.
///
///     node::NodeOptions wanted;
///     wanted.bootstrap_urls = {"ws://bootstrap.example:8080"};
///     auto service = host::Service::create({}, host::make<node::DhtNode>(wanted));
///     std::jthread thread([&] { (*service)->run(); });
///     auto found = (*service)->get("greeting").get();      // from any thread but that one
///     (*service)->stop();
///
/// One thread runs it; everything of the node happens there, though what it dials may be held on
/// threads of its own (`runner.threads`). Several may live in one process, each
/// on a thread of its own; create them one after another. What libwebsockets logs is set for the
/// whole process by the one created last. Throws nothing itself; what the standard library throws
/// (memory) passes through.
class Service {
 public:
  /// Makes the node; `address` is what it advertises, the suite outlives it.
  using MakeNode = std::function<std::unique_ptr<node::Node>(
      const std::string& address, const crypto::Identity& identity, crypto::Suite& suite, Rng rng)>;

  /// Listens already when it returns. Error: a sentence for the operator.
  static Result<std::unique_ptr<Service>, std::string> create(const ServiceOptions& options,
                                                              const MakeNode& make_node);
  /// `run` has returned, or was never called.
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  const NodeId& id() const;
  const std::string& address() const;

  /// Runs on the calling thread until `stop` and the goodbyes are through. Once. SIGPIPE is blocked
  /// on this thread meanwhile; no other signal is touched.
  void run();

  // ---- from any thread ----
  /// Begins a clean shutdown: what is in flight is answered or coded, then `run` returns, at the
  /// latest after `runner.shutdown_within`.
  void stop();
  /// Runs `work` on the loop's thread, in order. Dropped when the service has ended.
  void post(std::function<void()> work);
  /// Operations of a user. `code` says how it went; `get` brings the record, `find` the contacts,
  /// the others the receipt. A future throws `std::future_error` when the service ended first.
  std::future<node::OperationEnded> put(std::string key, Bytes value, Duration ttl);
  std::future<node::OperationEnded> put_as(std::string key, Bytes value, node::PutOptions options);
  std::future<node::OperationEnded> get(std::string key, const dht::LookupWish& wish = {});
  std::future<node::OperationEnded> find(const NodeId& target, const dht::LookupWish& wish = {});
  std::future<node::OperationEnded> refresh(std::string key);
  std::future<node::OperationEnded> remove(std::string key);
  std::future<node::Status> status();

  // ---- on the loop's thread: from `post`, hooks and own watchers ----
  /// For timers and sockets of one's own on the same loop (see Timer).
  EventLoop& loop();
  node::Node& node();

 private:
  struct State;
  explicit Service(std::unique_ptr<State> state);
  using Begin = std::function<Result<node::OperationId, ErrorCode>(node::Node&, Instant)>;
  std::future<node::OperationEnded> begin(Begin begin);

  std::unique_ptr<State> state_;
};

/// A node of that class with those options; the service fills in the address to advertise.
template <typename Node, typename Options>
Service::MakeNode make(Options options) {
  return
      [options = std::move(options)](const std::string& address, const crypto::Identity& identity,
                                     crypto::Suite& suite, Rng rng) -> std::unique_ptr<node::Node> {
        Options complete = options;
        if (complete.common.address.empty()) complete.common.address = address;
        return std::make_unique<Node>(complete, identity, suite, rng);
      };
}

}  // namespace trestle::host
