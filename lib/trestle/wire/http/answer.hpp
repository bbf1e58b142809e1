#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "trestle/base/bytes.hpp"

namespace trestle::wire::http {

/// A header line to be written. The name is a token, the value one line of text without white space
/// at its ends (`is_token`, `is_field_value` of syntax.hpp): whoever passes on what a peer
/// wrote asks them first. What came in a `Head` is of that form.
struct Field {
  std::string name;
  std::string value;
  friend bool operator==(const Field&, const Field&) = default;
};

/// A whole answer of HTTP other than 101.
struct Answer {
  unsigned status = 200;  ///< 200..599
  std::string content_type;
  std::string body;
  /// Further lines. Those that frame the answer are not among them: it says its length, and that
  /// the connection ends behind it.
  std::vector<Field> fields;
};

/// Whether the body is part of the answer; to HEAD only its length is (RFC 9110, section 9.3.2).
enum class BodyPart : std::uint8_t { sent, left_out };

void append_answer(Bytes& out, const Answer& answer, BodyPart body);

/// One line, its end included.
void append_field(Bytes& out, std::string_view name, std::string_view value);
void append_fields(Bytes& out, std::span<const Field> fields);

}  // namespace trestle::wire::http
