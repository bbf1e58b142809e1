#include "trestle/wire/websocket/endpoint.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "catch.hpp"
#include "frame_cases.hpp"

using namespace trestle;
using namespace trestle::test;
using namespace std::chrono_literals;

namespace {

constexpr std::array<std::uint8_t, 16> kNonce = {'t', 'h', 'e', ' ', 's', 'a', 'm', 'p',
                                                 'l', 'e', ' ', 'n', 'o', 'n', 'c', 'e'};
/// Of that key's challenge (RFC 6455, section 1.3).
constexpr ws::HandshakeDigest kDigest = {0xb3, 0x7a, 0x4f, 0x2c, 0xc0, 0x62, 0x4f,
                                         0x16, 0x90, 0xf6, 0x46, 0x06, 0xcf, 0x38,
                                         0x59, 0x45, 0xb2, 0xbe, 0xc4, 0xea};

ws::ClientUpgrade request() {
  ws::UpgradeOrder order;
  order.host = "server.example";
  auto made = ws::ClientUpgrade::make(order, ws::HandshakeKey(kNonce), kDigest);
  REQUIRE(made.has_value());
  return std::move(*made);
}

/// The request as bytes, and the answer to it.
Bytes request_bytes() { return request().take_output(); }
Bytes answer_bytes() {
  ws::ServerUpgrade upgrade;
  upgrade.on_bytes(request_bytes());
  upgrade.accept(kDigest);
  return upgrade.take_output();
}
Bytes text_bytes(std::string_view text) { return to_bytes(as_bytes(text)); }

Bytes operator+(Bytes first, ByteSpan second) {
  append(first, second);
  return first;
}

/// An endpoint whose owner takes every WebSocket and has no page, and what he was told.
struct Party {
  explicit Party(ws::Role side, const ws::EndpointOptions& options = {})
      : masks(std::array<std::uint8_t, ws::MaskSource::kSeedBytes>{1}),
        role(side),
        endpoint(side == ws::Role::server ? ws::Endpoint::server(kTestEpoch, options)
                                          : ws::Endpoint::client(request(), options, masks)) {}

  void drain() {
    while (const auto effect = endpoint.poll_effect()) {
      if (const auto* asked = std::get_if<ws::Asked>(&*effect)) {
        on_asked(*asked->request);
      } else if (const auto* answered = std::get_if<ws::Answered>(&*effect)) {
        const bool is_open = answered->answer->phase() == ws::ClientUpgrade::Phase::open;
        news.push_back("answered " + std::to_string(answered->answer->status()));
        if (!is_open) ++ends;
      } else if (const auto* away = std::get_if<ws::TurnedAway>(&*effect)) {
        news.push_back("turned away " + std::to_string(static_cast<int>(away->flaw)));
        ++ends;
      } else if (const auto* closed = std::get_if<ws::Closed>(&*effect)) {
        news.push_back(told(*closed));
        why = closed->reason;
        ++ends;
      } else {
        news.push_back(told(std::get<ws::MessageArrived>(*effect)));
        if (ends > 0) ++late;
      }
    }
  }
  void on_asked(const ws::ServerUpgrade& asked) {
    news.push_back("asked");
    if (asked.kind() == ws::RequestKind::upgrade) return endpoint.accept(kDigest);
    endpoint.answer({.status = 404, .content_type = {}, .body = {}, .fields = {}});
    ++ends;
  }

  void hear(ByteSpan bytes, const Pieces& pieces) {
    in_pieces(bytes, pieces, [&](std::span<std::uint8_t> piece) {
      endpoint.on_bytes(now, piece);
      drain();
    });
  }
  void hear(ByteSpan bytes) { hear(bytes, whole(bytes.size())); }

  std::size_t fill() {
    std::size_t messages = 0;
    while (endpoint.batch_next(now)) ++messages;
    return messages;
  }
  /// So much of what is to be written, which is then written.
  Bytes says(std::size_t bytes_max = SIZE_MAX) {
    Bytes said;
    while (said.size() < bytes_max) {
      if (endpoint.output().empty()) fill();
      const ByteSpan output = endpoint.output();
      if (output.empty()) break;
      const std::size_t bytes = std::min(output.size(), bytes_max - said.size());
      append(said, output.first(bytes));
      endpoint.on_written(bytes);
    }
    return said;
  }
  void send(std::string_view text) {
    REQUIRE(endpoint.send(ws::MessageKind::text, text_bytes(text)));
  }
  void pass(Instant until) {
    while (endpoint.next_deadline() <= until) {
      now = std::max(now, endpoint.next_deadline());
      endpoint.on_deadline(now);
      drain();
      REQUIRE(endpoint.next_deadline() > now);
    }
    now = until;
  }
  std::string told_of() { return joined(std::exchange(news, {})); }

