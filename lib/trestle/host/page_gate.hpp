#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "trestle/base/result.hpp"

namespace trestle::host {

/// A page's origin as a browser writes it (RFC 6454): `https://app.example`, `http://[::1]:8080`;
/// scheme and host in lower case, the port only where it is not the scheme's own. Or `*`. Error: a
/// sentence for the operator.
Result<std::string, std::string> parse_web_origin(std::string_view text);

/// Which web pages may open WebSockets here (T4). A browser lets any page dial any address and says
/// whose page it is in the header `Origin`; programs send none and are not asked for one: they
/// prove who they are afterwards.
class PageGate {
 public:
  /// The pages of nobody.
  PageGate() = default;
  /// Each as `parse_web_origin` gives it.
  explicit PageGate(std::vector<std::string> origins) : origins_(std::move(origins)) {}

  /// Exact: a browser has only one spelling for an origin, and `null` (a file, a sandboxed frame)
  /// is nobody's.
  bool admits(std::string_view origin) const;

 private:
  std::vector<std::string> origins_;
};

}  // namespace trestle::host
