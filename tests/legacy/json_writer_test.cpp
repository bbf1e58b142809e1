#include <cstdint>
#include <limits>
#include <string>

#include "catch.hpp"
#include "trestle/base/rng.hpp"
#include "trestle/wire/json/parse.hpp"
#include "trestle/wire/json/utf8.hpp"
#include "trestle/wire/json/writer.hpp"

namespace trestle {
namespace {

using wire::json::append_quoted;
using wire::json::ArrayWriter;
using wire::json::ObjectWriter;

std::string quoted(std::string_view text) {
  std::string out;
  append_quoted(out, text);
  return out;
}

TEST_CASE("members are written compactly in call order") {
  ObjectWriter out;
  out.text("z", "x").integer("a", -5).boolean("b", true).null("n").raw("r", "[ 1 ]");
  CHECK(out.take() == R"({"z":"x","a":-5,"b":true,"n":null,"r":[ 1 ]})");
  CHECK(ObjectWriter().take() == "{}");
  CHECK(ArrayWriter().take() == "[]");
  ArrayWriter items;
  items.text("a").raw("{}");
  CHECK(items.take() == R"(["a",{}])");
}

TEST_CASE("the whole range of integers is written") {
  ObjectWriter out;
  out.integer("l", std::numeric_limits<std::int64_t>::min());
  out.integer("h", std::numeric_limits<std::int64_t>::max());
  CHECK(out.take() == R"({"l":-9223372036854775808,"h":9223372036854775807})");
}

TEST_CASE("strings are escaped as JSON.stringify escapes them") {
  using namespace std::string_view_literals;
  CHECK(quoted("a\"b\\c/d") == R"("a\"b\\c/d")");
  CHECK(quoted("\b\f\n\r\t") == R"("\b\f\n\r\t")");
  CHECK(quoted("\0\x01\x1f\x7f"sv) == "\"\\u0000\\u0001\\u001f\x7f\"");
  CHECK(quoted("\xC3\xA9\xE2\x80\xA8\xF0\x9F\x98\x80") ==
        "\"\xC3\xA9\xE2\x80\xA8\xF0\x9F\x98\x80\"");
}

TEST_CASE("bytes that are not UTF-8 become the replacement character") {
  CHECK(quoted("a\x80z") == "\"a\xEF\xBF\xBDz\"");
  CHECK(quoted("\xED\xA0\x80") == "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\"");
  CHECK(quoted("\xE2\x82") == "\"\xEF\xBF\xBD\xEF\xBF\xBD\"");
}

TEST_CASE(
    "whatever bytes are written as text, the result is JSON and reads back the same if they were "
    "UTF-8") {
  Rng rng(7);
  for (int index = 0; index < 5'000; ++index) {
    std::string text;
    const std::uint64_t length = rng.below(20);
    const bool valid = rng.chance(1, 2);
    for (std::uint64_t count = 0; count < length; ++count) {
      const std::uint64_t draw = rng.next();
      if (valid) {
        const auto code_point = static_cast<std::uint32_t>(draw % 0x110000);
        const bool surrogate = code_point >= 0xD800 && code_point <= 0xDFFF;
        wire::json::append_utf8(text, surrogate ? code_point - 0xD800 : code_point);
      } else {
        text.push_back(static_cast<char>(draw));
      }
    }
    const auto document = wire::json::parse(quoted(text));
    REQUIRE(document);
    if (valid) REQUIRE(document->root().text() == text);
  }
}

}  // namespace
}  // namespace trestle
