#pragma once

#include <functional>

#include "trestle/base/log_record.hpp"
#include "trestle/node/node.hpp"

namespace trestle::host {

/// What a program that embeds a node may want to hear. Called on the loop's thread in the middle of
/// its work: they answer at once and may call the node, whose effects then leave with this turn.
struct RunnerHooks {
  /// Every operation's end, those of the admin pages included.
  std::function<void(const node::OperationEnded&)> on_operation_ended;
  std::function<void(const node::Joined&)> on_joined;
  /// Set: gets what would have been written to the log, joins excepted.
  std::function<void(const LogRecord&)> on_log;
};

}  // namespace trestle::host
