#pragma once

#include <cstdint>
#include <string>

#include "trestle/base/log_record.hpp"
#include "trestle/base/time.hpp"
#include "trestle/node/node.hpp"
#include "trestle/sim/happening.hpp"

namespace trestle::sim {

/// News of the nodes, as an operator would read them.
struct JoinedNews {
  Instant at{};
  NodeIndex node = kNoNode;
  node::Joined joined;
};
struct LogNews {
  Instant at{};
  NodeIndex node = kNoNode;
  LogRecord record;
};

/// What was first found wrong. The run ends there.
struct Violation {
  Instant at{};
  std::string rule;
  std::string text;
};

struct WorldStats {
  std::uint64_t events = 0;
  std::uint64_t happenings = 0;
  std::uint64_t deadlines = 0;
  std::uint64_t signatures = 0;
  std::uint64_t verifications = 0;
  std::uint64_t verifications_failed = 0;
  std::uint64_t joins = 0;
  std::uint64_t log_records = 0;
  std::uint64_t news_forgotten = 0;
};

}  // namespace trestle::sim
