#include "trestle/host/tls.hpp"

#include <algorithm>
#include <csignal>
#include <memory>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <openssl/ssl.h>

#include "catch.hpp"
#include "certificates.hpp"
#include "host_world.hpp"

using namespace trestle;
using namespace trestle::test;
using link::CloseStatus;
using link::FrameKind;

namespace {

constexpr const char* kHere = "IP:127.0.0.1,DNS:localhost";

/// Two hosts and the TLS of each.
struct SecurePair {
  explicit SecurePair(const host::TlsFiles& shown, const host::TlsFiles& trusted,
                      host::TlsVerification verification = host::TlsVerification::full)
      : dialling(material(trusted), verification),
        accepting(host::TlsMaterial(material_unchecked(shown))),
        dialler({}, &dialling),
        acceptor({}, &accepting) {
    std::signal(SIGPIPE, SIG_IGN);  // As programs do: OpenSSL writes without MSG_NOSIGNAL.
  }

  /// What `read_tls_files` would refuse, a peer may still show.
  static host::TlsMaterial material_unchecked(const host::TlsFiles& files) {
    host::TlsMaterial made;
    std::FILE* file = std::fopen(files.certificate.c_str(), "r");
    made.certificate.reset(PEM_read_X509(file, nullptr, nullptr, nullptr));
    std::fclose(file);
    file = std::fopen(files.key.c_str(), "r");
    made.key.reset(PEM_read_PrivateKey(file, nullptr, nullptr, nullptr));
    std::fclose(file);
    return made;
  }

  bool run(const std::function<bool()>& condition) {
    return run_until({&dialler, &acceptor}, condition);
  }
  bool connect(const std::string& name = "127.0.0.1") {
    const std::size_t before = dialler.node.dialled.size();
    const std::size_t accepted = acceptor.node.accepted.size();
    connection = dialler.node.dial(acceptor.url("/", name));
    return run([&] {
      return dialler.node.dialled.size() == before + 1 &&
             acceptor.node.accepted.size() == accepted + 1;
    });
  }
  FakeNode::Failure failure(const std::string& name = "127.0.0.1") {
    const auto id = dialler.node.dial(acceptor.url("/", name));
    run([&] { return dialler.node.failures.contains(id); });
    CHECK(dialler.node.dialled.empty());
    return dialler.node.failures[id];
  }
  host::TransportStats stats() const { return dialler.runner->transport_stats(); }

  // Of the transport in use.
  SSL_CTX* dialling_context() {
    return EachTransport::is_raw() ? dialling.dialling_engines().get() : dialling.dialling();
  }
  std::size_t sessions() {
    return EachTransport::is_raw() ? dialling.dialling_engines().sessions().size()
                                   : dialling.sessions().size();
  }

  host::Tls dialling;
  host::Tls accepting;
  Host dialler;
  Host acceptor;
  link::ConnectionId connection;
};

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::string pattern(std::size_t bytes) {
  std::string text(bytes, ' ');
  for (std::size_t index = 0; index < bytes; ++index)
    text[index] = static_cast<char>('a' + index % 23);
  return text;
}

}  // namespace

TEST_CASE("frames of every size pass over TLS, both ways and in order") {
  TemporaryFolder folder;
  FileIssuer issuer(folder);
  SecurePair pair(issuer.issue(kHere), issuer.trusting());
  REQUIRE(pair.connect());
  pair.acceptor.node.echoes = true;
  const std::size_t sizes[] = {0, 1, 125, 4096, 16 * 1024, 16 * 1024 + 1, 200 * 1024, 7};
  std::size_t bytes = 0;
  for (const std::size_t size : sizes) {
    pair.dialler.node.send(pair.connection, FrameKind::binary, bytes_of(pattern(size)));
    bytes += size;
  }
  auto& back = pair.dialler.node.frames;
  REQUIRE(pair.run([&] { return back.size() == std::size(sizes); }));
  for (std::size_t index = 0; index < std::size(sizes); ++index) {
    CHECK(as_text(back[index].bytes) == pattern(sizes[index]));
  }
  CHECK(pair.run([&] { return pair.dialler.node.drained[pair.connection] == bytes; }));
  CHECK(pair.stats().tls_handshakes_total == 1);
  CHECK(pair.acceptor.runner->transport_stats().tls_handshakes_total == 1);
  pair.dialler.node.close(pair.connection, CloseStatus::refused, "because");
  const auto accepted = pair.acceptor.node.accepted.front().first;
  REQUIRE(pair.run([&] { return pair.acceptor.node.closures.contains(accepted); }));
  CHECK(pair.acceptor.node.closures[accepted].status == 4000);
}

