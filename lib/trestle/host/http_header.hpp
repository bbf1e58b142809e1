#pragma once

#include <ctime>
#include <string>

#include <libwebsockets.h>

namespace trestle::host {

/// A header of the request or answer that a libwebsockets socket has just read; lines of the same
/// name are joined by commas. Empty if there is none.
std::string http_header(lws* socket, lws_token_indexes token);
/// One that libwebsockets has no token for: its name in lower case, with the colon.
std::string http_header(lws* socket, const char* name);

/// `Fri, 27 Nov 2026 01:09:25 GMT`.
std::string http_date(std::time_t seconds);
/// The inverse; -1 if it is no such date.
std::time_t parse_http_date(const std::string& text);

}  // namespace trestle::host
