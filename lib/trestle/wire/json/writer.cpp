#include "trestle/wire/json/writer.hpp"

#include <array>
#include <charconv>

#include "trestle/wire/json/utf8.hpp"

namespace trestle::wire::json {

namespace {

constexpr std::string_view kHexDigits = "0123456789abcdef";

void append_control(std::string& out, unsigned char control) {
  switch (control) {
    case '\b':
      out += "\\b";
      return;
    case '\f':
      out += "\\f";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    default:
      out += "\\u00";
      out.push_back(kHexDigits[control >> 4]);
      out.push_back(kHexDigits[control & 0xF]);
  }
}

}  // namespace

void append_quoted(std::string& out, std::string_view text) {
  out.push_back('"');
  while (!text.empty()) {
    const auto first = static_cast<unsigned char>(text.front());
    std::size_t consumed = 1;
    if (first == '"' || first == '\\') {
      out.push_back('\\');
      out.push_back(text.front());
    } else if (first < 0x20) {
      append_control(out, first);
    } else if (const std::size_t bytes = utf8_sequence_bytes(text); bytes != 0) {
      out.append(text.substr(0, bytes));
      consumed = bytes;
    } else {
      append_utf8(out, kReplacementCharacter);
    }
    text.remove_prefix(consumed);
  }
  out.push_back('"');
}

void ObjectWriter::begin(std::string_view name) {
  if (out_.size() > 1) out_.push_back(',');
  append_quoted(out_, name);
  out_.push_back(':');
}

ObjectWriter& ObjectWriter::text(std::string_view name, std::string_view value) {
  begin(name);
  append_quoted(out_, value);
  return *this;
}

ObjectWriter& ObjectWriter::integer(std::string_view name, std::int64_t value) {
  std::array<char, 24> digits;  // 20 characters at most
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  return raw(name, {digits.data(), static_cast<std::size_t>(end - digits.data())});
}

ObjectWriter& ObjectWriter::boolean(std::string_view name, bool value) {
  return raw(name, value ? "true" : "false");
}

ObjectWriter& ObjectWriter::null(std::string_view name) { return raw(name, "null"); }

ObjectWriter& ObjectWriter::raw(std::string_view name, std::string_view json) {
  begin(name);
  out_.append(json);
  return *this;
}

std::string ObjectWriter::take() {
  out_.push_back('}');
  return std::move(out_);
}

void ArrayWriter::begin() {
  if (out_.size() > 1) out_.push_back(',');
}

ArrayWriter& ArrayWriter::text(std::string_view value) {
  begin();
  append_quoted(out_, value);
  return *this;
}

ArrayWriter& ArrayWriter::raw(std::string_view json) {
  begin();
  out_.append(json);
  return *this;
}

std::string ArrayWriter::take() {
  out_.push_back(']');
  return std::move(out_);
}

}  // namespace trestle::wire::json
