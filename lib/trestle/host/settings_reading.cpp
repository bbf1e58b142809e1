#include "trestle/host/settings_reading.hpp"

#include <utility>

#include "trestle/host/admission_files.hpp"
#include "trestle/host/settings_file.hpp"
#include "trestle/host/weaker_modes.hpp"

namespace trestle::host {

namespace {

/// What was given in the file, then on the command line, in force in this order.
Result<std::vector<GivenSetting>, std::string> read_given(const CommandLine& line) {
  std::vector<GivenSetting> given;
  if (!line.config_file.empty()) {
    auto file = read_settings_file(line.config_file);
    if (!file) return refuse(std::move(file.error()));
    given = std::move(*file);
  }
  given.insert(given.end(), line.given.begin(), line.given.end());
  return given;
}

/// All refusals, one a line: whoever corrects a file wants to know everything at once.
Result<Settings, std::string> apply_all(ProgramKind kind, const std::vector<GivenSetting>& given) {
  Settings settings = default_settings(kind);
  std::string refusals;
  for (const GivenSetting& setting : given) {
    if (const auto applied = apply(settings, setting); !applied) {
      refusals += (refusals.empty() ? "" : "\n") + applied.error();
    }
  }
  if (!refusals.empty()) return refuse(std::move(refusals));
  return settings;
}

Result<Reading, std::string> read_files(Settings&& settings) {
  Reading reading{std::move(settings), {}, {}};
  if (auto valid = validate(reading.settings); !valid) return refuse(std::move(valid.error()));
  SecretReading secret = read_bridge_secret(reading.settings);
  if (!secret.error.empty()) return refuse(std::move(secret.error));
  SecretReading legacy_secret = read_legacy_bridge_secret(reading.settings);
  if (!legacy_secret.error.empty()) return refuse(std::move(legacy_secret.error));
  SecretReading admin_secret = read_admin_secret(reading.settings);
  if (!admin_secret.error.empty()) return refuse(std::move(admin_secret.error));
  const SecretReading network_keys = read_network_keys(reading.settings);
  if (!network_keys.error.empty()) return refuse(network_keys.error);
  auto lists = read_revocations(reading.settings.data_folder, reading.settings.revocation_files);
  if (!lists) return refuse(std::move(lists.error()));
  reading.settings.revocations = std::move(*lists);
  auto tls = read_tls_files(reading.settings.tls);
  if (!tls) return refuse(std::move(tls.error()));
  reading.tls = std::move(*tls);
  for (const std::string& warning :
       {secret.warning, legacy_secret.warning, admin_secret.warning, reading.tls.warning}) {
    if (!warning.empty()) reading.warnings.push_back(warning);
  }
  for (std::string& warning : weaker_warnings(reading.settings)) {
    reading.warnings.push_back(std::move(warning));
  }
  return reading;
}

/// A sentence that begins with an option gets the place in front where the option was given in a
/// file.
std::string with_place(std::string sentence, const std::vector<GivenSetting>& given) {
  for (auto setting = given.rbegin(); setting != given.rend(); ++setting) {
    const std::string option = "--" + setting->name;
    const bool is_named = sentence.starts_with(option) &&
                          (sentence.size() == option.size() || sentence[option.size()] == ':' ||
                           sentence[option.size()] == ' ');
    if (!is_named) continue;
    if (setting->value_places.empty()) break;
    return setting->value_places.front() + ": " + sentence;
  }
  return sentence;
}

}  // namespace

Result<Settings, std::string> read_settings(ProgramKind kind, const CommandLine& line) {
  auto given = read_given(line);
  if (!given) return refuse(std::move(given.error()));
  return apply_all(kind, *given);
}

Result<Reading, std::string> read_everything(ProgramKind kind, const CommandLine& line) {
  const auto given = read_given(line);
  if (!given) return refuse(given.error());
  auto settings = apply_all(kind, *given);
  if (!settings) return refuse(std::move(settings.error()));
  auto reading = read_files(std::move(*settings));
  if (!reading) return refuse(with_place(std::move(reading.error()), *given));
  return reading;
}

}  // namespace trestle::host
