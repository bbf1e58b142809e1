#pragma once

#include <cstdint>

#include "trestle/base/time.hpp"

namespace trestle::host {

/// What the operating system says of this process.
struct ProcessFigures {
  std::uint64_t resident_bytes = 0;
  std::uint64_t descriptors = 0;
  std::uint64_t descriptors_max = 0;
  Duration processor_time{};
};

/// Reads them out of /proc, which never blocks. What cannot be read stays zero.
ProcessFigures read_process_figures();
/// The first of them alone.
std::uint64_t read_resident_bytes();

}  // namespace trestle::host
