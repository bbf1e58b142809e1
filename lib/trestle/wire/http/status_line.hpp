#pragma once

#include <optional>
#include <string_view>

namespace trestle::wire::http {

struct StatusLine {
  bool is_http_1_1 = false;  ///< Otherwise HTTP/1.0.
  unsigned status = 0;       ///< 100..599
};

/// RFC 9112, section 4: version, status, and perhaps a phrase behind another space. Some servers
/// leave that space out with the phrase, as clients are told to forgive. Nothing if it is none.
std::optional<StatusLine> read_status_line(std::string_view line);

}  // namespace trestle::wire::http
