#include <array>
#include <string>
#include <string_view>

#include "allocation_count.hpp"
#include "catch.hpp"
#include "trestle/wire/json/parse.hpp"
#include "trestle/wire/json/portable/parse.hpp"

namespace trestle {
namespace {

using wire::json::Document;
using wire::json::Kind;
using wire::json::Limits;
using wire::json::ParseError;
using wire::json::Value;

using Parse = Result<Document, ParseError> (*)(std::string_view, const Limits&);
// The reader chosen at link time, and the portable one.
constexpr std::array<Parse, 2> kReaders = {&wire::json::parse, &wire::json::portable::parse};

std::string repeat(std::string_view piece, std::size_t times) {
  std::string text;
  for (std::size_t count = 0; count < times; ++count) text += piece;
  return text;
}

TEST_CASE("a document gives each kind of value its content") {
  for (const Parse parse : kReaders) {
    const auto document = parse(
        R"( {"a":null,"b":true,"c":-12,"d":"x","e":[1,"two",[]],"f":{"g":false}} )", Limits{});
    REQUIRE(document);
    const Value root = document->root();
    CHECK(root.kind() == Kind::object);
    CHECK(root.member("a")->is_null());
    CHECK(root.member("b")->boolean() == true);
    CHECK(root.member("c")->integer() == -12);
    CHECK(root.member("d")->text() == "x");
    CHECK(root.member("f")->member("g")->boolean() == false);
    CHECK_FALSE(root.member("h"));
    CHECK_FALSE(root.member("c")->text());
    CHECK_FALSE(root.member("d")->integer());
    CHECK_FALSE(root.member("d")->boolean());
    CHECK_FALSE(root.member("d")->member("x"));

    std::string raws;
    for (const Value item : root.member("e")->items()) raws += std::string(item.raw()) + ";";
    CHECK(raws == "1;\"two\";[];");
    std::string names;
    for (const Value::Member member : root.members()) names += member.name;
    CHECK(names == "abcdef");
    CHECK(root.member("a")->items().empty());
    CHECK(root.member("e")->members().empty());
  }
}

TEST_CASE("raw text is what was received, byte for byte and without surrounding whitespace") {
  for (const Parse parse : kReaders) {
    const std::string value = "{ \"z\" : [ 1.50e+3 ,\t\"\\u0041\\/\" ] , \"a\":null }";
    const auto document = parse("\r\n { \"value\" :  " + value + " \n} \t", Limits{});
    REQUIRE(document);
    CHECK(document->root().member("value")->raw() == value);
    CHECK(document->root().member("value")->member("z")->raw() == "[ 1.50e+3 ,\t\"\\u0041\\/\" ]");
    CHECK(document->root().raw() == "{ \"value\" :  " + value + " \n}");
  }
}

TEST_CASE("a document survives being moved") {
  for (const Parse parse : kReaders) {
    auto document = parse(R"({"a":"\u0041b"})", Limits{});
    REQUIRE(document);
    const Document moved = std::move(*document);
    CHECK(moved.root().member("a")->text() == "Ab");
    CHECK(moved.root().member("a")->raw() == R"("\u0041b")");
  }
}

TEST_CASE("escapes decode to UTF-8, lone surrogates to the replacement character") {
  struct Case {
    std::string_view json;
    std::string_view text;
  };
  using namespace std::string_view_literals;
  const std::array<Case, 11> cases = {{
      {R"("")", ""},
      {R"("plain")", "plain"},
      {R"("\"\\\/\b\f\n\r\t")", "\"\\/\b\f\n\r\t"},
      {R"("a\u0000b")", "a\0b"sv},
      {R"("\u00e9\u20AC")", "\xC3\xA9\xE2\x82\xAC"},
      {R"("\ud83d\ude00")", "\xF0\x9F\x98\x80"},
      {R"("\ud83d")", "\xEF\xBF\xBD"},
      {R"("\ude00x")", "\xEF\xBF\xBDx"},
      {R"("\ud83d\u0041")", "\xEF\xBF\xBD\x41"},
      {R"("\ud83d\ud83d\ude00")", "\xEF\xBF\xBD\xF0\x9F\x98\x80"},
      {"\"\xF0\x9F\x98\x80\\n\"", "\xF0\x9F\x98\x80\n"},
  }};
  for (const Parse parse : kReaders) {
    for (const Case& one : cases) {
      CAPTURE(one.json);
      const auto document = parse(one.json, Limits{});
      REQUIRE(document);
      CHECK(document->root().text() == one.text);
    }
  }
}

TEST_CASE("only numbers written as integers that fit are integers") {
  const auto integer = [](std::string_view json) {
    const auto document = wire::json::parse(json);
    REQUIRE(document);
    return document->root().integer();
  };
  CHECK(integer("0") == 0);
  CHECK(integer("-0") == 0);
  CHECK(integer("1795254589872") == 1795254589872);
  CHECK(integer("9223372036854775807") == INT64_MAX);
  CHECK(integer("-9223372036854775808") == INT64_MIN);
  CHECK_FALSE(integer("9223372036854775808"));
  CHECK_FALSE(integer("1.0"));
  CHECK_FALSE(integer("1e3"));
  CHECK_FALSE(integer("123456789012345678901234567890"));
}

TEST_CASE("of a member given twice the last one counts, as in JavaScript") {
  for (const Parse parse : kReaders) {
    const auto document = parse(R"({"a":1,"b":2,"a":{"c":3},"\u0062":4})", Limits{});
    REQUIRE(document);
    CHECK(document->root().member("a")->raw() == R"({"c":3})");
    CHECK(document->root().member("b")->integer() == 4);
  }
}

TEST_CASE("correct texts are read") {
  const std::array<std::string_view, 22> texts = {"{}",
                                                  "[]",
                                                  "0",
                                                  "-1.5E-10",
                                                  "1e999",
                                                  "\"x\"",
                                                  "null",
                                                  "true",
                                                  "false",
                                                  " [ ] ",
                                                  "[[],{}]",
                                                  "[1,2,3]",
                                                  R"({"":""})",
                                                  R"({"a":{"a":[{}]}})",
                                                  "\t\n\r 1 \t\n\r",
                                                  "[null,true,false]",
                                                  "\"\x7F\"",
                                                  "\"\xC2\x80\"",
                                                  "\"\xF4\x8F\xBF\xBF\"",
                                                  R"(["\uD834\uDD1E"])",
                                                  "[0.1,0e0,-0]",
                                                  "123456789012345678901234567890"};
  for (const Parse parse : kReaders) {
    for (const std::string_view text : texts) {
      CAPTURE(text);
      CHECK(parse(text, Limits{}));
    }
  }
}

TEST_CASE("texts that are not JSON are refused") {
  using namespace std::string_view_literals;
  const std::array<std::string_view, 77> texts = {"",
                                                  " ",
                                                  "{",
                                                  "}",
                                                  "[",
                                                  "]",
                                                  "[1",
                                                  "[1,",
                                                  "[1,]",
                                                  "[,1]",
                                                  "[,]",
                                                  "[1 2]",
                                                  "[1:2]",
                                                  "[1}",
                                                  "{]",
                                                  "[]]",
                                                  "{}}",
                                                  "[][]",
                                                  "{} {}",
                                                  "1 2",
                                                  "nul",
                                                  "nulll",
                                                  "null0",
                                                  "True",
                                                  "NaN",
                                                  "Infinity",
                                                  "-",
                                                  "+1",
                                                  "01",
                                                  "-01",
                                                  "00",
                                                  "1.",
                                                  ".5",
                                                  "1.e1",
                                                  "1e",
                                                  "1e+",
                                                  "0x10",
                                                  "1_000",
                                                  "--1",
                                                  "1-1",
                                                  "{1:2}",
                                                  "{a:1}",
                                                  R"({"a"})",
                                                  R"({"a":})",
                                                  R"({"a":1,})",
                                                  R"({,})",
                                                  R"({"a" "b"})",
                                                  R"({"a":1 "b":2})",
                                                  R"({"a"::1})",
                                                  R"({"a":1:2})",
                                                  R"(["a":1])",
                                                  R"(["a":1,2])",
                                                  R"([1,{"a":2])",
                                                  R"("a)",
                                                  R"(")",
                                                  R"("\)",
                                                  R"("\")",
                                                  R"("\x")",
                                                  R"("\u12")",
                                                  R"("\u12G4")",
                                                  R"("\ud83d\u")",
                                                  R"('a')",
                                                  "\"\t\"",
                                                  "\"\n\"",
                                                  "\"\0\""sv,
                                                  "\"\x1F\"",
                                                  "\"\x80\"",
                                                  "\"\xC0\x80\"",
                                                  "\"\xED\xA0\x80\"",
                                                  "\"\xF4\x90\x80\x80\"",
                                                  "\"\xE2\x82\"",
                                                  "\xEF\xBB\xBF{}",
                                                  "{}\0"sv,
                                                  "[1]x",
                                                  "// 1",
                                                  "[1,/**/2]",
                                                  "\"a\"\"b\""};
  for (const Parse parse : kReaders) {
    for (const std::string_view text : texts) {
      CAPTURE(text);
      const auto document = parse(text, Limits{});
      REQUIRE_FALSE(document);
      CHECK(document.error() == ParseError::malformed);
    }
  }
}

