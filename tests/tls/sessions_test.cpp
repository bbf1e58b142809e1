#include "trestle/tls/sessions.hpp"

#include <memory>
#include <string>
#include <vector>

#include <openssl/ssl.h>

#include "catch.hpp"

namespace trestle::tls {
namespace {

/// One that could be resumed, with a name of that many bytes for its server.
Sessions::Session session(std::size_t name_bytes = 0) {
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(SSL_CTX_new(TLS_method()),
                                                                  SSL_CTX_free);
  const std::unique_ptr<SSL, decltype(&SSL_free)> connection(SSL_new(context.get()), SSL_free);
  const unsigned char suite[] = {0x13, 0x01};  // TLS_AES_128_GCM_SHA256
  const std::vector<unsigned char> secret(32, 7);
  Sessions::Session made(SSL_SESSION_new());
  REQUIRE(SSL_SESSION_set_protocol_version(made.get(), TLS1_3_VERSION) == 1);
  REQUIRE(SSL_SESSION_set_cipher(made.get(), SSL_CIPHER_find(connection.get(), suite)) == 1);
  REQUIRE(SSL_SESSION_set1_master_key(made.get(), secret.data(), secret.size()) == 1);
  if (name_bytes > 0) {
    REQUIRE(SSL_SESSION_set1_hostname(made.get(), std::string(name_bytes, 'a').c_str()) == 1);
  }
  return made;
}

}  // namespace

TEST_CASE("sessions are kept as duplicates, the one unused for longest goes first") {
  Sessions sessions(2);
  const Sessions::Session kept = session(5);
  sessions.keep("a:1", kept.get());
  sessions.keep("b:1", kept.get());
  const Sessions::Session found = sessions.find("a:1");
  REQUIRE(found != nullptr);
  CHECK(found != kept);
  CHECK(SSL_SESSION_get0_hostname(found.get()) == std::string("aaaaa"));
  sessions.keep("c:1", kept.get());
  CHECK(sessions.size() == 2);
  CHECK(sessions.find("b:1") == nullptr);
  CHECK(sessions.find("a:1") != nullptr);
  sessions.keep("a:1", kept.get());
  CHECK(sessions.size() == 2);
  sessions.clear();
  CHECK(sessions.size() == 0);
  CHECK(sessions.find("a:1") == nullptr);
}

TEST_CASE("a session larger than may be kept takes nobody's place but its own peer's") {
  Sessions sessions(4, 1000);
  sessions.keep("a:1", session().get());
  sessions.keep("b:1", session().get());
  sessions.keep("a:1", session(1000).get());
  CHECK(sessions.find("a:1") == nullptr);
  CHECK(sessions.find("b:1") != nullptr);
  sessions.keep("b:1", Sessions::Session(SSL_SESSION_new()).get());  // Nothing to resume.
  CHECK(sessions.size() == 0);
}

}  // namespace trestle::tls
