#include "trestle/host/web_socket_rules.hpp"

#include <algorithm>
#include <cstddef>
#include <string_view>

#include "trestle/wire/websocket/utf8_check.hpp"

namespace trestle::host {
namespace {

constexpr std::string_view kVersion = "13";
/// 16 bytes are 22 characters of base64 and two of padding.
constexpr std::size_t kKeyCharacters = 22;
constexpr std::string_view kKeyPadding = "==";

/// Without the white space that may stand around a header's value (RFC 7230, section 3.2).
std::string_view trimmed(std::string_view value) {
  constexpr std::string_view kWhite = " \t";
  const std::size_t begin = value.find_first_not_of(kWhite);
  if (begin == std::string_view::npos) return {};
  return value.substr(begin, value.find_last_not_of(kWhite) - begin + 1);
}

bool is_base64(char character) {
  return (character >= 'A' && character <= 'Z') || (character >= 'a' && character <= 'z') ||
         (character >= '0' && character <= '9') || character == '+' || character == '/';
}

bool is_key(std::string_view key) {
  return key.size() == kKeyCharacters + kKeyPadding.size() && key.ends_with(kKeyPadding) &&
         std::all_of(key.begin(), key.begin() + kKeyCharacters, is_base64);
}

/// 1004 to 1006 and 1015 stand for something that is never sent; below 3000 the rest is reserved.
bool is_status_for_the_wire(unsigned status) {
  if (status >= 3000) return status <= 4999;
  return (status >= 1000 && status <= 1003) || (status >= 1007 && status <= 1014);
}

}  // namespace

UpgradeFlaw flaw_of(const UpgradeRequest& request) {
  if (!request.is_get || request.http_version != "HTTP/1.1" || !is_key(request.key)) {
    return UpgradeFlaw::form;
  }
  return trimmed(request.version) == kVersion ? UpgradeFlaw::none : UpgradeFlaw::version;
}

bool is_sound_close(ByteSpan payload) {
  if (payload.empty()) return true;
  if (payload.size() < 2) return false;
  const unsigned status = static_cast<unsigned>(payload[0]) << 8 | payload[1];
  return is_status_for_the_wire(status) && wire::websocket::is_utf8(payload.subspan(2));
}

}  // namespace trestle::host