  ws::MaskSource masks;
  ws::Role role;
  ws::Endpoint endpoint;
  Instant now = kTestEpoch;
  std::vector<std::string> news;
  std::string why;
  std::size_t ends = 0;  ///< Last news; each of them is the only one.
  std::size_t late = 0;  ///< Messages behind one.
};

/// Both ends of one stream.
struct Line {
  explicit Line(const ws::EndpointOptions& options = {})
      : client(ws::Role::client, options), server(ws::Role::server, options) {}

  void exchange() {
    for (int turn = 0; turn < 6; ++turn) {
      server.hear(client.says());
      client.hear(server.says());
    }
  }
  void upgrade() {
    exchange();
    REQUIRE(client.endpoint.is_open());
    REQUIRE(server.endpoint.is_open());
    REQUIRE(client.endpoint.next_deadline() == kNever);
    REQUIRE(server.endpoint.next_deadline() == kNever);
    client.news.clear();
    server.news.clear();
  }

  Party client;
  Party server;
};

std::string read_by(ws::Role sender, ByteSpan bytes) {
  return joined(read_in_pieces(bytes, whole(bytes.size()), sender, {}));
}

}  // namespace

TEST_CASE("two endpoints upgrade, speak, close, and end their directions") {
  Line line;
  line.client.send("early");  // Waits for the upgrade.
  line.exchange();
  CHECK(line.client.told_of() == "answered 101");
  CHECK(line.server.told_of() == "asked, text 'early'");
  line.server.send("one");
  line.server.send("two");
  line.server.endpoint.close(line.server.now, 1001, "going");
  line.exchange();
  CHECK(line.client.told_of() == "text 'one', text 'two', closed 1001 by peer");
  CHECK(line.client.why == "going");
  CHECK(line.server.told_of() == "closed 1001 by us");
  // RFC 6455, 7.1.1: the server ends the transport, the client waits for it.
  CHECK(line.server.endpoint.wants_end());
  CHECK_FALSE(line.client.endpoint.wants_end());
  line.server.endpoint.on_end_said();
  CHECK_FALSE(line.server.endpoint.wants_end());
  line.client.endpoint.on_end(line.client.now, "ended");
  line.client.drain();
  CHECK(line.client.endpoint.wants_end());
  CHECK(line.client.told_of().empty());
}

TEST_CASE("what is told does not depend on the pieces in which bytes come, heads among them") {
  Rng rng(6455);
  const std::vector<Sketch> frames = {text("a"), ping("p"),         not_final(binary("half")),
                                      pong({}),  last(content(90)), closing(4000, "done")};
  const std::vector<std::pair<ws::Role, Bytes>> streams = {
      {ws::Role::server, request_bytes() + encoded(frames, ws::Role::client)},
      {ws::Role::client, text_bytes("HTTP/1.1 103 Early Hints\r\n\r\n") + answer_bytes() +
                             encoded(frames, ws::Role::server)},
      {ws::Role::server, request_bytes() + encoded({text("a"), last("stray")}, ws::Role::client)},
      {ws::Role::server, text_bytes("GET / HTTP/1.1\r\nHost: here\r\n\r\nand what is behind")},
      {ws::Role::server, text_bytes("BREW / HTTP/1.1\r\n\r\nand what is behind")},
      {ws::Role::client, text_bytes("HTTP/1.1 503 Busy\r\n\r\nand what is behind")},
      {ws::Role::client, text_bytes("SSH-2.0 and what is behind\r\n\r\n")}};
  const std::vector<std::string> expected = {
      "asked, text 'a', binary " + shown("half" + content(90)) + ", closed 4000 by peer",
      "answered 101, text 'a', binary " + shown("half" + content(90)) + ", closed 4000 by peer",
      "asked, text 'a', closed 1002 by flaw",
      "asked",
      "turned away 3",
      "answered 503",
      "answered 0"};
  for (std::size_t index = 0; index < streams.size(); ++index) {
    const auto& [role, stream] = streams[index];
    std::vector<Pieces> cuts = {whole(stream.size()), byte_by_byte(stream.size())};
    for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
      cuts.push_back({cut, stream.size() - cut});
    }
    for (int round = 0; round < 30; ++round) cuts.push_back(random_pieces(stream.size(), rng));
    Bytes said;
    for (const Pieces& pieces : cuts) {
      Party party(role);
      Bytes says = party.says();
      party.hear(stream, pieces);
      CHECK(party.told_of() == expected[index]);
      CHECK(party.ends == 1);
      append(says, party.says());
      if (said.empty()) said = says;
      CHECK(says == said);
    }
  }
}

