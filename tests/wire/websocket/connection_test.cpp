#include "trestle/wire/websocket/connection.hpp"

#include "catch.hpp"
#include "frame_cases.hpp"

using namespace trestle;
using namespace trestle::test;
using namespace std::chrono_literals;

namespace {

/// A connection, what it told so far, and the frames it sent.
struct Side {
  explicit Side(ws::Role role, const ws::ConnectionOptions& options = {})
      : masks(std::array<std::uint8_t, ws::MaskSource::kSeedBytes>{1}),
        connection(role == ws::Role::server ? ws::Connection::server(options)
                                            : ws::Connection::client(options, masks)),
        other(role == ws::Role::server ? ws::Role::client : ws::Role::server),
        own(role) {}

  void drain() {
    while (const auto effect = connection.poll_effect()) effects.push_back(told(*effect));
  }
  void hear(ByteSpan bytes) {
    Bytes copy = to_bytes(bytes);
    connection.on_bytes(now, copy);
    drain();
  }
  void hear(const std::vector<Sketch>& frames) { hear(encoded(frames, other)); }
  /// Since the last question.
  std::string told_of() { return joined(std::exchange(effects, {})); }
  /// What waits to be written, which is then written.
  std::string sends() {
    const Bytes output = to_bytes(connection.output());
    connection.on_written(output.size());
    ws::ReaderLimits limits;
    limits.controls = Pace::per_second(1000, 1000);
    limits.message_bytes_max = limits.frame_bytes_max = std::size_t{1} << 21;
    return joined(read_in_pieces(output, whole(output.size()), own, limits));
  }

  ws::MaskSource masks;
  ws::Connection connection;
  ws::Role other;
  ws::Role own;
  Instant now = kTestEpoch;
  std::vector<std::string> effects;
};

ws::ConnectionOptions with_output(std::size_t bytes_max) {
  ws::ConnectionOptions options;
  options.output_bytes_max = bytes_max;
  return options;
}

}  // namespace

TEST_CASE("a turn's messages leave in one piece, in their order") {
  for (const ws::Role role : {ws::Role::server, ws::Role::client}) {
    Side side(role);
    REQUIRE(side.connection.send(ws::MessageKind::text, as_bytes("one")));
    REQUIRE(side.connection.ping(as_bytes("p")));
    REQUIRE(side.connection.send(ws::MessageKind::binary, as_bytes("two")));
    CHECK(side.sends() == "text 'one', ping 'p', binary 'two'");
    CHECK(side.connection.output().empty());
  }
}

TEST_CASE("a message can be sent in parts, with control frames between them") {
  Side side(ws::Role::client);
  REQUIRE(side.connection.send(ws::MessageKind::text, as_bytes("\xe2"), ws::Part::first));
  REQUIRE(side.connection.send(ws::MessageKind::text, as_bytes("\x82"), ws::Part::middle));
  REQUIRE(side.connection.ping({}));
  REQUIRE(side.connection.send(ws::MessageKind::text, as_bytes("\xac"), ws::Part::last));
  REQUIRE(side.connection.send(ws::MessageKind::text, as_bytes("next")));
  CHECK(side.sends() == "ping '', text " + shown("\xe2\x82\xac") + ", text 'next'");
  CHECK(side.connection.stats().messages_sent_total == 2);
}

TEST_CASE("pings are answered, pongs and messages are told") {
  Side side(ws::Role::server);
  side.hear({ping("a"), text("m"), pong("b")});
  CHECK(side.told_of() == "text 'm', pong 'b'");
  CHECK(side.sends() == "pong 'a'");
  CHECK(side.connection.stats().controls_received_total == 2);
}

TEST_CASE("a ping without room for its answer is answered later, the newest for all") {
  Side side(ws::Role::server, with_output(20));
  REQUIRE(side.connection.send(ws::MessageKind::binary, Bytes(18)));
  side.hear({ping("a"), ping("b"), ping("c")});
  CHECK(side.sends() == "binary " + shown(Bytes(18)));
  CHECK(side.sends() == "pong 'c'");
  CHECK(side.sends().empty());
}

