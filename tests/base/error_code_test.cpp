#include "trestle/base/error_code.hpp"

#include <set>

#include "catch.hpp"

using namespace trestle;

TEST_CASE("every number up to the last is a code with a name of its own") {
  std::set<std::string_view> names;
  for (std::uint64_t number = 0; number <= kErrorCodeMax; ++number) {
    CAPTURE(number);
    const auto code = error_code_from_number(number);
    REQUIRE(code.has_value());
    CHECK(static_cast<std::uint64_t>(*code) == number);
    const std::string_view text = name(*code);
    CHECK_FALSE(text.empty());
    CHECK(text.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ_") == std::string_view::npos);
    names.insert(text);
  }
  CHECK(names.size() == kErrorCodeMax + std::size_t{1});
}

TEST_CASE("numbers behind the last are no codes") {
  for (std::uint64_t number = kErrorCodeMax + std::uint64_t{1}; number < 1000; ++number) {
    CHECK_FALSE(error_code_from_number(number).has_value());
  }
  CHECK_FALSE(error_code_from_number(256).has_value());
  CHECK_FALSE(error_code_from_number(~std::uint64_t{0}).has_value());
}

TEST_CASE("the numbers and names on the wire are pinned") {
  const std::pair<ErrorCode, std::string_view> expected[] = {
      {ErrorCode::none, "NONE"},
      {ErrorCode::rate_limited, "RATE_LIMITED"},
      {ErrorCode::already_processed, "ALREADY_PROCESSED"},
      {ErrorCode::invalid_request, "INVALID_REQUEST"},
      {ErrorCode::timeout, "TIMEOUT"},
      {ErrorCode::refused, "REFUSED"},
      {ErrorCode::unreachable, "UNREACHABLE"},
      {ErrorCode::bridge_unavailable, "BRIDGE_UNAVAILABLE"},
      {ErrorCode::bootstrap_failed, "BOOTSTRAP_FAILED"},
      {ErrorCode::invalid_token, "INVALID_TOKEN"},
      {ErrorCode::unauthorized, "UNAUTHORIZED"},
      {ErrorCode::busy, "BUSY"},
      {ErrorCode::not_found, "NOT_FOUND"},
      {ErrorCode::too_large, "TOO_LARGE"},
      {ErrorCode::protocol_error, "PROTOCOL_ERROR"},
      {ErrorCode::version_mismatch, "VERSION_MISMATCH"},
      {ErrorCode::wrong_network, "WRONG_NETWORK"},
      {ErrorCode::duplicate_connection, "DUPLICATE_CONNECTION"},
      {ErrorCode::slow_reader, "SLOW_READER"},
      {ErrorCode::shutting_down, "SHUTTING_DOWN"},
      {ErrorCode::cancelled, "CANCELLED"},
      {ErrorCode::connection_lost, "CONNECTION_LOST"},
      {ErrorCode::data_refused, "DATA_REFUSED"},
      {ErrorCode::idle, "IDLE"},
      {ErrorCode::store_full, "STORE_FULL"},
      {ErrorCode::unsupported, "UNSUPPORTED"},
      {ErrorCode::outdated, "OUTDATED"},
      {ErrorCode::storage_failed, "STORAGE_FAILED"},
  };
  std::uint64_t number = 0;
  for (const auto& [code, text] : expected) {
    CHECK(static_cast<std::uint64_t>(code) == number);
    CHECK(name(code) == text);
    ++number;
  }
  CHECK(number == kErrorCodeMax + std::uint64_t{1});
}