TEST_CASE("a name and an address are both verified") {
  TemporaryFolder folder;
  FileIssuer issuer(folder);
  SecurePair pair(issuer.issue(kHere), issuer.trusting());
  CHECK(pair.connect("localhost"));
  CHECK(pair.connect("127.0.0.1"));
}

TEST_CASE("a certificate that proves nothing fails the dial with a sentence") {
  const EachTransport transport;
  TemporaryFolder folder;
  FileIssuer issuer(folder);
  SECTION("it was issued for another name") {
    SecurePair pair(issuer.issue("DNS:elsewhere.example"), issuer.trusting());
    const auto failure = pair.failure("localhost");
    CHECK(failure.code == ErrorCode::refused);
    CHECK(contains(failure.reason, "name mismatch"));
    CHECK(contains(pair.failure("127.0.0.1").reason, "name mismatch"));
    CHECK(pair.stats().tls_failures_total == 2);
    CHECK(pair.stats().tls_handshakes_total == 0);
    REQUIRE(
        pair.run([&] { return pair.acceptor.runner->transport_stats().tls_failures_total == 2; }));
    CHECK(pair.acceptor.runner->transport_stats().pending == 0);
  }
  SECTION("it has expired") {
    SecurePair pair(issuer.issue(kHere, -2 * FileIssuer::kDay, -FileIssuer::kDay),
                    issuer.trusting());
    CHECK(contains(pair.failure().reason, "certificate expired"));
  }
  SECTION("it is not valid yet, which libwebsockets would accept") {
    SecurePair pair(issuer.issue(kHere, FileIssuer::kDay, 2 * FileIssuer::kDay), issuer.trusting());
    CHECK(contains(pair.failure().reason, "not valid yet"));
  }
  SECTION("nobody here trusts its issuer") {
    FileIssuer other(folder, "other");
    SecurePair pair(issuer.issue(kHere), other.trusting());
    CHECK(contains(pair.failure().reason, "unknown issuer"));
    CHECK(pair.sessions() == 0);
  }
  SECTION("the system's store does not know its issuer either") {
    SecurePair pair(issuer.issue(kHere), {});
    CHECK(contains(pair.failure().reason, "unknown issuer"));
  }
}

TEST_CASE("without verification anything is believed, for whoever asked for it") {
  TemporaryFolder folder;
  FileIssuer issuer(folder);
  SecurePair pair(issuer.issue("DNS:elsewhere.example", -2 * FileIssuer::kDay, -FileIssuer::kDay),
                  {}, host::TlsVerification::skipped);
  CHECK(pair.connect());
}

TEST_CASE("the second connection to a peer resumes the session, whatever ended the first") {
  const EachTransport transport;
  TemporaryFolder folder;
  FileIssuer issuer(folder);
  SecurePair pair(issuer.issue(kHere), issuer.trusting());
  REQUIRE(pair.connect());
  // The ticket follows the handshake: there is something to read before it has been seen.
  pair.acceptor.node.send(pair.acceptor.node.accepted.back().first, FrameKind::text, bytes_of("x"));
  REQUIRE(pair.run([&] { return pair.dialler.node.frames.size() == 1; }));
  CHECK(pair.sessions() == 1);
  for (std::uint64_t round = 1; round <= 3; ++round) {
    if (round == 2) pair.dialler.node.close(pair.connection, CloseStatus::normal, "");
    REQUIRE(pair.connect());
    CHECK(pair.stats().tls_resumptions_total == round);
    CHECK(pair.acceptor.runner->transport_stats().tls_resumptions_total == round);
  }
  CHECK(pair.stats().tls_handshakes_total == 4);
  INFO("another name at the same address is another peer");
  REQUIRE(pair.connect("localhost"));
  CHECK(pair.stats().tls_resumptions_total == 3);
}

