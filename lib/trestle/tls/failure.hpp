#pragma once

#include <string>

#include "trestle/base/error_code.hpp"

struct ssl_st;

namespace trestle::tls {

/// Why a connection failed, in the words of a dial failure.
struct Failure {
  ErrorCode code = ErrorCode::none;
  std::string reason;
};

/// For the information callback of a context: keeps the last fatal alert, sent or received, with
/// its connection.
void note_alert(const ssl_st* connection, int where, int value);

/// Of a handshake that did not succeed.
Failure handshake_failure(const ssl_st* connection);
/// Of a connection that broke when its handshake was over.
Failure connection_failure(const ssl_st* connection);

}  // namespace trestle::tls
