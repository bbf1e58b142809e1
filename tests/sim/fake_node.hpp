#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "trestle/base/outbox.hpp"
#include "trestle/node/node.hpp"
#include "trestle/sim/world.hpp"
#include "trestle/wire/native/codec.hpp"

namespace trestle::sim::test {

using namespace std::chrono_literals;

/// What a fake heard, in words and numbers that a test compares.
struct Heard {
  enum class Kind { started, accepted, dialled, dial_failed, frame, drained, closed, crypto };
  Kind kind;
  Instant at;
  link::ConnectionId connection;
  std::uint64_t number = 0;  // drained bytes, close status, error code, validity
  std::string text;          // frame content, reason, remote address
};

/// A node without a mind: it writes down what it hears and does what the test orders. Orders leave
/// when the world drains it, which `Bench::perform` makes happen.
class FakeNode : public node::Node {
 public:
  explicit FakeNode(Rng own) : rng(std::move(own)) {}

  void start(Instant now) override { hear(Heard::Kind::started, now, {}); }
  void begin_shutdown(Instant) override { outbox.push(node::Stopped{}); }
  void on_wall_clock(Instant, WallTime wall) override { wall_heard = wall; }

  link::ConnectionId on_accepted(Instant now, const link::Accepted& accepted) override {
    const link::ConnectionId id = ids.next();
    hear(Heard::Kind::accepted, now, id, 0, accepted.remote_address);
    return id;
  }
  void on_dialled(Instant now, link::ConnectionId id) override {
    hear(Heard::Kind::dialled, now, id);
  }
  void on_dial_failed(Instant now, link::ConnectionId id, ErrorCode code,
                      std::string_view reason) override {
    hear(Heard::Kind::dial_failed, now, id, static_cast<std::uint64_t>(code), reason);
  }
  void on_frame(Instant now, link::ConnectionId id, link::FrameKind kind, ByteSpan bytes) override {
    hear(Heard::Kind::frame, now, id, 0, as_text(bytes));
    if (closes_with) outbox.push(link::CloseTransport{id, *closes_with, "as the test wants it"});
    if (echo) outbox.push(link::SendFrame{id, kind, to_bytes(bytes)});
  }
  void on_drained(Instant now, link::ConnectionId id, std::size_t bytes) override {
    hear(Heard::Kind::drained, now, id, bytes);
  }
  void on_closed(Instant now, link::ConnectionId id, std::uint16_t status,
                 std::string_view reason) override {
    hear(Heard::Kind::closed, now, id, status, reason);
  }
  void on_signed(Instant now, link::ConnectionId id, link::Ticket ticket,
                 const wire::Signature& signature) override {
    last_signature = signature;
    hear(Heard::Kind::crypto, now, id, ticket.value);
  }
  void on_verified(Instant now, link::ConnectionId id, link::Ticket ticket, bool valid) override {
    hear(Heard::Kind::crypto, now, id, ticket.value, valid ? "valid" : "invalid");
  }

  Result<node::OperationId, ErrorCode> put(Instant, std::string, Bytes, Duration) override {
    return node::OperationId{++last_operation};
  }
  Result<node::OperationId, ErrorCode> get(Instant, std::string) override {
    return node::OperationId{++last_operation};
  }
  /// The way by which a test makes the world drain the node.
  Result<node::OperationId, ErrorCode> find(Instant, const NodeId&) override {
    return refuse(ErrorCode::unsupported);
  }

  Instant next_deadline() const override { return deadline; }
  void on_deadline(Instant) override {
    ++deadlines_heard;
    if (!spin) deadline = kNever;
  }
  std::optional<node::Effect> poll_effect(Instant) override { return outbox.poll(); }
  node::Status status(Instant) const override { return {}; }
  bool is_healthy(Instant) const override { return true; }

  std::vector<Heard> of(Heard::Kind kind) const {
    std::vector<Heard> result;
    for (const Heard& entry : heard) {
      if (entry.kind == kind) result.push_back(entry);
    }
    return result;
  }
  std::size_t count(Heard::Kind kind) const { return of(kind).size(); }

  Rng rng;
  Outbox<node::Effect> outbox;
  link::ConnectionIds ids{link::ConnectionOwner::node};
  std::vector<Heard> heard;
  bool echo = false;
  bool spin = false;
  std::optional<link::CloseStatus> closes_with;  ///< At the first frame.
  Instant deadline = kNever;
  std::uint64_t deadlines_heard = 0;
  std::uint64_t last_operation = 0;
  WallTime wall_heard{};
  wire::Signature last_signature{};

 protected:
  void hear(Heard::Kind kind, Instant at, link::ConnectionId id, std::uint64_t number = 0,
            std::string_view text = {}) {
    heard.push_back({kind, at, id, number, std::string(text)});
  }
};

/// A world of fakes and the words to move them.
class Bench {
 public:
  Bench() : Bench(plain(1)) {}
  explicit Bench(WorldOptions options) : world(std::move(options)) {}

  /// No accidents and no spread: latency 10 ms each way, no bandwidth bound, one segment.
  static WorldOptions plain(std::uint64_t seed) {
    WorldOptions options;
    options.seed = seed;
    options.network.latency = {LatencyKind::constant, 10ms, 10ms};
    options.network.bandwidth = 0;
    options.network.segments_max = 1;
    return options;
  }

  NodeIndex add(wire::Role role = wire::Role::node, bool is_honest = true) {
    const auto index = static_cast<NodeIndex>(fakes.size());
    fakes.push_back(nullptr);
    return world.add_node({.role = role,
                           .url = url(index),
                           .factory =
                               [this, index](const NodeSeat& seat) {
                                 auto node = std::make_unique<FakeNode>(seat.rng);
                                 fakes[index] = node.get();
                                 return node;
                               },
                           .is_honest = is_honest});
  }
  NodeIndex add_started(wire::Role role = wire::Role::node, bool is_honest = true) {
    const NodeIndex index = add(role, is_honest);
    world.start(index);
    return index;
  }

  static std::string url(NodeIndex index) { return "ws://node" + std::to_string(index) + ":9000/"; }

  FakeNode& operator[](NodeIndex index) { return *fakes[index]; }

  void perform(NodeIndex node, node::Effect order) {
    fakes[node]->outbox.push(std::move(order));
    static_cast<void>(world.find(node, NodeId{}));
  }
  link::ConnectionId dial(NodeIndex from, NodeIndex to, Duration timeout = 10s) {
    const link::ConnectionId id = fakes[from]->ids.next();
    perform(from, link::Dial{id, url(to), timeout});
    return id;
  }
  void send(NodeIndex from, link::ConnectionId id, std::string_view text) {
    perform(from, link::SendFrame{id, link::FrameKind::text, to_bytes(as_bytes(text))});
  }
  void close(NodeIndex from, link::ConnectionId id) {
    perform(from, link::CloseTransport{id, link::CloseStatus::normal, "done"});
  }
  /// Sends one native record.
  void say(NodeIndex from, link::ConnectionId id, std::uint64_t request, wire::Message message) {
    Bytes frame;
    wire::native::append_record(frame, {{request}, std::move(message)});
    perform(from, link::SendFrame{id, link::FrameKind::binary, std::move(frame)});
  }
  /// An open connection: the dialler's id and the acceptor's.
  std::pair<link::ConnectionId, link::ConnectionId> connect(NodeIndex from, NodeIndex to) {
    const link::ConnectionId near = dial(from, to);
    world.run_for(1s);
    return {near, fakes[to]->of(Heard::Kind::accepted).back().connection};
  }

  std::vector<FakeNode*> fakes;
  World world;
};

}  // namespace trestle::sim::test
