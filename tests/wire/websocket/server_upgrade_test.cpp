#include "trestle/wire/websocket/server_upgrade.hpp"

#include <set>

#include "catch.hpp"
#include "frame_cases.hpp"
#include "frames.hpp"
#include "request_cases.hpp"
#include "slow_request.hpp"

using namespace trestle;
using namespace trestle::test;

namespace {

constexpr std::size_t kCasesMin = 200;
/// Of the challenge of RFC 6455, section 1.3.
constexpr ws::HandshakeDigest kRfcDigest = {0xb3, 0x7a, 0x4f, 0x2c, 0xc0, 0x62, 0x4f,
                                            0x16, 0x90, 0xf6, 0x46, 0x06, 0xcf, 0x38,
                                            0x59, 0x45, 0xb2, 0xbe, 0xc4, 0xea};

struct Read {
  std::string outcome;
  std::size_t taken = 0;
  std::string output;
  friend bool operator==(const Read&, const Read&) = default;
};

Read read_request(const std::string& stream, const Pieces& pieces) {
  ws::ServerUpgrade upgrade;
  Read read;
  in_pieces(as_bytes(stream), pieces,
            [&](ByteSpan piece) { read.taken += upgrade.on_bytes(piece); });
  read.outcome = outcome_of(upgrade);
  read.output = as_text(upgrade.take_output());
  return read;
}

ws::ServerUpgrade asked(const RequestSketch& request) {
  ws::ServerUpgrade upgrade;
  upgrade.on_bytes(as_bytes(request.text()));
  REQUIRE(upgrade.phase() == ws::ServerUpgrade::Phase::asked);
  return upgrade;
}

std::string refused(const RequestSketch& request) {
  ws::ServerUpgrade upgrade;
  upgrade.on_bytes(as_bytes(request.text()));
  REQUIRE(upgrade.phase() == ws::ServerUpgrade::Phase::answered);
  return std::string(as_text(upgrade.take_output()));
}

}  // namespace

TEST_CASE("the table of requests holds, whatever the pieces, and the slow reader agrees") {
  Rng rng(9112);
  for (const RequestCase& one : request_cases()) {
    INFO(one.name);
    const std::size_t bytes = one.stream.size();
    const Read read = read_request(one.stream, whole(bytes));
    CHECK(read.outcome == one.expects);
    CHECK(SlowRequest(one.stream, {}).outcome() == one.expects);
    CHECK(read_request(one.stream, byte_by_byte(bytes)) == read);
    for (int round = 0; round < 3; ++round) {
      CHECK(read_request(one.stream, random_pieces(bytes, rng)) == read);
    }
    // What is neither waited for nor shown is answered.
    const bool is_shown = one.expects.find(" @ ") != std::string::npos;
    CHECK(read.output.starts_with("HTTP/1.1 4") + read.output.starts_with("HTTP/1.1 505") ==
          (is_shown || one.expects == "reading" ? 0 : 1));
  }
}

TEST_CASE("a sound request is read the same at every cut, and takes nothing that is behind") {
  std::size_t sound = 0;
  for (const RequestCase& one : request_cases()) {
    if (one.expects.find(" @ ") == std::string::npos) continue;
    INFO(one.name);
    ++sound;
    const std::string stream = one.stream + "frames";
    const Read read = read_request(stream, whole(stream.size()));
    CHECK(read.outcome == one.expects);
    for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
      REQUIRE(read_request(stream, {cut, stream.size() - cut}) == read);
    }
  }
  CHECK(sound >= 40);
}

