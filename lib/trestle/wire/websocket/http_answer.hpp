#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "trestle/base/bytes.hpp"

namespace trestle::wire::websocket {

/// A header line to be written. The name is a token, the value one line of text without white space
/// at its ends (`is_token`, `is_field_value` of http_syntax.hpp): whoever passes on what a peer
/// wrote asks them first. What came in an `HttpHead` is of that form.
struct HttpField {
  std::string name;
  std::string value;
};

/// A whole answer of HTTP other than 101.
struct HttpAnswer {
  unsigned status = 200;  ///< 200..599
  std::string content_type;
  std::string body;
  /// Further lines. Those that frame the answer are not among them: it says its length, and that
  /// the connection ends behind it.
  std::vector<HttpField> fields;
};

/// Whether the body is part of the answer; to HEAD only its length is (RFC 9110, section 9.3.2).
enum class BodyPart : std::uint8_t { sent, left_out };

void append_answer(Bytes& out, const HttpAnswer& answer, BodyPart body);

/// One line, its end included.
void append_field(Bytes& out, std::string_view name, std::string_view value);
void append_fields(Bytes& out, std::span<const HttpField> fields);

}  // namespace trestle::wire::websocket
