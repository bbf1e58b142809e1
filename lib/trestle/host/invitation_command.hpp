#pragma once

#include "trestle/host/command_line.hpp"
#include "trestle/host/exit_code.hpp"
#include "trestle/host/settings.hpp"

namespace trestle::host {

/// `bootstrap-node invite IDENTITY` and `revoke WHAT`: the founder of a network lets somebody in,
/// or takes it back. Both may be used while the node runs.
///
/// The data folder remembers: `invitations` has a line for each one, for the audit; `revocations`
/// is the list in force (`crypto/revocation_list.hpp`). The token, or the list, is printed as text.
ExitCode run_invitation_command(const CommandLine& line, const Settings& settings);

}  // namespace trestle::host
