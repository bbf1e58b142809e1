#pragma once

namespace trestle::host {

/// What the programs tell the shell (design section 9).
enum class ExitCode : int {
  done = 0,
  failed = 1,
  wrong_usage = 2,
  bad_settings = 3,
  cannot_listen = 4,
  bad_data_folder = 5,
  // What `doctor` finds besides.
  no_way = 6,                   ///< A name, a port, or a proxy does not lead to the program.
  tls_failed = 7,               ///< A certificate is not believed, or no TLS is spoken.
  not_admitted = 8,             ///< Another network, version, role or secret.
  own_address_unreachable = 9,  ///< The advertised address does not lead to us.
  wrong_clock = 10,             ///< A minute or more between our clock and a peer's.
  nobody_there = 11,            ///< A bridge knows nobody, or does not answer.
};

}  // namespace trestle::host
