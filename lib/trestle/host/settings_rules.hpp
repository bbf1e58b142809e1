#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "trestle/host/settings.hpp"
#include "trestle/host/settings_programs.hpp"
#include "trestle/host/settings_values.hpp"

namespace trestle::host {

enum class Values : std::uint8_t { one, list };

Programs mask(ProgramKind kind);

/// One setting.
struct Rule {
  std::string_view name;
  Programs programs;
  Values values;
  Change change;
  Refused (*set)(Settings&, const std::vector<std::string>&);
  /// In the settings file's language; empty if it has no value.
  std::string (*show)(const Settings&);

  bool is_for(ProgramKind kind) const;
};

/// All settings of all programs: this table is the only place that knows them all.
std::span<const Rule> rules();

}  // namespace trestle::host