TEST_CASE("a page is answered and the direction ended, a WebSocket that is refused likewise") {
  Party page(ws::Role::server);
  page.hear(text_bytes("GET /x HTTP/1.1\r\nHost: here\r\n\r\n"));
  CHECK_FALSE(page.endpoint.wants_end());
  CHECK(as_text(page.says()).starts_with("HTTP/1.1 404 "));
  CHECK(page.endpoint.wants_end());
  CHECK_FALSE(page.endpoint.is_upgraded());

  Party client(ws::Role::client);
  static_cast<void>(client.says());
  client.hear(text_bytes("HTTP/1.1 403 No\r\n\r\n"));
  CHECK(client.told_of() == "answered 403");
  CHECK(client.endpoint.is_broken_off());
  CHECK(client.endpoint.wants_end());
}

TEST_CASE("an answer that cannot leave is forgotten in its time") {
  Party page(ws::Role::server);
  page.hear(text_bytes("GET /x HTTP/1.1\r\nHost: here\r\n\r\n"));
  page.pass(kTestEpoch + 8s - 1us);
  CHECK(page.endpoint.buffered_bytes() > 0);
  page.pass(kTestEpoch + 8s);
  CHECK(page.endpoint.buffered_bytes() == 0);
  CHECK(page.endpoint.wants_end());
  CHECK(page.ends == 1);
}

TEST_CASE("messages become a batch, in their order, and the others wait until it has gone") {
  ws::EndpointOptions options;
  options.batch_bytes_max = 250;
  Line line(options);
  line.upgrade();
  for (int count = 0; count < 7; ++count) line.server.send(std::string(100, 'm'));
  line.server.endpoint.close(line.server.now, 1000, "enough");
  CHECK(line.server.fill() == 3);  // 102 bytes each: the third goes over the bound.
  CHECK(line.server.fill() == 0);
  CHECK(line.server.endpoint.has_queued());
  line.server.endpoint.on_written(306);
  CHECK(line.server.fill() == 3);
  line.server.endpoint.on_written(306);
  CHECK_FALSE(line.server.endpoint.has_said_close());
  CHECK(line.server.fill() == 1);
  CHECK(line.server.endpoint.has_said_close());
  const std::string last = read_by(ws::Role::server, line.server.endpoint.output());
  CHECK(last == "text " + shown(std::string(100, 'm')) + ", close 1000 'enough'");
}

TEST_CASE("what was queued comes back to whoever batches it, as it was given") {
  Line line;
  line.upgrade();
  Bytes payload = text_bytes(content(5000));
  const std::uint8_t* place = payload.data();
  REQUIRE(line.client.endpoint.send(ws::MessageKind::binary, std::move(payload)));
  const auto message = line.client.endpoint.batch_next(line.client.now);
  REQUIRE(message.has_value());
  CHECK(message->kind == ws::MessageKind::binary);
  CHECK(message->payload.data() == place);  // No copy was made but that into the batch.
}

TEST_CASE("a message nearly as large as all room leaves alone, a larger one is refused") {
  ws::EndpointOptions options;
  options.batch_bytes_max = 250;
  options.codec.output_bytes_max = 400;
  Line line(options);
  line.upgrade();
  const auto refused =
      line.server.endpoint.send(ws::MessageKind::text, Bytes(400 - ws::kFrameHeadBytesMax + 1));
  CHECK(refused.error() == ws::QueueRefusal::too_large);
  line.server.send(std::string(100, 'a'));
  line.server.send(std::string(400 - ws::kFrameHeadBytesMax, 'b'));
  CHECK(line.server.fill() == 1);
  CHECK(line.server.fill() == 0);
  line.server.endpoint.on_written(line.server.endpoint.output().size());
  CHECK(line.server.fill() == 1);
}

TEST_CASE("the queue is bounded, and open again when something has left it") {
  ws::EndpointOptions options;
  options.queue_bytes_max = 100;
  Line line(options);
  line.upgrade();
  line.server.send(std::string(60, 'a'));
  line.server.send(std::string(40, 'b'));
  const auto refused = line.server.endpoint.send(ws::MessageKind::text, Bytes(1, 'c'));
  CHECK(refused.error() == ws::QueueRefusal::full);
  CHECK(line.server.fill() == 2);
  line.server.send(std::string(100, 'd'));
}