TEST_CASE("a request and the frames behind it are read the same at every cut") {
  Bytes stream = to_bytes(as_bytes(RequestSketch().text()));
  append(stream,
         encoded({text("one"), not_final(binary("tw")), ping("p"), last("o"), closing(1001)},
                 ws::Role::client));
  for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
    CAPTURE(cut);
    ws::ServerUpgrade upgrade;
    ws::Connection connection = ws::Connection::server({});
    std::vector<std::string> told_of;
    in_pieces(stream, {cut, stream.size() - cut}, [&](std::span<std::uint8_t> piece) {
      const std::size_t taken = upgrade.on_bytes(piece);
      if (upgrade.phase() == ws::ServerUpgrade::Phase::asked) upgrade.accept(kRfcDigest);
      if (upgrade.phase() != ws::ServerUpgrade::Phase::accepted) return;
      connection.on_bytes(kTestEpoch, piece.subspan(taken));
      while (const auto effect = connection.poll_effect()) told_of.push_back(told(*effect));
    });
    REQUIRE(joined(told_of) == "text 'one', binary 'two', closed 1001 by peer, hang up");
  }
}

TEST_CASE("the table of requests is large, and its names are unique") {
  std::set<std::string> names;
  for (const RequestCase& one : request_cases()) names.insert(one.name);
  CHECK(names.size() == request_cases().size());
  CHECK(names.size() >= kCasesMin);
}

TEST_CASE("requests with a byte changed, added or lost are read as the slow reader reads them") {
  Rng rng(1);
  const auto cases = request_cases();
  const std::string letters = "\r\n :,/?%#[]=AZaz09\t\x7f\xe9";
  for (int round = 0; round < 6000; ++round) {
    std::string stream = cases[rng.below(cases.size())].stream;
    if (stream.empty() || stream.size() > 2000) continue;
    const std::uint64_t changes = 1 + rng.below(3);
    for (std::uint64_t change = 0; change < changes; ++change) {
      const std::uint64_t place = rng.below(stream.size());
      const char letter = letters[rng.below(letters.size())];
      const std::uint64_t kind = rng.below(3);
      if (kind == 0) stream[place] = letter;
      if (kind == 1) stream.insert(place, 1, letter);
      if (kind == 2 && stream.size() > 1) stream.erase(place, 1);
    }
    CAPTURE(stream);
    SlowRequest slow(stream, {});
    const Read read = read_request(stream, whole(stream.size()));
    REQUIRE(read.outcome == slow.outcome());
    REQUIRE(read_request(stream, random_pieces(stream.size(), rng)) == read);
  }
}

