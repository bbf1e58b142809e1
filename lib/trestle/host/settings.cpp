#include "trestle/host/settings.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <utility>

#include <sys/stat.h>

#include "trestle/host/admin_gate.hpp"
#include "trestle/host/network_key_file.hpp"
#include "trestle/host/settings_rules.hpp"

namespace trestle::host {
namespace {

/// Unregistered, neighbours of the old system's ports (8080 bootstrap, 8083 first bridge).
constexpr std::uint16_t kBootstrapPort = 8080;
constexpr std::uint16_t kBridgePort = 8083;
constexpr std::size_t kSecretBytesMax = 4096;
/// The setting that is many: each limit is shown, compared and taken over by itself.
constexpr std::string_view kLimit = "limit";

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
  for (const Rule& rule : rules()) {
    if (rule.name != given.name || !rule.is_for(settings.kind)) continue;
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

SecretReading read_network_keys(Settings& settings) {
  if (settings.network_key_file.empty()) return {};
  crypto::Suite suite;
  auto keys = read_network_key_file(suite, settings.network_key_file);
  if (!keys) return {"--network-key-file: " + settings.network_key_file + " " + keys.error(), {}};
  settings.network_keys = std::move(*keys);
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
  return (settings.tls.certificate.empty() ? "ws://" : "wss://") + to_text(shown);
}

ChangedSettings compare(const Settings& now, const Settings& fresh) {
  ChangedSettings changed;
  for (const Rule& rule : rules()) {
    if (!rule.is_for(now.kind) || rule.name == kLimit) continue;
    if (rule.show(now) == rule.show(fresh)) continue;
    (rule.change == Change::by_reload ? changed.applied : changed.needs_restart)
        .push_back(rule.name);
  }
  for (const LimitRule& limit : limit_rules()) {
    if ((limit.programs & mask(now.kind)) == 0) continue;
    if (limit.get(now.limits) == limit.get(fresh.limits)) continue;
    (limit.change == Change::by_reload ? changed.applied : changed.needs_restart)
        .push_back(limit.name);
  }
  return changed;
}

void take_over(Settings& now, const Settings& fresh) {
  for (const LimitRule& limit : limit_rules()) {
    if (limit.change == Change::by_reload) limit.set(now.limits, limit.get(fresh.limits));
  }
  now.revocation_files = fresh.revocation_files;
  now.revocations = fresh.revocations;
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
  now.network_key_file = fresh.network_key_file;
  now.network_keys = fresh.network_keys;
  now.log_level = fresh.log_level;
  now.alert_thresholds = fresh.alert_thresholds;
  now.weaker_until = fresh.weaker_until;
  now.weaker_end = fresh.weaker_end;
}

std::string to_toml(const Settings& settings) {
  std::string text = "# " + std::string(name(settings.kind)) + "\n";
  for (const Rule& rule : rules()) {
    if (!rule.is_for(settings.kind) || rule.name == kLimit) continue;
    const std::string value = rule.show(settings);
    if (!value.empty()) text += std::string(rule.name) + " = " + value + "\n";
  }
  // A table goes on to the end of the file.
  text += "\n[limits]\n";
  for (const std::string& line : limit_lines(settings.limits, mask(settings.kind))) {
    text += line + "\n";
  }
  return text;
}

std::vector<std::string_view> setting_names(ProgramKind kind) {
  std::vector<std::string_view> names;
  for (const Rule& rule : rules()) {
    if (rule.is_for(kind)) names.push_back(rule.name);
  }
  return names;
}

}  // namespace trestle::host
