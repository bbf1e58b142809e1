#include <algorithm>
#include <string>

#include <openssl/ssl.h>

#include "catch.hpp"
#include "party.hpp"
#include "support/crafted_records.hpp"
#include "support/tls_end.hpp"
#include "trestle/tls/engine.hpp"

using namespace trestle;
using namespace trestle::test;
using tls::State;

namespace {

struct FreeContext {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};
using RawContext = std::unique_ptr<SSL_CTX, FreeContext>;

/// A peer with no rules of ours.
RawContext raw_dialler(int version_max) {
  RawContext context(SSL_CTX_new(TLS_client_method()));
  SSL_CTX_set_max_proto_version(context.get(), version_max);
  return context;
}

void talk(Party& party, TlsEnd& end) {
  for (int turn = 0; turn < 8; ++turn) {
    end.hear(party.said());
    end.advance();
    party.hear(end.said());
  }
}

Bytes noise(std::uint64_t seed, std::size_t bytes) {
  Rng rng(seed);
  Bytes made(bytes);
  for (std::uint8_t& each : made) each = static_cast<std::uint8_t>(rng.next());
  return made;
}

/// More than the longest record, so that nobody waits for the rest of one.
constexpr std::size_t kNoiseBytes = 20000;

void check_failed(const Party& party, ErrorCode code, std::string_view part) {
  CHECK(party.engine.state() == State::failed);
  REQUIRE(party.engine.failure());
  CHECK(party.engine.failure()->code == code);
  INFO(party.reason());
  CHECK(party.reason().starts_with("TLS: "));
  CHECK(party.is_reason(part));
}

}  // namespace

// ---- certificates

TEST_CASE("a certificate that proves nothing fails the handshake on both sides") {
  const auto check = [](Contexts& contexts, const tls::Peer& peer, std::string_view part) {
    Connection connection(contexts, peer);
    CHECK_FALSE(connection.open());
    check_failed(connection.dialler, ErrorCode::refused, part);
    check_failed(connection.acceptor, ErrorCode::protocol_error, "TLS: handshake failed: ");
    CHECK(contexts.dialling.sessions().size() == 0);
  };
  constexpr long kDay = Issuer::kDay;
  const tls::Peer here{"localhost", 443, {}};
  SECTION("it was issued for another name") {
    Contexts contexts("DNS:elsewhere.example");
    check(contexts, here, "name mismatch");
    check(contexts, {"127.0.0.1", 443, {}}, "name mismatch");
    check(contexts, {"::1", 443, {}}, "name mismatch");
  }
  SECTION("a name within a name") {
    Contexts contexts("DNS:local*.example,DNS:*");
    check(contexts, {"localhost.example", 443, {}}, "name mismatch");
    check(contexts, here, "name mismatch");
  }
  SECTION("it has expired") {
    Contexts contexts(Contexts::kHere, -2 * kDay, -kDay);
    check(contexts, here, "certificate expired");
  }
  SECTION("it is not valid yet") {
    Contexts contexts(Contexts::kHere, kDay, 2 * kDay);
    check(contexts, here, "certificate not valid yet");
  }
  SECTION("nobody here trusts its issuer") {
    Contexts contexts;
    contexts.dialling.trust_others(Issuer("other").trusting());
    check(contexts, here, "unknown issuer");
  }
  SECTION("the system's issuers do not know it either") {
    Contexts contexts;
    contexts.dialling.trust_others({});
    check(contexts, here, "unknown issuer");
  }
}

TEST_CASE("certificates are valid or not at the time that is given") {
  Contexts contexts;
  constexpr std::int64_t kLongAgo = 1'000'000'000;  // September 2001
  Connection early(contexts, {"localhost", 443, kLongAgo});
  CHECK_FALSE(early.open());
  CHECK(early.dialler.is_reason("not valid yet"));
}

TEST_CASE("without verification anything is believed") {
  Contexts contexts("DNS:elsewhere.example", -2 * Issuer::kDay, -Issuer::kDay);
  tls::DiallingContext dialling({}, tls::Verification::skipped);
  Party dialler(dialling, contexts.here);
  Party acceptor(contexts.accepting);
  test::talk(dialler, acceptor);
  CHECK(dialler.engine.state() == State::open);
}

