#include "trestle/host/settings.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <fstream>
#include <optional>
#include <set>
#include <utility>

#include <sys/stat.h>

#include "trestle/host/admin_gate.hpp"
#include "trestle/host/lookup_words.hpp"

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

/// URLs we dial ourselves.
Refused set_dialled_urls(std::vector<std::string>& target, const std::vector<std::string>& values) {
  for (const std::string& value : values) {
    const auto url = parse_web_socket_url(value);
    if (!url) return url.error();
  }
  target = values;
  return std::nullopt;
}

/// One bridge a value; its candidate addresses are separated by commas. An address leads to one
/// bridge: what is given twice would be dialled twice, and counted under one name.
Refused set_bridges(Settings& settings, const std::vector<std::string>& values) {
  std::vector<pool::BridgeEndpoint> bridges;
  std::set<std::string> known;
  for (const std::string& value : values) {
    std::vector<std::string> urls;
    for (std::size_t begin = 0; begin <= value.size();) {
      const std::size_t end = std::min(value.find(',', begin), value.size());
      urls.push_back(value.substr(begin, end - begin));
      begin = end + 1;
      if (!known.insert(urls.back()).second) return "'" + urls.back() + "' is given twice";
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

Refused set_storage(Settings& settings, const std::string& value) {
  if (value != "disk" && value != "memory") return "'" + value + "' is neither disk nor memory";
  settings.storage = value == "disk" ? StoragePlace::disk : StoragePlace::memory;
  return std::nullopt;
}

constexpr std::pair<std::string_view, node::Platform> kPlatforms[] = {
    {"mobile", node::Platform::mobile},
    {"desktop", node::Platform::desktop},
    {"server", node::Platform::server}};

Refused set_platform(Settings& settings, const std::string& value) {
  for (const auto& [text, platform] : kPlatforms) {
    if (value == text) return settings.platform = platform, std::nullopt;
  }
  return "'" + value + "' is none of mobile, desktop, server";
}

std::string_view platform_text(node::Platform wanted) {
  for (const auto& [text, platform] : kPlatforms) {
    if (platform == wanted) return text;
  }
  return {};
}

Refused set_lookup_mode(Settings& settings, const std::string& value) {
  const auto mode = lookup_mode_of(value);
  if (!mode) return "'" + value + "' is neither iterative nor recursive";
  settings.lookup_mode = *mode;
  return std::nullopt;
}

Refused set_proximity(Settings& settings, const std::string& value) {
  bool is_on = false;
  if (auto refused = set_on_off(is_on, value)) return refused;
  settings.proximity = is_on ? dht::Proximity::by_round_trip : dht::Proximity::off;
  return std::nullopt;
}

Refused set_diversity(Settings& settings, const std::string& value) {
  if (value != "open" && value != "off") return "'" + value + "' is neither open nor off";
  settings.diversity = value == "open" ? dht::Diversity::open : dht::Diversity::off;
  return std::nullopt;
}

Refused set_bridge_mode(Settings& settings, const std::string& value) {
  if (value != "pool" && value != "stateless")
    return "'" + value + "' is neither pool nor stateless";
  settings.bridge_mode = value == "pool" ? pool::BridgeMode::pool : pool::BridgeMode::stateless;
  return std::nullopt;
}

/// The least and the most that makes sense, so that a slip of the hand is told before it runs.
struct Range {
  std::size_t min = 0;
  std::size_t max = 0;
};
/// More descriptors than Linux gives a process by default.
constexpr Range kConnections{1, 1'048'576};
/// Zero: no such bound.
constexpr Range kConnectionsPerAddress{0, 1'048'576};
// Thresholds of alerts; zero switches one off.
constexpr Range kPercent{0, 100};
constexpr Range kBridgesMin{0, 64};           ///< The most a pool can hold.
constexpr Range kMilliseconds{0, 3'600'000};  ///< An hour.
constexpr Range kMebibytes{0, 1024 * 1024};   ///< A terabyte.

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

Refused set_verification(Settings& settings, const std::string& value) {
  bool is_skipped = false;
  if (Refused refused = set_on_off(is_skipped, value)) return refused;
  settings.tls_verification = is_skipped ? TlsVerification::skipped : TlsVerification::full;
  return std::nullopt;
}

Refused set_trusted_proxies(Settings& settings, const std::vector<std::string>& values) {
  std::vector<AddressBlock> blocks;
  for (const std::string& value : values) {
    const auto block = parse_address_block(value);
    if (!block) return block.error();
    blocks.push_back(*block);
  }
  settings.trusted_proxies = std::move(blocks);
  return std::nullopt;
}

Refused set_allowed_origins(Settings& settings, const std::vector<std::string>& values) {
  std::vector<std::string> origins;
  for (const std::string& value : values) {
    auto origin = parse_web_origin(value);
    if (!origin) return origin.error();
    origins.push_back(std::move(*origin));
  }
  settings.allowed_origins = std::move(origins);
  return std::nullopt;
}

std::vector<std::string> proxy_values(const std::vector<AddressBlock>& blocks) {
  std::vector<std::string> values;
  for (const AddressBlock& block : blocks) values.push_back(to_text(block));
  return values;
}

std::vector<std::string> bridge_values(const std::vector<pool::BridgeEndpoint>& bridges) {
  std::vector<std::string> values;
  for (const pool::BridgeEndpoint& bridge : bridges) {
    std::string& value = values.emplace_back();
    for (const std::string& url : bridge.urls) value += (value.empty() ? "" : ",") + url;
  }
  return values;
}

// ---- values in the settings file's language

/// A TOML basic string; nothing for a setting that has no value.
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

std::string level_text(LogLevel level) {
  for (const auto& [text, value] : kLevels) {
    if (value == level) return quoted(text);
  }
  return {};
}

// ---- what there is

constexpr unsigned kBootstrap = 1;
constexpr unsigned kBridge = 2;
constexpr unsigned kNode = 4;
constexpr unsigned kAll = kBootstrap | kBridge | kNode;

/// Whether a setting may change while the program runs (SIGHUP).
enum class Change : std::uint8_t { by_restart, by_reload };
enum class Values : std::uint8_t { one, list };

/// One setting: this table is the only place that knows them all.
struct Rule {
  std::string_view name;
  unsigned programs;
  Values values;
  Change change;
  Refused (*set)(Settings&, const std::vector<std::string>&);
  /// In the settings file's language; empty if it has no value.
  std::string (*show)(const Settings&);
};

template <Alert alert, const Range& range>
Refused set_threshold(Settings& settings, const std::vector<std::string>& values) {
  std::size_t threshold = 0;
  if (Refused refused = set_count(threshold, values[0], range)) return refused;
  settings.alert_thresholds[index_of(alert)] = threshold;
  return std::nullopt;
}

template <Alert alert>
std::string show_threshold(const Settings& settings) {
  return std::to_string(settings.alert_thresholds[index_of(alert)]);
}

constexpr Rule kRules[] = {
    {"network-name", kAll, Values::one, Change::by_restart,
     [](Settings& s, const auto& v) { return set_text(s.network_name, v[0]); },
     [](const Settings& s) { return quoted(s.network_name); }},
    {"listen", kAll, Values::one, Change::by_restart,
     [](Settings& s, const auto& v) { return set_listen(s, v[0]); },
     [](const Settings& s) { return quoted(to_text(s.listen)); }},
    {"advertise", kAll, Values::one, Change::by_restart,
     [](Settings& s, const auto& v) { return set_advertise(s, v[0]); },
     [](const Settings& s) { return quoted(s.advertise); }},
    {"data", kAll, Values::one, Change::by_restart,
     [](Settings& s, const auto& v) { return set_text(s.data_folder, v[0]); },
     [](const Settings& s) { return quoted(s.data_folder); }},
    {"identity-passphrase-file", kAll, Values::one, Change::by_restart,
     [](Settings& s, const auto& v) { return set_text(s.identity_passphrase_file, v[0]); },
     [](const Settings& s) { return quoted(s.identity_passphrase_file); }},
    {"storage", kNode, Values::one, Change::by_restart,
     [](Settings& s, const auto& v) { return set_storage(s, v[0]); },
     [](const Settings& s) { return quoted(s.storage == StoragePlace::disk ? "disk" : "memory"); }},
    {"admin", kAll, Values::one, Change::by_restart,
     [](Settings& s, const auto& v) { return set_admin(s, v[0]); },
     [](const Settings& s) { return quoted(to_text(admin_address(s))); }},
    {"bridge", kBootstrap, Values::list, Change::by_reload,
     [](Settings& s, const auto& v) { return set_bridges(s, v); },
     [](const Settings& s) { return quoted(bridge_values(s.bridges)); }},
    {"bridge-mode", kBootstrap, Values::one, Change::by_reload,
     [](Settings& s, const auto& v) { return set_bridge_mode(s, v[0]); },
     [](const Settings& s) {
       return quoted(s.bridge_mode == pool::BridgeMode::pool ? "pool" : "stateless");
     }},
    {"bootstrap", kBridge | kNode, Values::list, Change::by_restart,
     [](Settings& s, const auto& v) { return set_dialled_urls(s.bootstrap_urls, v); },
     [](const Settings& s) { return quoted(s.bootstrap_urls); }},
    {"bridge-secret-file", kBootstrap | kBridge, Values::one, Change::by_reload,
     [](Settings& s, const auto& v) { return set_text(s.bridge_secret_file, v[0]); },
     [](const Settings& s) { return quoted(s.bridge_secret_file); }},
    {"legacy-bridge-secret-file", kBootstrap | kBridge, Values::one, Change::by_reload,
     [](Settings& s, const auto& v) { return set_text(s.legacy_bridge_secret_file, v[0]); },
     [](const Settings& s) { return quoted(s.legacy_bridge_secret_file); }},
    {"tls-cert", kAll, Values::one, Change::by_reload,
     [](Settings& s, const auto& v) { return set_text(s.tls.certificate, v[0]); },
     [](const Settings& s) { return quoted(s.tls.certificate); }},
    {"tls-key", kAll, Values::one, Change::by_reload,
     [](Settings& s, const auto& v) { return set_text(s.tls.key, v[0]); },
     [](const Settings& s) { return quoted(s.tls.key); }},
    {"tls-ca", kAll, Values::one, Change::by_reload,
     [](Settings& s, const auto& v) { return set_text(s.tls.ca, v[0]); },
     [](const Settings& s) { return quoted(s.tls.ca); }},
    {"tls-insecure-skip-verify", kAll, Values::one, Change::by_restart,
     [](Settings& s, const auto& v) { return set_verification(s, v[0]); },
     [](const Settings& s) { return true_false(s.tls_verification == TlsVerification::skipped); }},
    {"connections-max", kAll, Values::one, Change::by_reload,
     [](Settings& s, const auto& v) { return set_count(s.connections_max, v[0], kConnections); },
     [](const Settings& s) { return std::to_string(s.connections_max); }},
    {"connections-per-address", kAll, Values::one, Change::by_reload,
     [](Settings& s, const auto& v) {
       return set_count(s.connections_per_address_max, v[0], kConnectionsPerAddress);
     },
     [](const Settings& s) { return std::to_string(s.connections_per_address_max); }},
    {"trusted-proxy", kAll, Values::list, Change::by_restart,
     [](Settings& s, const auto& v) { return set_trusted_proxies(s, v); },
     [](const Settings& s) { return quoted(proxy_values(s.trusted_proxies)); }},
    {"allow-origin", kAll, Values::list, Change::by_reload,
     [](Settings& s, const auto& v) { return set_allowed_origins(s, v); },
     [](const Settings& s) { return quoted(s.allowed_origins); }},
    {"genesis", kBootstrap, Values::one, Change::by_restart,
     [](Settings& s, const auto& v) { return set_on_off(s.is_genesis, v[0]); },
     [](const Settings& s) { return true_false(s.is_genesis); }},
    {"platform", kNode, Values::one, Change::by_restart,
     [](Settings& s, const auto& v) { return set_platform(s, v[0]); },
     [](const Settings& s) { return quoted(platform_text(s.platform)); }},
    {"diversity", kBridge | kNode, Values::one, Change::by_restart,
     [](Settings& s, const auto& v) { return set_diversity(s, v[0]); },
     [](const Settings& s) {
       return quoted(s.diversity == dht::Diversity::open ? "open" : "off");
     }},
    {"lookup", kBridge | kNode, Values::one, Change::by_restart,
     [](Settings& s, const auto& v) { return set_lookup_mode(s, v[0]); },
     [](const Settings& s) { return quoted(lookup_mode_word(s.lookup_mode)); }},
    {"proximity", kBridge | kNode, Values::one, Change::by_restart,
     [](Settings& s, const auto& v) { return set_proximity(s, v[0]); },
     [](const Settings& s) { return on_off(s.proximity == dht::Proximity::by_round_trip); }},
    {"legacy", kAll, Values::one, Change::by_restart,
     [](Settings& s, const auto& v) { return set_on_off(s.serves_legacy, v[0]); },
     [](const Settings& s) { return on_off(s.serves_legacy); }},
    {"log", kAll, Values::one, Change::by_restart,
     [](Settings& s, const auto& v) { return set_log_format(s, v[0]); },
     [](const Settings& s) { return quoted(s.log_format == LogFormat::json ? "json" : "text"); }},
    {"log-level", kAll, Values::one, Change::by_reload,
     [](Settings& s, const auto& v) { return set_log_level(s, v[0]); },
     [](const Settings& s) { return level_text(s.log_level); }},
    {"trace-frames", kAll, Values::one, Change::by_restart,
     [](Settings& s, const auto& v) { return set_on_off(s.traces_frames, v[0]); },
     [](const Settings& s) { return true_false(s.traces_frames); }},
    {"admin-secret-file", kAll, Values::one, Change::by_restart,
     [](Settings& s, const auto& v) { return set_text(s.admin_secret_file, v[0]); },
     [](const Settings& s) { return quoted(s.admin_secret_file); }},
    {"metrics", kAll, Values::one, Change::by_restart,
     [](Settings& s, const auto& v) { return set_on_off(s.collects_metrics, v[0]); },
     [](const Settings& s) { return on_off(s.collects_metrics); }},
    {"alert-bridges-min", kBootstrap, Values::one, Change::by_reload,
     set_threshold<Alert::bridges, kBridgesMin>, show_threshold<Alert::bridges>},
    {"alert-queue-percent", kBootstrap | kBridge, Values::one, Change::by_reload,
     set_threshold<Alert::queue, kPercent>, show_threshold<Alert::queue>},
    {"alert-busy-percent", kBootstrap | kBridge, Values::one, Change::by_reload,
     set_threshold<Alert::busy, kPercent>, show_threshold<Alert::busy>},
    {"alert-p99-ms", kBootstrap | kBridge, Values::one, Change::by_reload,
     set_threshold<Alert::slow, kMilliseconds>, show_threshold<Alert::slow>},
    {"alert-descriptors-percent", kAll, Values::one, Change::by_reload,
     set_threshold<Alert::descriptors, kPercent>, show_threshold<Alert::descriptors>},
    {"alert-memory-mb", kAll, Values::one, Change::by_reload,
     set_threshold<Alert::memory, kMebibytes>, show_threshold<Alert::memory>},
    {"alert-refresh-percent", kNode, Values::one, Change::by_reload,
     set_threshold<Alert::refresh, kPercent>, show_threshold<Alert::refresh>},
};

/// Where the value stands that a setting is refused for: the first one without which the values
/// before it would be taken.
std::string place_of_refused(const Settings& settings, const Rule& rule,
                             const GivenSetting& given) {
  if (given.value_places.size() != given.values.size()) return given.where;
  for (std::size_t count = 1; count <= given.values.size(); ++count) {
    Settings scratch = settings;
    const std::vector<std::string> first(given.values.begin(),
                                         given.values.begin() + static_cast<std::ptrdiff_t>(count));
    if (rule.set(scratch, first)) return given.value_places[count - 1];
  }
  return given.where;
}

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
    if (rule.values == Values::one && given.values.size() != 1)
      return refuse(given.where + ": one value is wanted");
    if (const Refused error = rule.set(settings, given.values))
      return refuse(place_of_refused(settings, rule, given) + ": " + *error);
    return {};
  }
  return refuse(given.where + ": " + std::string(name(settings.kind)) + " has no setting '" +
                given.name + "'");
}

Result<void, std::string> validate(const Settings& settings) {
  const AdminAddress admin = admin_address(settings);
  if (admin.unix_path.empty() && settings.admin_secret_file.empty() &&
      !is_loopback_host(admin.tcp.host)) {
    return refuse("--admin " + to_text(admin) +
                  " can be reached from other machines: give --admin-secret-file F, or a loopback "
                  "address");
  }
  if (settings.kind != ProgramKind::bootstrap && settings.bootstrap_urls.empty()) {
    return refuse(std::string(name(settings.kind)) +
                  " needs a bootstrap node to join through: give --bootstrap URL");
  }
  if (settings.tls.certificate.empty() != settings.tls.key.empty()) {
    return refuse(std::string("--tls-cert and --tls-key belong together: give both or neither"));
  }
  return {};
}

namespace {

SecretReading read_secret(std::string_view option, const std::string& path, Bytes& secret) {
  if (path.empty()) return {};
  const std::string where = "--" + std::string(option) + ": ";
  std::ifstream file(path, std::ios::binary);
  if (!file) return {where + "cannot read " + path + ": " + std::strerror(errno), {}};
  // As far as an honest secret goes and a line's end: devices have no end.
  std::string content(kSecretBytesMax + 3, '\0');
  file.read(content.data(), static_cast<std::streamsize>(content.size()));
  content.resize(static_cast<std::size_t>(file.gcount()));
  while (!content.empty() && (content.back() == '\n' || content.back() == '\r')) content.pop_back();
  if (content.empty()) return {where + path + " is empty", {}};
  if (content.size() > kSecretBytesMax) return {where + path + " is too large", {}};
  secret = to_bytes(as_bytes(content));
  struct stat facts{};
  if (::stat(path.c_str(), &facts) == 0 && (facts.st_mode & 0077) != 0) {
    return {{}, "the secret in " + path + " is readable by others; chmod 600 it"};
  }
  return {};
}

}  // namespace

SecretReading read_bridge_secret(Settings& settings) {
  return read_secret("bridge-secret-file", settings.bridge_secret_file, settings.bridge_secret);
}

SecretReading read_legacy_bridge_secret(Settings& settings) {
  constexpr std::string_view kOption = "legacy-bridge-secret-file";
  SecretReading reading =
      read_secret(kOption, settings.legacy_bridge_secret_file, settings.legacy_bridge_secret);
  const Bytes& secret = settings.legacy_bridge_secret;
  if (reading.error.empty() && !secret.empty() && secret == settings.bridge_secret) {
    reading.error = "--" + std::string(kOption) +
                    ": holds the same secret as --bridge-secret-file, but the old system shows it "
                    "in clear; give the new bridges another one";
  }
  return reading;
}

SecretReading read_admin_secret(Settings& settings) {
  return read_secret("admin-secret-file", settings.admin_secret_file, settings.admin_secret);
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
  return (settings.tls.certificate.empty() ? "ws://" : "wss://") + to_text(shown);
}

ChangedSettings compare(const Settings& now, const Settings& fresh) {
  ChangedSettings changed;
  for (const Rule& rule : kRules) {
    if ((rule.programs & mask(now.kind)) == 0 || rule.show(now) == rule.show(fresh)) continue;
    (rule.change == Change::by_reload ? changed.applied : changed.needs_restart)
        .push_back(rule.name);
  }
  return changed;
}

void take_over(Settings& now, const Settings& fresh) {
  now.bridges = fresh.bridges;
  now.bridge_mode = fresh.bridge_mode;
  now.bridge_secret_file = fresh.bridge_secret_file;
  now.bridge_secret = fresh.bridge_secret;
  now.legacy_bridge_secret_file = fresh.legacy_bridge_secret_file;
  now.legacy_bridge_secret = fresh.legacy_bridge_secret;
  now.tls = fresh.tls;
  now.connections_max = fresh.connections_max;
  now.allowed_origins = fresh.allowed_origins;
  now.connections_per_address_max = fresh.connections_per_address_max;
  now.log_level = fresh.log_level;
  now.alert_thresholds = fresh.alert_thresholds;
}

std::string to_toml(const Settings& settings) {
  std::string text = "# " + std::string(name(settings.kind)) + "\n";
  for (const Rule& rule : kRules) {
    if ((rule.programs & mask(settings.kind)) == 0) continue;
    const std::string value = rule.show(settings);
    if (!value.empty()) text += std::string(rule.name) + " = " + value + "\n";
  }
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
