#include "trestle/http/http2_client.hpp"

#include <string>

#include "answers.hpp"
#include "catch.hpp"
#include "http2_server.hpp"

using namespace trestle;
using namespace trestle::test;

namespace {

constexpr std::int32_t kFirstStream = 1;
constexpr std::int32_t kSecondStream = 3;

/// Both ends, and what ours has to say.
struct Pair {
  explicit Pair(const http::Http2Options& options = {},
                std::vector<nghttp2_settings_entry> settings = {})
      : client(options), server(std::move(settings)) {}

  /// Whoever is handed content has read it at once.
  void exchange_bytes(bool consumes = true) {
    for (int turn = 0; turn < 200; ++turn) {
      const Bytes said = to_bytes(client.output());
      client.on_written(said.size());
      server.on_bytes(said);
      const Bytes heard = server.output();
      if (said.empty() && heard.empty()) return;
      in_pieces(heard, random_pieces(heard.size(), rng), [&](ByteSpan piece) {
        client.on_bytes(piece);
        while (const auto effect = client.poll_effect()) {
          story.tell(*effect);
          const auto* content = std::get_if<http::ContentArrived>(&*effect);
          if (content == nullptr) continue;
          content_bytes += content->content.size();
          if (consumes) client.consume(content->exchange, content->content.size());
        }
      });
      drain(client, story);
    }
    FAIL("it does not come to rest");
  }

  http::Http2Client client;
  Http2Server server;
  Story story;
  std::size_t content_bytes = 0;
  Rng rng{5};
};

}  // namespace

TEST_CASE("a request of HTTP/2 says what one of HTTP/1.1 says, its names in lower case") {
  Pair pair;
  http::Request request = get("/a?b=c");
  request.fields = {{"Accept", "a/b"}, {"X-Trace", "1"}};
  REQUIRE(pair.client.start(kFirst, request));
  pair.exchange_bytes();
  const auto& heard = pair.server.heard()[kFirstStream];
  CHECK(heard.is_whole);
  const std::vector<std::pair<std::string, std::string>> expected{
      {":method", "GET"},  {":scheme", "https"}, {":authority", "prices.example"},
      {":path", "/a?b=c"}, {"accept", "a/b"},    {"x-trace", "1"}};
  CHECK(heard.lines == expected);
  pair.server.answer(kFirstStream, "200", "hello", {{"content-type", "text/plain"}});
  pair.exchange_bytes();
  CHECK(pair.story.text == "head 200 content-type=text/plain; body hello; end 1; ");
  CHECK(pair.client.exchanges() == 0);
}

TEST_CASE("many exchanges share a connection, and answers come as the server has them") {
  Pair pair;
  for (std::uint64_t number = 1; number <= 100; ++number) {
    REQUIRE(pair.client.start({number}, get()));
  }
  CHECK(pair.client.room() == 0);
  CHECK(pair.client.start({101}, get()).error() == http::StartRefusal::busy);
  pair.exchange_bytes();
  std::string expected;
  for (std::int32_t number = 100; number >= 1; --number) {
    pair.server.answer(2 * number - 1, "204", "");
    expected += "head 204; end " + std::to_string(number) + "; ";
  }
  pair.exchange_bytes();
  CHECK(pair.story.text == expected);
  CHECK(pair.client.room() == 100);
}

TEST_CASE("a server may allow fewer exchanges") {
  Pair pair({}, {{NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, 2}});
  pair.exchange_bytes();
  CHECK(pair.client.room() == 2);
  REQUIRE(pair.client.start(kFirst, get()));
  REQUIRE(pair.client.start(kSecond, get()));
  CHECK(pair.client.start({3}, get()).error() == http::StartRefusal::busy);
}

