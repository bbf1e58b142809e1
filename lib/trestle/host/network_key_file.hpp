#pragma once

#include <string>

#include "trestle/base/result.hpp"
#include "trestle/crypto/network_key.hpp"
#include "trestle/host/command_line.hpp"
#include "trestle/host/exit_code.hpp"
#include "trestle/host/settings.hpp"

namespace trestle::host {

/// The keys in a file that `network-key` made, of its owner alone. Error: a clause to follow the
/// file's name.
Result<crypto::NetworkKeys, std::string> read_network_key_file(crypto::Suite& suite,
                                                               const std::string& path);

/// `bootstrap-node network-key FILE`: makes the file, or with `--renew` puts a new key above those
/// in it.
ExitCode run_network_key_command(const CommandLine& line, ProgramKind kind);

}  // namespace trestle::host
