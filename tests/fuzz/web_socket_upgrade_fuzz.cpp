// F1: any bytes as a request for a WebSocket or a page, in any pieces, against a slow reader; as
// the answer to ours; and any words as the parts of a request of ours.
#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "entry.hpp"
#include "input.hpp"
#include "trestle/wire/http/syntax.hpp"
#include "trestle/wire/websocket/client_upgrade.hpp"
#include "trestle/wire/websocket/server_upgrade.hpp"
#include "web_socket_input.hpp"

namespace trestle::fuzz {
namespace {

constexpr std::array<std::uint8_t, HandshakeKey::kNonceBytes> kNonce = {
    't', 'h', 'e', ' ', 's', 'a', 'm', 'p', 'l', 'e', ' ', 'n', 'o', 'n', 'c', 'e'};
constexpr HandshakeDigest kDigest = {0xb3, 0x7a, 0x4f, 0x2c, 0xc0, 0x62, 0x4f, 0x16, 0x90, 0xf6,
                                     0x46, 0x06, 0xcf, 0x38, 0x59, 0x45, 0xb2, 0xbe, 0xc4, 0xea};

wire::http::HeadLimits limits_of(const Beginning& story) {
  if (!story.has_small_limits()) return {};
  return {.head_bytes_max = 200, .fields_max = 6};
}

/// Who has asked for one of two subprotocols and waits for the answer.
ClientUpgrade make_client(const wire::http::HeadLimits& limits) {
  UpgradeOrder order;
  order.host = "server.example";
  order.subprotocols = {"chat", "other"};
  auto client = ClientUpgrade::make(order, HandshakeKey(kNonce), kDigest, limits);
  MUST_HOLD(client.has_value());
  return *std::move(client);
}
/// The same for less: a copy.
ClientUpgrade waiting_client() {
  static const ClientUpgrade made = make_client({});
  return made;
}

/// Whoever asked for a WebSocket takes the answer to it.
void check_accept(ServerUpgrade& upgrade) {
  const bool has_chat = upgrade.offers_subprotocol("chat");
  const std::vector<wire::http::Field> fields = {{"Server", "trestle"}};
  upgrade.accept(kDigest, has_chat ? "chat" : "", fields);
  MUST_HOLD(upgrade.phase() == ServerUpgrade::Phase::accepted);
  const Bytes answer = upgrade.take_output();
  ClientUpgrade client = waiting_client();
  MUST_HOLD(client.on_bytes(answer) == answer.size());
  MUST_HOLD(client.phase() == ClientUpgrade::Phase::open);
  MUST_HOLD(client.subprotocol() == (has_chat ? "chat" : ""));
  MUST_HOLD(client.head().value("server") == "trestle");
  MUST_HOLD(client.on_bytes(answer) == 0);
}

/// Whatever else is answered, a client of ours reads the status and leaves the body.
unsigned status_of_answer(ServerUpgrade& upgrade, std::string_view body) {
  MUST_HOLD(upgrade.phase() == ServerUpgrade::Phase::answered);
  const Bytes answer = upgrade.take_output();
  MUST_HOLD(as_text(answer).ends_with("\r\n\r\n" + std::string(body)));
  ClientUpgrade client = waiting_client();
  MUST_HOLD(client.on_bytes(answer) + body.size() == answer.size());
  MUST_HOLD(client.phase() == ClientUpgrade::Phase::refused);
  MUST_HOLD(client.head().value("connection").has_value());
  return client.status();
}

void check_page(ServerUpgrade& upgrade, std::uint8_t seed) {
  constexpr std::array<unsigned, 8> kStatuses = {200, 401, 403, 404, 429, 503, 302, 599};
  const unsigned status = kStatuses[seed % kStatuses.size()];
  const std::string body = "no\n";
  upgrade.answer({.status = status,
                  .content_type = seed < 128 ? "text/plain" : "",
                  .body = body,
                  .fields = {{"Retry-After", "9"}}});
  const bool has_body = upgrade.kind() == RequestKind::get;
  MUST_HOLD(status_of_answer(upgrade, has_body ? body : "") == status);
}

void check_request(const Beginning& story) {
  const wire::http::HeadLimits limits = limits_of(story);
  test::SlowRequest slow(as_text(story.rest), limits);
  const std::string expected = slow.outcome();
  ServerUpgrade upgrade(limits);
  std::size_t taken = 0;
  test::in_pieces(story.rest, story.pieces(),
                  [&](ByteSpan piece) { taken += upgrade.on_bytes(piece); });
  MUST_HOLD(test::outcome_of(upgrade) == expected);
  MUST_HOLD(upgrade.head().size() == taken && taken <= limits.head_bytes_max);
  // What cannot be HTTP is known by its first byte, which is taken.
  MUST_HOLD(taken == std::max(slow.bytes(), std::min<std::size_t>(story.rest.size(), 1)));
  if (upgrade.phase() == ServerUpgrade::Phase::answered) {
    const unsigned status = status_of_answer(upgrade, {});
    MUST_HOLD(status >= 400 && status != 404);
  }
  if (upgrade.phase() != ServerUpgrade::Phase::asked) return;
  MUST_HOLD(upgrade.take_output().empty());
  if (upgrade.kind() == RequestKind::upgrade) return check_accept(upgrade);
  check_page(upgrade, story.seed);
}

void check_answer(const Beginning& story) {
  const auto read = [&](const Pieces& pieces) {
    ClientUpgrade client =
        story.has_small_limits() ? make_client(limits_of(story)) : waiting_client();
    std::size_t taken = 0;
    test::in_pieces(story.rest, pieces, [&](ByteSpan piece) { taken += client.on_bytes(piece); });
    const bool has_failed = client.phase() == ClientUpgrade::Phase::failed;
    MUST_HOLD((client.flaw() != AnswerFlaw::none) == has_failed);
    if (client.phase() == ClientUpgrade::Phase::open) {
      MUST_HOLD(client.head().value("sec-websocket-accept") == accept_text(kDigest));
      MUST_HOLD(client.status() == 101);
    }
    return std::array<std::size_t, 4>{taken, static_cast<std::size_t>(client.phase()),
                                      static_cast<std::size_t>(client.flaw()), client.status()};
  };
  MUST_HOLD(read(story.pieces()) == read(story.whole()));
}

std::string word(Input& input) { return std::string(as_text(input.piece())); }

/// A request of ours is refused, or it says to a server what it was meant to say and no more.
void check_order(Input input) {
  UpgradeOrder order;
  order.host = word(input);
  order.target = word(input);
  order.origin = word(input);
  for (std::size_t count = input.below(4); count > 0; --count) {
    order.subprotocols.push_back(word(input));
  }
  for (std::size_t count = input.below(4); count > 0; --count) {
    std::string name = "X-" + word(input);
    order.fields.push_back({std::move(name), word(input)});
  }
  auto client = ClientUpgrade::make(order, HandshakeKey(kNonce), kDigest);
  if (!client) return;
  const Bytes request = client->take_output();
  wire::http::HeadLimits limits;
  limits.head_bytes_max = request.size();
  ServerUpgrade server(limits);
  MUST_HOLD(server.on_bytes(request) == request.size());
  MUST_HOLD(server.phase() == ServerUpgrade::Phase::asked);
  MUST_HOLD(server.kind() == RequestKind::upgrade && server.host() == order.host);
  MUST_HOLD(server.key().text() == HandshakeKey(kNonce).text());
  std::string target(server.path());
  if (order.target.find('?') != std::string::npos) target.append("?").append(server.query());
  MUST_HOLD(target == order.target);
  MUST_HOLD(server.origin().value_or("") == order.origin);
  for (const std::string& name : order.subprotocols) MUST_HOLD(server.offers_subprotocol(name));
  const std::size_t lines = 5 + (order.origin.empty() ? 0u : 1u) +
                            (order.subprotocols.empty() ? 0u : 1u) + order.fields.size();
  MUST_HOLD(server.head().fields() == lines);
  for (std::size_t index = 0; index < order.fields.size(); ++index) {
    const auto shown = server.head().field(lines - order.fields.size() + index);
    MUST_HOLD(wire::http::equals_ignoring_case(shown.name, order.fields[index].name));
    MUST_HOLD(shown.value == order.fields[index].value);
  }
}

}  // namespace

TRESTLE_FUZZ_TARGET(web_socket_upgrade) {
  if (input.size() < Beginning::kBytes) return;
  const Beginning story(input);
  switch (story.kind()) {
    case 1:
      return check_answer(story);
    case 2:
      return check_order(Input(story.rest));
    default:
      return check_request(story);
  }
}

}  // namespace trestle::fuzz
