#pragma once

#include <cstddef>

#include "trestle/base/time.hpp"
#include "trestle/link/backoff.hpp"
#include "trestle/link/breaker.hpp"
#include "trestle/link/retry_budget.hpp"
#include "trestle/pool/upstream_scaler.hpp"

namespace trestle::pool {

/// The profile of the documents for other people's servers (POOL-10, X13).
struct UpstreamOptions {
  /// Dialled at the start, and again whenever there are fewer.
  std::size_t connections_min = 10;
  /// At first; the scaler moves it.
  std::size_t connections_max = 100;
  UpstreamScalerOptions scaler;
  /// Dials under way at a time. A server that comes back is not met by a hundred handshakes at
  /// once.
  std::size_t dialling_max = 16;
  Duration connect_within = std::chrono::seconds(10);
  /// Above `connections_min` a connection that nobody used for so long is closed; at it, it stays
  /// until its life is over.
  Duration idle_after = std::chrono::seconds(90);
  /// Lives differ by up to a tenth, so that what was opened together does not end together.
  Duration lifetime = std::chrono::seconds(300);
  /// A connection that was idle for so long shows that it is alive before it carries a request
  /// (POOL-12, X53): many servers and middle boxes forget one after a minute.
  Duration check_after = std::chrono::seconds(30);
  Duration check_within = std::chrono::seconds(5);
  /// Requests that wait for a connection. More are refused at once.
  std::size_t waiting_max = 1000;
  /// A request is put to the server at most so often.
  unsigned attempts_max = 3;
  link::RetryBudgetOptions retries;
  /// Between two attempts of a request.
  link::BackoffOptions retry_backoff = {.base = std::chrono::milliseconds(50),
                                        .cap = std::chrono::seconds(2)};
  /// Between dials, after one that failed.
  link::BackoffOptions connect_backoff;
  link::BreakerOptions breaker;
};

}  // namespace trestle::pool
