#pragma once

#include "trestle/host/command_line.hpp"
#include "trestle/host/exit_code.hpp"

namespace trestle::host {

/// The command `doctor`: examines, one step after the other, everything that this program needs
/// from its machine, its network and its peers, and says which step fails and what to do. Changes
/// nothing, and disturbs no program that runs already.
ExitCode run_doctor(ProgramKind kind, const CommandLine& line);

}  // namespace trestle::host