TEST_CASE("a name is told to the peer, an address is not, and both are verified") {
  Contexts contexts;
  const auto told_of = [&](const std::string& name) {
    Party dialler(contexts.dialling, tls::Peer{name, 443, {}});
    TlsEnd acceptor(contexts.accepting.get(), TlsEnd::Side::accepts);
    ::talk(dialler, acceptor);
    CHECK(dialler.engine.state() == State::open);
    const char* told = SSL_get_servername(acceptor.get(), TLSEXT_NAMETYPE_host_name);
    return std::string(told == nullptr ? "" : told);
  };
  CHECK(told_of("localhost") == "localhost");
  CHECK(told_of("127.0.0.1") == "");
}

TEST_CASE("what is no name of a host is not dialled") {
  Contexts contexts;
  for (const std::string& name :
       {std::string(), std::string("localhost\0.example", 18), std::string(300, 'a')}) {
    Party dialler(contexts.dialling, tls::Peer{name, 443, {}});
    check_failed(dialler, ErrorCode::invalid_request, "no name of a host");
    CHECK(dialler.engine.ciphertext().empty());
  }
}

TEST_CASE("who speaks other protocols only is refused, who names none is not") {
  Contexts contexts;
  const RawContext context = raw_dialler(TLS1_3_VERSION);
  const auto opens = [&](std::string_view protocols) {
    Party acceptor(contexts.accepting);
    TlsEnd dialler(context.get(), TlsEnd::Side::dials);
    const ByteSpan offered = as_bytes(protocols);
    SSL_set_alpn_protos(dialler.get(), offered.data(), static_cast<unsigned>(offered.size()));
    ::talk(acceptor, dialler);
    return acceptor.engine.state() == State::open;
  };
  CHECK(opens(""));
  CHECK(opens("\x2h2\x8http/1.1"));
  CHECK_FALSE(opens("\x2h2"));
}

// ---- what is no TLS

TEST_CASE("noise from any point on ends in a failure with a code and a reason") {
  Contexts contexts;
  constexpr std::size_t kFlights = 5;  // Two of the dialler's handshake, and what they say then.
  for (std::size_t flight = 0; flight < kFlights; ++flight) {
    std::size_t place = 0;
    bool is_within = true;
    while (is_within) {
      Connection connection(contexts);
      Party* victim = nullptr;
      std::size_t counted = 0;
      const auto pass = [&](const Bytes& bytes, Party& to) {
        if (victim != nullptr) return;
        if (counted++ != flight) return to.hear(bytes);
        victim = &to;
        is_within = place < bytes.size();
        to.hear(ByteSpan(bytes).first(std::min(place, bytes.size())));
        to.hear(noise(place, kNoiseBytes));
      };
      test::talk(connection.dialler, connection.acceptor, pass);
      connection.dialler.send("something");
      connection.acceptor.send("something else");
      test::talk(connection.dialler, connection.acceptor, pass);
      REQUIRE(victim != nullptr);
      INFO("flight " << flight << ", byte " << place << ": " << victim->reason());
      REQUIRE(victim->engine.state() == State::failed);
      CHECK(victim->engine.failure()->code != ErrorCode::none);
      CHECK(victim->reason().starts_with("TLS: "));
      place += 29;
    }
  }
}

TEST_CASE("first bytes that are no TLS are refused alike in whatever pieces they come") {
  Contexts contexts;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    INFO("seed " << seed);
    Bytes bytes = noise(seed, 700);
    if (seed % 2 == 1)
      std::copy_n("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11, bytes.data());
    Party whole(contexts.accepting);
    whole.hear(bytes);
    Party cut(contexts.accepting);
    Rng cuts(seed);
    cut.hear(bytes, cuts, 100);
    whole.engine.on_end();
    cut.engine.on_end();
    CHECK(whole.engine.state() == State::failed);
    CHECK(whole.engine.failure()->code == cut.engine.failure()->code);
    CHECK(whole.reason() == cut.reason());
    CHECK(whole.said() == cut.said());
  }
}

