#pragma once

#include <cstddef>
#include <string_view>

namespace trestle::wire::http {

// The grammar of HTTP/1.1, as far as we need it (RFC 9110, RFC 9112, RFC 3986). Everything
// here is exact: what a proxy in front of us might read in another way is refused.

/// A method, a header's name, a member of a list (RFC 9110, section 5.6.2): not empty.
bool is_token(std::string_view text);
/// Visible characters, bytes above ASCII, spaces and tabs: no line end, no other control character
/// (5.5). May be empty.
bool is_text(std::string_view text);
/// The same without white space at its ends: the value of a header.
bool is_field_value(std::string_view text);
/// Without spaces and tabs at both ends (5.6.3).
std::string_view trimmed(std::string_view text);

/// Case matters neither in names of headers nor in the words of `Connection` and `Upgrade`.
char lower_case(char letter);
bool equals_ignoring_case(std::string_view left, std::string_view right);

/// The members of a list (5.6.1): separated by commas, without the white space around them; empty
/// ones do not count.
///
///     MemberList list(value);
///     while (!(member = list.next()).empty()) { ... }
class MemberList {
 public:
  explicit MemberList(std::string_view value) : rest_(value) {}
  /// The next member; empty at the end.
  std::string_view next();

 private:
  std::string_view rest_;
};

/// A path and perhaps a query, as they stand in a request line (RFC 9112, section 3.2.1): begins
/// with a slash, has no fragment, and `%` only in front of two hexadecimal digits.
bool is_origin_form(std::string_view target);
/// A name or an address, and perhaps a port up to 65535 (RFC 9110, section 7.2): not empty, without
/// user and password.
bool is_host(std::string_view text);

}  // namespace trestle::wire::http
