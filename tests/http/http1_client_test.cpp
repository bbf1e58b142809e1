#include "trestle/http/http1_client.hpp"

#include <string>
#include <vector>

#include "answer_cases.hpp"
#include "answers.hpp"
#include "catch.hpp"

using namespace trestle;
using namespace trestle::test;

namespace {

void write_all(http::Http1Client& client, std::string& written) {
  const ByteSpan output = client.output();
  written.append(as_text(output));
  client.on_written(output.size());
}

/// A request that has left, and these bytes in answer to it; then the end of the connection.
std::string story_of(const AnswerCase& one, const Pieces& pieces) {
  http::Http1Client client({});
  http::Request request = get();
  request.method = one.method;
  REQUIRE(client.start(kFirst, request));
  std::string written;
  write_all(client, written);
  Story story;
  in_pieces(as_bytes(one.stream), pieces, [&](ByteSpan piece) {
    client.on_bytes(piece);
    drain(client, story);
  });
  if (client.is_idle()) story.text += "idle; ";
  client.on_end();
  drain(client, story);
  return story.text;
}

}  // namespace

TEST_CASE("an answer of HTTP/1.1 is what the RFC makes of it, in whatever pieces it comes") {
  Rng rng(1);
  for (const AnswerCase& one : answer_cases()) {
    CAPTURE(one.name);
    const std::size_t bytes = one.stream.size();
    CHECK(story_of(one, whole(bytes)) == one.expects);
    CHECK(story_of(one, byte_by_byte(bytes)) == one.expects);
    for (int round = 0; round < 50; ++round) {
      CHECK(story_of(one, random_pieces(bytes, rng)) == one.expects);
    }
  }
}

TEST_CASE("one connection carries one exchange after the other, and never two") {
  http::Http1Client client({});
  std::string written;
  Story story;
  REQUIRE(client.start(kFirst, get("/a?b=c")));
  CHECK(client.start(kSecond, get()).error() == http::StartRefusal::busy);
  write_all(client, written);
  CHECK(written == "GET /a?b=c HTTP/1.1\r\nHost: prices.example\r\n\r\n");
  const std::string answer = "HTTP/1.1 204 No Content\r\n\r\n";
  client.on_bytes(as_bytes(answer));
  drain(client, story);
  CHECK(client.is_idle());
  REQUIRE(client.start(kSecond, get()));
  write_all(client, written);
  client.on_bytes(as_bytes(answer));
  drain(client, story);
  CHECK(story.text == "head 204; end 1; head 204; end 2; ");
}

TEST_CASE(
    "the body of a request leaves as its length is known or not, and no faster than it goes") {
  const std::string body(100, 'x');
  SECTION("known") {
    http::Http1Options options;
    options.output_bytes_max = 150;
    http::Http1Client client(options);
    std::string written;
    REQUIRE(client.start(kFirst, with_body(body.size())));
    const std::size_t taken = client.send(kFirst, as_bytes(body));
    CHECK(taken < body.size());
    CHECK(client.output().size() == 150);
    CHECK(client.send(kFirst, as_bytes(body).subspan(taken)) == 0);
    Story story;
    drain(client, story);
    CHECK(story.text.empty());
    write_all(client, written);
    drain(client, story);
    CHECK(story.text == "room; ");
    CHECK(client.send(kFirst, as_bytes(body).subspan(taken)) == body.size() - taken);
    client.end(kFirst);
    write_all(client, written);
    CHECK(written ==
          "POST /orders HTTP/1.1\r\nHost: prices.example\r\nContent-Length: 100\r\n\r\n" + body);
  }
  SECTION("unknown") {
    http::Http1Client client({});
    std::string written;
    REQUIRE(client.start(kFirst, with_body(std::nullopt)));
    CHECK(client.send(kFirst, as_bytes(body)) == body.size());
    CHECK(client.send(kFirst, as_bytes(std::string_view("yz"))) == 2);
    client.end(kFirst);
    client.end(kFirst);
    write_all(client, written);
    CHECK(written ==
          "POST /orders HTTP/1.1\r\nHost: prices.example\r\nTransfer-Encoding: "
          "chunked\r\n\r\n64\r\n" +
              body + "\r\n2\r\nyz\r\n0\r\n\r\n");
  }
  SECTION("none, of a method that has one") {
    http::Http1Client client({});
    std::string written;
    REQUIRE(client.start(kFirst, with_body(0)));
    write_all(client, written);
    CHECK(written == "POST /orders HTTP/1.1\r\nHost: prices.example\r\nContent-Length: 0\r\n\r\n");
  }
}

