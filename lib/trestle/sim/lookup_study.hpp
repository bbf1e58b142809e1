#pragma once

#include <cstdint>
#include <string>

#include "trestle/base/time.hpp"

namespace trestle::sim {

/// What a get costs in a large network in which members come and go.
///
///     0          settled    puts        churn          gets, one at a time
///     |----------|----------|-----------|--------------|----->
struct LookupStudyOptions {
  std::uint64_t seed = 1;
  std::uint32_t members = 10'000;
  std::uint32_t churn_percent = 10;  ///< An hour, from the settling on.
  Duration settles = std::chrono::minutes(5);
  std::uint32_t records = 200;
  Duration churns = std::chrono::minutes(20);
  std::uint32_t gets = 400;
};

struct LookupStudyResult {
  /// Records whose put ended with a receipt that is not weak. Only these are read.
  std::uint64_t acknowledged = 0;
  std::uint64_t gets = 0;
  std::uint64_t found = 0;
  /// Questions asked until the first value came, summed over the gets that found one.
  std::uint64_t queries = 0;
  /// How far the one who had it was: 1 if the reader knew him, 2 if somebody named him whom the
  /// reader knew, and so on. Summed likewise.
  std::uint64_t hops = 0;
  std::uint64_t members_at_end = 0;
  std::uint64_t fingerprint = 0;
  std::string violation;
};

LookupStudyResult run_lookup_study(const LookupStudyOptions& options);

}  // namespace trestle::sim
