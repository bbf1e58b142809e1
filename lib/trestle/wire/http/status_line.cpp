#include "trestle/wire/http/status_line.hpp"

#include <cstddef>

namespace trestle::wire::http {

std::optional<StatusLine> read_status_line(std::string_view line) {
  constexpr std::string_view kName = "HTTP/1.";
  constexpr std::size_t kStatusBegins = kName.size() + 2;
  constexpr std::size_t kStatusEnds = kStatusBegins + 3;
  if (line.size() < kStatusEnds || !line.starts_with(kName)) return std::nullopt;
  const char minor = line[kName.size()];
  if ((minor != '0' && minor != '1') || line[kName.size() + 1] != ' ') return std::nullopt;
  if (line.size() > kStatusEnds && line[kStatusEnds] != ' ') return std::nullopt;
  unsigned status = 0;
  for (const char letter : line.substr(kStatusBegins, 3)) {
    if (letter < '0' || letter > '9') return std::nullopt;
    status = 10 * status + static_cast<unsigned>(letter - '0');
  }
  if (status < 100 || status > 599) return std::nullopt;
  return StatusLine{.is_http_1_1 = minor == '1', .status = status};
}

}  // namespace trestle::wire::http