TEST_CASE("an acceptor counts its handshakes though another loop was made after its own") {
  TemporaryFolder folder;
  FileIssuer issuer(folder);
  std::signal(SIGPIPE, SIG_IGN);
  host::Tls accepting(material(issuer.issue(kHere)));
  host::Tls dialling(material(issuer.trusting()));
  Host acceptor({}, &accepting);
  Host dialler({}, &dialling);
  dialler.node.dial(acceptor.url());
  REQUIRE(run_until({&dialler, &acceptor}, [&] { return acceptor.node.accepted.size() == 1; }));
  CHECK(acceptor.runner->transport_stats().tls_handshakes_total == 1);
  CHECK(acceptor.runner->transport_stats().tls_failures_total == 0);
}

TEST_CASE("a renewed certificate is shown to new connections and the old ones stay") {
  const EachTransport transport;
  TemporaryFolder folder;
  FileIssuer issuer(folder);
  SecurePair pair(issuer.issue(kHere), issuer.trusting());
  REQUIRE(pair.connect());
  const auto old = pair.connection;
  const auto change = pair.accepting.renew(material(issuer.issue("DNS:localhost")));
  CHECK(change.certificate);
  CHECK(change.issuers);
  INFO("old tickets are void, so nobody is spared the new certificate");
  const auto refused = pair.dialler.node.dial(pair.acceptor.url());
  REQUIRE(pair.run([&] { return pair.dialler.node.failures.contains(refused); }));
  CHECK(contains(pair.dialler.node.failures[refused].reason, "name mismatch"));
  REQUIRE(pair.connect("localhost"));
  pair.acceptor.node.echoes = true;
  pair.dialler.node.send(old, FrameKind::text, bytes_of("still here"));
  REQUIRE(pair.run([&] { return pair.dialler.node.frames.size() == 1; }));
  CHECK(pair.dialler.node.closures.empty());
}

TEST_CASE("renewed issuers decide about new connections, and old sessions are forgotten") {
  const EachTransport transport;
  TemporaryFolder folder;
  FileIssuer issuer(folder);
  FileIssuer other(folder, "other");
  SecurePair pair(issuer.issue(kHere), issuer.trusting());
  REQUIRE(pair.connect());
  pair.acceptor.node.send(pair.acceptor.node.accepted.back().first, FrameKind::text, bytes_of("x"));
  REQUIRE(pair.run([&] { return pair.sessions() == 1; }));
  CHECK_FALSE(pair.dialling.renew(material(issuer.trusting())).issuers);
  CHECK(pair.sessions() == 1);
  CHECK(pair.dialling.renew(material(other.trusting())).issuers);
  CHECK(pair.sessions() == 0);
  const auto refused = pair.dialler.node.dial(pair.acceptor.url());
  REQUIRE(pair.run([&] { return pair.dialler.node.failures.contains(refused); }));
  CHECK(contains(pair.dialler.node.failures[refused].reason, "unknown issuer"));
}