TEST_CASE("what does not fit is refused, and can be sent when there is room again") {
  Side side(ws::Role::server, with_output(20));
  REQUIRE(side.connection.send(ws::MessageKind::binary, Bytes(10)));
  CHECK(side.connection.send(ws::MessageKind::binary, Bytes(10)).error() == ws::SendRefusal::full);
  CHECK(side.connection.ping(Bytes(10)).error() == ws::SendRefusal::full);
  CHECK(side.sends() == "binary " + shown(Bytes(10)));
  CHECK(side.connection.send(ws::MessageKind::binary, Bytes(10)));
}

TEST_CASE("a close is answered: the server hangs up, the client waits for it") {
  Side server(ws::Role::server);
  server.hear({closing(4001, "why")});
  CHECK(server.told_of() == "closed 4001 by peer, hang up");
  CHECK(server.sends() == "close 4001 ''");

  Side client(ws::Role::client);
  client.hear({closing(1001, "why")});
  CHECK(client.told_of() == "closed 1001 by peer");
  CHECK(client.sends() == "close 1001 ''");
  CHECK(client.connection.next_deadline() == kTestEpoch + 5s);
  client.connection.on_end();
  client.drain();
  CHECK(client.told_of() == "hang up");
  CHECK(client.connection.next_deadline() == kNever);
}

TEST_CASE("a client hangs up itself if the server does not") {
  Side client(ws::Role::client);
  client.hear({closing(1000)});
  CHECK(client.told_of() == "closed 1000 by peer");
  client.connection.on_deadline(kTestEpoch + 5s - 1us);
  client.drain();
  CHECK(client.told_of().empty());
  client.connection.on_deadline(kTestEpoch + 5s);
  client.drain();
  CHECK(client.told_of() == "hang up");
}

TEST_CASE("our close is sent behind what was sent before, and its answer ends the connection") {
  for (const ws::Role role : {ws::Role::server, ws::Role::client}) {
    Side side(role);
    REQUIRE(side.connection.send(ws::MessageKind::text, as_bytes("last")));
    side.connection.close(side.now, 1001, "going");
    side.connection.close(side.now, 1000, "once more");
    CHECK(side.sends() == "text 'last', close 1001 'going'");
    CHECK(side.connection.send(ws::MessageKind::text, {}).error() == ws::SendRefusal::closed);
    CHECK(side.connection.ping({}).error() == ws::SendRefusal::closed);
    CHECK(side.connection.next_deadline() == kTestEpoch + 5s);
    side.hear({text("late"), ping("late"), pong("late"), closing(1001)});
    CHECK(side.connection.stats().messages_discarded_total == 1);
    const bool is_server = role == ws::Role::server;
    CHECK(side.told_of() == (is_server ? "closed 1001 by us, hang up" : "closed 1001 by us"));
    CHECK(side.sends().empty());
    side.connection.on_end();
    side.drain();
    CHECK(side.told_of() == (is_server ? "" : "hang up"));
    CHECK(side.connection.next_deadline() == kNever);
  }
}

TEST_CASE("closes that cross are each other's answer") {
  Side server(ws::Role::server);
  Side client(ws::Role::client);
  server.connection.close(server.now, 1001, {});
  client.connection.close(client.now, 4000, {});
  const Bytes of_server = to_bytes(server.connection.output());
  const Bytes of_client = to_bytes(client.connection.output());
  server.hear(of_client);
  client.hear(of_server);
  CHECK(server.told_of() == "closed 4000 by us, hang up");
  CHECK(client.told_of() == "closed 1001 by us");
}

TEST_CASE("a close that nobody answers ends in its time") {
  Side side(ws::Role::server);
  side.connection.close(side.now, 1000, {});
  side.connection.on_deadline(kTestEpoch + 5s - 1us);
  side.drain();
  CHECK(side.told_of().empty());
  side.connection.on_deadline(kTestEpoch + 5s);
  side.drain();
  CHECK(side.told_of() == "closed 1006 by transport, hang up");
}

TEST_CASE("a close goes even if nothing else fits") {
  Side side(ws::Role::server, with_output(20));
  REQUIRE(side.connection.send(ws::MessageKind::binary, Bytes(18)));
  side.hear({ping("a")});
  side.connection.close(side.now, 1000, std::string(200, 'r'));
  CHECK(side.sends() ==
        "binary " + shown(Bytes(18)) + ", close 1000 " + shown(std::string(123, 'r')));
  CHECK(side.sends().empty());  // The pong that was owed must not follow a close.
}

