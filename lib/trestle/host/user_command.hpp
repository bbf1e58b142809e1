#pragma once

#include "trestle/host/command_line.hpp"
#include "trestle/host/exit_code.hpp"
#include "trestle/host/settings.hpp"

namespace trestle::host {

/// `dht-node put|get|refresh|delete|find|trace|peers|status`: asks the node that runs on the
/// settings' data folder and prints its answer, for people or, with `--json`, as it is. `done` only
/// if the node's code is NONE.
ExitCode run_user_command(const CommandLine& line, Settings settings);

}  // namespace trestle::host
