#pragma once

#include <cstddef>
#include <string>

#include "trestle/host/command_line.hpp"
#include "trestle/host/log.hpp"
#include "trestle/host/runner.hpp"
#include "trestle/host/settings.hpp"
#include "trestle/host/tls.hpp"

namespace trestle::host {

/// SIGHUP: reads the settings file, the bridge secret and the TLS files again and puts to use what
/// may change while the program runs. All or nothing: if anything is wrong with them, everything
/// stays as it was. No connection is dropped by it.
class Reloader {
 public:
  /// All but the line and the settings in force are borrowed. `connections_ceiling` is what the
  /// system's descriptors allow.
  Reloader(CommandLine line, Settings settings, std::size_t connections_ceiling, Tls& tls,
           Runner& runner, Log& log);

  /// Says in one line of log what changed, what will only change with a restart, or why nothing
  /// did.
  void reload();

 private:
  std::string apply(Settings fresh, TlsMaterial material);

  CommandLine line_;
  Settings settings_;
  std::size_t connections_ceiling_;
  Tls& tls_;
  Runner& runner_;
  Log& log_;
};

}  // namespace trestle::host
