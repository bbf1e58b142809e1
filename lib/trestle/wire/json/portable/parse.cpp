#include "trestle/wire/json/portable/parse.hpp"

#include "trestle/wire/json/tape_builder.hpp"
#include "trestle/wire/json/utf8.hpp"

namespace trestle::wire::json::portable {

namespace {

/// What the grammar allows next. One loop instead of recursion: a peer decides how deep a text is,
/// not how much stack we use.
enum class Expected : std::uint8_t {
  value,
  value_or_close,  // behind '['
  name,
  name_or_close,  // behind '{'
  colon,
  comma_or_close,
  nothing,  // the outermost value is complete
};

class Reader {
 public:
  explicit Reader(TapeBuilder& tape) : tape_(tape) {}

  /// False when the tape says why.
  bool run() {
    while (expected_ != Expected::nothing) {
      at_ = tape_.skip_whitespace(at_);
      if (at_ >= tape_.text().size()) return tape_.fail(ParseError::malformed);
      if (!step(tape_.text()[at_])) return false;
    }
    return true;
  }

 private:
  bool step(char next) {
    switch (expected_) {
      case Expected::value:
        return value(next);
      case Expected::value_or_close:
        return next == ']' ? close() : value(next);
      case Expected::name:
        return name();
      case Expected::name_or_close:
        return next == '}' ? close() : name();
      case Expected::colon:
        return punctuation(next == ':', Expected::value);
      case Expected::comma_or_close:
        return comma_or_close(next);
      case Expected::nothing:
        break;
    }
    return tape_.fail(ParseError::malformed);
  }

  bool value(char next) {
    if (next == '{' || next == '[') {
      if (!tape_.open(at_)) return false;
      expected_ = next == '{' ? Expected::name_or_close : Expected::value_or_close;
    } else {
      if (!tape_.scalar(at_)) return false;
      expect_behind_value();
    }
    at_ = tape_.cursor();
    return true;
  }

  bool name() {
    if (!tape_.name(at_)) return false;
    at_ = tape_.cursor();
    expected_ = Expected::colon;
    return true;
  }

  bool comma_or_close(char next) {
    const bool in_object = tape_.innermost() == Kind::object;
    if (next == ',') return punctuation(true, in_object ? Expected::name : Expected::value);
    return close();
  }

  bool close() {
    if (!tape_.close()) return false;
    at_ = tape_.cursor();
    expect_behind_value();
    return true;
  }

  bool punctuation(bool found, Expected behind) {
    if (!found) return tape_.fail(ParseError::malformed);
    ++at_;
    expected_ = behind;
    return true;
  }

  void expect_behind_value() {
    expected_ = tape_.complete() ? Expected::nothing : Expected::comma_or_close;
  }

  TapeBuilder& tape_;
  std::size_t at_ = 0;
  Expected expected_ = Expected::value;
};

}  // namespace

Result<Document, ParseError> parse(std::string_view text, const Limits& limits) {
  if (const auto refusal = TapeBuilder::refusal(text, limits)) return refuse(*refusal);
  if (!is_utf8(text)) return refuse(ParseError::malformed);
  TapeBuilder tape(text, limits);
  Reader(tape).run();
  return tape.finish();
}

}  // namespace trestle::wire::json::portable
