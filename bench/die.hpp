#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>

namespace trestle::bench {

/// Ends the program with a sentence.
[[noreturn]] inline void die(const std::string& reason) {
  std::fprintf(stderr, "%s\n", reason.c_str());
  std::exit(1);
}

}  // namespace trestle::bench
