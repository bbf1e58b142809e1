#include "trestle/host/complaint.hpp"

#include <cstdio>

#include <fmt/core.h>

namespace trestle::host {

ExitCode complain(ProgramKind kind, const std::string& sentence, ExitCode code) {
  fmt::print(stderr, "{}: {}\n", name(kind), sentence);
  return code;
}

}  // namespace trestle::host