TEST_CASE("an altered record breaks an open connection, and what came before it stays") {
  Contexts contexts;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Connection connection(contexts);
    REQUIRE(connection.open());
    connection.dialler.send("the first");
    Bytes bytes = connection.dialler.said();
    const std::size_t first = bytes.size();
    connection.dialler.send("the second");
    append(bytes, connection.dialler.said());
    Rng rng(seed);
    bytes[first + 5 + rng.below(bytes.size() - first - 5)] ^= 1;
    connection.acceptor.hear(bytes, rng, seed % 2 == 0 ? bytes.size() : 9);
    CHECK(as_text(connection.acceptor.heard) == "the first");
    check_failed(connection.acceptor, ErrorCode::protocol_error, "bad record mac");
    INFO("and the peer is told");
    connection.dialler.hear(connection.acceptor.said());
    check_failed(connection.dialler, ErrorCode::protocol_error, "bad record mac");
    CHECK(connection.dialler.send("more") == 0);
  }
}

// ---- bounds

TEST_CASE("a handshake is heard as far as its bound") {
  Contexts contexts;
  tls::EngineLimits limits;
  limits.handshake_bytes_max = 150;
  for (const std::size_t piece_max : {std::size_t{1}, std::size_t{100}, std::size_t{10000}}) {
    Party dialler(contexts.dialling, contexts.here);
    Party acceptor(contexts.accepting, limits);
    Rng cuts(piece_max);
    acceptor.hear(dialler.said(), cuts, piece_max);
    check_failed(acceptor, ErrorCode::too_large, "longer than 150 bytes");
    CHECK(acceptor.engine.stats().ciphertext_received_total == 150);
  }
}

TEST_CASE("no more is encrypted than may wait to be written") {
  Contexts contexts;
  tls::EngineLimits limits;
  limits.ciphertext_bytes_max = GENERATE(33u, 1000u, 20000u, 128u * 1024u);
  Connection connection(contexts, limits);
  REQUIRE(connection.open());
  const Bytes much(std::size_t{1024} * 1024, 'x');
  std::size_t sent = 0;
  std::size_t turns = 0;
  while (sent < much.size() && turns < 50) {
    const std::size_t taken = connection.dialler.engine.send(ByteSpan(much).subspan(sent));
    CHECK(connection.dialler.engine.ciphertext().size() <= limits.ciphertext_bytes_max);
    CHECK(taken > 0);
    sent += taken;
    connection.dialler.engine.send(as_bytes("what does not fit"));
    CHECK(connection.dialler.engine.ciphertext().size() <= limits.ciphertext_bytes_max);
    connection.acceptor.hear(connection.dialler.said());
    ++turns;
  }
  CHECK(connection.dialler.engine.stats().sends_cut_total >= turns - 1);
  CHECK(connection.dialler.engine.storage_bytes() == 0);
  if (limits.ciphertext_bytes_max > 100000) CHECK(turns == 9);
}

TEST_CASE("a peer that asks for short records gets no more into what may wait") {
  Contexts contexts;
  const RawContext context = raw_dialler(TLS1_3_VERSION);
  Party acceptor(contexts.accepting);
  TlsEnd dialler(context.get(), TlsEnd::Side::dials);
  SSL_set_tlsext_max_fragment_length(dialler.get(), TLSEXT_max_fragment_length_512);
  ::talk(acceptor, dialler);
  const Bytes much(std::size_t{1024} * 1024, 'x');
  const std::size_t sent = acceptor.engine.send(much);
  CHECK(acceptor.engine.ciphertext().size() <= tls::EngineLimits{}.ciphertext_bytes_max);
  CHECK(acceptor.engine.ciphertext().size() > sent + sent / 512 * 22);
  dialler.hear(acceptor.said());
  CHECK(dialler.read().size() == std::min<std::size_t>(sent, std::size_t{64} * 1024));
}

TEST_CASE("changes of keys are followed, a flood of them is refused") {
  Contexts contexts;
  const RawContext context = raw_dialler(TLS1_3_VERSION);
  Party acceptor(contexts.accepting);
  TlsEnd dialler(context.get(), TlsEnd::Side::dials);
  ::talk(acceptor, dialler);
  const auto change = [&](int count) {
    Bytes said;
    for (int each = 0; each < count; ++each) {
      SSL_key_update(dialler.get(), SSL_KEY_UPDATE_REQUESTED);
      SSL_do_handshake(dialler.get());
      append(said, dialler.said());
    }
    acceptor.hear(said);
  };
  const int allowed = static_cast<int>(tls::EngineLimits{}.late_messages_max);
  change(allowed);
  CHECK(acceptor.engine.state() == State::open);
  acceptor.send("answered under a new key");
  dialler.hear(acceptor.said());
  CHECK(as_text(dialler.read()) == "answered under a new key");
  INFO("data earns more of them");
  const Bytes much(std::size_t{16} * 1024, 'x');
  for (int count = 0; count < 64; ++count) dialler.write(much);
  acceptor.hear(dialler.said());
  change(1);
  CHECK(acceptor.engine.state() == State::open);
  change(1000);
  check_failed(acceptor, ErrorCode::protocol_error, "too many tickets or changes of keys");
  CHECK(acceptor.engine.stats().late_messages_total == static_cast<std::uint64_t>(allowed) + 2);
}