TEST_CASE("an upgrade is answered as in RFC 6455, section 1.3") {
  ws::ServerUpgrade upgrade = asked(RequestSketch());
  CHECK(upgrade.key().challenge() ==
        "dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
  upgrade.accept(kRfcDigest);
  CHECK(upgrade.phase() == ws::ServerUpgrade::Phase::accepted);
  CHECK(as_text(upgrade.take_output()) ==
        "HTTP/1.1 101 Switching Protocols\r\n"
        "Upgrade: websocket\r\n"
        "Connection: Upgrade\r\n"
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
        "\r\n");
  CHECK(upgrade.take_output().empty());
}

TEST_CASE("the owner chooses among the subprotocols, and may add lines to the answer") {
  ws::ServerUpgrade upgrade = asked(RequestSketch()
                                        .plus("Sec-WebSocket-Protocol", "chat")
                                        .plus("Sec-WebSocket-Protocol", "trestle, other"));
  CHECK(upgrade.offers_subprotocol("trestle"));
  CHECK_FALSE(upgrade.offers_subprotocol("Trestle"));
  const std::vector<wire::http::Field> fields = {{"Content-Location", std::string(upgrade.path())}};
  upgrade.accept(kRfcDigest, "trestle", fields);
  CHECK(as_text(upgrade.take_output())
            .ends_with("Sec-WebSocket-Protocol: trestle\r\n"
                       "Content-Location: /chat\r\n\r\n"));
}

TEST_CASE("what gates ask for is there") {
  const ws::ServerUpgrade upgrade = asked(RequestSketch()
                                              .plus("Origin", "https://app.example")
                                              .plus("X-Forwarded-For", "192.0.2.1, 192.0.2.2")
                                              .plus("x-forwarded-for", "192.0.2.3")
                                              .plus("X-Forwarded-Proto", "https"));
  CHECK(upgrade.origin() == "https://app.example");
  CHECK(upgrade.head().joined("x-forwarded-for") == "192.0.2.1, 192.0.2.2, 192.0.2.3");
  CHECK(upgrade.head().value("x-forwarded-proto") == "https");
  CHECK_FALSE(upgrade.head().value("authorization").has_value());
  CHECK(upgrade.head().joined("authorization").empty());
  CHECK(asked(RequestSketch()).origin() == std::nullopt);
  CHECK(asked(RequestSketch().plus("Origin", "")).origin() == "");
}

TEST_CASE("the owner's refusals and pages are whole answers behind which the connection ends") {
  ws::ServerUpgrade upgrade = asked(RequestSketch());
  upgrade.answer({.status = 503, .content_type = {}, .body = {}, .fields = {{"Retry-After", "5"}}});
  CHECK(upgrade.phase() == ws::ServerUpgrade::Phase::answered);
  CHECK(as_text(upgrade.take_output()) ==
        "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n"
        "Retry-After: 5\r\n\r\n");
  const wire::http::Answer answer{
      .status = 200, .content_type = "text/plain", .body = "up\n", .fields = {}};
  const std::string head =
      "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 3\r\nConnection: "
      "close\r\n\r\n";
  ws::ServerUpgrade get = asked(page());
  get.answer(answer);
  CHECK(as_text(get.take_output()) == head + "up\n");
  ws::ServerUpgrade head_only = asked(page("HEAD /health HTTP/1.1"));
  head_only.answer(answer);
  CHECK(as_text(head_only.take_output()) == head);
}

TEST_CASE("refusals carry what the RFC has them carry") {
  const RequestSketch right;
  const std::string other_version = refused(right.with("Sec-WebSocket-Version", "8"));
  CHECK(other_version.starts_with("HTTP/1.1 426 Upgrade Required\r\n"));
  CHECK(other_version.find("\r\nSec-WebSocket-Version: 13\r\n") != std::string::npos);
  CHECK(other_version.find("\r\nUpgrade: websocket\r\n") != std::string::npos);
  CHECK(other_version.find("\r\nConnection: Upgrade\r\n") != std::string::npos);
  CHECK(refused(right.without("Upgrade")).starts_with("HTTP/1.1 426 "));
  const std::string other_method = refused(right.asking("POST / HTTP/1.1"));
  CHECK(other_method.starts_with("HTTP/1.1 405 "));
  CHECK(other_method.find("\r\nAllow: GET, HEAD\r\n") != std::string::npos);
  CHECK(refused(right.with("Sec-WebSocket-Key", "x")).starts_with("HTTP/1.1 400 "));
  CHECK(refused(right.plus("Content-Length", "1")).starts_with("HTTP/1.1 413 "));
  CHECK(refused(right.plus("X", std::string(9000, 'a'))).starts_with("HTTP/1.1 431 "));
  CHECK(refused(right.asking("GET / HTTP/1.2")).starts_with("HTTP/1.1 505 "));
}

TEST_CASE("nothing is taken behind a request, nor once it is decided") {
  const std::string request = RequestSketch().text();
  ws::ServerUpgrade upgrade;
  CHECK(upgrade.on_bytes(as_bytes(request + "frames")) == request.size());
  CHECK(upgrade.on_bytes(as_bytes("more")) == 0);
  CHECK(upgrade.head().size() == request.size());
}

TEST_CASE("an upgrade can be moved while its owner decides") {
  ws::ServerUpgrade first = asked(RequestSketch().asking("GET http://server.example/a?b HTTP/1.1"));
  const ws::ServerUpgrade second = std::move(first);
  CHECK(outcome_of(second) == "upgrade /a ? b @ server.example");
}
