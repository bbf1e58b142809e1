#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "trestle/base/deadlines.hpp"
#include "trestle/base/error_code.hpp"
#include "trestle/base/time.hpp"
#include "trestle/link/breaker.hpp"
#include "trestle/link/transport.hpp"
#include "trestle/pool/bridge_set_options.hpp"
#include "trestle/wire/message/message.hpp"

namespace trestle::pool {

/// Names one request to the set until its end is reported; never used again.
struct PoolRequestId {
  std::uint64_t value = 0;
  friend constexpr auto operator<=>(const PoolRequestId&, const PoolRequestId&) = default;
};

/// The asker's own name for a request, handed back with its end. Means nothing to the set.
struct RequestToken {
  std::uint64_t value = 0;
  friend constexpr auto operator<=>(const RequestToken&, const RequestToken&) = default;
};

using SlotIndex = std::uint32_t;

/// One bridge's turn with a request.
struct Attempt {
  /// Unset: not under way.
  std::optional<SlotIndex> slot;
  /// Where: the slot's connection, or in stateless mode one of its own.
  link::ConnectionId connection;
  wire::RequestId wire_id;
  link::Breaker::Permit permit;
  Instant started_at{};
  Instant deadline = kNever;
  /// The connection is its own.
  bool is_stateless = false;
};

/// A request in the set: under way at one bridge (or two, hedged), or waiting for one.
struct PoolRequest {
  static constexpr std::size_t kAttemptsMax = 2;
  static constexpr std::uint32_t kNobody = ~std::uint32_t{0};

  PoolRequestId id;
  RequestToken token;
  wire::Message message;
  Instant deadline = kNever;
  /// Waiting ends in failure then; `kNever` while it does not wait.
  Instant wait_until = kNever;
  /// When a second bridge is asked as well.
  Instant hedge_at = kNever;
  std::array<Attempt, kAttemptsMax> attempts;
  /// One bit for each bridge that had its turn.
  std::uint64_t tried = 0;
  Hedging hedging = Hedging::never;
  /// Went to the wire before.
  bool was_tried = false;
  /// The next attempt is one that the retry budget pays for.
  bool owes_retry = false;
  /// Its connection was lost under it once.
  bool was_moved = false;
  std::uint8_t invalid_answers = 0;
  ErrorCode last_error = ErrorCode::bridge_unavailable;
  std::uint32_t retry_after_ms = 0;
  std::uint32_t waits_before = kNobody;
  std::uint32_t waits_after = kNobody;

  bool waits() const { return wait_until != kNever; }
  bool is_under_way() const { return attempts[0].slot || attempts[1].slot; }
};

/// The requests of a bridge set: places that are used again, ids that are not, and the line of
/// those that wait, first come first. Takes memory only when there are more at once than ever
/// before.
class RequestTable {
 public:
  explicit RequestTable(std::size_t requests_max);

  bool is_full() const { return size_ == requests_max_; }
  std::size_t size() const { return size_; }
  std::size_t waiting() const { return waiting_; }

  /// A new request; the table must not be full. Moves the others: no reference stays valid.
  PoolRequest& open();
  void close(PoolRequest& request);
  /// Nothing when it has ended.
  PoolRequest* find(PoolRequestId id);
  /// The first place in use at `place` or behind it, or nothing.
  PoolRequest* at_or_after(std::uint32_t place);
  static std::uint32_t place_of(PoolRequestId id) { return id.value & kPlaceMask; }

  // ---- the waiting line ----
  void wait(PoolRequest& request, Instant until);
  void stop_waiting(PoolRequest& request);
  PoolRequest* first_waiting() { return at(first_); }
  PoolRequest* next_waiting(const PoolRequest& request) { return at(request.waits_after); }

  // ---- time: what each request waits for, apart from what its channel times ----
  void arm(const PoolRequest& request, Instant at) { timers_.set(place_of(request.id), at); }
  Instant next_deadline() const { return timers_.next(); }
  PoolRequest* pop_due(Instant now);

 private:
  static constexpr std::uint64_t kPlaceBits = 16;
  static constexpr std::uint64_t kPlaceMask = (std::uint64_t{1} << kPlaceBits) - 1;

  PoolRequest* at(std::uint32_t place) {
    return place == PoolRequest::kNobody ? nullptr : &places_[place];
  }

  std::size_t requests_max_;
  std::size_t size_ = 0;
  std::size_t waiting_ = 0;
  std::uint64_t last_serial_ = 0;
  std::vector<PoolRequest> places_;
  std::vector<std::uint32_t> free_;
  std::uint32_t first_ = PoolRequest::kNobody;
  std::uint32_t last_ = PoolRequest::kNobody;
  Deadlines timers_;
};

}  // namespace trestle::pool