TEST_CASE("what waits when the peer closes is forgotten, and what was batched still leaves") {
  Line line;
  line.upgrade();
  line.server.send("batched");
  CHECK(line.server.fill() == 1);
  line.server.send("queued");
  line.client.endpoint.close(line.client.now, 1000, {});
  line.server.hear(line.client.says());
  CHECK(line.server.told_of() == "closed 1000 by peer");
  CHECK_FALSE(line.server.endpoint.has_queued());
  CHECK(line.server.endpoint.buffered_bytes() == line.server.endpoint.output().size());
  CHECK(read_by(ws::Role::server, line.server.says()) == "text 'batched', close 1000 ''");
}

TEST_CASE("a close that is ordered before the upgrade leaves behind it, once") {
  Line line;
  line.client.endpoint.close(line.client.now, 4001, "never mind");
  line.client.endpoint.close(line.client.now, 4002, "once more");
  const auto refused = line.client.endpoint.send(ws::MessageKind::text, {});
  CHECK(refused.error() == ws::QueueRefusal::closed);
  line.exchange();
  CHECK(line.server.told_of() == "asked, closed 4001 by peer");
  CHECK(line.client.told_of() == "answered 101, closed 4001 by us");
}

TEST_CASE("a peer that answers a close late is given its time anew, one that is gone is not") {
  for (const bool is_answered : {true, false}) {
    Line line;
    line.upgrade();
    line.client.endpoint.close(line.client.now, 1000, {});
    const Bytes close = line.client.says();
    line.client.pass(kTestEpoch + 4s);
    if (is_answered) {
      line.server.hear(close);
      line.client.hear(line.server.says());
      CHECK(line.client.told_of() == "closed 1000 by us");
      CHECK(line.client.endpoint.next_deadline() == kTestEpoch + 9s);  // The codec's.
    } else {
      line.client.endpoint.on_end(line.client.now, "gone");
      line.client.drain();
      CHECK(line.client.told_of() == "closed 1006 by transport");
      CHECK(line.client.why == "gone");
      CHECK(line.client.endpoint.next_deadline() == kTestEpoch + 8s);
    }
  }
}

TEST_CASE("a request that does not come whole in its time is told as an end") {
  Party server(ws::Role::server);
  Bytes half = request_bytes();
  half.resize(half.size() / 2);
  server.hear(half);
  server.pass(kTestEpoch + 10s - 1us);
  CHECK(server.told_of().empty());
  CHECK(server.endpoint.is_reading());
  server.pass(kTestEpoch + 10s);
  CHECK(server.told_of() == "closed 1006 by transport");
  CHECK(server.endpoint.is_broken_off());
  CHECK(server.endpoint.buffered_bytes() == 0);
}

