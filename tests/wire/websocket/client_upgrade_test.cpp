#include "trestle/wire/websocket/client_upgrade.hpp"

#include <set>

#include "catch.hpp"
#include "frame_cases.hpp"
#include "frames.hpp"
#include "slow_request.hpp"

using namespace trestle;
using namespace trestle::test;

namespace {

using Phase = ws::ClientUpgrade::Phase;
using ws::AnswerFlaw;

constexpr std::array<std::uint8_t, 16> kNonce = {'t', 'h', 'e', ' ', 's', 'a', 'm', 'p',
                                                 'l', 'e', ' ', 'n', 'o', 'n', 'c', 'e'};
constexpr ws::HandshakeDigest kDigest = {0xb3, 0x7a, 0x4f, 0x2c, 0xc0, 0x62, 0x4f,
                                         0x16, 0x90, 0xf6, 0x46, 0x06, 0xcf, 0x38,
                                         0x59, 0x45, 0xb2, 0xbe, 0xc4, 0xea};
constexpr std::string_view kAccept = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";

ws::UpgradeOrder order() {
  ws::UpgradeOrder made;
  made.host = "server.example";
  made.target = "/chat";
  made.subprotocols = {"trestle", "other"};
  return made;
}

ws::ClientUpgrade begun(const ws::UpgradeOrder& wanted = order()) {
  auto upgrade = ws::ClientUpgrade::make(wanted, ws::HandshakeKey(kNonce), kDigest);
  REQUIRE(upgrade.has_value());
  return std::move(*upgrade);
}

struct AnswerCase {
  std::string name;
  std::string stream;
  std::string expects;  ///< `open`, `refused STATUS`, `waiting`, or the flaw's name.
};

std::string_view name_of(AnswerFlaw flaw) {
  constexpr std::string_view kNames[] = {"none",        "head",       "version", "interim",
                                         "upgrade",     "connection", "accept",  "extension",
                                         "subprotocol", "framing"};
  return kNames[static_cast<std::size_t>(flaw)];
}

std::string outcome_of_answer(const std::string& stream, const Pieces& pieces) {
  ws::ClientUpgrade upgrade = begun();
  std::size_t taken = 0;
  in_pieces(as_bytes(stream), pieces, [&](ByteSpan piece) { taken += upgrade.on_bytes(piece); });
  const std::string behind = " behind " + std::to_string(taken);
  switch (upgrade.phase()) {
    case Phase::waiting:
      return "waiting" + behind;
    case Phase::open:
      return "open '" + std::string(upgrade.subprotocol()) + "'" + behind;
    case Phase::refused:
      return "refused " + std::to_string(upgrade.status()) + behind;
    case Phase::failed:
      break;
  }
  return std::string(name_of(upgrade.flaw())) + behind;
}

/// A right answer with its lines in the order given.
std::string answer(const std::string& more = {},
                   const std::string& line = "HTTP/1.1 101 Switching Protocols",
                   const std::string& upgrade = "Upgrade: websocket\r\n",
                   const std::string& connection = "Connection: Upgrade\r\n",
                   const std::string& accept = std::string(kAccept)) {
  return line + "\r\n" + upgrade + connection + accept + more + "\r\n";
}

std::vector<AnswerCase> switching_cases() {
  const std::string line = "HTTP/1.1 101 Switching Protocols";
  const std::string up = "Upgrade: websocket\r\n";
  const std::string connection = "Connection: Upgrade\r\n";
  std::vector<AnswerCase> cases = {
      {"a right answer", answer(), "open ''"},
      {"no phrase", answer({}, "HTTP/1.1 101"), "open ''"},
      {"an empty phrase", answer({}, "HTTP/1.1 101 "), "open ''"},
      {"a phrase above ASCII", answer({}, "HTTP/1.1 101 \xc3\xa9t\xc3\xa9"), "open ''"},
      {"Upgrade: WebSocket", answer({}, line, "upgrade:WebSocket\r\n"), "open ''"},
      {"Connection: keep-alive, upgrade",
       answer({}, line, up, "Connection: keep-alive, upgrade\r\n"), "open ''"},
      {"a header of its own", answer("Server: x\r\nDate: y\r\n"), "open ''"},
      {"an offered subprotocol", answer("Sec-WebSocket-Protocol: other\r\n"), "open 'other'"},
      {"no Upgrade", answer({}, line, ""), "upgrade"},
      {"Upgrade: h2c", answer({}, line, "Upgrade: h2c\r\n"), "upgrade"},
      {"Upgrade to two", answer({}, line, "Upgrade: websocket, h2c\r\n"), "upgrade"},
      {"two Upgrades", answer({}, line, up + up), "upgrade"},
      {"no Connection", answer({}, line, up, ""), "connection"},
      {"Connection: close", answer({}, line, up, "Connection: close\r\n"), "connection"},
      {"no accept", answer({}, line, up, connection, ""), "accept"},
      {"an empty accept", answer({}, line, up, connection, "Sec-WebSocket-Accept:\r\n"), "accept"},
      {"another accept",
       answer({}, line, up, connection, "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOp=\r\n"),
       "accept"},
      {"an accept in small letters",
       answer({}, line, up, connection, "Sec-WebSocket-Accept: s3pplmbitxaq9kygzzhzrbk+xoo=\r\n"),
       "accept"},
      {"the key for an accept",
       answer({}, line, up, connection, "Sec-WebSocket-Accept: dGhlIHNhbXBsZSBub25jZQ==\r\n"),
       "accept"},
      {"two accepts", answer(std::string(kAccept)), "accept"},
      {"white space around the accept",
       answer({}, line, up, connection,
              "Sec-WebSocket-Accept:  s3pPLMBiTxaQ9kYGzzhZRbK+xOo= \t\r\n"),
       "open ''"},
      {"an extension", answer("Sec-WebSocket-Extensions: permessage-deflate\r\n"), "extension"},
      {"an empty extension", answer("Sec-WebSocket-Extensions:\r\n"), "extension"},
      {"a subprotocol that was not offered", answer("Sec-WebSocket-Protocol: chat\r\n"),
       "subprotocol"},
      {"a subprotocol in other letters", answer("Sec-WebSocket-Protocol: Trestle\r\n"),
       "subprotocol"},
      {"two subprotocols", answer("Sec-WebSocket-Protocol: trestle, other\r\n"), "subprotocol"},
      {"two lines of subprotocols",
       answer("Sec-WebSocket-Protocol: trestle\r\nSec-WebSocket-Protocol: other\r\n"),
       "subprotocol"},
      {"an empty subprotocol", answer("Sec-WebSocket-Protocol:\r\n"), "subprotocol"},
      {"a length", answer("Content-Length: 0\r\n"), "framing"},
      {"chunks", answer("Transfer-Encoding: chunked\r\n"), "framing"},
      {"101 in HTTP/1.0", answer({}, "HTTP/1.0 101 Switching Protocols"), "version"},
  };
  return cases;
}

std::vector<AnswerCase> other_cases() {
  const std::string hint = "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n";
  std::vector<AnswerCase> cases = {
      {"nothing", "", "waiting"},
      {"all but a byte", answer().substr(0, answer().size() - 1), "waiting"},
      {"continue", "HTTP/1.1 100 Continue\r\n\r\n", "waiting"},
      {"hints before the switch", hint + hint + answer(), "open ''"},
      {"hints before a refusal", hint + "HTTP/1.1 403 Forbidden\r\n\r\n", "refused 403"},
      {"four hints", hint + hint + hint + hint + answer(), "open ''"},
      {"five hints", hint + hint + hint + hint + hint + answer(), "interim"},
      {"a refusal of HTTP/1.0", "HTTP/1.0 404 Not Found\r\n\r\n", "refused 404"},
      {"an empty head", "\r\n", "head"},
      {"TLS", "\x15\x03\x03", "head"},
      {"a greeting of another protocol", "220 mail.example ESMTP\r\n\r\n", "head"},
      {"SSH", "SSH-2.0-OpenSSH\r\n\r\n", "head"},
      {"HTTP/2", "HTTP/2 200 OK\r\n\r\n", "head"},
      {"HTTP/1.2", "HTTP/1.2 101 OK\r\n\r\n", "head"},
      {"small letters", "http/1.1 101 OK\r\n\r\n", "head"},
      {"no status", "HTTP/1.1 \r\n\r\n", "head"},
      {"a short status", "HTTP/1.1 10\r\n\r\n", "head"},
      {"a long status", "HTTP/1.1 1010 OK\r\n\r\n", "head"},
      {"a status of letters", "HTTP/1.1 1a1 OK\r\n\r\n", "head"},
      {"status 099", "HTTP/1.1 099 OK\r\n\r\n", "head"},
      {"status 600", "HTTP/1.1 600 OK\r\n\r\n", "head"},
      {"two spaces", "HTTP/1.1  101 OK\r\n\r\n", "head"},
      {"a folded line", "HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\r\n", "head"},
      {"a space before a colon", "HTTP/1.1 200 OK\r\nX : a\r\n\r\n", "head"},
      {"lines of LF alone", "HTTP/1.1 200 OK\nX: a\n\n", "head"},
      {"a header too long", "HTTP/1.1 200 OK\r\nX: " + std::string(8192, 'a'), "head"},
  };
  for (const unsigned status : {200u, 204u, 301u, 302u, 307u, 400u, 401u, 403u, 404u, 407u, 426u,
                                429u, 431u, 500u, 502u, 503u, 599u}) {
    cases.push_back(
        {"status " + std::to_string(status),
         "HTTP/1.1 " + std::to_string(status) + " Whatever\r\nContent-Length: 4\r\n\r\nbody",
         "refused " + std::to_string(status)});
  }
  std::string many = "HTTP/1.1 200 OK\r\n";
  for (int count = 0; count < 65; ++count) many += "X: a\r\n";
  cases.push_back({"too many headers", many + "\r\n", "head"});
  return cases;
}

}  // namespace

