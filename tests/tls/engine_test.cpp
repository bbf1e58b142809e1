#include "trestle/tls/engine.hpp"

#include <string>

#include <openssl/ssl.h>

#include "catch.hpp"
#include "party.hpp"

using namespace trestle;
using namespace trestle::test;
using tls::State;

namespace {

std::string pattern(std::size_t bytes) {
  std::string text(bytes, ' ');
  for (std::size_t index = 0; index < bytes; ++index) {
    text[index] = static_cast<char>('a' + index % 23);
  }
  return text;
}

/// A limit on versions for the engines of one test.
void only_tls_1_2(Contexts& contexts) {
  SSL_CTX_set_max_proto_version(contexts.dialling.get(), TLS1_2_VERSION);
}

}  // namespace

TEST_CASE("two engines shake hands, and bytes pass both ways") {
  Contexts contexts;
  SECTION("in TLS 1.3") {}
  SECTION("in TLS 1.2") { only_tls_1_2(contexts); }
  Connection connection(contexts);
  CHECK(connection.acceptor.engine.ciphertext().empty());
  CHECK_FALSE(connection.dialler.engine.ciphertext().empty());
  CHECK(connection.dialler.send("too early") == 0);
  REQUIRE(connection.open());
  for (const std::size_t size : {std::size_t{1}, std::size_t{200}, std::size_t{16 * 1024},
                                 std::size_t{16 * 1024 + 1}, std::size_t{100 * 1024}}) {
    const std::string text = pattern(size);
    CHECK(connection.dialler.send(text) == size);
    CHECK(connection.acceptor.send(text) == size);
    talk(connection.dialler, connection.acceptor);
    CHECK(as_text(connection.dialler.heard) == text);
    CHECK(as_text(connection.acceptor.heard) == text);
    connection.dialler.heard.clear();
    connection.acceptor.heard.clear();
  }
  CHECK(connection.dialler.engine.certificate_ends_at().has_value());
  CHECK_FALSE(connection.acceptor.engine.certificate_ends_at().has_value());
}

TEST_CASE("what was sent in one turn leaves in one piece and is read in one") {
  Contexts contexts;
  Connection connection(contexts);
  REQUIRE(connection.open());
  for (int count = 0; count < 100; ++count) connection.dialler.send(pattern(100));
  connection.acceptor.engine.receive(connection.dialler.engine.ciphertext());
  Bytes room(20000);
  CHECK(connection.acceptor.engine.plaintext(room).size() == 10000);
  CHECK(connection.acceptor.engine.plaintext(room).empty());
}

TEST_CASE("as much is decrypted at a time as there is room for") {
  Contexts contexts;
  Connection connection(contexts);
  REQUIRE(connection.open());
  const std::string text = pattern(50000);
  connection.dialler.send(text);
  connection.acceptor.room_bytes = GENERATE(1u, 777u, 16384u, 49999u, 50000u, 50001u);
  connection.acceptor.hear(connection.dialler.said());
  CHECK(as_text(connection.acceptor.heard) == text);
}

TEST_CASE("how the bytes were cut makes no difference") {
  Contexts contexts;
  SECTION("in TLS 1.3") {}
  SECTION("in TLS 1.2") { only_tls_1_2(contexts); }
  const std::string there = pattern(40000);
  const std::string back = pattern(300);
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    INFO("seed " << seed);
    Rng cuts(seed);
    const std::size_t piece_max = std::size_t{1} << cuts.below(14);
    tls::EngineLimits limits;
    limits.records_of_a_key_max = 3;
    Connection connection(contexts, limits);
    const auto talk_in_pieces = [&] {
      talk(connection.dialler, connection.acceptor,
           [&](const Bytes& bytes, Party& to) { to.hear(bytes, cuts, piece_max); });
    };
    talk_in_pieces();
    REQUIRE(connection.is_open());
    CHECK(connection.dialler.send(there) == there.size());
    connection.acceptor.send(back);
    talk_in_pieces();
    connection.acceptor.send(back);
    connection.dialler.engine.close();
    talk_in_pieces();
    CHECK(as_text(connection.acceptor.heard) == there);
    CHECK(as_text(connection.dialler.heard) == back + back);
    CHECK(connection.dialler.engine.state() == State::closed);
    CHECK(connection.acceptor.engine.state() == State::closed);
  }
}

