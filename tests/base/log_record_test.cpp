#include "trestle/base/log_record.hpp"

#include "catch.hpp"

using namespace trestle;

TEST_CASE("a log record says nothing of a peer or an error unless it was told") {
  const LogRecord record;
  CHECK(record.level == LogLevel::info);
  CHECK(record.code == ErrorCode::none);
  CHECK(record.peer.is_zero());
  CHECK(record.event.empty());
  CHECK(record.detail.empty());
}
