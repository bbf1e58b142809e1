#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "idle_side.hpp"
#include "plain_node.hpp"
#include "trestle/link/local_peer.hpp"
#include "trestle/pool/bridge_set.hpp"

namespace trestle::bench {

struct AskerSideOptions {
  pool::BridgeSetOptions bridges;
  /// Requests in flight: as soon as one ends, the next is asked.
  std::size_t in_flight = 128;
  /// What each request says it still waits.
  std::uint32_t budget_ms = 5000;
  /// Idle connections beside them, on the same loop; see IdleSide.
  std::string neighbours_url;
  std::size_t neighbours = 0;
  /// Whether the time of every request is kept. Off where instructions are counted.
  bool keeps_times = true;
};

/// The bootstrap's end of an onboarding: the real bridge set, kept busy with so many requests.
class AskerSide final : public PlainNode {
 public:
  /// `local` and `suite` must outlive it.
  AskerSide(const AskerSideOptions& options, const link::LocalPeer& local, crypto::Suite& suite,
            Rng rng);

  void start(Instant now) override;
  /// No further requests; those under way still end.
  void stop_asking() { is_asking_ = false; }
  /// Forgets what was counted until now.
  void begin_counting();

  link::ConnectionId on_accepted(Instant, const link::Accepted&) override { return {}; }
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

  /// Whether requests flow and every neighbour's link is open.
  bool is_settled() const { return answered_ > 0 && neighbours_.open() == options_.neighbours; }
  std::uint64_t answered() const { return answered_; }
  std::uint64_t failed() const { return failed_; }
  /// Nanoseconds from question to answer, one each, in the order of the answers.
  const std::vector<std::uint32_t>& times() const { return times_; }

 private:
  static bool is_neighbour(link::ConnectionId connection) {
    return connection.owner() == link::ConnectionOwner::node;
  }
  void ask_more(Instant now);
  void on_ended(pool::PoolRequestId request, bool is_answered);

  AskerSideOptions options_;
  pool::BridgeSet bridges_;
  IdleSide neighbours_;
  bool is_asking_ = true;
  std::size_t under_way_ = 0;
  std::uint64_t asked_ = 0;
  std::uint64_t answered_ = 0;
  std::uint64_t failed_ = 0;
  /// When a request began, by the low bits of its number; more than are ever in flight.
  std::array<std::uint64_t, 4096> began_{};
  std::vector<std::uint32_t> times_;
};

}  // namespace trestle::bench
