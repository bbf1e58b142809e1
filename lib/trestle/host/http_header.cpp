#include "trestle/host/http_header.hpp"

#include <cstdio>
#include <cstring>

namespace trestle::host {
namespace {

/// Not strftime's: the names of a locale are no HTTP.
constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr int kFirstYear = 1900;  ///< Of struct tm.

}  // namespace

std::string http_header(lws* socket, lws_token_indexes token) {
  const int bytes = lws_hdr_total_length(socket, token);
  if (bytes <= 0) return {};
  std::string text(static_cast<std::size_t>(bytes) + 1, '\0');
  if (lws_hdr_copy(socket, text.data(), static_cast<int>(text.size()), token) < 0) return {};
  text.pop_back();
  return text;
}

std::string http_header(lws* socket, const char* name) {
  const int name_bytes = static_cast<int>(std::strlen(name));
  const int bytes = lws_hdr_custom_length(socket, name, name_bytes);
  if (bytes <= 0) return {};
  std::string text(static_cast<std::size_t>(bytes) + 1, '\0');
  if (lws_hdr_custom_copy(socket, text.data(), static_cast<int>(text.size()), name, name_bytes) < 0)
    return {};
  text.pop_back();
  return text;
}

std::string http_date(std::time_t seconds) {
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  char text[64];
  std::snprintf(text, sizeof text, "%s, %02d %s %04d %02d:%02d:%02d GMT", kDays[parts.tm_wday],
                parts.tm_mday, kMonths[parts.tm_mon], parts.tm_year + kFirstYear, parts.tm_hour,
                parts.tm_min, parts.tm_sec);
  return text;
}

std::time_t parse_http_date(const std::string& text) {
  std::tm parts{};
  char month[4] = {};
  char zone[4] = {};
  const int found =
      std::sscanf(text.c_str(), "%*3s, %2d %3s %4d %2d:%2d:%2d %3s", &parts.tm_mday, month,
                  &parts.tm_year, &parts.tm_hour, &parts.tm_min, &parts.tm_sec, zone);
  if (found != 7 || std::strcmp(zone, "GMT") != 0) return -1;
  for (parts.tm_mon = 0; parts.tm_mon < 12; ++parts.tm_mon) {
    if (std::strcmp(month, kMonths[parts.tm_mon]) == 0) break;
  }
  const bool is_date = parts.tm_mon < 12 && parts.tm_mday >= 1 && parts.tm_mday <= 31 &&
                       parts.tm_hour < 24 && parts.tm_min < 60 && parts.tm_sec <= 60 &&
                       parts.tm_year >= kFirstYear;
  if (!is_date) return -1;
  parts.tm_year -= kFirstYear;
  return ::timegm(&parts);
}

}  // namespace trestle::host
