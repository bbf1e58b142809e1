#pragma once

#include <cstdint>

namespace trestle::pool {

/// What became of requests, over all bridges. Counters never go back.
struct BridgeSetStats {
  std::uint64_t submitted = 0;
  std::uint64_t moved = 0;    ///< Begun again because their connection was lost.
  std::uint64_t retried = 0;  ///< Begun again for another reason, out of the retry budget.
  std::uint64_t retries_denied = 0;
  std::uint64_t hedged = 0;
  std::uint64_t hedges_denied = 0;
  std::uint64_t saved = 0;       ///< Answered after an attempt elsewhere had failed.
  std::uint64_t hedges_won = 0;  ///< Answered by the second bridge while the first still worked.
  std::uint64_t foreign_answers = 0;  ///< From connections that are no attached bridge's.
};

}  // namespace trestle::pool