TEST_CASE("the table of answers holds, whatever the pieces") {
  Rng rng(4);
  auto cases = switching_cases();
  for (const AnswerCase& one : other_cases()) cases.push_back(one);
  std::set<std::string> names;
  for (const AnswerCase& one : cases) {
    INFO(one.name);
    names.insert(one.name);
    const std::size_t bytes = one.stream.size();
    const std::string outcome = outcome_of_answer(one.stream, whole(bytes));
    CHECK(outcome.substr(0, outcome.find(" behind ")) == one.expects);
    CHECK(outcome_of_answer(one.stream, byte_by_byte(bytes)) == outcome);
    for (int round = 0; round < 3; ++round) {
      CHECK(outcome_of_answer(one.stream, random_pieces(bytes, rng)) == outcome);
    }
    // What follows a switch belongs to the frames.
    if (one.expects.starts_with("open")) {
      CHECK(outcome_of_answer(one.stream + "frames", whole(bytes + 6)) == outcome);
    }
  }
  CHECK(names.size() == cases.size());
  CHECK(cases.size() >= 70);
}

TEST_CASE("a sound answer is read the same at every cut, and takes nothing that is behind") {
  std::size_t sound = 0;
  auto cases = switching_cases();
  for (const AnswerCase& one : other_cases()) cases.push_back(one);
  for (const AnswerCase& one : cases) {
    if (!one.expects.starts_with("open") && !one.expects.starts_with("refused")) continue;
    INFO(one.name);
    ++sound;
    const std::string stream = one.stream + "frames";
    const std::string outcome = outcome_of_answer(stream, whole(stream.size()));
    CHECK(outcome.starts_with(one.expects));
    for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
      REQUIRE(outcome_of_answer(stream, {cut, stream.size() - cut}) == outcome);
    }
  }
  CHECK(sound >= 20);
}