TEST_CASE("sessions of TLS 1.2 are neither resumed nor given a ticket") {
  const EachTransport transport;
  TemporaryFolder folder;
  FileIssuer issuer(folder);
  SecurePair pair(issuer.issue(kHere), issuer.trusting());
  SSL_CTX* dialling = pair.dialling_context();
  SSL_CTX_set_max_proto_version(dialling, TLS1_2_VERSION);
  REQUIRE(pair.connect());
  REQUIRE(pair.connect());
  CHECK(pair.stats().tls_handshakes_total == 2);
  CHECK(pair.stats().tls_resumptions_total == 0);
  CHECK(pair.sessions() == 0);

  INFO("nor is one who asks for it, as browsers do");
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(
        SSL_CTX_new(TLS_client_method()), &SSL_CTX_free);
    SSL_CTX_set_max_proto_version(context.get(), version);
    const std::unique_ptr<SSL, decltype(&SSL_free)> client(SSL_new(context.get()), &SSL_free);
    RawClient socket(pair.acceptor.port);
    ::fcntl(socket.descriptor(), F_SETFL, O_NONBLOCK);
    SSL_set_fd(client.get(), socket.descriptor());
    REQUIRE(pair.run([&] { return SSL_connect(client.get()) == 1; }));
    REQUIRE(SSL_version(client.get()) == version);
    const auto has_ticket = [&] {
      char byte = 0;
      SSL_read(client.get(), &byte, 1);
      return SSL_SESSION_has_ticket(SSL_get_session(client.get())) == 1;
    };
    if (version == TLS1_3_VERSION) {
      CHECK(pair.run(has_ticket));
    } else {
      CHECK_FALSE(has_ticket());
    }
  }
}

TEST_CASE("a session that arrives after its issuer was removed is not kept") {
  const EachTransport transport;
  TemporaryFolder folder;
  FileIssuer issuer(folder);
  FileIssuer other(folder, "other");
  SecurePair pair(issuer.issue(kHere), issuer.trusting());
  static bool is_verified;
  is_verified = false;
  SSL_CTX_set_keylog_callback(pair.dialling_context(), [](const SSL*, const char* line) {
    is_verified = is_verified || std::string_view(line).starts_with("CLIENT_TRAFFIC_SECRET_0");
  });
  pair.connection = pair.dialler.node.dial(pair.acceptor.url());
  INFO("the dialler turns last: the acceptor's ticket can only follow");
  REQUIRE(run_until({&pair.acceptor, &pair.dialler}, [&] { return is_verified; }));
  REQUIRE(pair.sessions() == 0);
  CHECK(pair.dialling.renew(material(other.trusting())).issuers);
  REQUIRE(pair.run([&] { return pair.acceptor.node.accepted.size() == 1; }));
  pair.acceptor.node.send(pair.acceptor.node.accepted.back().first, FrameKind::text, bytes_of("x"));
  REQUIRE(pair.run([&] { return pair.dialler.node.frames.size() == 1; }));
  CHECK(pair.sessions() == 0);
}

TEST_CASE("plain towards TLS and TLS towards plain fail soon and leave nothing behind") {
  TemporaryFolder folder;
  FileIssuer issuer(folder);
  SecurePair pair(issuer.issue(kHere), issuer.trusting());
  Host plain;
  const auto id = pair.dialler.node.dial("wss://127.0.0.1:" + std::to_string(plain.port),
                                         std::chrono::seconds(5));
  REQUIRE(
      run_until({&pair.dialler, &plain}, [&] { return pair.dialler.node.failures.contains(id); }));
  CHECK(contains(pair.dialler.node.failures[id].reason, "TLS: "));
  const auto back = plain.node.dial("ws://127.0.0.1:" + std::to_string(pair.acceptor.port));
  REQUIRE(run_until({&pair.acceptor, &plain}, [&] { return plain.node.failures.contains(back); }));
  CHECK(run_until({&pair.acceptor, &plain}, [&] {
    return pair.acceptor.runner->transport_stats().pending == 0 &&
           plain.runner->transport_stats().pending == 0;
  }));
  CHECK(pair.acceptor.runner->transport_stats().tls_failures_total == 1);
}

TEST_CASE("a caller that does not finish its TLS handshake is put out in time") {
  TemporaryFolder folder;
  FileIssuer issuer(folder);
  std::signal(SIGPIPE, SIG_IGN);
  host::Tls tls(material(issuer.issue(kHere)));
  host::RunnerOptions options;
  options.transport.request_within = std::chrono::milliseconds(100);
  Host host(options, &tls);
  RawClient client(host.port);
  client.send("\x16\x03\x01");
  REQUIRE(run_until({&host}, [&] { return host.runner->transport_stats().pending == 1; }));
  REQUIRE(run_until({&host}, [&] {
    client.receive();
    return !client.is_open();
  }));
  CHECK(host.runner->transport_stats().tls_failures_total == 1);
}
