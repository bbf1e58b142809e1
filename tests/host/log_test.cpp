#include "trestle/host/log.hpp"

#include <algorithm>
#include <string>

#include "captured_errors.hpp"
#include "catch.hpp"
#include "temporary_folder.hpp"

using namespace trestle;
using namespace trestle::test;
using namespace trestle::host;

namespace {

template <typename Action>
std::string logged(const LogOptions& options, Action&& action) {
  TemporaryFolder folder;
  CapturedErrors errors(folder.file("log"));
  Log log(options);
  action(log);
  return errors.text();
}

std::ptrdiff_t lines(const std::string& text) { return std::count(text.begin(), text.end(), '\n'); }

}  // namespace

TEST_CASE("a record becomes one line of JSON with its fields") {
  const std::string line = logged({.format = LogFormat::json}, [](Log& log) {
    log.write(Instant{}, LogRecord{LogLevel::warning, "bridge.lost", ErrorCode::timeout,
                                   NodeId(0, 0, 1), "a \"b\""});
  });
  CHECK(
      line.find(
          "\"level\":\"warning\",\"event\":\"bridge.lost\",\"code\":\"TIMEOUT\","
          "\"peer\":\"0000000000000000000000000000000000000001\",\"detail\":\"a \\\"b\\\"\"}\n") !=
      std::string::npos);
  CHECK(line.starts_with("{\"time\":\"2"));
}

TEST_CASE("a record becomes one line of text with its fields") {
  const std::string line = logged({}, [](Log& log) {
    log.write(Instant{}, LogRecord{LogLevel::info, "host.listening", ErrorCode::none, {}, "here"});
  });
  CHECK(line.find(" info    host.listening: here\n") != std::string::npos);
}

TEST_CASE("a joined peer is logged with its fields by name") {
  node::Joined joined;
  joined.peer.address = "ws://p";
  joined.through.address = "ws://t";
  joined.took = std::chrono::milliseconds(12);
  joined.outcome = "introduced";
  const std::string line =
      logged({.format = LogFormat::json}, [&](Log& log) { log.write(Instant{}, joined); });
  for (const char* part :
       {"\"event\":\"joined\"", "\"peer_id\":\"00", "\"peer_address\":\"ws://p\"",
        "\"through_id\":\"", "\"through_address\":\"ws://t\"", "\"took_ms\":12",
        "\"outcome\":\"introduced\""}) {
    CHECK(line.find(part) != std::string::npos);
  }
}

TEST_CASE("text that a peer chose can neither forge a line nor drive a terminal") {
  for (const LogFormat format : {LogFormat::text, LogFormat::json}) {
    const std::string line = logged({.format = format}, [](Log& log) {
      log.write(Instant{}, LogRecord{LogLevel::info,
                                     "x",
                                     ErrorCode::none,
                                     {},
                                     "a\nb\x1b[31mc\x9b"
                                     "d\x7f\xc2\x9b"
                                     "1m\xc2\xa0\xc2"});
    });
    CHECK(lines(line) == 1);
    CHECK(line.find('\x1b') == std::string::npos);
    CHECK(line.find('\x7f') == std::string::npos);
    CHECK(line.find("\xc2\x9b") == std::string::npos);
  }
}

TEST_CASE("lines below the level are not written") {
  const std::string text = logged({.level = LogLevel::warning}, [](Log& log) {
    log.write(Instant{}, LogRecord{LogLevel::info, "x", ErrorCode::none, {}, ""});
    log.write(Instant{}, LogRecord{LogLevel::warning, "y", ErrorCode::none, {}, ""});
  });
  CHECK(lines(text) == 1);
}

TEST_CASE("a flood of one event is held back and counted, other events pass") {
  const std::string text =
      logged({.format = LogFormat::json, .burst_lines = 5, .lines_per_second = 1}, [](Log& log) {
        for (int index = 0; index < 100; ++index) {
          log.write(Instant{}, LogRecord{LogLevel::info, "flood", ErrorCode::none, {}, ""});
        }
        log.write(Instant{}, LogRecord{LogLevel::info, "other", ErrorCode::none, {}, ""});
        log.write(Instant{} + std::chrono::seconds(1),
                  LogRecord{LogLevel::info, "flood", ErrorCode::none, {}, ""});
      });
  CHECK(lines(text) == 7);
  CHECK(text.find("\"event\":\"flood\",\"suppressed\":95") != std::string::npos);
}

TEST_CASE("T28: one peer causes so many lines a second, whatever they say, others as many") {
  const NodeId noisy(0, 0, 1);
  const NodeId other(0, 0, 2);
  const std::string text =
      logged({.format = LogFormat::json, .peer_burst_lines = 4, .peer_lines_per_second = 2},
             [&](Log& log) {
               for (int index = 0; index < 100; ++index) {
                 const std::string_view event = index % 2 == 0 ? "one" : "two";
                 log.write(Instant{}, LogRecord{LogLevel::info, event, ErrorCode::none, noisy, ""});
               }
               log.write(Instant{}, LogRecord{LogLevel::info, "one", ErrorCode::none, other, ""});
               log.write(Instant{} + std::chrono::seconds(1),
                         LogRecord{LogLevel::info, "one", ErrorCode::none, noisy, ""});
             });
  CHECK(lines(text) == 6);
  CHECK(text.find("\"suppressed\":96") != std::string::npos);
}

TEST_CASE("T28: peers that nobody has heard of take no more memory than so many") {
  const std::string text =
      logged({.burst_lines = 1'000'000, .peer_burst_lines = 1, .peers_max = 8}, [&](Log& log) {
        for (std::uint32_t index = 1; index <= 1000; ++index) {
          log.write(Instant{} + std::chrono::milliseconds(index),
                    LogRecord{LogLevel::info, "x", ErrorCode::none, NodeId(0, 0, index), ""});
        }
      });
  CHECK(lines(text) == 1000);
}
