#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "trestle/wire/http/answer.hpp"

namespace trestle::http {

using wire::http::Field;

/// What is asked, without its body, in the words that HTTP/1.1 and HTTP/2 have in common (RFC 9110,
/// section 6). Parts of it may come from whoever uses the program, so that whatever would break the
/// request on the wire is a refusal (`flaw_of`).
struct Request {
  std::string method = "GET";
  /// Host, with its port unless that is the scheme's own.
  std::string authority;
  std::string target = "/";  ///< Path and query.
  /// Further lines. Those that frame the body or the connection are not among them: they are ours.
  std::vector<Field> fields;
  /// How long the body will be; 0 for none. Nothing: it comes in parts, and nobody knows yet.
  std::optional<std::uint64_t> body_bytes = 0;
};

enum class RequestFlaw : std::uint8_t {
  none,
  method,     ///< No token, or CONNECT, which is for proxies.
  authority,  ///< No host.
  target,     ///< No path (RFC 9112, section 3.2.1).
  fields,     ///< A line that is none, or one that frames the body or the connection.
};

RequestFlaw flaw_of(const Request& request);

/// Whether an answer of that status to that method has a body (RFC 9110, section 6.4.1).
bool has_body(std::string_view method, unsigned status);

}  // namespace trestle::http
