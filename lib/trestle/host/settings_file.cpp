#include "trestle/host/settings_file.hpp"

// The only file that includes toml++.
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <utility>

#include <toml++/toml.h>

namespace trestle::host {
namespace {

std::optional<std::string> text_of(const toml::node& node) {
  if (const auto text = node.value_exact<std::string>()) return *text;
  if (const auto flag = node.value_exact<bool>()) return *flag ? "true" : "false";
  if (const auto number = node.value_exact<std::int64_t>()) return std::to_string(*number);
  return std::nullopt;
}

/// `node.toml:3:10`, as compilers write it and editors jump to.
std::string place_of(const std::string& path, const toml::source_region& region) {
  return path + ":" + std::to_string(region.begin.line) + ":" + std::to_string(region.begin.column);
}

constexpr std::string_view kLimits = "limits";

/// The table of limits is the setting `limit`, once for each of its lines, from the top of the
/// file.
std::optional<std::string> read_limits(const std::string& path, const toml::table& limits,
                                       GivenSetting& given) {
  std::vector<std::pair<toml::source_position, std::string>> lines;
  for (const auto& [key, node] : limits) {
    const auto number = node.value_exact<std::int64_t>();
    if (!number) return place_of(path, node.source()) + ": a limit is a whole number";
    lines.emplace_back(key.source().begin, std::string(key.str()) + "=" + std::to_string(*number));
  }
  std::sort(lines.begin(), lines.end());
  given.name = "limit";
  for (auto& [begin, line] : lines) {
    given.values.push_back(std::move(line));
    given.value_places.push_back(place_of(path, {begin, begin, nullptr}));
  }
  return std::nullopt;
}

}  // namespace

Result<std::vector<GivenSetting>, std::string> read_settings_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return refuse("cannot read " + path + ": " + std::strerror(errno));
  const std::string content{std::istreambuf_iterator<char>(file), {}};
  if (file.bad()) return refuse("cannot read " + path);

  toml::table table;
  try {
    table = toml::parse(content, path);
  } catch (const toml::parse_error& error) {
    std::ostringstream sentence;
    sentence << place_of(path, error.source()) << ": " << error.description();
    return refuse(sentence.str());
  }
  std::vector<std::pair<toml::source_position, GivenSetting>> found;
  for (const auto& [key, node] : table) {
    GivenSetting given{std::string(key.str()), {}, place_of(path, key.source()), {}};
    if (const toml::table* limits = node.as_table(); limits != nullptr && given.name == kLimits) {
      if (auto refused = read_limits(path, *limits, given)) return refuse(std::move(*refused));
    } else if (const toml::array* list = node.as_array()) {
      for (const toml::node& element : *list) {
        const auto text = text_of(element);
        const std::string place = place_of(path, element.source());
        if (!text) return refuse(place + ": a list holds texts only");
        given.values.push_back(*text);
        given.value_places.push_back(place);
      }
    } else if (const auto text = text_of(node)) {
      given.values.push_back(*text);
      given.value_places.push_back(place_of(path, node.source()));
    } else {
      return refuse(place_of(path, node.source()) + ": '" + given.name +
                    "' is neither a text, a switch nor a list of texts");
    }
    found.emplace_back(key.source().begin, std::move(given));
  }
  // A table is kept by name; people read a file from its top.
  std::sort(found.begin(), found.end(),
            [](const auto& one, const auto& other) { return one.first < other.first; });
  std::vector<GivenSetting> settings;
  for (auto& [position, given] : found) settings.push_back(std::move(given));
  return settings;
}

}  // namespace trestle::host
