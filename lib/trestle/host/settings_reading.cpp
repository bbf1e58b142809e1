#include "trestle/host/settings_reading.hpp"

#include <utility>

#include "trestle/host/settings_file.hpp"

namespace trestle::host {

Result<Settings, std::string> read_settings(ProgramKind kind, const CommandLine& line) {
  Settings settings = default_settings(kind);
  std::vector<GivenSetting> given;
  if (!line.config_file.empty()) {
    auto file = read_settings_file(line.config_file);
    if (!file) return refuse(std::move(file.error()));
    given = std::move(*file);
  }
  given.insert(given.end(), line.given.begin(), line.given.end());
  for (const GivenSetting& setting : given) {
    if (auto applied = apply(settings, setting); !applied)
      return refuse(std::move(applied.error()));
  }
  return settings;
}

Result<Reading, std::string> read_everything(ProgramKind kind, const CommandLine& line) {
  auto settings = read_settings(kind, line);
  if (!settings) return refuse(std::move(settings.error()));
  Reading reading{std::move(*settings), {}, {}};
  if (auto valid = validate(reading.settings); !valid) return refuse(std::move(valid.error()));
  SecretReading secret = read_bridge_secret(reading.settings);
  if (!secret.error.empty()) return refuse(std::move(secret.error));
  SecretReading legacy_secret = read_legacy_bridge_secret(reading.settings);
  if (!legacy_secret.error.empty()) return refuse(std::move(legacy_secret.error));
  SecretReading admin_secret = read_admin_secret(reading.settings);
  if (!admin_secret.error.empty()) return refuse(std::move(admin_secret.error));
  auto tls = read_tls_files(reading.settings.tls);
  if (!tls) return refuse(std::move(tls.error()));
  reading.tls = std::move(*tls);
  for (const std::string& warning :
       {secret.warning, legacy_secret.warning, admin_secret.warning, reading.tls.warning}) {
    if (!warning.empty()) reading.warnings.push_back(warning);
  }
  if (reading.settings.tls_verification == TlsVerification::skipped) {
    reading.warnings.emplace_back(
        "--tls-insecure-skip-verify: whoever answers a dial is believed; for tests only");
  }
  return reading;
}

}  // namespace trestle::host
