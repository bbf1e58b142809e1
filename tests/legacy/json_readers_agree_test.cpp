#include <string>
#include <vector>

#include "catch.hpp"
#include "mutation.hpp"
#include "transcript.hpp"
#include "trestle/base/bytes.hpp"
#include "trestle/base/rng.hpp"
#include "trestle/wire/json/parse.hpp"
#include "trestle/wire/json/portable/parse.hpp"

namespace trestle {
namespace {

using wire::json::Document;
using wire::json::Limits;
using wire::json::Value;

bool same_tape(const Document& left, const Document& right) {
  if (left.entries() != right.entries() || left.text() != right.text()) return false;
  return left.root().text() == right.root().text();
}

bool same_characters(Value left, Value right) {
  if (left.text() != right.text() || left.raw() != right.raw()) return false;
  auto right_item = right.items().begin();
  for (const Value item : left.items()) {
    if (!same_characters(item, *right_item)) return false;
    ++right_item;
  }
  auto right_member = right.members().begin();
  for (const Value::Member member : left.members()) {
    if (member.name != (*right_member).name) return false;
    if (!same_characters(member.value, (*right_member).value)) return false;
    ++right_member;
  }
  return true;
}

/// Whether both readers say the same of `text`; counts what they accepted.
bool agree(const std::string& text, std::size_t& accepted, const Limits& limits = {}) {
  const auto left = wire::json::parse(text, limits);
  const auto right = wire::json::portable::parse(text, limits);
  if (left.has_value() != right.has_value()) return false;
  if (!left) return true;
  ++accepted;
  return same_tape(*left, *right) && same_characters(left->root(), right->root());
}

/// Small texts that contain every piece of the grammar, so that few changes already reach each
/// rule.
std::vector<std::string> grammar_seeds() {
  return {R"({"a":[1,2,{"b":null}],"c":"\u00e9\n"})",
          R"([[],{},[{}],{"":[]}])",
          R"(["\ud83d\ude00",-0.5e+3,true,false,null])",
          R"({"type":"x","n":-12,"s":"\\\"","t":true})",
          "[1]",
          "{}",
          "\"x\"",
          "-1.5",
          " null ",
          "[[1,[2,[3]]]]"};
}

TEST_CASE("both JSON readers make the same tape of every recorded line and frame") {
  std::size_t accepted = 0;
  std::size_t lines = 0;
  for (const auto& file : test::transcript_files()) {
    for (const std::string& line : test::lines_of(file)) {
      ++lines;
      CHECK(agree(line, accepted));
    }
  }
  CHECK(accepted == lines);
  CHECK(lines > 600);
}

TEST_CASE("both JSON readers agree on every text of up to four tokens") {
  const std::vector<std::string> pieces = {"",      "[", "]",    "{", "}",  ",",  ":",
                                           "\"a\"", "1", "null", " ", "\"", "\\", "x"};
  std::size_t accepted = 0;
  for (const std::string& a : pieces) {
    for (const std::string& b : pieces) {
      for (const std::string& c : pieces) {
        for (const std::string& d : pieces) {
          const std::string text = a + b + c + d;
          INFO(text);
          REQUIRE(agree(text, accepted));
          REQUIRE(agree("[" + text + "]", accepted));
          REQUIRE(agree("{\"k\":" + text + "}", accepted));
          REQUIRE(agree("{" + text + "}", accepted));
        }
      }
    }
  }
  CHECK(accepted > 100);
}

TEST_CASE("both JSON readers agree on any two bytes, bare and inside a string") {
  std::size_t accepted = 0;
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const std::string pair = {static_cast<char>(first), static_cast<char>(second)};
      INFO(first << " " << second);
      REQUIRE(agree(pair, accepted));
      REQUIRE(agree("\"" + pair + "\"", accepted));
      REQUIRE(agree("[\"\\" + pair + "\"]", accepted));
      REQUIRE(agree("[1" + pair + "]", accepted));
    }
  }
  CHECK(accepted > 10'000);
}

TEST_CASE("both JSON readers agree on seeded changes of small texts") {
  Rng rng(2024);
  const std::vector<std::string> seeds = grammar_seeds();
  std::size_t accepted = 0;
  constexpr int kCases = 60'000;
  for (int index = 0; index < kCases; ++index) {
    const std::string text = test::mutate(seeds[rng.below(seeds.size())], rng);
    INFO("case " << index << ": " << text << " = " << to_hex(as_bytes(text)));
    REQUIRE(agree(text, accepted));
  }
  CHECK(accepted > kCases / 20);
  CHECK(accepted < kCases / 2);
}

TEST_CASE("both JSON readers agree on seeded changes of recorded frames, under small limits, too") {
  Rng rng(2025);
  const std::vector<test::Recorded> all = test::read_all_transcripts();
  Limits small;
  small.depth_max = 4;
  small.values_max = 60;
  std::size_t accepted = 0;
  for (int index = 0; index < 12'000; ++index) {
    const std::string text = test::mutate(all[rng.below(all.size())].text, rng);
    INFO("case " << index << ": " << text);
    REQUIRE(agree(text, accepted));
    REQUIRE(agree(text, accepted, small));
  }
  CHECK(accepted > 1'000);
}

}  // namespace
}  // namespace trestle
