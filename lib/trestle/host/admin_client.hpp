#pragma once

#include <string>

#include "trestle/base/result.hpp"
#include "trestle/host/address.hpp"

namespace trestle::host {

/// What a running node answered.
struct AdminAnswer {
  int status = 0;  ///< HTTP
  std::string body;
};

/// Asks a running node's admin server and waits for the answer, at most a minute. For the commands
/// of a terminal: it blocks. An empty `body` asks with GET, any other is posted as JSON. An empty
/// `secret` is not shown. Error: a sentence.
Result<AdminAnswer, std::string> ask_admin(const AdminAddress& address, const std::string& path,
                                           const std::string& body = {},
                                           const std::string& secret = {});

/// A query's value: everything but letters, digits and `-._~` as `%XX`.
std::string percent_encoded(const std::string& text);

}  // namespace trestle::host
