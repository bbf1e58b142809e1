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
};

}  // namespace trestle::host