TEST_CASE("a server that answers before it has heard everything is heard, and left") {
  http::Http1Client client({});
  std::string written;
  Story story;
  REQUIRE(client.start(kFirst, with_body(10)));
  write_all(client, written);
  client.on_bytes(
      as_bytes(std::string_view("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")));
  drain(client, story);
  CHECK(story.text == "head 413 content-length=0; end 1; hang up none");
  CHECK(client.send(kFirst, as_bytes(std::string_view("0123456789"))) == 0);
}

TEST_CASE(
    "what ends a connection ends its exchange once, and says whether it may have been acted on") {
  http::Http1Client client({});
  std::string written;
  Story story;
  SECTION("cut off before a byte has left") {
    REQUIRE(client.start(kFirst, get()));
    client.on_end();
    drain(client, story);
    CHECK(story.text == "failed 1 cut_off untouched; hang up cut_off");
  }
  SECTION("cancelled when it has left") {
    REQUIRE(client.start(kFirst, get()));
    write_all(client, written);
    client.cancel(kFirst);
    client.on_end();
    drain(client, story);
    CHECK(story.text == "failed 1 cancelled; hang up cancelled");
  }
  SECTION("retired while idle") {
    client.retire();
    drain(client, story);
    CHECK(story.text == "hang up none");
  }
  SECTION("retired under way") {
    REQUIRE(client.start(kFirst, get()));
    write_all(client, written);
    client.retire();
    client.on_bytes(as_bytes(std::string_view("HTTP/1.1 204 No Content\r\n\r\n")));
    drain(client, story);
    CHECK(story.text == "head 204; end 1; hang up none");
  }
  CHECK(client.start(kSecond, get()).error() == http::StartRefusal::retiring);
  CHECK_FALSE(client.is_idle());
}

TEST_CASE("bounds: a head, interim answers, the line of a chunk, a trailer") {
  http::Http1Options options;
  options.head = {.head_bytes_max = 100, .fields_max = 3};
  options.interim_answers_max = 2;
  options.body = {.chunk_line_bytes_max = 20, .trailer_bytes_max = 30};
  const auto story = [&](const std::string& stream) {
    http::Http1Client client(options);
    REQUIRE(client.start(kFirst, get()));
    Story told;
    client.on_bytes(as_bytes(stream));
    drain(client, told);
    return told.text;
  };
  const std::string interim = "HTTP/1.1 100 Continue\r\n\r\n";
  const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  CHECK(story("HTTP/1.1 200 " + std::string(100, 'x')).find("hang up head") != std::string::npos);
  CHECK(story("HTTP/1.1 204\r\na: b\r\na: b\r\na: b\r\na: b\r\n\r\n").find("hang up head") !=
        std::string::npos);
  CHECK(story(interim + interim + "HTTP/1.1 204\r\n\r\n") == "head 204; end 1; ");
  CHECK(story(interim + interim + interim).find("hang up interim") != std::string::npos);
  CHECK(story(chunked + "1;" + std::string(30, 'x')).find("hang up body") != std::string::npos);
  CHECK(story(chunked + "0\r\nname: " + std::string(30, 'x')).find("hang up body") !=
        std::string::npos);
}

TEST_CASE("a request that would break the wire is refused, and nothing of it is written") {
  const auto flaw = [](const auto& change) {
    http::Request request = get();
    change(request);
    http::Http1Client client({});
    const auto started = client.start(kFirst, request);
    CHECK(client.output().empty() == !started.has_value());
    CHECK(started.has_value() == (flaw_of(request) == http::RequestFlaw::none));
    return flaw_of(request);
  };
  using Flaw = http::RequestFlaw;
  using Request = http::Request;
  CHECK(flaw([](Request& one) { one.fields = {{"Accept", "a/b"}}; }) == Flaw::none);
  CHECK(flaw([](Request& one) { one.method = "GE T"; }) == Flaw::method);
  CHECK(flaw([](Request& one) { one.method = "CONNECT"; }) == Flaw::method);
  CHECK(flaw([](Request& one) { one.authority = ""; }) == Flaw::authority);
  CHECK(flaw([](Request& one) { one.authority = "user@host"; }) == Flaw::authority);
  CHECK(flaw([](Request& one) { one.target = "a"; }) == Flaw::target);
  CHECK(flaw([](Request& one) { one.target = "/ HTTP/1.1\r\nX: y"; }) == Flaw::target);
  CHECK(flaw([](Request& one) { one.fields = {{"X", "a\r\nY: b"}}; }) == Flaw::fields);
  CHECK(flaw([](Request& one) { one.fields = {{"X y", "a"}}; }) == Flaw::fields);
  for (const char* name : {"Host", "content-length", "Transfer-Encoding", "Connection", "TE",
                           "Upgrade", "Trailer", "Expect", "Keep-Alive"}) {
    CAPTURE(name);
    CHECK(flaw([&](Request& one) { one.fields = {{name, "1"}}; }) == Flaw::fields);
  }
}
