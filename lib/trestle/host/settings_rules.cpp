#include "trestle/host/settings_rules.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "trestle/host/admin_gate.hpp"
#include "trestle/host/admission_reading.hpp"
#include "trestle/host/calendar_word.hpp"
#include "trestle/host/lookup_words.hpp"
#include "trestle/link/pinned_url.hpp"

namespace trestle::host {
namespace {

/// Each may have a full list of revocations.
constexpr std::size_t kFoundersMax = 8;

/// Whether two candidates of one bridge name different ids.
bool names_two(const pool::BridgeEndpoint& bridge) {
  std::set<NodeId> ids;
  for (const std::string& url : bridge.urls) {
    if (const auto id = link::parse_pinned_url(url).id) ids.insert(*id);
  }
  return ids.size() > 1;
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
      const std::string address(link::without_pin(urls.back()));
      if (!known.insert(address).second) return "'" + urls.back() + "' is given twice";
    }
    pool::BridgeEndpoint bridge;
    if (Refused refused = set_dialled_urls(bridge.urls, urls)) return refused;
    if (names_two(bridge)) return "'" + value + "' names two ids for one bridge";
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
  if (link::without_pin(value) != value) return "'" + value + "': who answers there proves its id";
  settings.advertise = value;
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

/// The date as it was given, and what it means.
Refused set_date(std::string& word, WallTime& date, const std::string& value) {
  const auto until = calendar_time_of(value);
  if (!until) return "'" + value + "' is no date in UTC: 2027-01-31, 2027-01-31T18:30:00Z";
  word = value;
  date = *until;
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

Refused set_admission(Settings& settings, const std::string& value) {
  if (value != "invitation" && value != "open") {
    return "'" + value + "' is neither invitation nor open";
  }
  settings.admission = value == "open" ? node::Admission::open : node::Admission::invitation;
  return std::nullopt;
}

Refused set_files(std::vector<std::string>& target, const std::vector<std::string>& values) {
  for (const std::string& value : values) {
    if (value.empty()) return std::string("it must not be empty");
  }
  target = values;
  return std::nullopt;
}

Refused set_founders(Settings& settings, const std::vector<std::string>& values) {
  std::vector<crypto::Ed25519Key> founders;
  for (const std::string& value : values) {
    const auto founder = parse_founder(value);
    if (!founder) return founder.error();
    founders.push_back(*founder);
  }
  if (founders.size() > kFoundersMax) return std::string("a network has at most eight founders");
  settings.founders = std::move(founders);
  return std::nullopt;
}

std::vector<std::string> founder_values(const std::vector<crypto::Ed25519Key>& founders) {
  std::vector<std::string> values;
  for (const crypto::Ed25519Key& founder : founders) values.push_back(to_hex(founder.bytes));
  return values;
}

Refused set_bridge_mode(Settings& settings, const std::string& value) {
  if (value != "pool" && value != "stateless")
    return "'" + value + "' is neither pool nor stateless";
  settings.bridge_mode = value == "pool" ? pool::BridgeMode::pool : pool::BridgeMode::stateless;
  return std::nullopt;
}

Refused set_verification(Settings& settings, const std::string& value) {
  bool is_skipped = false;
  if (Refused refused = set_on_off(is_skipped, value)) return refused;
  settings.tls_verification = is_skipped ? TlsVerification::skipped : TlsVerification::full;
  return std::nullopt;
}

Refused set_transport(Settings& settings, const std::string& value) {
  if (value != "library" && value != "raw") return "'" + value + "' is neither library nor raw";
  settings.transport = value == "raw" ? TransportKind::raw : TransportKind::library;
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

std::string level_text(LogLevel level) {
  for (const auto& [text, value] : kLevels) {
    if (value == level) return quoted(text);
  }
  return {};
}

/// More descriptors than Linux gives a process by default.
constexpr Range kConnections{1, 1'048'576};
/// Zero: none beside the core's. More would have no bridge to hold (a pool has at most 64), and
/// each takes descriptors and memory whether it has work or not.
constexpr Range kThreads{0, 64};
/// Zero: no such bound.
constexpr Range kConnectionsPerAddress{0, 1'048'576};
// Thresholds of alerts; zero switches one off.
constexpr Range kPercent{0, 100};
constexpr Range kBridgesMin{0, 64};           ///< The most a pool can hold.
constexpr Range kMilliseconds{0, 3'600'000};  ///< An hour.
constexpr Range kDays{0, 366};
constexpr Range kMebibytes{0, 1024 * 1024};  ///< A terabyte.

Refused set_memory_budget(Settings& settings, const std::string& value) {
  std::size_t mebibytes = 0;
  if (Refused refused = set_count(mebibytes, value, kMebibytes)) return refused;
  settings.memory_budget_mib = mebibytes;
  return std::nullopt;
}

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

// ---- what there is

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
    {"admission", kAll, Values::one, Change::by_restart,
     [](Settings& s, const auto& v) { return set_admission(s, v[0]); },
     [](const Settings& s) {
       return quoted(s.admission == node::Admission::open ? "open" : "invitation");
     }},
    {"founder", kAll, Values::list, Change::by_restart,
     [](Settings& s, const auto& v) { return set_founders(s, v); },
     [](const Settings& s) { return quoted(founder_values(s.founders)); }},
    {"invitation", kNode, Values::one, Change::by_restart,
     [](Settings& s, const auto& v) { return set_text(s.invitation, v[0]); },
     [](const Settings& s) { return quoted(s.invitation); }},
    {"revocations", kAll, Values::list, Change::by_reload,
     [](Settings& s, const auto& v) { return set_files(s.revocation_files, v); },
     [](const Settings& s) { return quoted(s.revocation_files); }},
    {"bridge", kBootstrap, Values::list, Change::by_reload,
     [](Settings& s, const auto& v) { return set_bridges(s, v); },
     [](const Settings& s) { return quoted(bridge_values(s.bridges)); }},
    {"bridge-mode", kBootstrap, Values::one, Change::by_reload,
     [](Settings& s, const auto& v) { return set_bridge_mode(s, v[0]); },
     [](const Settings& s) {
       return quoted(s.bridge_mode == pool::BridgeMode::pool ? "pool" : "stateless");
     }},
    {"bootstrap", kMembers, Values::list, Change::by_restart,
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
    {"transport", kAll, Values::one, Change::by_restart,
     [](Settings& s, const auto& v) { return set_transport(s, v[0]); },
     [](const Settings& s) {
       return quoted(s.transport == TransportKind::raw ? "raw" : "library");
     }},
    {"threads", kAll, Values::one, Change::by_restart,
     [](Settings& s, const auto& v) { return set_count(s.threads, v[0], kThreads); },
     [](const Settings& s) { return std::to_string(s.threads); }},
    {"connections-max", kAll, Values::one, Change::by_reload,
     [](Settings& s, const auto& v) { return set_count(s.connections_max, v[0], kConnections); },
     [](const Settings& s) { return std::to_string(s.connections_max); }},
    {"connections-per-address", kAll, Values::one, Change::by_reload,
     [](Settings& s, const auto& v) {
       return set_count(s.connections_per_address_max, v[0], kConnectionsPerAddress);
     },
     [](const Settings& s) { return std::to_string(s.connections_per_address_max); }},
    {"limit", kAll, Values::list, Change::by_restart,
     [](Settings& s, const auto& v) { return set_limits(s.limits, mask(s.kind), v); },
     [](const Settings& s) { return quoted(limit_lines(s.limits, mask(s.kind))); }},
    {"memory-budget", kAll, Values::one, Change::by_restart,
     [](Settings& s, const auto& v) { return set_memory_budget(s, v[0]); },
     [](const Settings& s) {
       return s.memory_budget_mib ? std::to_string(*s.memory_budget_mib) : std::string();
     }},
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
    {"diversity", kMembers, Values::one, Change::by_restart,
     [](Settings& s, const auto& v) { return set_diversity(s, v[0]); },
     [](const Settings& s) {
       return quoted(s.diversity == dht::Diversity::open ? "open" : "off");
     }},
    {"lookup", kMembers, Values::one, Change::by_restart,
     [](Settings& s, const auto& v) { return set_lookup_mode(s, v[0]); },
     [](const Settings& s) { return quoted(lookup_mode_word(s.lookup_mode)); }},
    {"proximity", kMembers, Values::one, Change::by_restart,
     [](Settings& s, const auto& v) { return set_proximity(s, v[0]); },
     [](const Settings& s) { return on_off(s.proximity == dht::Proximity::by_round_trip); }},
    {"network-key-file", kBridge | kNode, Values::one, Change::by_reload,
     [](Settings& s, const auto& v) { return set_text(s.network_key_file, v[0]); },
     [](const Settings& s) { return quoted(s.network_key_file); }},
    {"accept-plaintext-until", kNode, Values::one, Change::by_restart,
     [](Settings& s, const auto& v) {
       return set_date(s.accept_plaintext_until, s.plain_until, v[0]);
     },
     [](const Settings& s) { return quoted(s.accept_plaintext_until); }},
    {"legacy", kAll, Values::one, Change::by_restart,
     [](Settings& s, const auto& v) { return set_on_off(s.serves_legacy, v[0]); },
     [](const Settings& s) { return on_off(s.serves_legacy); }},
    {"weaker-until", kAll, Values::one, Change::by_reload,
     [](Settings& s, const auto& v) { return set_date(s.weaker_until, s.weaker_end, v[0]); },
     [](const Settings& s) { return quoted(s.weaker_until); }},
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
    {"alert-weaker-days", kAll, Values::one, Change::by_reload, set_threshold<Alert::weaker, kDays>,
     show_threshold<Alert::weaker>},
};

}  // namespace

Programs mask(ProgramKind kind) {
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

bool Rule::is_for(ProgramKind kind) const { return (programs & mask(kind)) != 0; }

std::span<const Rule> rules() { return kRules; }

}  // namespace trestle::host