TEST_CASE("an answer and the frames behind it are read the same at every cut") {
  constexpr std::array<std::uint8_t, ws::MaskSource::kSeedBytes> kSeed = {1, 2, 3};
  Bytes stream = to_bytes(as_bytes(answer()));
  append(stream,
         encoded({text("one"), not_final(binary("tw")), ping("p"), last("o"), closing(1001)},
                 ws::Role::server));
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    CAPTURE(cut);
    ws::MaskSource masks(kSeed);
    ws::ClientUpgrade upgrade = begun();
    ws::Connection connection = ws::Connection::client({}, masks);
    std::vector<std::string> told_of;
    in_pieces(stream, {cut, stream.size() - cut}, [&](std::span<std::uint8_t> piece) {
      const std::size_t taken = upgrade.on_bytes(piece);
      if (upgrade.phase() != Phase::open) return;
      connection.on_bytes(kTestEpoch, piece.subspan(taken));
      while (const auto effect = connection.poll_effect()) told_of.push_back(told(*effect));
    });
    REQUIRE(joined(told_of) == "text 'one', binary 'two', closed 1001 by peer");
  }
}

TEST_CASE("a request is that of RFC 6455, section 1.2, and a server of ours takes it") {
  ws::UpgradeOrder wanted = order();
  wanted.target = "/chat?a=b";
  wanted.origin = "http://example.com";
  wanted.fields = {{"User-Agent", "trestle"}};
  ws::ClientUpgrade upgrade = begun(wanted);
  const Bytes request = upgrade.take_output();
  CHECK(as_text(request) ==
        "GET /chat?a=b HTTP/1.1\r\n"
        "Host: server.example\r\n"
        "Upgrade: websocket\r\n"
        "Connection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        "Sec-WebSocket-Version: 13\r\n"
        "Origin: http://example.com\r\n"
        "Sec-WebSocket-Protocol: trestle, other\r\n"
        "User-Agent: trestle\r\n"
        "\r\n");
  CHECK(upgrade.take_output().empty());
  ws::ServerUpgrade server;
  CHECK(server.on_bytes(request) == request.size());
  REQUIRE(outcome_of(server) == "upgrade /chat ? a=b @ server.example");
  REQUIRE(server.key().challenge() == ws::HandshakeKey(kNonce).challenge());
  server.accept(kDigest, "other");
  const Bytes answered = server.take_output();
  CHECK(upgrade.on_bytes(answered) == answered.size());
  CHECK(upgrade.phase() == Phase::open);
  CHECK(upgrade.subprotocol() == "other");
}