// ---- the end

TEST_CASE("a close is announced, and answered") {
  Contexts contexts;
  Connection connection(contexts);
  REQUIRE(connection.open());
  connection.dialler.send("last words");
  connection.dialler.engine.close();
  CHECK(connection.dialler.engine.state() == State::closing);
  CHECK(connection.dialler.send("more") == 0);
  connection.dialler.engine.close();
  connection.acceptor.send("what crosses it");
  const Bytes crossing = connection.acceptor.said();
  connection.acceptor.hear(connection.dialler.said());
  CHECK(as_text(connection.acceptor.heard) == "last words");
  CHECK(connection.acceptor.engine.state() == State::closed);
  CHECK(connection.acceptor.send("more") == 0);
  connection.dialler.hear(crossing);
  CHECK(as_text(connection.dialler.heard) == "what crosses it");
  CHECK(connection.dialler.engine.state() == State::closing);
  connection.dialler.hear(connection.acceptor.said());
  CHECK(connection.dialler.engine.state() == State::closed);
  for (Party* each : {&connection.dialler, &connection.acceptor}) {
    each->engine.on_end();
    each->hear(as_bytes("nobody listens"));
    CHECK(each->engine.state() == State::closed);
    CHECK_FALSE(each->engine.failure());
  }
}

TEST_CASE("what came with the announcement of the end can still be answered") {
  Contexts contexts;
  Connection connection(contexts);
  REQUIRE(connection.open());
  connection.dialler.send("a question");
  connection.dialler.engine.close();
  const Bytes said = connection.dialler.said();
  tls::Engine& acceptor = connection.acceptor.engine;
  acceptor.receive(said);
  Bytes room(1000);
  CHECK(as_text(acceptor.plaintext(room)) == "a question");
  CHECK(acceptor.state() == State::open);
  CHECK(connection.acceptor.send("its answer") == 10);
  CHECK(acceptor.plaintext(room).empty());
  CHECK(acceptor.state() == State::closed);
  connection.dialler.hear(connection.acceptor.said());
  CHECK(as_text(connection.dialler.heard) == "its answer");
  CHECK(connection.dialler.engine.state() == State::closed);
}

TEST_CASE("a connection that was cut off is told from one that was closed") {
  Contexts contexts;
  Connection connection(contexts);
  REQUIRE(connection.open());
  connection.dialler.send("beginning");
  connection.acceptor.hear(connection.dialler.said());
  connection.acceptor.engine.on_end();
  CHECK(connection.acceptor.engine.state() == State::failed);
  CHECK(connection.acceptor.engine.failure()->code == ErrorCode::connection_lost);
  CHECK(connection.acceptor.is_reason("TLS: the connection was cut off"));
  CHECK(as_text(connection.acceptor.heard) == "beginning");
  INFO("also in the middle of a record, and when we have said that we are done");
  connection.acceptor.said();
  Connection other(contexts);
  REQUIRE(other.open());
  other.acceptor.send("a record");
  const Bytes record = other.acceptor.said();
  other.dialler.engine.close();
  other.dialler.hear(ByteSpan(record).first(record.size() - 1));
  other.dialler.engine.on_end();
  CHECK(other.dialler.engine.state() == State::failed);
  CHECK(other.dialler.heard.empty());
}

TEST_CASE("a handshake that ends before it is over has failed, or was given up") {
  Contexts contexts;
  Connection connection(contexts);
  connection.acceptor.hear(connection.dialler.said());
  connection.acceptor.engine.on_end();
  CHECK(connection.acceptor.engine.failure()->code == ErrorCode::connection_lost);
  CHECK(connection.acceptor.is_reason("ended during the handshake"));
  connection.dialler.engine.close();
  CHECK(connection.dialler.engine.state() == State::closed);
  connection.dialler.hear(connection.acceptor.said());
  CHECK(connection.dialler.engine.state() == State::closed);
}

// ---- sessions

