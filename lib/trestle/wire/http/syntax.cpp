#include "trestle/wire/http/syntax.hpp"

#include <algorithm>
#include <cstdint>

namespace trestle::wire::http {
namespace {

constexpr std::string_view kWhite = " \t";
constexpr std::uint32_t kPortMax = 65535;

constexpr bool is_digit(char letter) { return letter >= '0' && letter <= '9'; }

constexpr bool is_hex_digit(char letter) {
  return is_digit(letter) || (letter >= 'a' && letter <= 'f') || (letter >= 'A' && letter <= 'F');
}

constexpr bool is_letter(char letter) {
  return (letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z');
}

constexpr bool is_one_of(char letter, std::string_view set) {
  return set.find(letter) != std::string_view::npos;
}

constexpr bool is_token_character(char letter) {
  return is_letter(letter) || is_digit(letter) || is_one_of(letter, "!#$%&'*+-.^_`|~");
}

/// `unreserved` and `sub-delims` of RFC 3986.
constexpr bool is_plain(char letter) {
  return is_letter(letter) || is_digit(letter) || is_one_of(letter, "-._~!$&'()*+,;=");
}

/// Plain characters, those of `more`, and bytes written as `%` and two digits.
bool is_escaped_text(std::string_view text, std::string_view more) {
  for (std::size_t index = 0; index < text.size(); ++index) {
    if (text[index] == '%') {
      if (text.size() - index < 3) return false;
      if (!is_hex_digit(text[index + 1]) || !is_hex_digit(text[index + 2])) return false;
      index += 2;
    } else if (!is_plain(text[index]) && !is_one_of(text[index], more)) {
      return false;
    }
  }
  return true;
}

bool is_port(std::string_view text) {
  std::uint32_t port = 0;
  for (const char letter : text) {
    if (!is_digit(letter)) return false;
    port = 10 * port + static_cast<std::uint32_t>(letter - '0');
    if (port > kPortMax) return false;
  }
  return true;
}

}  // namespace

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_token_character);
}

bool is_text(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char letter) {
    const auto byte = static_cast<std::uint8_t>(letter);
    return (byte >= 0x20 && byte != 0x7f) || letter == '\t';
  });
}

bool is_field_value(std::string_view text) {
  return trimmed(text).size() == text.size() && is_text(text);
}

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(kWhite);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kWhite) - begin + 1);
}

char lower_case(char letter) {
  return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter - 'A' + 'a') : letter;
}

bool equals_ignoring_case(std::string_view left, std::string_view right) {
  return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                    [](char one, char other) { return lower_case(one) == lower_case(other); });
}

std::string_view MemberList::next() {
  while (!rest_.empty()) {
    const std::size_t comma = rest_.find(',');
    const std::string_view member = trimmed(rest_.substr(0, comma));
    rest_ = comma == std::string_view::npos ? std::string_view{} : rest_.substr(comma + 1);
    if (!member.empty()) return member;
  }
  return {};
}

bool is_origin_form(std::string_view target) {
  if (!target.starts_with('/')) return false;
  const std::size_t question = target.find('?');
  if (!is_escaped_text(target.substr(0, question), ":@/")) return false;
  return question == std::string_view::npos || is_escaped_text(target.substr(question + 1), ":@/?");
}

bool is_host(std::string_view text) {
  std::size_t end = 0;
  if (text.starts_with('[')) {
    const std::size_t bracket = text.find(']');
    if (bracket == std::string_view::npos) return false;
    const std::string_view address = text.substr(1, bracket - 1);
    const bool has_form =
        address.size() >= 2 && std::all_of(address.begin(), address.end(), [](char c) {
          return is_hex_digit(c) || c == ':' || c == '.';
        });
    if (!has_form) return false;
    end = bracket + 1;
  } else {
    end = std::min(text.find(':'), text.size());
    if (end == 0 || !is_escaped_text(text.substr(0, end), {})) return false;
  }
  if (end == text.size()) return true;
  return text[end] == ':' && is_port(text.substr(end + 1));
}

}  // namespace trestle::wire::http