TEST_CASE("a flood of tickets is refused") {
  Contexts contexts;
  Party dialler(contexts.dialling, contexts.here);
  TlsEnd acceptor(contexts.accepting.get(), TlsEnd::Side::accepts);
  ::talk(dialler, acceptor);
  REQUIRE(dialler.engine.state() == State::open);
  for (int count = 0; count < 100 && dialler.engine.state() == State::open; ++count) {
    SSL_new_session_ticket(acceptor.get());
    SSL_do_handshake(acceptor.get());
    dialler.hear(acceptor.said());
  }
  check_failed(dialler, ErrorCode::protocol_error, "too many tickets");
}

TEST_CASE("a handshake that is begun again in TLS 1.2 is not answered, and counted") {
  Contexts contexts;
  const RawContext context = raw_dialler(TLS1_2_VERSION);
  tls::EngineLimits limits;
  limits.late_messages_max = GENERATE(0u, 1u);
  Party acceptor(contexts.accepting, limits);
  TlsEnd dialler(context.get(), TlsEnd::Side::dials);
  ::talk(acceptor, dialler);
  REQUIRE(acceptor.engine.state() == State::open);
  SSL_renegotiate(dialler.get());
  SSL_do_handshake(dialler.get());
  acceptor.hear(dialler.said());
  CHECK(acceptor.engine.stats().late_messages_total == 1);
  CHECK((acceptor.engine.state() == State::open) == (limits.late_messages_max == 1));
}

TEST_CASE("some empty records are passed over, a flood of them is refused") {
  constexpr std::uint8_t kData = SSL3_RT_APPLICATION_DATA;
  Contexts contexts;
  const RawContext context = raw_dialler(TLS1_3_VERSION);
  Party acceptor(contexts.accepting);
  TlsEnd dialler(context.get(), TlsEnd::Side::dials);
  CraftedRecords::listen(dialler.get());
  ::talk(acceptor, dialler);
  CraftedRecords crafted;
  for (int round = 0; round < 3; ++round) {
    for (int count = 0; count < 30; ++count) acceptor.hear(crafted.record(kData, {}));
    acceptor.hear(crafted.record(kData, as_bytes("x")));
  }
  CHECK(as_text(acceptor.heard) == "xxx");
  REQUIRE(acceptor.engine.state() == State::open);
  Bytes flood;
  for (int count = 0; count < 100; ++count) append(flood, crafted.record(kData, {}));
  acceptor.hear(flood);
  check_failed(acceptor, ErrorCode::protocol_error, "unexpected_message");
  CHECK(acceptor.engine.stats().ciphertext_received_total < flood.size() + 5000);
}

TEST_CASE("records of a kind that does not belong there break the connection") {
  Contexts contexts;
  const RawContext context = raw_dialler(TLS1_3_VERSION);
  for (const int kind : {0, 20, 21, 22, 24, 255}) {
    INFO("kind " << kind);
    Party acceptor(contexts.accepting);
    TlsEnd dialler(context.get(), TlsEnd::Side::dials);
    CraftedRecords::listen(dialler.get());
    ::talk(acceptor, dialler);
    CraftedRecords crafted;
    acceptor.hear(crafted.record(static_cast<std::uint8_t>(kind), as_bytes("something")));
    check_failed(acceptor, ErrorCode::protocol_error, "the connection is broken");
  }
}

TEST_CASE("tickets allow no early data") {
  Contexts contexts;
  Party acceptor(contexts.accepting);
  TlsEnd dialler(contexts.dialling.get(), TlsEnd::Side::dials);
  ::talk(acceptor, dialler);
  dialler.read();
  const SSL_SESSION* session = SSL_get_session(dialler.get());
  REQUIRE(SSL_SESSION_has_ticket(session) == 1);
  CHECK(SSL_SESSION_get_max_early_data(session) == 0);
}
