// Eight bridges of which one is ten times slower, in the simulator's queueing study: prints one
// JSON line for the documents' round robin and for the recommended choice.

#include <cstdio>

#include "trestle/sim/balancing_study.hpp"

namespace {

using namespace trestle;

void print(const char* name, const sim::BalancingResult& result, const char* end) {
  std::printf(
      "\"%s\": {\"p50_us\": %lld, \"p99_us\": %lld, \"extra_percent\": %.2f, \"failed\": %llu}%s",
      name, static_cast<long long>(result.p50().count()),
      static_cast<long long>(result.p99().count()),
      static_cast<double>(result.extra_permille()) / 10,
      static_cast<unsigned long long>(result.failed + result.refused), end);
}

}  // namespace

int main() {
  sim::BalancingOptions options;
  const sim::BalancingResult in_turn = sim::study_balancing(options);
  options.balancing = pool::Balancing::two_choices;
  options.hedging = pool::Hedging::allowed;
  const sim::BalancingResult recommended = sim::study_balancing(options);
  std::printf("{");
  print("round_robin", in_turn, ", ");
  print("recommended", recommended, "}\n");
}
