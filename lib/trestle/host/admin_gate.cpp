#include "trestle/host/admin_gate.hpp"

#include <string_view>

#include <libwebsockets.h>

#include "trestle/crypto/suite/suite.hpp"

namespace trestle::host {
namespace {

/// The password of `Basic`, whoever the user is: what a browser asks its user for.
std::string basic_password(std::string_view encoded) {
  constexpr int kCredentialsBytesMax = 4096 + 256;
  const std::string text(encoded);
  char decoded[kCredentialsBytesMax] = {};
  const int bytes = lws_b64_decode_string(text.c_str(), decoded, kCredentialsBytesMax);
  if (bytes <= 0) return {};
  const std::string_view credentials(decoded, static_cast<std::size_t>(bytes));
  const std::size_t colon = credentials.find(':');
  return colon == std::string_view::npos ? std::string{}
                                         : std::string(credentials.substr(colon + 1));
}

}  // namespace

std::optional<HttpReply> AdminGate::turn_away(const HttpRequest& request) const {
  if (!secret_.empty()) {
    if (shows_secret(request)) return std::nullopt;
    HttpReply reply{401, "application/json", "{\"code\":\"UNAUTHORIZED\"}\n", {}};
    reply.headers.emplace_back("www-authenticate", "Basic realm=\"trestle admin\"");
    return reply;
  }
  if (names_this_machine(request.host)) return std::nullopt;
  return HttpReply{403,
                   "application/json",
                   "{\"code\":\"UNAUTHORIZED\",\"detail\":\"ask for 127.0.0.1, [::1] or localhost, "
                   "or set an admin secret\"}\n",
                   {}};
}

bool AdminGate::shows_secret(const HttpRequest& request) const {
  constexpr std::string_view kBearer = "Bearer ";
  constexpr std::string_view kBasic = "Basic ";
  const std::string_view shown = request.authorization;
  if (shown.starts_with(kBearer)) {
    return crypto::equal_in_constant_time(as_bytes(shown.substr(kBearer.size())), secret_);
  }
  if (shown.starts_with(kBasic)) {
    const std::string password = basic_password(shown.substr(kBasic.size()));
    return crypto::equal_in_constant_time(as_bytes(password), secret_);
  }
  return false;
}

}  // namespace trestle::host
