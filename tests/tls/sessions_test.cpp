#include "trestle/tls/sessions.hpp"

#include <string>

#include <openssl/ssl.h>

#include "catch.hpp"

using namespace trestle::tls;

TEST_CASE("sessions are kept as duplicates, the one unused for longest goes first") {
  Sessions sessions(2);
  const Sessions::Session session(SSL_SESSION_new());
  sessions.keep("a:1", session.get());
  sessions.keep("b:1", session.get());
  const Sessions::Session found = sessions.find("a:1");
  CHECK(found != nullptr);
  CHECK(found != session);
  sessions.keep("c:1", session.get());
  CHECK(sessions.size() == 2);
  CHECK(sessions.find("b:1") == nullptr);
  CHECK(sessions.find("a:1") != nullptr);
  sessions.keep("a:1", session.get());
  CHECK(sessions.size() == 2);
  sessions.clear();
  CHECK(sessions.size() == 0);
  CHECK(sessions.find("a:1") == nullptr);
}
