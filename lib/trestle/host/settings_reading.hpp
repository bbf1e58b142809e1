#pragma once

#include <string>
#include <vector>

#include "trestle/base/result.hpp"
#include "trestle/host/command_line.hpp"
#include "trestle/host/settings.hpp"
#include "trestle/host/tls_material.hpp"

namespace trestle::host {

/// Everything a program is told, read from all its places and found good as a whole.
struct Reading {
  Settings settings;  ///< With the bridge secret.
  TlsMaterial tls;
  std::vector<std::string> warnings;
};

/// Defaults, then the settings file, then the command line. Error: a sentence that names the place,
/// for each setting that is refused.
Result<Settings, std::string> read_settings(ProgramKind kind, const CommandLine& line);

/// The same, and the files that the settings name.
Result<Reading, std::string> read_everything(ProgramKind kind, const CommandLine& line);

}  // namespace trestle::host
