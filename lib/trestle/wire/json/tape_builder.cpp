#include "trestle/wire/json/tape_builder.hpp"

#include <algorithm>
#include <limits>

#include "trestle/base/assertion.hpp"
#include "trestle/wire/json/utf8.hpp"

namespace trestle::wire::json {

namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";

constexpr bool is_whitespace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_high_surrogate(std::uint32_t unit) { return unit >= 0xD800 && unit <= 0xDBFF; }
constexpr bool is_low_surrogate(std::uint32_t unit) { return unit >= 0xDC00 && unit <= 0xDFFF; }

constexpr std::uint32_t narrow(std::size_t offset) { return static_cast<std::uint32_t>(offset); }

constexpr std::optional<std::uint32_t> hex_digit(char c) {
  if (is_digit(c)) return static_cast<std::uint32_t>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<std::uint32_t>(c - 'a' + 10);
  if (c >= 'A' && c <= 'F') return static_cast<std::uint32_t>(c - 'A' + 10);
  return std::nullopt;
}

constexpr std::optional<char> short_escape(char c) {
  switch (c) {
    case '"':
    case '\\':
    case '/':
      return c;
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return std::nullopt;
  }
}

}  // namespace

std::optional<ParseError> TapeBuilder::refusal(std::string_view text, const Limits& limits) {
  TRESTLE_ASSERT(limits.bytes_max < std::numeric_limits<std::uint32_t>::max());
  if (text.size() > limits.bytes_max) return ParseError::oversized;
  if (text.starts_with(kByteOrderMark)) return ParseError::malformed;
  return std::nullopt;
}

TapeBuilder::TapeBuilder(std::string_view text, const Limits& limits, std::size_t padding_bytes)
    : limits_(limits) {
  document_.text_.reserve(text.size() + padding_bytes);
  document_.text_.assign(text);
  document_.text_.append(padding_bytes, '\0');
  document_.text_size_ = text.size();
}

std::size_t TapeBuilder::skip_whitespace(std::size_t at) const {
  const std::string_view bytes = text();
  while (at < bytes.size() && is_whitespace(bytes[at])) ++at;
  return at;
}

Kind TapeBuilder::innermost() const {
  TRESTLE_ASSERT(!open_.empty());
  return document_.entries_[open_.back()].kind;
}

bool TapeBuilder::fail(ParseError error) {
  if (!error_) error_ = error;
  return false;
}

bool TapeBuilder::add(Kind kind, std::size_t begin, std::size_t end) {
  if (document_.entries_.size() >= limits_.values_max) return fail(ParseError::too_many_values);
  Document::Entry entry;
  entry.begin = narrow(begin);
  entry.end = narrow(end);
  entry.next = narrow(document_.entries_.size() + 1);
  entry.kind = kind;
  document_.entries_.push_back(entry);
  cursor_ = end;
  return true;
}

bool TapeBuilder::open(std::size_t at) {
  if (open_.size() >= limits_.depth_max) return fail(ParseError::too_deep);
  if (!add(text()[at] == '{' ? Kind::object : Kind::array, at, at + 1)) return false;
  open_.push_back(narrow(document_.entries_.size() - 1));
  return true;
}

bool TapeBuilder::close() {
  const char expected = innermost() == Kind::object ? '}' : ']';
  const std::size_t at = skip_whitespace(cursor_);
  if (at >= text().size() || text()[at] != expected) return fail(ParseError::malformed);
  Document::Entry& entry = document_.entries_[open_.back()];
  entry.end = narrow(at + 1);
  entry.next = narrow(document_.entries_.size());
  open_.pop_back();
  cursor_ = at + 1;
  return true;
}

bool TapeBuilder::name(std::size_t at) {
  if (at >= text().size() || text()[at] != '"') return fail(ParseError::malformed);
  return string(at);
}

bool TapeBuilder::scalar(std::size_t at) {
  if (at >= text().size()) return fail(ParseError::malformed);
  const char first = text()[at];
  if (first == '"') return string(at);
  return first == '-' || is_digit(first) ? number(at) : literal(at);
}

bool TapeBuilder::string(std::size_t at) {
  const std::string_view bytes = text();
  const std::size_t begin = at + 1;
  std::size_t end = begin;
  bool escaped = false;
  for (; end < bytes.size() && bytes[end] != '"'; ++end) {
    if (static_cast<unsigned char>(bytes[end]) < 0x20) return fail(ParseError::malformed);
    if (bytes[end] != '\\') continue;
    escaped = true;
    ++end;  // whatever is escaped, it does not end the string
  }
  if (end >= bytes.size()) return fail(ParseError::malformed);

  if (!add(Kind::string, at, end + 1)) return false;
  Document::Entry& entry = document_.entries_.back();
  entry.escaped = escaped;
  entry.characters = narrow(begin);
  entry.characters_size = narrow(end - begin);
  return !escaped || decode(begin, end);
}

