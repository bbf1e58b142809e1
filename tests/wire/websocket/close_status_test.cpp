#include "trestle/wire/websocket/close_status.hpp"

#include "catch.hpp"
#include "trestle/wire/websocket/utf8_check.hpp"

using namespace trestle;
using namespace trestle::wire::websocket;

TEST_CASE("exactly those statuses are sendable that section 7.4 lets endpoints send") {
  std::size_t sendable = 0;
  for (std::uint32_t number = 0; number <= 0xffff; ++number) {
    const auto status = static_cast<std::uint16_t>(number);
    const bool is_private = number >= 3000 && number < 5000;
    const bool is_defined =
        number >= 1000 && number <= 1014 && number != 1004 && number != 1005 && number != 1006;
    if (is_sendable(status) != (is_private || is_defined)) FAIL("status " << number);
    sendable += is_sendable(status) ? 1 : 0;
    const Bytes payload = {static_cast<std::uint8_t>(number >> 8),
                           static_cast<std::uint8_t>(number)};
    const auto notice = read_close(payload);
    if (notice.has_value() != is_sendable(status)) FAIL("payload of " << number);
    if (notice && notice->status != status) FAIL("payload of " << number);
  }
  CHECK(sendable == 2000 + 12);
}

TEST_CASE("a close is read back as it was written") {
  std::array<std::uint8_t, kControlPayloadBytesMax> payload{};
  CHECK(write_close({}, payload) == 0);
  CHECK(read_close({}) == CloseNotice{});
  const std::size_t bytes = write_close({4000, "why"}, payload);
  CHECK(bytes == 5);
  CHECK(read_close(ByteSpan(payload).first(bytes)) == CloseNotice{4000, "why"});
}

TEST_CASE("a reason that is too long is cut between characters, one that is no text is left out") {
  std::array<std::uint8_t, kControlPayloadBytesMax> payload{};
  for (std::size_t ascii = 115; ascii <= 130; ++ascii) {
    const std::string reason = std::string(ascii, 'r') + "\xf0\x9f\x98\x80\xe2\x82\xac";
    const std::size_t bytes = write_close({1000, reason}, payload);
    const auto notice = read_close(ByteSpan(payload).first(bytes));
    REQUIRE(notice.has_value());
    CHECK(reason.starts_with(notice->reason));
    CHECK(notice->reason.size() > kCloseReasonBytesMax - 4);
  }
  CHECK(write_close({1000, "\xff"}, payload) == 2);
}
