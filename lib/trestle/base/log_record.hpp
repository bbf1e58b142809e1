#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "trestle/base/error_code.hpp"
#include "trestle/base/node_id.hpp"

namespace trestle::inline base {

enum class LogLevel : std::uint8_t { debug, info, warning, error };

/// One line of log as data. The core emits it as an effect; the driver decides about format and
/// place. `detail` may carry text that a peer chose: the driver escapes control characters (threat
/// T28).
struct LogRecord {
  LogLevel level = LogLevel::info;
  /// What happened, as a fixed dotted name: `bridge.lost`. Static storage.
  std::string_view event;
  ErrorCode code = ErrorCode::none;
  /// Whom it concerns; zero if nobody or not known yet.
  NodeId peer{};
  /// A sentence for a person, without secrets.
  std::string detail;
};

}  // namespace trestle::inline base
