#pragma once

#include <string>
#include <vector>

#include "trestle/base/result.hpp"
#include "trestle/host/settings.hpp"

namespace trestle::host {

/// Reads a TOML file: one `name = value` a line, the names of the command line without their
/// dashes, a list where an option may be repeated. Nothing is interpreted here. Error: a sentence
/// with file, line and column.
Result<std::vector<GivenSetting>, std::string> read_settings_file(const std::string& path);

}  // namespace trestle::host