bool TapeBuilder::decode(std::size_t begin, std::size_t end) {
  const std::size_t start = document_.decoded_.size();
  std::size_t at = begin;
  while (at < end) {
    const std::size_t backslash = std::min(text().find('\\', at), end);
    document_.decoded_.append(text().substr(at, backslash - at));
    at = backslash;
    if (at == end) break;
    const std::optional<std::size_t> behind = decode_escape(at);
    if (!behind) return fail(ParseError::malformed);
    at = *behind;
  }
  Document::Entry& entry = document_.entries_.back();
  entry.characters = narrow(start);
  entry.characters_size = narrow(document_.decoded_.size() - start);
  return true;
}

std::optional<std::size_t> TapeBuilder::decode_escape(std::size_t at) {
  const char kind = text()[at + 1];
  if (kind == 'u') return decode_unicode_escape(at);
  const std::optional<char> character = short_escape(kind);
  if (!character) return std::nullopt;
  document_.decoded_.push_back(*character);
  return at + 2;
}

std::optional<std::size_t> TapeBuilder::decode_unicode_escape(std::size_t at) {
  constexpr std::size_t kEscapeBytes = 6;  // \uXXXX
  const std::optional<std::uint32_t> unit = code_unit(at);
  if (!unit) return std::nullopt;
  std::size_t behind = at + kEscapeBytes;
  std::uint32_t code_point = *unit;
  if (is_high_surrogate(*unit)) {
    const std::optional<std::uint32_t> low = code_unit(behind);
    if (low && is_low_surrogate(*low)) {
      code_point = 0x10000 + ((*unit - 0xD800) << 10) + (*low - 0xDC00);
      behind += kEscapeBytes;
    } else {
      code_point = kReplacementCharacter;
    }
  } else if (is_low_surrogate(*unit)) {
    code_point = kReplacementCharacter;
  }
  append_utf8(document_.decoded_, code_point);
  return behind;
}

std::optional<std::uint32_t> TapeBuilder::code_unit(std::size_t at) const {
  const std::string_view escape = text().substr(at, 6);
  if (escape.size() < 6 || !escape.starts_with("\\u")) return std::nullopt;
  std::uint32_t unit = 0;
  for (const char c : escape.substr(2)) {
    const std::optional<std::uint32_t> digit = hex_digit(c);
    if (!digit) return std::nullopt;
    unit = unit << 4 | *digit;
  }
  return unit;
}

bool TapeBuilder::number(std::size_t at) {
  const std::string_view bytes = text();
  std::size_t end = at;
  const auto digits = [&bytes, &end] {
    const std::size_t first = end;
    while (end < bytes.size() && is_digit(bytes[end])) ++end;
    return end - first;
  };
  const auto present = [&bytes, &end](std::string_view any) {
    return end < bytes.size() && any.find(bytes[end]) != std::string_view::npos;
  };

  if (present("-")) ++end;
  const bool leading_zero = present("0");
  const std::size_t whole_digits = digits();
  if (whole_digits == 0 || (leading_zero && whole_digits > 1)) return fail(ParseError::malformed);
  if (present(".")) {
    ++end;
    if (digits() == 0) return fail(ParseError::malformed);
  }
  if (present("eE")) {
    ++end;
    if (present("+-")) ++end;
    if (digits() == 0) return fail(ParseError::malformed);
  }
  if (!ends_token(end)) return fail(ParseError::malformed);
  return add(Kind::number, at, end);
}

bool TapeBuilder::literal(std::size_t at) {
  const auto read = [this, at](std::string_view word, Kind kind) {
    if (!ends_token(at + word.size())) return fail(ParseError::malformed);
    return add(kind, at, at + word.size());
  };
  const std::string_view rest = text().substr(at);
  if (rest.starts_with("null")) return read("null", Kind::null);
  if (rest.starts_with("true")) return read("true", Kind::boolean);
  if (rest.starts_with("false")) return read("false", Kind::boolean);
  return fail(ParseError::malformed);
}

bool TapeBuilder::ends_token(std::size_t at) const {
  if (at >= text().size()) return true;
  const char next = text()[at];
  return is_whitespace(next) || next == ',' || next == ']' || next == '}';
}

Result<Document, ParseError> TapeBuilder::finish() {
  if (!error_ && (!complete() || skip_whitespace(cursor_) != text().size())) {
    error_ = ParseError::malformed;
  }
  if (error_) return refuse(*error_);
  return std::move(document_);
}

}  // namespace trestle::wire::json
