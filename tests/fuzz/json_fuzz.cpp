// F7, F21: any text as JSON. Both readers make the same of it, every raw part is itself correct
// JSON, and whatever we write as a string is read back as it was.
#include <string>
#include <string_view>

#include "entry.hpp"
#include "trestle/wire/json/parse.hpp"
#include "trestle/wire/json/portable/parse.hpp"
#include "trestle/wire/json/utf8.hpp"
#include "trestle/wire/json/writer.hpp"

namespace trestle::fuzz {
namespace {

using wire::json::Document;
using wire::json::Kind;
using wire::json::Limits;
using wire::json::Value;

void check_value(Value value, std::size_t depth, const Limits& limits) {
  const bool is_container = value.kind() == Kind::array || value.kind() == Kind::object;
  MUST_HOLD(!is_container || depth <= limits.depth_max);
  MUST_HOLD(!value.raw().empty());
  if (const auto text = value.text()) {
    MUST_HOLD(value.kind() == Kind::string && wire::json::is_utf8(*text));
    std::string quoted;
    wire::json::append_quoted(quoted, *text);
    const auto again = wire::json::parse(quoted);
    MUST_HOLD(again.has_value() && again->root().text() == text);
  }
  for (const Value item : value.items()) check_value(item, depth + 1, limits);
  std::size_t looked_up = 0;
  for (const Value::Member member : value.members()) {
    // Looking one up walks over all of them.
    if (looked_up++ < 16) MUST_HOLD(value.member(member.name).has_value());
    check_value(member.value, depth + 1, limits);
  }
}

void check(std::string_view text, const Limits& limits) {
  const auto document = wire::json::parse(text, limits);
  const auto portable = wire::json::portable::parse(text, limits);
  MUST_HOLD(document.has_value() == portable.has_value());
  if (!document) return;
  MUST_HOLD(text.size() <= limits.bytes_max);
  MUST_HOLD(document->entries().size() <= limits.values_max);
  MUST_HOLD(document->entries() == portable->entries());
  MUST_HOLD(document->text() == text && portable->text() == text);
  check_value(document->root(), 1, limits);
  check_value(portable->root(), 1, limits);
}

}  // namespace

TRESTLE_FUZZ_TARGET(json) {
  const std::string_view text = as_text(input);
  check(text, Limits{});
  check(text, Limits{.bytes_max = 256, .depth_max = 3, .values_max = 12});

  std::string quoted;
  wire::json::append_quoted(quoted, text);
  MUST_HOLD(quoted.size() <= 2 + 6 * text.size());
  const auto read = wire::json::portable::parse(quoted, {.bytes_max = std::size_t{1} << 20});
  MUST_HOLD(read.has_value() && read->root().text().has_value());
  if (wire::json::is_utf8(text)) MUST_HOLD(read->root().text() == text);
}

}  // namespace trestle::fuzz
