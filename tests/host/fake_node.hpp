#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "trestle/base/outbox.hpp"
#include "trestle/node/node.hpp"

namespace trestle::test {

/// A node that writes down what it is told, and does what a test wants when told so: dials, sends,
/// closes, echoes.
class FakeNode final : public node::Node {
 public:
  struct Frame {
    link::ConnectionId connection;
    link::FrameKind kind;
    Bytes bytes;
  };
  struct Failure {
    ErrorCode code;
    std::string reason;
  };
  struct Closure {
    std::uint16_t status;
    std::string reason;
  };

  // ---- what a test orders ----
  link::ConnectionId dial(const std::string& url, Duration timeout = std::chrono::seconds(5)) {
    const link::ConnectionId id = ids.next();
    outbox.push(link::Dial{id, url, timeout});
    return id;
  }
  void send(link::ConnectionId connection, link::FrameKind kind, Bytes bytes) {
    outbox.push(link::SendFrame{connection, kind, std::move(bytes)});
  }
  void close(link::ConnectionId connection, link::CloseStatus status, std::string reason) {
    outbox.push(link::CloseTransport{connection, status, std::move(reason)});
  }

  // ---- what it was told ----
  std::vector<std::pair<link::ConnectionId, std::string>> accepted;
  std::vector<link::ConnectionId> dialled;
  std::map<link::ConnectionId, Failure> failures;
  std::vector<Frame> frames;
  std::map<link::ConnectionId, std::size_t> drained;
  std::map<link::ConnectionId, Closure> closures;
  std::vector<link::Ticket> signatures;
  std::map<std::uint32_t, bool> verdicts;
  std::map<std::string, Bytes> store;
  /// Of the last get or find.
  dht::LookupWish wished;
  std::optional<node::Restored> restored;  ///< Told before the start.
  std::map<std::uint64_t, ErrorCode> persisted;
  std::vector<node::MemoryState> memory_states;
  bool echoes = false;
  bool healthy = true;
  bool started = false;
  bool shutting_down = false;
  std::uint64_t wall_clock_reports = 0;
  Instant deadline = kNever;
  std::vector<Instant> deadlines_met;
  link::ConnectionIds ids{link::ConnectionOwner::node};
  wire::Signature last_signature{};
  Outbox<node::Effect> outbox;

  /// Orders a change of a record from the disk.
  dht::StorageTicket persist(dht::StorageChange change) {
    outbox.push(dht::Persist{{++tickets_}, std::move(change)});
    return {tickets_};
  }

  // ---- node::Node ----
  void restore(Instant, node::Restored found) override {
    if (!started) restored = std::move(found);
  }
  void on_memory(Instant, node::MemoryState state) override { memory_states.push_back(state); }
  void on_persisted(Instant, dht::StorageTicket ticket, ErrorCode code) override {
    persisted.emplace(ticket.value, code);
  }
  void start(Instant) override { started = true; }
  void begin_shutdown(Instant) override {
    shutting_down = true;
    for (const auto& [id, address] : accepted) {
      if (!closures.contains(id)) close(id, link::CloseStatus::going_away, "bye");
    }
    outbox.push(node::Stopped{});
  }
  void on_wall_clock(Instant, WallTime) override { ++wall_clock_reports; }
  link::ConnectionId on_accepted(Instant, const link::Accepted& news) override {
    accepted.emplace_back(ids.next(), news.remote_address);
    return accepted.back().first;
  }
  void on_dialled(Instant, link::ConnectionId id) override { dialled.push_back(id); }
  void on_dial_failed(Instant, link::ConnectionId id, ErrorCode code,
                      std::string_view reason) override {
    failures[id] = {code, std::string(reason)};
  }
  void on_frame(Instant, link::ConnectionId id, link::FrameKind kind, ByteSpan bytes) override {
    frames.push_back({id, kind, to_bytes(bytes)});
    if (echoes) send(id, kind, to_bytes(bytes));
  }
  void on_drained(Instant, link::ConnectionId id, std::size_t bytes) override {
    drained[id] += bytes;
  }
  void on_closed(Instant, link::ConnectionId id, std::uint16_t status,
                 std::string_view reason) override {
    closures[id] = {status, std::string(reason)};
  }
  void on_signed(Instant, link::ConnectionId, link::Ticket ticket,
                 const wire::Signature& signature) override {
    signatures.push_back(ticket);
    last_signature = signature;
  }
  void on_verified(Instant, link::ConnectionId, link::Ticket ticket, bool valid) override {
    verdicts[ticket.value] = valid;
  }
  Result<node::OperationId, ErrorCode> put(Instant, std::string key, Bytes value,
                                           Duration) override {
    if (key == "refused") return refuse(ErrorCode::busy);
    store[key] = std::move(value);
    node::OperationEnded ended;
    ended.replicas = 3;
    ended.replicas_wanted = 2;
    ended.version = 7;
    return end(std::move(ended));
  }
  Result<node::OperationId, ErrorCode> refresh(Instant, std::string key) override {
    node::OperationEnded ended;
    ended.replicas_wanted = 2;
    ended.replicas = 1;
    ended.weak = true;
    if (!store.contains(key)) ended.code = ErrorCode::not_found;
    return end(std::move(ended));
  }
  Result<node::OperationId, ErrorCode> remove(Instant, std::string key) override {
    node::OperationEnded ended;
    if (store.erase(key) == 0) ended.code = ErrorCode::not_found;
    return end(std::move(ended));
  }
  Result<node::OperationId, ErrorCode> get(Instant, std::string key) override {
    node::OperationEnded ended;
    const auto place = store.find(key);
    if (place == store.end()) {
      ended.code = ErrorCode::not_found;
    } else {
      ended.record = wire::Record{
          .key = key, .value = place->second, .version = 7, .ttl_ms = 60'000, .left_ms = 50'000};
    }
    return end(std::move(ended));
  }
  Result<node::OperationId, ErrorCode> find(Instant, const NodeId& target) override {
    node::OperationEnded ended;
    ended.contacts.push_back(
        {target, wire::Role::node, wire::Dialect::native, "ws://10.0.0.1:80", ""});
    return end(std::move(ended));
  }
  Result<node::OperationId, ErrorCode> get_as(Instant now, std::string key,
                                              const dht::LookupWish& wish) override {
    wished = wish;
    return get(now, std::move(key));
  }
  Result<node::OperationId, ErrorCode> find_as(Instant now, const NodeId& target,
                                               const dht::LookupWish& wish) override {
    wished = wish;
    return find(now, target);
  }
  Instant next_deadline() const override { return deadline; }
  void on_deadline(Instant now) override {
    deadlines_met.push_back(now);
    deadline = kNever;
  }
  std::optional<node::Effect> poll_effect(Instant) override { return outbox.poll(); }
  node::Status status(Instant) const override {
    node::Status status;
    status.program = "fake-node";
    status.state = "joined";
    status.healthy = healthy;
    status.address = "ws://127.0.0.1:1";
    status.peers.push_back({NodeId(1, 2, 3), wire::Role::bridge, wire::Dialect::native, "ws://b",
                            true, std::chrono::seconds(7), std::chrono::microseconds(250)});
    status.counters.emplace_back("fake.answers_total", 42);
    return status;
  }
  bool is_healthy(Instant) const override { return healthy; }

 private:
  Result<node::OperationId, ErrorCode> end(node::OperationEnded ended) {
    ended.operation = {++operations_};
    outbox.push(std::move(ended));
    return node::OperationId{operations_};
  }

  std::uint64_t operations_ = 0;
  std::uint64_t tickets_ = 0;
};

}  // namespace trestle::test