TEST_CASE("every later connection to a peer resumes its session, whatever ended the one before") {
  Contexts contexts;
  for (int round = 0; round < 4; ++round) {
    INFO("round " << round);
    Connection connection(contexts);
    REQUIRE(connection.open());
    CHECK(connection.dialler.engine.is_resumed() == (round > 0));
    CHECK(connection.acceptor.engine.is_resumed() == (round > 0));
    CHECK(contexts.dialling.sessions().size() == 1);
    connection.dialler.send("data");
    talk(connection.dialler, connection.acceptor);
    if (round == 0) connection.dialler.engine.close();
    if (round == 1) connection.dialler.engine.on_end();
    if (round == 2) connection.dialler.hear(as_bytes("no record of TLS"));
    CHECK(connection.dialler.engine.certificate_ends_at().has_value());
  }
  INFO("another name or port at the same address is another peer");
  for (const tls::Peer& peer : {tls::Peer{"127.0.0.1", 443, {}}, tls::Peer{"localhost", 444, {}}}) {
    Connection connection(contexts, peer);
    REQUIRE(connection.open());
    CHECK_FALSE(connection.dialler.engine.is_resumed());
  }
}

TEST_CASE("sessions of TLS 1.2 are not resumed") {
  Contexts contexts;
  only_tls_1_2(contexts);
  for (int round = 0; round < 2; ++round) {
    Connection connection(contexts);
    REQUIRE(connection.open());
    CHECK_FALSE(connection.dialler.engine.is_resumed());
  }
  CHECK(contexts.dialling.sessions().size() == 0);
}

TEST_CASE("a session with which a handshake fails is tried once") {
  Contexts contexts;
  REQUIRE(Connection(contexts).open());
  REQUIRE(contexts.dialling.sessions().size() == 1);
  Party dialler(contexts.dialling, contexts.here);
  dialler.hear(as_bytes("HTTP/1.1 400 Bad Request\r\n\r\n"));
  CHECK(dialler.engine.state() == State::failed);
  CHECK(contexts.dialling.sessions().size() == 0);
}

TEST_CASE("a renewed certificate is shown to new connections, and those that stand go on") {
  Contexts contexts;
  Connection old(contexts);
  REQUIRE(old.open());
  Connection begun(contexts);
  begun.acceptor.hear(begun.dialler.said());
  contexts.accepting.show(contexts.issuer.issue("DNS:elsewhere.example"));
  INFO("tickets given under the old one are void, so nobody is spared the new one");
  Connection fresh(contexts);
  CHECK_FALSE(fresh.open());
  CHECK(fresh.dialler.is_reason("name mismatch"));
  CHECK(begun.open());
  old.dialler.send("still here");
  old.acceptor.send("so am I");
  talk(old.dialler, old.acceptor);
  CHECK(as_text(old.acceptor.heard) == "still here");
  CHECK(as_text(old.dialler.heard) == "so am I");
}

TEST_CASE("other issuers decide about new connections, and old sessions are forgotten") {
  Contexts contexts;
  const Issuer other("other");
  Connection old(contexts);
  old.acceptor.hear(old.dialler.said());
  old.dialler.hear(old.acceptor.said());
  CHECK(contexts.dialling.sessions().size() == 0);
  contexts.dialling.trust_others(other.trusting());
  INFO("the ticket of one that was verified under the old ones comes now");
  REQUIRE(old.open());
  CHECK(contexts.dialling.sessions().size() == 0);
  Connection fresh(contexts);
  CHECK_FALSE(fresh.open());
  CHECK(fresh.dialler.is_reason("unknown issuer"));
}

// ---- keys

TEST_CASE("we change our key after so many records, and the peer follows") {
  Contexts contexts;
  tls::EngineLimits limits;
  limits.records_of_a_key_max = 2;
  Connection connection(contexts, limits);
  REQUIRE(connection.open());
  std::string all;
  for (int count = 0; count < 10; ++count) {
    connection.dialler.send("record");
    all += "record";
    talk(connection.dialler, connection.acceptor);
  }
  CHECK(as_text(connection.acceptor.heard) == all);
  CHECK(connection.dialler.engine.stats().keys_changed_total == 5);
  INFO("the last change goes out with the next record");
  CHECK(connection.acceptor.engine.stats().late_messages_total == 4);
}
