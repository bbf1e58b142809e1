#include "trestle/host/settings_values.hpp"

#include <charconv>

#include "trestle/host/address.hpp"
#include "trestle/link/pinned_url.hpp"

namespace trestle::host {

Refused set_on_off(bool& target, const std::string& value) {
  if (value == "on" || value == "true") return target = true, std::nullopt;
  if (value == "off" || value == "false") return target = false, std::nullopt;
  return "'" + value + "' is neither on nor off";
}

Refused set_text(std::string& target, const std::string& value) {
  if (value.empty()) return std::string("it must not be empty");
  target = value;
  return std::nullopt;
}

Refused set_count(std::size_t& target, const std::string& value, const Range& range) {
  std::size_t count = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), count);
  if (error != std::errc{} || end != value.data() + value.size())
    return "'" + value + "' is not a number";
  if (count < range.min || count > range.max) {
    return "'" + value + "' is not between " + std::to_string(range.min) + " and " +
           std::to_string(range.max);
  }
  target = count;
  return std::nullopt;
}

Refused set_dialled_urls(std::vector<std::string>& target, const std::vector<std::string>& values) {
  for (const std::string& value : values) {
    const auto url = parse_web_socket_url(value);
    if (!url) return url.error();
    const auto expected = link::parse_pinned_url(value).id;
    if (expected && expected->is_zero()) {
      return "'" + value + "': behind the # stands the id of who must answer, 40 hex digits";
    }
  }
  target = values;
  return std::nullopt;
}

std::string quoted(std::string_view text) {
  if (text.empty()) return {};
  std::string result = "\"";
  for (const char letter : text) {
    if (letter == '"' || letter == '\\') result.push_back('\\');
    result.push_back(letter);
  }
  return result + "\"";
}

std::string quoted(const std::vector<std::string>& texts) {
  std::string result = "[";
  for (const std::string& text : texts) result += (result.size() > 1 ? ", " : "") + quoted(text);
  return result + "]";
}

std::string on_off(bool value) { return value ? "\"on\"" : "\"off\""; }

std::string true_false(bool value) { return value ? "true" : "false"; }

}  // namespace trestle::host
