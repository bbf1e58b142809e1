#include "trestle/wire/http/answer.hpp"

#include "trestle/base/assertion.hpp"
#include "trestle/wire/http/syntax.hpp"

namespace trestle::wire::http {
namespace {

/// Of the statuses that are answered here and by the hosts; clients do not read it (RFC 9112, 4).
std::string_view phrase(unsigned status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 413:
      return "Content Too Large";
    case 426:
      return "Upgrade Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 503:
      return "Service Unavailable";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "";
  }
}

}  // namespace

void append_answer(Bytes& out, const Answer& answer, BodyPart body) {
  TRESTLE_ASSERT(answer.status >= 200 && answer.status <= 599);
  std::string line = "HTTP/1.1 " + std::to_string(answer.status) + " ";
  line.append(phrase(answer.status)).append("\r\n");
  append(out, as_bytes(line));
  if (!answer.content_type.empty()) append_field(out, "Content-Type", answer.content_type);
  append_field(out, "Content-Length", std::to_string(answer.body.size()));
  append_field(out, "Connection", "close");
  append_fields(out, answer.fields);
  append(out, as_bytes("\r\n"));
  if (body == BodyPart::sent) append(out, as_bytes(answer.body));
}

void append_field(Bytes& out, std::string_view name, std::string_view value) {
  TRESTLE_ASSERT(is_token(name) && is_field_value(value));
  append(out, as_bytes(name));
  append(out, as_bytes(": "));
  append(out, as_bytes(value));
  append(out, as_bytes("\r\n"));
}

void append_fields(Bytes& out, std::span<const Field> fields) {
  for (const Field& field : fields) append_field(out, field.name, field.value);
}

}  // namespace trestle::wire::http
