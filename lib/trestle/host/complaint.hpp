#pragma once

#include <string>

#include "trestle/host/exit_code.hpp"
#include "trestle/host/settings.hpp"

namespace trestle::host {

/// Says on standard error, in the program's name, why it ends; returns the code it ends with.
ExitCode complain(ProgramKind kind, const std::string& sentence, ExitCode code);

}  // namespace trestle::host
