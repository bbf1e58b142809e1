#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "trestle/base/flat_map.hpp"
#include "trestle/base/outbox.hpp"
#include "trestle/base/rng.hpp"
#include "trestle/node/node.hpp"
#include "trestle/sim/happening.hpp"
#include "trestle/wire/message/message.hpp"

namespace trestle::sim {

/// How a peer misbehaves (reliability.md 7.3).
enum class Misconduct : std::uint8_t {
  none,
  lies,       ///< Names peers that do not exist, as near to the target as can be; spoils values.
  silence,    ///< Asks and never answers, pings included.
  slowness,   ///< Everything it says comes late.
  wrong_ids,  ///< Names real addresses under ids that are not theirs.
  replays,    ///< Says again what it said before.
  floods,     ///< Asks without end.
  oversized,  ///< Sends frames above every limit.
  mutations,  ///< Sends frames in which bits are turned over.
};

inline constexpr std::uint8_t kMisconducts = 9;

std::string_view name(Misconduct misconduct);

/// Who misbehaves how at this moment. Outlives the nodes, so that a restart does not reform
/// anybody.
class MisconductBoard {
 public:
  Misconduct of(NodeIndex node) const {
    return node < by_node_.size() ? by_node_[node] : Misconduct::none;
  }
  void set(NodeIndex node, Misconduct misconduct) {
    if (node >= by_node_.size()) by_node_.resize(node + 1, Misconduct::none);
    by_node_[node] = misconduct;
  }

 private:
  std::vector<Misconduct> by_node_;
};

struct ByzantineOptions {
  /// How late a slow peer is: within the bound of a ping (10 s) now and then, beyond that of a
  /// question (3 s) always.
  Duration late_by = std::chrono::seconds(4);
  Duration flood_every = std::chrono::milliseconds(50);
  /// Questions of one burst of a flood. With the pause above 400 a second: far above every budget
  /// of reliability.md section 10, and cheap to simulate.
  std::uint32_t flood_burst = 20;
  /// Frames kept for saying them again.
  std::size_t remembered_max = 16;
};

/// A member that can turn bad: the real node with its real codec inside, and somebody between it
/// and the network who reads what it sends and sends something else. It proves its id honestly, so
/// that it gets in; what it does then is up to the board.
///
///     network --> the real node --> frames --> tamper --> network
///                                                ^
///                                              board
class ByzantinePeer final : public node::Node {
 public:
  /// `board` must outlive the peer.
  ByzantinePeer(std::unique_ptr<node::Node> inner, NodeIndex self, const MisconductBoard& board,
                Rng rng, const ByzantineOptions& options = {});
  ~ByzantinePeer() override;

  void restore(Instant now, node::Restored restored) override;
  void start(Instant now) override { inner_->start(now); }
  void begin_shutdown(Instant now) override { inner_->begin_shutdown(now); }
  void on_wall_clock(Instant now, WallTime wall) override { inner_->on_wall_clock(now, wall); }
  link::ConnectionId on_accepted(Instant now, const link::Accepted& accepted) override;
  void on_dialled(Instant now, link::ConnectionId connection) override;
  void on_dial_failed(Instant now, link::ConnectionId connection, ErrorCode code,
                      std::string_view reason) override;
  void on_frame(Instant now, link::ConnectionId connection, link::FrameKind kind,
                ByteSpan bytes) override;
  void on_drained(Instant now, link::ConnectionId connection, std::size_t bytes) override;
  void on_closed(Instant now, link::ConnectionId connection, std::uint16_t status,
                 std::string_view reason) override;
  void on_signed(Instant now, link::ConnectionId connection, link::Ticket ticket,
                 const wire::Signature& signature) override;
  void on_verified(Instant now, link::ConnectionId connection, link::Ticket ticket,
                   bool valid) override;
  void on_persisted(Instant now, dht::StorageTicket ticket, ErrorCode code) override;
  Result<node::OperationId, ErrorCode> put(Instant now, std::string key, Bytes value,
                                           Duration ttl) override;
  Result<node::OperationId, ErrorCode> get(Instant now, std::string key) override;
  Result<node::OperationId, ErrorCode> find(Instant now, const NodeId& target) override;
  Instant next_deadline() const override;
  void on_deadline(Instant now) override;
  std::optional<node::Effect> poll_effect(Instant now) override;
  node::Status status(Instant now) const override { return inner_->status(now); }
  bool is_healthy(Instant now) const override { return inner_->is_healthy(now); }

 private:
  /// An open connection, and the last target that was asked for on it.
  struct Asker {
    NodeId target{};
  };
  struct Late {
    Instant at{};
    link::SendFrame frame;
  };

  void tamper(Instant now, link::SendFrame&& frame);
  void spoil_records(link::SendFrame&& frame, Misconduct misconduct);
  void spoil(wire::Message& message, const NodeId& target, Misconduct misconduct);
  void spoil_contacts(wire::Contacts& contacts, const NodeId& target, Misconduct misconduct);
  void turn_bits(Bytes& bytes);
  void say_again(const link::SendFrame& frame);
  void flood(Instant now);
  NodeId draw_id();
  NodeId draw_id_near(const NodeId& target);

  std::unique_ptr<node::Node> inner_;
  NodeIndex self_;
  const MisconductBoard& board_;
  Rng rng_;
  ByzantineOptions options_;
  FlatMap<link::ConnectionId, Asker> open_;
  std::vector<Bytes> remembered_;
  std::vector<Late> late_;  ///< In order of time.
  Instant flood_at_ = kNever;
  std::uint64_t last_flood_id_ = std::uint64_t{1} << 40;  ///< Beyond what the real node counts to.
  Outbox<node::Effect> outbox_;
};

}  // namespace trestle::sim