TEST_CASE("bodies of requests go no faster than the server takes them, and arrive whole") {
  http::Http2Options options;
  options.body_bytes_max = 1000;
  Pair pair(options);
  const bool is_known = GENERATE(true, false);
  std::string body;
  for (int number = 0; body.size() < 200'000; ++number) body += std::to_string(number);
  const auto length = is_known ? std::optional<std::uint64_t>(body.size()) : std::nullopt;
  REQUIRE(pair.client.start(kFirst, with_body(length)));
  std::size_t sent = 0;
  for (int turn = 0; turn < 1000 && sent < body.size(); ++turn) {
    const std::size_t taken = pair.client.send(kFirst, as_bytes(body).subspan(sent));
    CHECK(taken <= options.body_bytes_max);
    sent += taken;
    pair.exchange_bytes();
  }
  REQUIRE(sent == body.size());
  pair.client.end(kFirst);
  pair.exchange_bytes();
  const auto& heard = pair.server.heard()[kFirstStream];
  CHECK(heard.is_whole);
  CHECK(heard.body == body);
  CHECK(heard.line("content-length") == (is_known ? std::to_string(body.size()) : ""));
  CHECK(pair.story.text.find("room; ") != std::string::npos);
}

TEST_CASE("an answer that nobody reads stops at its window, and its neighbours go on") {
  http::Http2Options options;
  options.stream_window_bytes = 10'000;
  options.connection_window_bytes = 100'000;
  Pair pair(options);
  REQUIRE(pair.client.start(kFirst, get()));
  pair.exchange_bytes();
  pair.server.answer(kFirstStream, "200", std::string(50'000, 'x'));
  pair.exchange_bytes(false);
  CHECK(pair.content_bytes == 10'000);
  REQUIRE(pair.client.start(kSecond, get()));
  pair.exchange_bytes(false);
  pair.server.answer(kSecondStream, "204", "");
  pair.exchange_bytes(false);
  CHECK(pair.story.text.ends_with("head 204; end 2; "));
  pair.client.consume(kFirst, 10'000);
  pair.exchange_bytes();
  CHECK(pair.content_bytes == 50'000);
  CHECK(pair.story.text.ends_with("end 1; "));
}

TEST_CASE(
    "all answers together stop at the connection's window, whoever is cancelled gives its share "
    "back") {
  http::Http2Options options;
  options.stream_window_bytes = 65'536;
  options.connection_window_bytes = 65'536;
  Pair pair(options);
  REQUIRE(pair.client.start(kFirst, get()));
  pair.exchange_bytes();
  pair.server.answer(kFirstStream, "200", std::string(100'000, 'x'));
  pair.exchange_bytes(false);
  CHECK(pair.content_bytes == 65'536);
  pair.client.cancel(kFirst);
  pair.client.consume(kFirst, 65'536);
  REQUIRE(pair.client.start(kSecond, get()));
  pair.exchange_bytes();
  CHECK(pair.server.heard()[kFirstStream].reset_code == NGHTTP2_CANCEL);
  pair.server.answer(kSecondStream, "200", std::string(100'000, 'y'));
  pair.exchange_bytes();
  CHECK(pair.content_bytes == 165'536);
  CHECK(pair.story.text.ends_with("end 2; "));
}

TEST_CASE(
    "a stream that fails ends its exchange alone, and says whether it may have been acted on") {
  Pair pair;
  REQUIRE(pair.client.start(kFirst, get()));
  REQUIRE(pair.client.start(kSecond, get()));
  pair.exchange_bytes();
  SECTION("refused") {
    pair.server.reset(kFirstStream, NGHTTP2_REFUSED_STREAM);
    pair.exchange_bytes();
    CHECK(pair.story.text == "failed 1 reset untouched; ");
  }
  SECTION("given up") {
    pair.server.reset(kFirstStream, NGHTTP2_INTERNAL_ERROR);
    pair.exchange_bytes();
    CHECK(pair.story.text == "failed 1 reset; ");
  }
  SECTION("shorter than its length") {
    pair.server.answer(kFirstStream, "200", "hello", {{"content-length", "50"}});
    pair.exchange_bytes();
    CHECK(pair.story.text == "head 200 content-length=50; body hello; failed 1 protocol; ");
  }
  SECTION("a head over the bound") {
    pair.server.say_lines(kFirstStream, {{":status", "200"}, {"x", std::string(40'000, 'x')}});
    pair.exchange_bytes();
    CHECK(pair.story.text == "failed 1 head; ");
  }
  SECTION("interim answers without end") {
    for (int number = 0; number < 9; ++number) {
      pair.server.say_lines(kFirstStream, {{":status", "103"}});
    }
    pair.exchange_bytes();
    CHECK(pair.story.text == "failed 1 interim; ");
  }
  pair.story.text.clear();
  pair.server.answer(kSecondStream, "200", "hello");
  pair.exchange_bytes();
  CHECK(pair.story.text == "head 200; body hello; end 2; ");
}

TEST_CASE("interim answers and trailers are passed over") {
  Pair pair;
  REQUIRE(pair.client.start(kFirst, get()));
  pair.exchange_bytes();
  pair.server.say_lines(kFirstStream, {{":status", "103"}, {"link", "</a>"}});
  pair.server.answer(kFirstStream, "200", "hello");
  pair.exchange_bytes();
  CHECK(pair.story.text == "head 200; body hello; end 1; ");
}

TEST_CASE(
    "an answer before the request was whole is heard, and the rest of the request is not sent") {
  Pair pair;
  REQUIRE(pair.client.start(kFirst, with_body(std::nullopt)));
  pair.client.send(kFirst, as_bytes(std::string_view("beginning")));
  pair.exchange_bytes();
  pair.server.answer(kFirstStream, "413", "");
  pair.exchange_bytes();
  CHECK(pair.story.text == "head 413; end 1; ");
  CHECK(pair.server.heard()[kFirstStream].is_reset);
  CHECK(pair.client.send(kFirst, as_bytes(std::string_view("more"))) == 0);
}

TEST_CASE("a server that goes away is asked nothing more, answers what it has begun, and is left") {
  Pair pair;
  REQUIRE(pair.client.start(kFirst, get()));
  REQUIRE(pair.client.start(kSecond, get()));
  pair.exchange_bytes();
  pair.server.go_away(kFirstStream);
  pair.exchange_bytes();
  CHECK(pair.story.text == "retiring; failed 2 reset untouched; ");
  CHECK(pair.client.start({3}, get()).error() == http::StartRefusal::retiring);
  pair.server.answer(kFirstStream, "204", "");
  pair.exchange_bytes();
  CHECK(pair.story.text == "retiring; failed 2 reset untouched; head 204; end 1; hang up none");
}

TEST_CASE("the end of the connection ends every exchange once") {
  Pair pair;
  REQUIRE(pair.client.start(kFirst, get()));
  pair.exchange_bytes();
  REQUIRE(pair.client.start(kSecond, get()));
  pair.client.on_end();
  pair.client.on_end();
  drain(pair.client, pair.story);
  CHECK(pair.story.text == "failed 1 cut_off; failed 2 cut_off; hang up cut_off");
}

TEST_CASE("a ping is answered, a flood of them is not") {
  SECTION("ours") {
    Pair pair;
    pair.client.ping();
    pair.exchange_bytes();
    CHECK(pair.story.text == "pong; ");
  }
  SECTION("theirs") {
    Pair pair;
    pair.exchange_bytes();
    for (int number = 0; number < 10; ++number) {
      nghttp2_submit_ping(pair.server.session(), NGHTTP2_FLAG_NONE, nullptr);
    }
    pair.exchange_bytes();
    CHECK(pair.story.text.empty());
    // Nothing of ours is written meanwhile.
    for (int number = 0; number < 10'000; ++number) {
      nghttp2_submit_ping(pair.server.session(), NGHTTP2_FLAG_NONE, nullptr);
      const Bytes said = pair.server.output();
      pair.client.on_bytes(said);
      if (pair.client.is_over()) break;
    }
    drain(pair.client, pair.story);
    CHECK(pair.story.text == "hang up flooded");
    CHECK(pair.client.output().size() <= 128 * 1024);
  }
}

TEST_CASE("what is no HTTP/2 ends the connection") {
  for (const std::string& nonsense : {std::string("HTTP/1.1 400 Bad Request\r\n\r\n"),
                                      std::string(100, '\0'), std::string(100, '\xff')}) {
    Pair pair;
    REQUIRE(pair.client.start(kFirst, get()));
    pair.client.on_bytes(as_bytes(nonsense));
    drain(pair.client, pair.story);
    CHECK(pair.story.text == "failed 1 protocol; hang up protocol");
  }
}

TEST_CASE("retired, it finishes what is under way") {
  Pair pair;
  REQUIRE(pair.client.start(kFirst, get()));
  pair.exchange_bytes();
  pair.client.retire();
  pair.server.answer(kFirstStream, "204", "");
  pair.exchange_bytes();
  CHECK(pair.story.text == "head 204; end 1; hang up none");
}
