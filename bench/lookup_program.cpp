// The simulator's study of lookups in a large network with churn, as one line of figures:
//
//   lookup_program [SEED [MEMBERS]]
//     acknowledged gets found queries hops members fingerprint

#include <cstdio>
#include <string>

#include "trestle/sim/lookup_study.hpp"

int main(int argc, char** argv) {
  trestle::sim::LookupStudyOptions options;
  if (argc > 1) options.seed = std::stoull(argv[1]);
  if (argc > 2) options.members = static_cast<std::uint32_t>(std::stoul(argv[2]));
  const trestle::sim::LookupStudyResult result = trestle::sim::run_lookup_study(options);
  std::fputs(result.violation.c_str(), stderr);
  std::printf(
      "%llu %llu %llu %llu %llu %llu %016llx\n",
      static_cast<unsigned long long>(result.acknowledged),
      static_cast<unsigned long long>(result.gets), static_cast<unsigned long long>(result.found),
      static_cast<unsigned long long>(result.queries), static_cast<unsigned long long>(result.hops),
      static_cast<unsigned long long>(result.members_at_end),
      static_cast<unsigned long long>(result.fingerprint));
  return result.violation.empty() ? 0 : 1;
}