TEST_CASE("an order that would break the request is refused") {
  const auto flaw_of = [](const auto& change) {
    ws::UpgradeOrder wanted = order();
    change(wanted);
    const auto made = ws::ClientUpgrade::make(wanted, ws::HandshakeKey(kNonce), kDigest);
    REQUIRE_FALSE(made.has_value());
    return made.error();
  };
  for (const std::string text : {"", "a b", "a\r\nX: y", "user@a", "a/b"}) {
    CHECK(flaw_of([&](auto& wanted) { wanted.host = text; }) == ws::OrderFlaw::host);
  }
  for (const std::string text : {"", "chat", "/a b", "/a\r\nX: y", "/a#b", "http://a/"}) {
    CHECK(flaw_of([&](auto& wanted) { wanted.target = text; }) == ws::OrderFlaw::target);
  }
  CHECK(flaw_of([](auto& wanted) { wanted.origin = "a\r\nX: y"; }) == ws::OrderFlaw::origin);
  CHECK(flaw_of([](auto& wanted) { wanted.subprotocols = {"a", "a"}; }) ==
        ws::OrderFlaw::subprotocols);
  CHECK(flaw_of([](auto& wanted) { wanted.subprotocols = {"a b"}; }) ==
        ws::OrderFlaw::subprotocols);
  CHECK(flaw_of([](auto& wanted) { wanted.fields = {{"X Y", "a"}}; }) == ws::OrderFlaw::fields);
  CHECK(flaw_of([](auto& wanted) { wanted.fields = {{"X", "a\nb"}}; }) == ws::OrderFlaw::fields);
}

TEST_CASE("what explains an answer is there") {
  ws::ClientUpgrade upgrade = begun();
  upgrade.on_bytes(
      as_bytes("HTTP/1.1 301 Moved\r\nLocation: https://other.example/\r\n"
               "Date: Fri, 27 Nov 2026 01:09:25 GMT\r\n\r\n"));
  CHECK(upgrade.phase() == Phase::refused);
  CHECK(upgrade.status() == 301);
  CHECK(upgrade.head().value("location") == "https://other.example/");
  CHECK(upgrade.head().value("date") == "Fri, 27 Nov 2026 01:09:25 GMT");
}
