#include "trestle/host/dial_failure.hpp"

#include <cerrno>
#include <ctime>
#include <string>

#include "catch.hpp"
#include "trestle/host/http_header.hpp"

using namespace trestle;
using namespace trestle::host;

TEST_CASE("P-NG-4: every answer that a misplaced prefix brings is told from the others") {
  const struct {
    unsigned status;
    ErrorCode code;
    Outlook outlook;
    const char* word;
  } cases[] = {
      {200, ErrorCode::refused, Outlook::permanent, "web page"},
      {301, ErrorCode::refused, Outlook::permanent, "another URL"},
      {308, ErrorCode::refused, Outlook::permanent, "another URL"},
      {404, ErrorCode::refused, Outlook::permanent, "prefix"},
      {426, ErrorCode::refused, Outlook::permanent, "upgrade headers"},
      {502, ErrorCode::unreachable, Outlook::temporary, "behind this path"},
      {503, ErrorCode::busy, Outlook::temporary, "no more connections"},
      {504, ErrorCode::timeout, Outlook::temporary, "in time"},
      {418, ErrorCode::refused, Outlook::permanent, "another program"},
  };
  for (const auto& each : cases) {
    INFO(each.status);
    const DialFailure failure = explain_http_answer(each.status, "/bridge1", "");
    CHECK(failure.code == each.code);
    CHECK(failure.outlook == each.outlook);
    CHECK(failure.reason.find("HTTP " + std::to_string(each.status)) != std::string::npos);
    CHECK(failure.reason.find("/bridge1") != std::string::npos);
    CHECK(failure.reason.find(each.word) != std::string::npos);
  }
  CHECK(explain_http_answer(301, "/", "https://x/y/").reason.find("https://x/y/") !=
        std::string::npos);
}

TEST_CASE("a failed dial names its cause and whether waiting helps") {
  CHECK(to_text(DialStage::upgrade, explain_http_answer(502, "/", ""))
            .ends_with("[upgrade, temporary]"));
  CHECK(outlook_of(DialStage::connect, ErrorCode::refused) == Outlook::temporary);
  CHECK(outlook_of(DialStage::name, ErrorCode::timeout) == Outlook::temporary);
  CHECK(outlook_of(DialStage::name, ErrorCode::unreachable) == Outlook::permanent);
  CHECK(outlook_of(DialStage::tls, ErrorCode::refused) == Outlook::permanent);
  CHECK(outlook_of(DialStage::tls, ErrorCode::connection_lost) == Outlook::temporary);
}

TEST_CASE("what the system says of a dial is told by one of our codes") {
  CHECK(code_of_system_error(ECONNREFUSED) == ErrorCode::refused);
  CHECK(code_of_system_error(EHOSTUNREACH) == ErrorCode::unreachable);
  CHECK(code_of_system_error(EMFILE) == ErrorCode::busy);
  CHECK(code_of_system_error(ETIMEDOUT) == ErrorCode::timeout);
}

TEST_CASE("HTTP dates are written and read") {
  CHECK(http_date(0) == "Thu, 01 Jan 1970 00:00:00 GMT");
  for (const std::time_t time :
       {std::time_t{0}, std::time_t{951'782'399}, std::time_t{4'102'444'800}}) {
    CHECK(parse_http_date(http_date(time)) == time);
  }
  for (const char* text :
       {"", "yesterday", "Thu, 01 Jan 1970 00:00:00", "Thu, 01 Foo 1970 00:00:00 GMT",
        "Thu, 01 Jan 1970 25:00:00 GMT", "Thu, 99 Jan 1970 00:00:00 GMT"}) {
    CHECK(parse_http_date(text) == -1);
  }
}