TEST_CASE("limits hold exactly") {
  Limits limits;
  limits.bytes_max = 20;
  limits.depth_max = 3;
  limits.values_max = 5;
  const auto error = [&limits](Parse parse, const std::string& text) {
    const auto document = parse(text, limits);
    return document ? std::nullopt : std::optional<ParseError>(document.error());
  };
  for (const Parse parse : kReaders) {
    CHECK(error(parse, "[" + repeat(" ", 18) + "]") == std::nullopt);
    CHECK(error(parse, "[" + repeat(" ", 19) + "]") == ParseError::oversized);
    CHECK(error(parse, "[[[1]]]") == std::nullopt);
    CHECK(error(parse, "[[[[]]]]") == ParseError::too_deep);
    CHECK(error(parse, R"([{"":{}}])") == std::nullopt);
    CHECK(error(parse, R"([{"":[[]]}])") == ParseError::too_deep);
    CHECK(error(parse, "[1,2,3,4]") == std::nullopt);
    CHECK(error(parse, "[1,2,3,4,5]") == ParseError::too_many_values);
    CHECK(error(parse, R"({"":1,"a":2})") == std::nullopt);
    CHECK(error(parse, R"({"":1,"a":2,"b":3})") == ParseError::too_many_values);
  }
}

TEST_CASE("T19: a million brackets and ten megabytes are refused before anything grows") {
  const std::string brackets = repeat("[", 1'000'000);
  const std::string objects = repeat(R"({"a":)", 1'000'000);
  const std::string huge = "[\"" + std::string(10'000'000, 'x') + "\"]";
  for (const Parse parse : kReaders) {
    for (const std::string* text : {&brackets, &objects, &huge}) {
      const test::AllocationCount count;
      const auto document = parse(*text, Limits{});
      CHECK(count.bytes() == 0);
      REQUIRE_FALSE(document);
      CHECK(document.error() == ParseError::oversized);
    }
  }
}

TEST_CASE("T19: within the size limit, memory stays proportional to the text") {
  Limits limits;
  const std::string brackets = repeat("[", limits.bytes_max);
  const std::string values = "[" + repeat("1,", limits.bytes_max / 2 - 2) + "1]";
  const std::string escapes = "\"" + repeat("\\n", limits.bytes_max / 2 - 1) + "\"";
  // Copy of the text, the reader's token index (4 bytes a byte) and string buffer, a tape of 16 Ki
  // entries grown by doubling.
  constexpr std::size_t kBytesMax = 3 * 1024 * 1024;
  for (const Parse parse : kReaders) {
    for (const std::string* text : {&brackets, &values, &escapes}) {
      const test::AllocationCount count;
      const auto document = parse(*text, limits);
      CHECK(count.bytes() < kBytesMax);
    }
    CHECK(parse(brackets, limits).error() == ParseError::too_deep);
    CHECK(parse(values, limits).error() == ParseError::too_many_values);
    CHECK(parse(escapes, limits));
  }
}

}  // namespace
}  // namespace trestle
