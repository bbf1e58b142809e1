#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "trestle/base/result.hpp"
#include "trestle/host/exit_code.hpp"
#include "trestle/host/settings.hpp"

namespace trestle::host {

enum class Command : std::uint8_t {
  run,
  check,
  keygen,
  identity,
  export_key,
  import_key,
  rotate,
  invite,
  revoke,
  network_key,
  version,
  put,
  get,
  find,
  refresh,
  remove,
  doctor,
  trace,
  publish,
  peers,
  status
};

/// What somebody typed, understood as far as grammar goes.
struct CommandLine {
  Command command = Command::version;
  std::string config_file;  ///< Empty: none.
  std::vector<GivenSetting> given;
  std::vector<std::string> words;  ///< KEY VALUE, KEY, ID, ID or KEY, IDENTITY, FILE, WHAT.
  std::string ttl;                 ///< put: as typed. Empty: the node's default.
  std::string audience;            ///< put: as typed. Empty: the network.
  std::string paths;               ///< get, find, trace: as typed. Empty: one.
  std::string lookup;              ///< find, trace: as typed. Empty: as the node does them all.
  std::string life;                ///< invite: as typed. Empty: a day.
  bool revokes_branch = false;     ///< revoke: whom the member let in, too.
  bool renews = false;             ///< network-key: the file is there, and gets one key more.
  bool wants_json = false;
};

/// Nothing to run: help was asked for, or the line makes no sense, or names something this build
/// has not.
struct CommandLineEnd {
  ExitCode code = ExitCode::done;
  std::string output;  ///< For standard output.
  std::string error;   ///< For standard error.
};

Result<CommandLine, CommandLineEnd> parse_command_line(ProgramKind kind, int argc,
                                                       const char* const* argv);

}  // namespace trestle::host
