#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "trestle/base/error_code.hpp"
#include "trestle/base/flat_map.hpp"
#include "trestle/base/outbox.hpp"
#include "trestle/base/time.hpp"
#include "trestle/dht/replica_plan.hpp"

namespace trestle::dht {

struct ReplicaRoundOptions {
  /// Offers on their way at a time: one to each of the nearest, since until a holder has heard of a
  /// refresh it may begin the same itself.
  std::size_t offers_parallel_max = 20;
  /// Records on their way at a time: as `ReplicationOptions::parallel_max`.
  std::size_t copies_parallel_max = 8;
  /// Summaries in one offer. 200 of 46 bytes stay below one batch of 16 KiB; the codec takes 256.
  std::size_t summaries_per_offer_max = 200;
  /// A peer that asks for records does not get the next offer while this many wait to be sent.
  std::size_t copies_waiting_max = 400;
  /// For an offer and for a copy, a dial included: as for a question to a peer without a link, and
  /// the time a disk may take.
  Duration timeout = std::chrono::seconds(5);
};

/// One question of a round until its end.
struct RoundExchange {
  std::uint32_t value = 0;
  friend constexpr auto operator<=>(const RoundExchange&, const RoundExchange&) = default;
};

/// Send this peer the offer.
struct RoundOffer {
  RoundExchange exchange;
  wire::Contact peer;
  wire::ReplicaOffer offer;
  Duration timeout{};
};

/// Send this peer the record itself, if it still has this content.
struct RoundCopy {
  RoundExchange exchange;
  wire::Contact peer;
  NodeId place{};
  wire::RecordDigest digest{};
  Duration timeout{};
};

/// What came of one record.
struct RoundOutcome {
  /// Native nodes other than ourselves that said they keep exactly this.
  std::uint32_t copies = 0;
  /// Somebody keeps something newer and will offer it.
  bool outdated = false;
};

/// The last effect of a round.
struct RoundEnded {
  /// In the order of the records.
  std::vector<RoundOutcome> outcomes;
  /// Peers that did not answer an offer.
  std::vector<NodeId> silent;
};

using RoundEffect = std::variant<RoundOffer, RoundCopy, RoundEnded>;

struct RoundStats {
  std::uint64_t offers = 0;
  std::uint64_t summaries = 0;
  std::uint64_t copies = 0;  ///< Whole records sent to those who asked for them.
  std::uint64_t gifts = 0;   ///< Whole records sent to peers of the old dialect.
  std::uint64_t answers_senseless = 0;
};

/// Carries out one plan: a machine. Summaries go first, and a record only to a peer that said it
/// needs that very content (STORE-03, P-CR-27). Every peer is asked once and for a bounded time, so
/// the round ends whatever they do.
class ReplicaRound {
 public:
  ReplicaRound(std::vector<KeptRecord> records, std::vector<ReplicaTask> tasks,
               const ReplicaRoundOptions& options);

  /// Sends the first offers; call once.
  void start(Instant now);

  // ---- inputs ----
  void on_answer(Instant now, RoundExchange exchange, std::span<const wire::ReplicaState> states);
  void on_stored(Instant now, RoundExchange exchange);
  void on_failed(Instant now, RoundExchange exchange, ErrorCode code);

  // ---- time, drain, look ----
  Instant next_deadline() const;
  void on_deadline(Instant now);
  std::optional<RoundEffect> poll_effect();
  bool is_ended() const { return ended_; }
  const std::vector<KeptRecord>& records() const { return records_; }
  const RoundStats& stats() const { return stats_; }

 private:
  struct Pending {
    std::uint32_t task = 0;
    /// An offer: its first summary, as a position in the task. A copy: its record.
    std::uint32_t first = 0;
    /// Summaries of an offer; 0 for a copy.
    std::uint32_t summaries = 0;
    Instant deadline{};
  };
  struct Copy {
    std::uint32_t task = 0;
    std::uint32_t record = 0;
  };

  void advance(Instant now);
  void send_offer(Instant now);
  void send_copy(Instant now, const Copy& copy);
  void skip_gifts();
  RoundExchange enter(Instant now, std::uint32_t task, std::uint32_t first,
                      std::uint32_t summaries);
  std::optional<Pending> close(RoundExchange exchange);

  std::vector<KeptRecord> records_;
  std::vector<ReplicaTask> tasks_;
  ReplicaRoundOptions options_;
  RoundEnded outcome_;
  std::size_t next_task_ = 0;
  std::size_t next_position_ = 0;
  std::vector<Copy> copies_;
  std::size_t next_copy_ = 0;
  FlatMap<RoundExchange, Pending> pending_;
  std::size_t offers_pending_ = 0;
  std::uint32_t last_exchange_ = 0;
  RoundStats stats_;
  Outbox<RoundEffect> outbox_;
  bool started_ = false;
  bool ended_ = false;
};

}  // namespace trestle::dht
