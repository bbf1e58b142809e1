#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

#include "trestle/sim/network.hpp"

namespace trestle::sim {

/// A line of a summary: `  dials, failed: 12 3`.
inline std::string figures_line(std::string_view what,
                                std::initializer_list<std::uint64_t> numbers) {
  std::string text = "  " + std::string(what) + ":";
  for (const std::uint64_t number : numbers) text += " " + std::to_string(number);
  return text + "\n";
}

/// What every world's network has to say.
inline std::string network_figures(const NetworkStats& network) {
  return figures_line("dials, failed, accepted, late",
                      {network.dials, network.dials_failed, network.accepted, network.late_opens}) +
         figures_line("frames sent, delivered, lost",
                      {network.frames_sent, network.frames_delivered, network.frames_lost}) +
         figures_line("bytes sent", {network.bytes_sent}) +
         (network.segments_sent == 0 ? std::string()
                                     : figures_line("segments; reads, of several, that cut a frame",
                                                    {network.segments_sent, network.reads,
                                                     network.reads_joined, network.reads_cut}));
}

}  // namespace trestle::sim
