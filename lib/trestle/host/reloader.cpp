#include "trestle/host/reloader.hpp"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "trestle/host/clock.hpp"
#include "trestle/host/settings_reading.hpp"
#include "trestle/host/weaker_modes.hpp"
#include "trestle/node/options.hpp"

namespace trestle::host {
namespace {

std::string listed(const std::vector<std::string_view>& names) {
  std::string text;
  for (const std::string_view name : names) text += (text.empty() ? "" : ", ") + std::string(name);
  return text;
}

}  // namespace

Reloader::Reloader(CommandLine line, Settings settings, std::size_t connections_ceiling, Tls& tls,
                   Runner& runner, Log& log)
    : line_(std::move(line)),
      settings_(std::move(settings)),
      connections_ceiling_(connections_ceiling),
      tls_(tls),
      runner_(runner),
      log_(log) {}

void Reloader::reload() {
  const Instant now = steady_now();
  auto reading = read_everything(settings_.kind, line_);
  if (!reading) {
    return log_.write(now, {LogLevel::error,
                            "host.reload",
                            ErrorCode::invalid_request,
                            {},
                            "refused, everything stays as it was: " + reading.error()});
  }
  for (const std::string& warning : reading->warnings) {
    log_.write(now, {LogLevel::warning, "host.settings", ErrorCode::none, {}, warning});
  }
  const std::string sentence = apply(std::move(reading->settings), std::move(reading->tls));
  log_.write(now, {LogLevel::info, "host.reload", ErrorCode::none, {}, sentence});
}

std::string Reloader::apply(Settings fresh, TlsMaterial material) {
  ChangedSettings changed = compare(settings_, fresh);
  const bool accepts_tls = !fresh.tls.certificate.empty();
  if (accepts_tls != tls_.accepts()) {
    // The listener speaks TLS or it does not; both are decided when it is opened.
    std::erase(changed.applied, "tls-cert");
    std::erase(changed.applied, "tls-key");
    changed.needs_restart.insert(changed.needs_restart.end(), {"tls-cert", "tls-key"});
    fresh.tls.certificate = settings_.tls.certificate;
    fresh.tls.key = settings_.tls.key;
  }
  if (fresh.network_keys.empty() && !settings_.network_keys.empty()) {
    // What is under way is sealed with them, and what was sealed is to be read.
    std::erase(changed.applied, "network-key-file");
    changed.needs_restart.emplace_back("network-key-file");
    fresh.network_key_file = settings_.network_key_file;
    fresh.network_keys = settings_.network_keys;
  }
  if (fresh.bridge_secret != settings_.bridge_secret)
    changed.applied.emplace_back("the bridge secret");
  if (fresh.legacy_bridge_secret != settings_.legacy_bridge_secret)
    changed.applied.emplace_back("the old system's bridge secret");
  if (fresh.network_keys != settings_.network_keys) changed.applied.emplace_back("the network key");
  if (fresh.revocations != settings_.revocations) changed.applied.emplace_back("revocations");
  const TlsChange tls = tls_.renew(std::move(material));
  if (tls.certificate) changed.applied.emplace_back("the certificate");
  if (tls.issuers) {
    changed.applied.emplace_back("the trusted issuers");
    runner_.on_issuers_changed(tls_);
  }
  take_over(settings_, fresh);
  log_.set_level(settings_.log_level);
  runner_.overview().set_alert_thresholds(settings_.alert_thresholds);
  runner_.overview().set_weaker_modes(weaker_modes(settings_));
  runner_.limit_accepted(std::min(settings_.connections_max, connections_ceiling_),
                         settings_.connections_per_address_max);
  runner_.limit(settings_.limits.transport);
  runner_.admit_pages(PageGate(settings_.allowed_origins));
  // Also when nothing changed: it takes bridges back that were left out.
  runner_.reload(
      {settings_.bridges, settings_.bridge_mode, settings_.bridge_secret,
       settings_.legacy_bridge_secret, settings_.log_level == LogLevel::debug,
       settings_.network_keys.empty() ? std::nullopt : std::optional(settings_.network_keys),
       settings_.revocations, settings_.limits.node});

  std::string sentence =
      changed.applied.empty() ? "nothing changed" : "changed: " + listed(changed.applied);
  if (!changed.needs_restart.empty()) {
    sentence += "; needs a restart: " + listed(changed.needs_restart);
  }
  return sentence;
}

}  // namespace trestle::host
