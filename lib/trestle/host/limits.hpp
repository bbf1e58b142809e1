#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "trestle/bridge/introduction_options.hpp"
#include "trestle/host/log.hpp"
#include "trestle/host/settings_programs.hpp"
#include "trestle/host/settings_values.hpp"
#include "trestle/host/transport_options.hpp"
#include "trestle/node/limits.hpp"

namespace trestle::host {

/// What strangers, peers and all of them together may take of a program (reliability.md section
/// 10): the options of the rooms that keep watch, of which the limits below are settings.
struct Limits {
  TransportOptions transport;
  node::Limits node;
  bridge::IntroductionDeskOptions desk;  ///< bridge-node
  LogOptions log;
  /// Descriptors that no socket of a peer gets: disk, name servers and operators need them.
  std::size_t descriptors_reserved = 64;
};

/// One limit: a number with a name. What happens beyond it stands in docs/operators.md.
struct LimitRule {
  std::string_view name;
  Programs programs;
  Range range;
  void (*set)(Limits&, std::size_t);
  std::size_t (*get)(const Limits&);
  Change change = Change::by_restart;
};

/// All limits, in the order in which they are shown.
std::span<const LimitRule> limit_rules();

/// Takes over limits as they are given to a program, each `NAME=NUMBER`.
Refused set_limits(Limits& limits, Programs program, const std::vector<std::string>& values);
/// Those of this program, each `NAME = NUMBER`, as they stand in a settings file.
std::vector<std::string> limit_lines(const Limits& limits, Programs program);

}  // namespace trestle::host
