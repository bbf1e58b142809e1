#include "trestle/wire/json/parse.hpp"

#include <simdjson.h>

#include "trestle/wire/json/tape_builder.hpp"

namespace trestle::wire::json {

namespace {

namespace ondemand = simdjson::ondemand;

/// Walks a text with simdjson's on-demand reader: simdjson finds and checks UTF-8, tokens and the
/// grammar of arrays and objects; the tape checks each scalar (on-demand reading would leave those
/// we do not ask for unchecked, and refuses numbers that exceed a double, which JavaScript
/// accepts). Recursion is bounded by the tape's depth limit.
class Walker {
 public:
  explicit Walker(TapeBuilder& tape) : tape_(tape) {}

  bool value(ondemand::value value) {
    const std::string_view token = value.raw_json_token();
    if (token.empty()) return malformed();
    const std::size_t at = offset(token.data());
    switch (token.front()) {
      case '{':
        return object(value, at);
      case '[':
        return array(value, at);
      case '"':
        return string(value, at);
      default:
        return tape_.scalar(at);
    }
  }

 private:
  bool object(ondemand::value value, std::size_t at) {
    if (!tape_.open(at)) return false;
    ondemand::object members;
    if (value.get_object().get(members)) return malformed();
    for (auto result : members) {
      ondemand::field field;
      if (std::move(result).get(field)) return malformed();
      if (!tape_.name(offset(field.key().raw()) - 1)) return false;
      if (!this->value(field.value())) return false;
    }
    return tape_.close();
  }

  bool array(ondemand::value value, std::size_t at) {
    if (!tape_.open(at)) return false;
    ondemand::array items;
    if (value.get_array().get(items)) return malformed();
    for (auto result : items) {
      ondemand::value item;
      if (std::move(result).get(item)) return malformed();
      if (!this->value(item)) return false;
    }
    return tape_.close();
  }

  // Consumed explicitly: skipping an unread string would take it for a member's name if a colon
  // follows.
  bool string(ondemand::value value, std::size_t at) {
    ondemand::raw_json_string consumed;
    if (value.get_raw_json_string().get(consumed)) return malformed();
    return tape_.scalar(at);
  }

  std::size_t offset(const char* place) const {
    return static_cast<std::size_t>(place - tape_.text().data());
  }
  bool malformed() { return tape_.fail(ParseError::malformed); }

  TapeBuilder& tape_;
};

bool walk(TapeBuilder& tape) {
  const std::string_view text = tape.text();
  ondemand::parser parser;
  ondemand::document document;
  const simdjson::padded_string_view padded(text.data(), text.size(),
                                            text.size() + simdjson::SIMDJSON_PADDING);
  if (parser.iterate(padded).get(document)) return tape.fail(ParseError::malformed);

  const std::size_t first = tape.skip_whitespace(0);
  if (first >= text.size()) return tape.fail(ParseError::malformed);
  if (text[first] != '{' && text[first] != '[') return tape.scalar(first);
  ondemand::value root;
  if (document.get_value().get(root)) return tape.fail(ParseError::malformed);
  return Walker(tape).value(root);
}

}  // namespace

Result<Document, ParseError> parse(std::string_view text, const Limits& limits) {
  if (const auto refusal = TapeBuilder::refusal(text, limits)) return refuse(*refusal);
  TapeBuilder tape(text, limits, simdjson::SIMDJSON_PADDING);
  walk(tape);
  return tape.finish();
}

}  // namespace trestle::wire::json