TEST_CASE(
    "whoever says nothing but heads, parts and pings makes an endpoint keep no more than so") {
  ws::EndpointOptions options;
  options.codec.output_bytes_max = 1000;
  options.codec.reader.message_bytes_max = options.codec.reader.frame_bytes_max = 5000;
  options.codec.reader.controls = Pace::per_second(100'000, 100'000);
  Rng rng(10);
  Party server(ws::Role::server, options);
  const Bytes head = text_bytes("GET / HTTP/1.1\r\nX: " + std::string(20'000, 'x'));
  for (std::size_t place = 0; place < head.size(); place += 100) {
    server.hear(ByteSpan(head).subspan(place, std::min<std::size_t>(100, head.size() - place)));
    CHECK(server.endpoint.buffered_bytes() <= wire::http::HeadLimits{}.head_bytes_max);
  }
  CHECK(server.told_of() == "turned away 1");

  Line line(options);
  line.upgrade();
  for (int count = 0; count < 300; ++count) {
    std::vector<Sketch> frames = {ping(std::string(rng.below(126), 'p'))};
    if (count == 0) frames.push_back(not_final(binary(content(4000))));
    if (count > 0 && count < 10) frames.push_back(more(content(100)));
    line.server.hear(encoded(frames, ws::Role::client));
    // A message in part, a batch of pongs that nobody reads.
    CHECK(line.server.endpoint.buffered_bytes() <= 5000 + 1000);
  }
  CHECK(line.server.told_of().empty());
  line.server.endpoint.break_off();
  CHECK(line.server.endpoint.buffered_bytes() == 0);
}

// ---- every state

namespace {

enum class Stage {
  begun,
  request_in_part,
  request_said,  ///< And half of the answer.
  open,
  message_in_part,
  message_waits,
  close_said,
  close_heard,
  closes_crossed,
  over,
};
constexpr std::array kStages = {Stage::begun,      Stage::request_in_part, Stage::request_said,
                                Stage::open,       Stage::message_in_part, Stage::message_waits,
                                Stage::close_said, Stage::close_heard,     Stage::closes_crossed,
                                Stage::over};

enum class Blow {
  silence,
  cut,        ///< The peer's direction ends.
  nonsense,   ///< What can be neither a head nor a frame.
  break_off,  ///< By the owner.
  stuck,      ///< Nothing that is said is taken any more.
};
constexpr std::array kBlows = {Blow::silence, Blow::cut, Blow::nonsense, Blow::break_off,
                               Blow::stuck};

void reach(Line& line, Party& own, Party& peer, Stage stage) {
  if (stage == Stage::begun) return;
  const Bytes asked = line.client.says(stage == Stage::request_in_part ? 20 : SIZE_MAX);
  line.server.hear(asked);
  if (stage == Stage::request_in_part) return;
  if (stage == Stage::request_said) return line.client.hear(line.server.says(20));
  line.upgrade();
  switch (stage) {
    case Stage::message_in_part:
      peer.send("a message of which a part comes");
      return own.hear(peer.says(20));
    case Stage::message_waits:
      own.send("a message of which a part leaves");
      return static_cast<void>(own.says(20));
    case Stage::close_said:
      own.endpoint.close(own.now, 1000, {});
      return static_cast<void>(own.says());
    case Stage::close_heard:
      peer.endpoint.close(peer.now, 1000, {});
      return own.hear(peer.says());
    case Stage::closes_crossed: {
      own.endpoint.close(own.now, 1000, {});
      peer.endpoint.close(peer.now, 1000, {});
      const Bytes said = peer.says();
      static_cast<void>(own.says());
      return own.hear(said);
    }
    case Stage::over:
      own.endpoint.close(own.now, 1000, {});
      return line.exchange();
    default:
      return;
  }
}

void suffer(Party& own, Blow blow) {
  switch (blow) {
    case Blow::cut:
      own.endpoint.on_end(own.now, "cut");
      own.drain();
      own.endpoint.on_end(own.now, "cut");
      return own.drain();
    case Blow::nonsense:
      return own.hear(text_bytes("\xff\xff\xff\xff nonsense \r\n\r\n"));
    case Blow::break_off:
      own.endpoint.break_off();
      return own.drain();
    case Blow::silence:
    case Blow::stuck:
      return;
  }
}

}  // namespace

TEST_CASE("closed or cut in every state, an endpoint tells its end once and keeps nothing") {
  std::size_t visited = 0;
  for (const ws::Role role : {ws::Role::client, ws::Role::server}) {
    for (const Stage stage : kStages) {
      for (const Blow blow : kBlows) {
        CAPTURE(static_cast<int>(role), static_cast<int>(stage), static_cast<int>(blow));
        Line line;
        Party& own = role == ws::Role::client ? line.client : line.server;
        Party& peer = role == ws::Role::client ? line.server : line.client;
        reach(line, own, peer, stage);
        suffer(own, blow);
        if (blow != Blow::stuck) static_cast<void>(own.says());
        own.pass(own.now + 1min);
        // Who has been told of nothing gives up by himself.
        own.endpoint.close(own.now, 1000, "patience is at an end");
        if (blow != Blow::stuck) static_cast<void>(own.says());
        own.pass(own.now + 1min);

        const bool is_told = stage >= Stage::close_heard || blow != Blow::break_off;
        CHECK(own.ends == (is_told ? 1 : 0));
        CHECK(own.late == 0);
        CHECK(own.endpoint.next_deadline() == kNever);
        CHECK(own.endpoint.buffered_bytes() == 0);
        CHECK(own.endpoint.wants_end());
        own.endpoint.on_end_said();
        const std::size_t told = own.news.size();
        own.hear(encoded({text("late")}, peer.role));
        CHECK(own.endpoint.send(ws::MessageKind::text, {}).error() == ws::QueueRefusal::closed);
        CHECK(own.news.size() == told);
        CHECK_FALSE(own.endpoint.wants_end());
        ++visited;
      }
    }
  }
  CHECK(visited == 2 * kStages.size() * kBlows.size());
}
