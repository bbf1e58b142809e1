// F1: any bytes as a request for a WebSocket or a page, in any pieces, against a slow reader; as
// the answer to ours; and any words as the parts of a request of ours.
#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "entry.hpp"
#include "input.hpp"
#include "trestle/wire/websocket/client_upgrade.hpp"
#include "trestle/wire/websocket/server_upgrade.hpp"
#include "wire/websocket/frames.hpp"
// NOT_GUIDING for a whole reader. What it includes itself is included above.
#ifdef TRESTLE_FUZZ
#pragma clang attribute push(__attribute__((no_sanitize("coverage"))), apply_to = function)
#endif
#include "wire/websocket/slow_request.hpp"
#ifdef TRESTLE_FUZZ
#pragma clang attribute pop
#endif

namespace trestle::fuzz {
namespace {

using namespace wire::websocket;
using test::Pieces;

constexpr std::array<std::uint8_t, HandshakeKey::kNonceBytes> kNonce = {
    't', 'h', 'e', ' ', 's', 'a', 'm', 'p', 'l', 'e', ' ', 'n', 'o', 'n', 'c', 'e'};
constexpr HandshakeDigest kDigest = {0xb3, 0x7a, 0x4f, 0x2c, 0xc0, 0x62, 0x4f, 0x16, 0x90, 0xf6,
                                     0x46, 0x06, 0xcf, 0x38, 0x59, 0x45, 0xb2, 0xbe, 0xc4, 0xea};

HttpLimits limits_of(std::uint8_t choice) {
  if ((choice & 4) == 0) return {};
  return {.head_bytes_max = 200, .fields_max = 6};
}

UpgradeOrder some_order() {
  UpgradeOrder order;
  order.host = "server.example";
  order.subprotocols = {"chat", "other"};
  return order;
}

/// Whoever asked for a WebSocket takes the answer to it.
void check_accept(ServerUpgrade& upgrade) {
  upgrade.accept(kDigest, upgrade.offers_subprotocol("chat") ? "chat" : "");
  MUST_HOLD(upgrade.phase() == ServerUpgrade::Phase::accepted);
  const Bytes answer = upgrade.take_output();
  auto client = ClientUpgrade::make(some_order(), HandshakeKey(kNonce), kDigest);
  MUST_HOLD(client.has_value() && client->on_bytes(answer) == answer.size());
  MUST_HOLD(client->phase() == ClientUpgrade::Phase::open);
}

void check_request(ByteSpan stream, const HttpLimits& limits, std::uint64_t seed) {
  test::SlowRequest slow(as_text(stream), limits);
  const std::string expected = slow.outcome();
  ServerUpgrade upgrade(limits);
  const std::size_t taken = upgrade.on_bytes(stream);
  MUST_HOLD(test::outcome_of(upgrade) == expected);
  MUST_HOLD(upgrade.head().size() == taken && taken <= limits.head_bytes_max);

  Rng rng(seed);
  ServerUpgrade cut(limits);
  std::size_t taken_in_pieces = 0;
  test::in_pieces(stream, test::random_pieces(stream.size(), rng),
                  [&](ByteSpan piece) { taken_in_pieces += cut.on_bytes(piece); });
  MUST_HOLD(test::outcome_of(cut) == expected && taken_in_pieces == taken);
  MUST_HOLD(cut.take_output() == upgrade.take_output());

  if (upgrade.phase() != ServerUpgrade::Phase::asked) return;
  MUST_HOLD(slow.bytes() == taken);
  if (upgrade.kind() == RequestKind::upgrade) return check_accept(upgrade);
  upgrade.answer({.status = 404, .content_type = "text/plain", .body = "no\n", .fields = {}});
  const std::string answer(as_text(upgrade.take_output()));
  MUST_HOLD(answer.starts_with("HTTP/1.1 404 Not Found\r\n"));
  MUST_HOLD(answer.ends_with("\r\n\r\nno\n") == (upgrade.kind() == RequestKind::get));
}

void check_answer(ByteSpan stream, const HttpLimits& limits, std::uint64_t seed) {
  const auto read = [&](const Pieces& pieces) {
    auto client = ClientUpgrade::make(some_order(), HandshakeKey(kNonce), kDigest, limits);
    MUST_HOLD(client.has_value());
    std::size_t taken = 0;
    test::in_pieces(stream, pieces, [&](ByteSpan piece) { taken += client->on_bytes(piece); });
    if (client->phase() == ClientUpgrade::Phase::open) {
      MUST_HOLD(client->head().value("sec-websocket-accept") == accept_text(kDigest));
      MUST_HOLD(client->status() == 101);
    }
    return std::array<std::size_t, 4>{taken, static_cast<std::size_t>(client->phase()),
                                      static_cast<std::size_t>(client->flaw()), client->status()};
  };
  Rng rng(seed);
  const auto at_once = read(test::whole(stream.size()));
  MUST_HOLD(read(test::random_pieces(stream.size(), rng)) == at_once);
}

/// A request of ours is refused, or it says to a server what it was meant to say and no more.
void check_order(Input input) {
  UpgradeOrder order;
  order.host = as_text(input.piece());
  order.target = as_text(input.piece());
  order.origin = as_text(input.piece());
  order.subprotocols = {std::string(as_text(input.piece()))};
  order.fields = {{std::string("X-") + std::string(as_text(input.piece())),
                   std::string(as_text(input.piece()))}};
  auto client = ClientUpgrade::make(order, HandshakeKey(kNonce), kDigest);
  if (!client) return;
  const Bytes request = client->take_output();
  HttpLimits limits;
  limits.head_bytes_max = request.size();
  ServerUpgrade server(limits);
  MUST_HOLD(server.on_bytes(request) == request.size());
  MUST_HOLD(server.phase() == ServerUpgrade::Phase::asked);
  MUST_HOLD(server.kind() == RequestKind::upgrade && server.host() == order.host);
  std::string target(server.path());
  if (order.target.find('?') != std::string::npos) target.append("?").append(server.query());
  MUST_HOLD(target == order.target);
  MUST_HOLD(server.origin().value_or("") == order.origin);
  MUST_HOLD(server.offers_subprotocol(order.subprotocols[0]));
  MUST_HOLD(server.head().fields() == 7 + (order.origin.empty() ? 0u : 1u));
}

}  // namespace

TRESTLE_FUZZ_TARGET(web_socket_upgrade) {
  if (input.size() < 2) return;
  const std::uint8_t choice = input[0];
  const std::uint8_t seed = input[1];
  const ByteSpan rest = input.subspan(2);
  switch (choice & 3) {
    case 1:
      return check_answer(rest, limits_of(choice), seed);
    case 2:
      return check_order(Input(rest));
    default:
      return check_request(rest, limits_of(choice), seed);
  }
}

}  // namespace trestle::fuzz
