#include "trestle/http/request.hpp"

#include <algorithm>
#include <array>

#include "trestle/wire/http/syntax.hpp"

namespace trestle::http {
namespace {

using wire::http::equals_ignoring_case;

/// RFC 9110, 7.6.1 and 8.6; RFC 9113, 8.2.2. What is said by whoever speaks for the connection.
constexpr std::array<std::string_view, 10> kOurs{
    "connection", "content-length",    "expect",  "host", "keep-alive", "proxy-connection", "te",
    "trailer",    "transfer-encoding", "upgrade",
};

bool is_field(const Field& field) {
  if (!wire::http::is_token(field.name) || !wire::http::is_field_value(field.value)) return false;
  return std::ranges::none_of(
      kOurs, [&](std::string_view name) { return equals_ignoring_case(field.name, name); });
}

}  // namespace

RequestFlaw flaw_of(const Request& request) {
  if (!wire::http::is_token(request.method) || request.method == "CONNECT") {
    return RequestFlaw::method;
  }
  if (!wire::http::is_host(request.authority)) return RequestFlaw::authority;
  if (!wire::http::is_origin_form(request.target)) return RequestFlaw::target;
  if (!std::ranges::all_of(request.fields, is_field)) return RequestFlaw::fields;
  return RequestFlaw::none;
}

bool has_body(std::string_view method, unsigned status) {
  constexpr unsigned kNoContent = 204;
  constexpr unsigned kNotModified = 304;
  return method != "HEAD" && status >= 200 && status != kNoContent && status != kNotModified;
}

}  // namespace trestle::http
