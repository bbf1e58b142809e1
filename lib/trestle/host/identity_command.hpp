#pragma once

#include "trestle/host/command_line.hpp"
#include "trestle/host/exit_code.hpp"
#include "trestle/host/settings.hpp"

namespace trestle::host {

/// `keygen`, `identity`, `export`, `import` and `rotate`: what is done to the identity in a data
/// folder while no node runs on it (`identity` and `export` only read, and may be used beside one).
///
/// On standard output stands what the next program needs and nothing else: an id, or a text of
/// `crypto/text_form.hpp`.
ExitCode run_identity_command(const CommandLine& line, const Settings& settings);

}  // namespace trestle::host
