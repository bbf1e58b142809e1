#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "trestle/base/error_code.hpp"

namespace trestle::host {

/// What a dial does one after the other; where it ends says whom to look at.
enum class DialStage : std::uint8_t {
  name,     ///< The host's name is resolved.
  connect,  ///< TCP.
  tls,      ///< Of wss:// alone.
  upgrade,  ///< HTTP, and the switch to WebSocket.
};

/// `name`, `connect`, `tls`, `upgrade`.
std::string_view name(DialStage stage);

/// Whether trying again may help, or somebody has to change something first.
enum class Outlook : std::uint8_t { temporary, permanent };

struct DialFailure {
  ErrorCode code = ErrorCode::none;
  Outlook outlook = Outlook::temporary;
  std::string reason;  ///< A sentence: what it means and what to do.
};

/// What it means that a dial was answered with an ordinary HTTP status: the commonest mistakes of a
/// deployment behind a proxy (BOOT-04, PROXY-09). `location` is where a redirection points, or
/// empty.
DialFailure explain_http_answer(unsigned status, std::string_view path, std::string_view location);

/// Of a connection that the system could not make, by its `errno`.
ErrorCode code_of_system_error(int error);

/// The same for every other end of a dial: nothing is known but stage and code.
Outlook outlook_of(DialStage stage, ErrorCode code);

/// The reason with its cause and its outlook behind it, as it stands in every log:
/// `... [connect, temporary]`.
std::string to_text(DialStage stage, const DialFailure& failure);

}  // namespace trestle::host
