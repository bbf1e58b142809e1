#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "trestle/base/flat_map.hpp"
#include "trestle/base/node_id.hpp"
#include "trestle/base/result.hpp"
#include "trestle/base/time.hpp"
#include "trestle/dht/dht_effect.hpp"
#include "trestle/link/rate_limiter.hpp"

namespace trestle::dht {

struct AskPacingOptions {
  /// Questions that wait for their peer's allowance: every operation (64) with all its parallel
  /// questions (4) at one peer.
  std::size_t waiting_max = 256;
  /// Peers whose wait is remembered; as many as can be linked.
  std::size_t peers_max = 256;
  /// No wait is shorter than this, so that a peer which means none is not asked in a circle, and
  /// nobody is believed to need a longer rest than that: longer than any question's timeout.
  Duration wait_min = std::chrono::milliseconds(100);
  Duration wait_max = std::chrono::seconds(30);
  /// Questions a node without links may ask in spite of a wait: a lookup's worth in a minute. This
  /// is about our own patience alone; no peer can claim it of another (RATE-02).
  link::Rate emergency{.interval = std::chrono::minutes(1), .per_interval = 24, .burst = 24};
};

/// Whether we have somebody else to ask.
enum class Plight : std::uint8_t { linked, isolated };

struct AskPacingStats {
  std::uint64_t submitted = 0;
  std::uint64_t sent = 0;
  std::uint64_t queued = 0;
  std::uint64_t rejected = 0;     ///< No room to wait, or the answer would come too late.
  std::uint64_t emergencies = 0;  ///< Of those sent.
  std::uint64_t released = 0;     ///< Of those queued: their wait is over.
  std::uint64_t dropped = 0;      ///< Of those queued: nobody waits for them any more.
  std::size_t waiting = 0;
};

/// When our own questions to peers that said RATE_LIMITED may be asked: a policy. Every question
/// submitted is sent, queued or rejected, at once; every queued one is released at its time or
/// dropped by the owner (P-CR-9: submitted = sent + queued + rejected).
class AskPacing {
 public:
  explicit AskPacing(const AskPacingOptions& options);

  enum class Verdict : std::uint8_t { send, queued };
  /// May this question be asked now? Error: RATE_LIMITED, it is not asked at all.
  Result<Verdict, ErrorCode> submit(Instant now, AskId ask, const NodeId& peer, Instant deadline,
                                    Plight plight);
  /// The peer refused a question and said how long to stay away.
  void on_limited(Instant now, const NodeId& peer, Duration wait);
  /// Nobody waits for the answer any more.
  void drop(AskId ask);

  Instant next_deadline() const;
  /// One question whose wait is over.
  std::optional<AskId> pop_due(Instant now);
  AskPacingStats stats() const;

 private:
  struct Waiting {
    AskId ask;
    Instant at{};
  };

  AskPacingOptions options_;
  /// Until when each wants to be left alone.
  FlatMap<NodeId, Instant> rests_;
  /// In the order of their submission.
  std::vector<Waiting> waiting_;
  link::RateLimiter emergency_;
  AskPacingStats stats_;
};

}  // namespace trestle::dht
