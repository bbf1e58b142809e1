#include "trestle/wire/http/head.hpp"

#include "catch.hpp"
#include "pieces.hpp"
#include "trestle/wire/http/syntax.hpp"

using namespace trestle;
using namespace trestle::test;

namespace {

using State = wire::http::Head::State;

wire::http::HeadFlaw flaw_of(std::string_view text, const wire::http::HeadLimits& limits = {}) {
  wire::http::Head head(limits);
  head.on_bytes(as_bytes(text));
  return head.state() == State::flawed ? head.flaw() : wire::http::HeadFlaw::none;
}

}  // namespace

TEST_CASE("a head is taken up to its end, and its lines are found by name") {
  wire::http::Head head({});
  const std::string text = "GET / HTTP/1.1\r\nHost: a\r\nX-A:1\r\nx-a:\t2 \r\nEmpty:\r\n\r\n";
  CHECK(head.on_bytes(as_bytes(text + "behind")) == text.size());
  REQUIRE(head.state() == State::complete);
  CHECK(head.start_line() == "GET / HTTP/1.1");
  CHECK(head.fields() == 4);
  CHECK(head.field(1).name == "x-a");
  CHECK(head.field(2).value == "2");
  CHECK(head.count("x-a") == 2);
  CHECK(head.value("x-a") == "1");
  CHECK(head.joined("x-a") == "1, 2");
  CHECK(head.value("empty") == "");
  CHECK(head.value("none") == std::nullopt);
  CHECK(head.on_bytes(as_bytes("more")) == 0);
}

TEST_CASE("each flaw of a head is called by its name") {
  using wire::http::HeadFlaw;
  CHECK(flaw_of("GET / HTTP/1.1\r\n\r\n") == wire::http::HeadFlaw::none);
  CHECK(flaw_of("\r\n") == wire::http::HeadFlaw::start_line);
  CHECK(flaw_of("A\x01\r\n") == wire::http::HeadFlaw::start_line);
  CHECK(flaw_of("A\n") == wire::http::HeadFlaw::line_end);
  CHECK(flaw_of("A\rB\r\n") == wire::http::HeadFlaw::line_end);
  CHECK(flaw_of("A\r\n B: c\r\n") == wire::http::HeadFlaw::folded_field);
  CHECK(flaw_of("A\r\nB\r\n") == wire::http::HeadFlaw::field_name);
  CHECK(flaw_of("A\r\nB : c\r\n") == wire::http::HeadFlaw::field_name);
  CHECK(flaw_of("A\r\nB: \x02\r\n") == wire::http::HeadFlaw::field_value);
  const wire::http::HeadLimits small{.head_bytes_max = 20, .fields_max = 1};
  CHECK(flaw_of("A\r\nB: c\r\n\r\n", small) == wire::http::HeadFlaw::none);
  CHECK(flaw_of("A\r\nB: c\r\nD: e\r\n", small) == wire::http::HeadFlaw::too_many_fields);
  CHECK(flaw_of(std::string(20, 'a'), small) == wire::http::HeadFlaw::too_large);
  CHECK(flaw_of("A\r\nB: 12345678901\r\n\r\n", small) == wire::http::HeadFlaw::too_large);
  CHECK(flaw_of("A\r\nB: 1234567890\r\n\r\n", small) == wire::http::HeadFlaw::none);
}

TEST_CASE("no more is kept of a head than may be") {
  wire::http::Head head({.head_bytes_max = 100, .fields_max = 64});
  CHECK(head.on_bytes(as_bytes(std::string(5000, 'a'))) == 100);
  CHECK(head.size() == 100);
  CHECK(head.flaw() == wire::http::HeadFlaw::too_large);
}

TEST_CASE("lists have members, in any case, and no empty ones") {
  wire::http::Head head({});
  head.on_bytes(as_bytes("A\r\nConnection: , keep-alive,\tUpgrade ,,\r\nconnection:x\r\n\r\n"));
  REQUIRE(head.state() == State::complete);
  CHECK(head.lists("connection", "upgrade"));
  CHECK(head.lists("connection", "KEEP-ALIVE"));
  CHECK(head.lists("connection", "x"));
  CHECK_FALSE(head.lists("connection", "keep"));
  CHECK_FALSE(head.lists("upgrade", "x"));
  wire::http::MemberList list(" a , ,b,");
  CHECK(list.next() == "a");
  CHECK(list.next() == "b");
  CHECK(list.next().empty());
  CHECK(list.next().empty());
}