TEST_CASE("a transport that ends without a close is told, once") {
  Side side(ws::Role::client);
  side.hear({not_final(text("half"))});
  side.connection.on_end();
  side.connection.on_end();
  side.drain();
  CHECK(side.told_of() == "closed 1006 by transport, hang up");
  CHECK_FALSE(side.connection.is_open());
}

TEST_CASE("a flaw is answered with its status, and no second close follows ours") {
  Side side(ws::Role::server);
  side.hear({text("\xff")});
  CHECK(side.told_of() == "closed 1007 by flaw, hang up");
  CHECK(side.sends() == "close 1007 'text is not UTF-8'");

  Side closing_side(ws::Role::server);
  closing_side.connection.close(closing_side.now, 1000, {});
  closing_side.hear({last("x")});
  CHECK(closing_side.told_of() == "closed 1002 by flaw, hang up");
  CHECK(closing_side.sends() == "close 1000 ''");
}

TEST_CASE("commands may be given between two effects of one input") {
  Side side(ws::Role::server);
  Bytes input = encoded({text("a"), text("b"), text("c")}, ws::Role::client);
  side.connection.on_bytes(side.now, input);
  REQUIRE(told(side.connection.poll_effect().value()) == "text 'a'");
  REQUIRE(side.connection.send(ws::MessageKind::text, as_bytes("answer")));
  REQUIRE(told(side.connection.poll_effect().value()) == "text 'b'");
  side.connection.close(side.now, 1000, {});
  CHECK_FALSE(side.connection.poll_effect().has_value());
  CHECK(side.sends() == "text 'answer', close 1000 ''");
}

TEST_CASE("an idle connection can give its storage back") {
  Side side(ws::Role::server);
  side.hear({not_final(text("abc")), last("def")});
  REQUIRE(side.connection.send(ws::MessageKind::text, as_bytes("x")));
  CHECK(side.sends() == "text 'x'");
  CHECK(side.connection.storage_bytes() > 0);
  side.connection.release_storage();
  CHECK(side.connection.storage_bytes() == 0);
}

TEST_CASE("what one side sends is what the other hears, whatever the sizes, parts and pieces") {
  Rng rng(17);
  for (int round = 0; round < 300; ++round) {
    Side server(ws::Role::server);
    Side client(ws::Role::client);
    Side& from = rng.chance(1, 2) ? server : client;
    Side& to = &from == &server ? client : server;
    std::vector<std::string> expected;
    const std::uint64_t messages = rng.below(12);
    for (std::uint64_t count = 0; count < messages; ++count) {
      const bool is_text = rng.chance(1, 2);
      const auto kind = is_text ? ws::MessageKind::text : ws::MessageKind::binary;
      const std::uint64_t size = rng.below(rng.chance(1, 10) ? 70'000 : 300);
      const std::string payload = is_text ? std::string(size, 'u') : content(size);
      expected.push_back((is_text ? "text " : "binary ") + shown(payload));
      if (rng.chance(2, 3)) {
        REQUIRE(from.connection.send(kind, as_bytes(payload)));
        continue;
      }
      const std::uint64_t cut = rng.below(payload.size() + 1);
      REQUIRE(from.connection.send(kind, as_bytes(payload).first(cut), ws::Part::first));
      REQUIRE(from.connection.ping(as_bytes("between")));
      REQUIRE(from.connection.send(kind, as_bytes(payload).subspan(cut), ws::Part::last));
    }
    from.connection.close(from.now, 3000, "done");
    expected.push_back("closed 3000 by peer");
    if (to.own == ws::Role::server) expected.push_back("hang up");
    const Bytes stream = to_bytes(from.connection.output());
    in_pieces(stream, random_pieces(stream.size(), rng), [&](std::span<std::uint8_t> piece) {
      to.connection.on_bytes(to.now, piece);
      to.drain();
    });
    CHECK(to.told_of() == joined(expected));
    const Bytes back = to_bytes(to.connection.output());
    from.hear(back);
    CHECK(from.told_of().starts_with("closed 3000 by us"));
  }
}
