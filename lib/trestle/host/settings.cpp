#include "trestle/host/settings.hpp"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <iterator>
#include <optional>
#include <utility>

#include <sys/stat.h>

namespace trestle::host {
namespace {

/// Unregistered, neighbours of the old system's ports (8080 bootstrap, 8083 first bridge).
constexpr std::uint16_t kBootstrapPort = 8080;
constexpr std::uint16_t kBridgePort = 8083;
constexpr std::size_t kSecretBytesMax = 4096;

using Refused = std::optional<std::string>;

Refused set_on_off(bool& target, const std::string& value) {
  if (value == "on" || value == "true") return target = true, std::nullopt;
  if (value == "off" || value == "false") return target = false, std::nullopt;
  return "'" + value + "' is neither on nor off";
}

/// URLs we dial ourselves: TLS towards peers is not built into these programs.
Refused set_dialled_urls(std::vector<std::string>& target, const std::vector<std::string>& values) {
  for (const std::string& value : values) {
    const auto url = parse_web_socket_url(value);
    if (!url) return url.error();
    if (url->is_secure) return "'" + value + "' cannot be dialled: this build dials ws:// only";
  }
  target = values;
  return std::nullopt;
}

/// One bridge a value; its candidate addresses are separated by commas.
Refused set_bridges(Settings& settings, const std::vector<std::string>& values) {
  std::vector<pool::BridgeEndpoint> bridges;
  for (const std::string& value : values) {
    std::vector<std::string> urls;
    for (std::size_t begin = 0; begin <= value.size();) {
      const std::size_t end = std::min(value.find(',', begin), value.size());
      urls.push_back(value.substr(begin, end - begin));
      begin = end + 1;
    }
    pool::BridgeEndpoint bridge;
    if (Refused refused = set_dialled_urls(bridge.urls, urls)) return refused;
    bridges.push_back(std::move(bridge));
  }
  settings.bridges = std::move(bridges);
  return std::nullopt;
}

Refused set_listen(Settings& settings, const std::string& value) {
  const auto address = parse_host_port(value);
  if (!address) return address.error();
  settings.listen = *address;
  return std::nullopt;
}

Refused set_admin(Settings& settings, const std::string& value) {
  const auto address = parse_admin_address(value);
  if (!address) return address.error();
  settings.admin = *address;
  return std::nullopt;
}

Refused set_advertise(Settings& settings, const std::string& value) {
  const auto url = parse_web_socket_url(value);
  if (!url) return url.error();
  settings.advertise = value;
  return std::nullopt;
}

Refused set_text(std::string& target, const std::string& value) {
  if (value.empty()) return std::string("it must not be empty");
  target = value;
  return std::nullopt;
}

Refused set_log_format(Settings& settings, const std::string& value) {
  if (value != "text" && value != "json") return "'" + value + "' is neither text nor json";
  settings.log_format = value == "json" ? LogFormat::json : LogFormat::text;
  return std::nullopt;
}

constexpr std::pair<std::string_view, LogLevel> kLevels[] = {{"debug", LogLevel::debug},
                                                             {"info", LogLevel::info},
                                                             {"warning", LogLevel::warning},
                                                             {"error", LogLevel::error}};

Refused set_log_level(Settings& settings, const std::string& value) {
  for (const auto& [text, level] : kLevels) {
    if (value == text) return settings.log_level = level, std::nullopt;
  }
  return "'" + value + "' is none of debug, info, warning, error";
}

constexpr unsigned kBootstrap = 1;
constexpr unsigned kBridge = 2;
constexpr unsigned kNode = 4;
constexpr unsigned kAll = kBootstrap | kBridge | kNode;

struct Rule {
  std::string_view name;
  unsigned programs;
  bool is_list;
  Refused (*set)(Settings&, const std::vector<std::string>&);
};

std::vector<std::string> bridge_values(const std::vector<pool::BridgeEndpoint>& bridges) {
  std::vector<std::string> values;
  for (const pool::BridgeEndpoint& bridge : bridges) {
    std::string& value = values.emplace_back();
    for (const std::string& url : bridge.urls) value += (value.empty() ? "" : ",") + url;
  }
  return values;
}

constexpr Rule kRules[] = {
    {"network-name", kAll, false,
     [](Settings& s, const auto& v) { return set_text(s.network_name, v[0]); }},
    {"listen", kAll, false, [](Settings& s, const auto& v) { return set_listen(s, v[0]); }},
    {"advertise", kAll, false, [](Settings& s, const auto& v) { return set_advertise(s, v[0]); }},
    {"data", kAll, false, [](Settings& s, const auto& v) { return set_text(s.data_folder, v[0]); }},
    {"admin", kAll, false, [](Settings& s, const auto& v) { return set_admin(s, v[0]); }},
    {"bridge", kBootstrap, true, [](Settings& s, const auto& v) { return set_bridges(s, v); }},
    {"bootstrap", kBridge | kNode, true,
     [](Settings& s, const auto& v) { return set_dialled_urls(s.bootstrap_urls, v); }},
    {"bridge-secret-file", kBootstrap | kBridge, false,
     [](Settings& s, const auto& v) { return set_text(s.bridge_secret_file, v[0]); }},
    {"genesis", kBootstrap, false,
     [](Settings& s, const auto& v) { return set_on_off(s.is_genesis, v[0]); }},
    {"legacy", kAll, false,
     [](Settings& s, const auto& v) { return set_on_off(s.serves_legacy, v[0]); }},
    {"log", kAll, false, [](Settings& s, const auto& v) { return set_log_format(s, v[0]); }},
    {"log-level", kAll, false, [](Settings& s, const auto& v) { return set_log_level(s, v[0]); }},
    {"trace-frames", kAll, false,
     [](Settings& s, const auto& v) { return set_on_off(s.traces_frames, v[0]); }},
};

unsigned mask(ProgramKind kind) {
  switch (kind) {
    case ProgramKind::bootstrap:
      return kBootstrap;
    case ProgramKind::bridge:
      return kBridge;
    case ProgramKind::node:
      return kNode;
  }
  return 0;
}

/// A TOML basic string.
std::string quoted(std::string_view text) {
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

}  // namespace

std::string_view name(ProgramKind kind) {
  switch (kind) {
    case ProgramKind::bootstrap:
      return "bootstrap-node";
    case ProgramKind::bridge:
      return "bridge-node";
    case ProgramKind::node:
      return "dht-node";
  }
  return "";
}

Settings default_settings(ProgramKind kind) {
  Settings settings;
  settings.kind = kind;
  settings.data_folder = std::string(name(kind)) + ".data";
  settings.listen = {"0.0.0.0", 0};
  if (kind == ProgramKind::bootstrap) settings.listen.port = kBootstrapPort;
  if (kind == ProgramKind::bridge) settings.listen.port = kBridgePort;
  return settings;
}

Result<void, std::string> apply(Settings& settings, const GivenSetting& given) {
  for (const Rule& rule : kRules) {
    if (rule.name != given.name || (rule.programs & mask(settings.kind)) == 0) continue;
    if (!rule.is_list && given.values.size() != 1)
      return refuse(given.where + ": one value is wanted");
    if (const Refused error = rule.set(settings, given.values))
      return refuse(given.where + ": " + *error);
    return {};
  }
  return refuse(given.where + ": " + std::string(name(settings.kind)) + " has no setting '" +
                given.name + "'");
}

Result<void, std::string> validate(const Settings& settings) {
  if (settings.kind != ProgramKind::bootstrap && settings.bootstrap_urls.empty()) {
    return refuse(std::string(name(settings.kind)) +
                  " needs a bootstrap node to join through: give --bootstrap URL");
  }
  return {};
}

SecretReading read_bridge_secret(Settings& settings) {
  const std::string& path = settings.bridge_secret_file;
  if (path.empty()) return {};
  std::ifstream file(path, std::ios::binary);
  if (!file) return {"--bridge-secret-file: cannot read " + path + ": " + std::strerror(errno), {}};
  std::string content{std::istreambuf_iterator<char>(file), {}};
  while (!content.empty() && (content.back() == '\n' || content.back() == '\r')) content.pop_back();
  if (content.empty()) return {"--bridge-secret-file: " + path + " is empty", {}};
  if (content.size() > kSecretBytesMax)
    return {"--bridge-secret-file: " + path + " is too large", {}};
  settings.bridge_secret = to_bytes(as_bytes(content));
  struct stat facts{};
  if (::stat(path.c_str(), &facts) == 0 && (facts.st_mode & 0077) != 0) {
    return {{}, "the bridge secret in " + path + " is readable by others; chmod 600 it"};
  }
  return {};
}

AdminAddress admin_address(const Settings& settings) {
  if (settings.admin) return *settings.admin;
  return {settings.data_folder + "/admin.sock", {}};
}

bool advertises_a_guess(const Settings& settings) {
  return settings.advertise.empty() &&
         (settings.listen.host == "0.0.0.0" || settings.listen.host == "::");
}

std::string advertised_url(const Settings& settings, const HostPort& real) {
  if (!settings.advertise.empty()) return settings.advertise;
  HostPort shown = real;
  if (shown.host == "0.0.0.0" || shown.host == "localhost") shown.host = "127.0.0.1";
  if (shown.host == "::") shown.host = "::1";
  return "ws://" + to_text(shown);
}

std::string to_toml(const Settings& settings) {
  const auto on_off = [](bool value) { return std::string(value ? "\"on\"" : "\"off\""); };
  const auto level = std::find_if(std::begin(kLevels), std::end(kLevels), [&](const auto& entry) {
    return entry.second == settings.log_level;
  });
  const unsigned program = mask(settings.kind);
  std::string text = "# " + std::string(name(settings.kind)) + "\n";
  const auto line = [&](std::string_view key, const std::string& value) {
    text += std::string(key) + " = " + value + "\n";
  };
  line("network-name", quoted(settings.network_name));
  line("listen", quoted(to_text(settings.listen)));
  if (!settings.advertise.empty()) line("advertise", quoted(settings.advertise));
  line("data", quoted(settings.data_folder));
  line("admin", quoted(to_text(admin_address(settings))));
  if ((program & kBootstrap) != 0) line("bridge", quoted(bridge_values(settings.bridges)));
  if ((program & kBootstrap) == 0) line("bootstrap", quoted(settings.bootstrap_urls));
  if (!settings.bridge_secret_file.empty())
    line("bridge-secret-file", quoted(settings.bridge_secret_file));
  if ((program & kBootstrap) != 0) line("genesis", settings.is_genesis ? "true" : "false");
  line("legacy", on_off(settings.serves_legacy));
  line("log", settings.log_format == LogFormat::json ? "\"json\"" : "\"text\"");
  line("log-level", quoted(level->first));
  line("trace-frames", settings.traces_frames ? "true" : "false");
  return text;
}

std::vector<std::string_view> setting_names(ProgramKind kind) {
  std::vector<std::string_view> names;
  for (const Rule& rule : kRules) {
    if ((rule.programs & mask(kind)) != 0) names.push_back(rule.name);
  }
  return names;
}

}  // namespace trestle::host
