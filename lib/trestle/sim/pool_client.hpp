#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "trestle/base/flat_map.hpp"
#include "trestle/base/histogram.hpp"
#include "trestle/pool/bridge_set.hpp"
#include "trestle/sim/simple_node.hpp"
#include "trestle/sim/world.hpp"

namespace trestle::sim {

/// How requests come to a `PoolClient`.
enum class Arrivals : std::uint8_t {
  even,    ///< Any wait between nothing and twice the mean.
  poisson  ///< Exponential waits: the arrivals of queueing theory.
};

struct PoolClientStats {
  std::uint64_t submitted = 0;
  std::uint64_t refused = 0;  ///< Not accepted: they have no end.
  std::uint64_t answered = 0;
  std::uint64_t failed = 0;
  std::uint64_t withdrawn = 0;
  std::uint64_t ended_wrongly = 0;  ///< Ends of what was not under way: must stay 0.
  Histogram took;                   ///< Of answered ones.
};

struct PoolClientOptions {
  pool::BridgeSetOptions set;
  std::string network = "main";
  Bytes bridge_secret;
  /// Mean wait between two requests; zero: none are made.
  Duration request_every = std::chrono::seconds(2);
  Arrivals arrivals = Arrivals::even;
  /// In one turn it asks 1 to so many times.
  std::uint32_t burst_max = 1;
  /// Of a hundred turns, in so many it withdraws one of the requests under way first.
  std::uint32_t withdrawing_percent = 0;
  pool::Hedging hedging = pool::Hedging::never;
  /// Where the same is counted in common with other clients and lives; may be null.
  PoolClientStats* totals = nullptr;
};

/// A `pool::BridgeSet` and nothing else of a bootstrap node, with a stream of requests of its own:
/// small enough that a world holds a thousand.
class PoolClient final : public SimpleNode {
 public:
  PoolClient(const PoolClientOptions& options, const NodeSeat& seat);

  void start(Instant now) override;
  void begin_shutdown(Instant now) override;
  void on_reload(Instant now, const node::Reload& reload) override;
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
  Instant next_deadline() const override;
  void on_deadline(Instant now) override;
  std::optional<node::Effect> poll_effect(Instant now) override;
  node::Status status(Instant now) const override;

  /// From now on no new ones.
  void stop_asking() { asks_at_ = kNever; }
  const PoolClientStats& stats() const { return stats_; }
  const pool::BridgeSet& set() const { return set_; }
  std::size_t under_way() const { return under_way_.size(); }
  /// The longest that a request under way has waited.
  Duration longest_wait(Instant now) const;

 private:
  void ask(Instant now);
  void withdraw_one(Instant now);
  void count(std::uint64_t PoolClientStats::* figure);
  Duration draw_wait();
  void end(Instant now, pool::PoolRequestId request, std::uint64_t PoolClientStats::* how);

  PoolClientOptions options_;
  link::LocalPeer local_;
  Rng rng_;
  pool::BridgeSet set_;
  Instant asks_at_ = kNever;
  bool is_stopping_ = false;
  FlatMap<pool::PoolRequestId, Instant> under_way_;  ///< Since when.
  PoolClientStats stats_;
};

}  // namespace trestle::sim
