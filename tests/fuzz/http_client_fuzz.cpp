// A client of HTTP/1.1 or HTTP/2 that has asked, and any bytes of its server. What it tells does
// not depend on the pieces in which they come; each exchange ends once, and last; the end of the
// connection is told once, and nothing after it; what waits to be written is bounded.
#include <map>
#include <string>

#include "entry.hpp"
#include "trestle/http/http1_client.hpp"
#include "trestle/http/http2_client.hpp"
// NOT_GUIDING for whole files.
#ifdef TRESTLE_FUZZ
#pragma clang attribute push(__attribute__((no_sanitize("coverage"))), apply_to = function)
#endif
#include "http/answers.hpp"
#ifdef TRESTLE_FUZZ
#pragma clang attribute pop
#endif

namespace trestle::fuzz {
namespace {

/// The order in which the effects of one exchange come.
enum class Station : std::uint8_t { begun, head, over };

class Listener {
 public:
  explicit Listener(std::uint64_t exchanges) {
    for (std::uint64_t number = 1; number <= exchanges; ++number) {
      stations_[{number}] = Station::begun;
    }
  }

  void hear(const http::ClientEffect& effect) {
    MUST_HOLD(!has_hung_up_);
    std::visit([&](const auto& one) { on(one); }, effect);
    story_.tell(effect);
  }
  void must_be_over() const {
    MUST_HOLD(has_hung_up_);
    for (const auto& [exchange, station] : stations_) MUST_HOLD(station == Station::over);
  }
  const std::string& story() const { return story_.text; }

 private:
  void on(const http::HeadArrived& arrived) {
    MUST_HOLD(stations_.at(arrived.exchange) == Station::begun);
    MUST_HOLD(arrived.status >= 200 && arrived.status <= 999);
    stations_[arrived.exchange] = Station::head;
  }
  void on(const http::ContentArrived& arrived) {
    MUST_HOLD(stations_.at(arrived.exchange) == Station::head);
    MUST_HOLD(!arrived.content.empty());
  }
  void on(const http::AnswerEnded& ended) {
    MUST_HOLD(stations_.at(ended.exchange) == Station::head);
    stations_[ended.exchange] = Station::over;
  }
  void on(const http::ExchangeFailed& failed) {
    MUST_HOLD(stations_.at(failed.exchange) != Station::over);
    stations_[failed.exchange] = Station::over;
  }
  void on(const http::RoomMade& made) { MUST_HOLD(stations_.at(made.exchange) != Station::over); }
  void on(const http::Retiring&) {}
  void on(const http::PongArrived&) {}
  void on(const http::HangUp&) { has_hung_up_ = true; }

  std::map<http::ExchangeId, Station> stations_;
  bool has_hung_up_ = false;
  test::Story story_;
};

http::Request asked(const char* method) {
  http::Request request;
  request.method = method;
  request.authority = "a.example";
  return request;
}

constexpr std::size_t kOutputBytesMax = 256 * 1024;

template <typename Client>
void drain(Client& client, Listener& listener) {
  while (const auto effect = client.poll_effect()) {
    listener.hear(*effect);
    if constexpr (requires { client.consume(http::ExchangeId{}, 0); }) {
      const auto* content = std::get_if<http::ContentArrived>(&*effect);
      if (content != nullptr) client.consume(content->exchange, content->content.size());
    }
  }
}

template <typename Client>
std::string story_of(Client& client, std::uint64_t exchanges, ByteSpan bytes,
                     const test::Pieces& pieces) {
  Listener listener(exchanges);
  client.on_written(client.output().size());
  test::in_pieces(bytes, pieces, [&](ByteSpan piece) {
    client.on_bytes(piece);
    drain(client, listener);
    MUST_HOLD(client.output().size() <= kOutputBytesMax);
    client.on_written(client.output().size());
  });
  client.on_end();
  drain(client, listener);
  listener.must_be_over();
  return listener.story();
}

std::string of_http1(ByteSpan bytes, const test::Pieces& pieces, unsigned choice) {
  http::Http1Options options;
  if ((choice & 4) != 0) {
    options.head = {.head_bytes_max = 60, .fields_max = 2};
    options.body = {.chunk_line_bytes_max = 8, .trailer_bytes_max = 20};
    options.interim_answers_max = 1;
  }
  http::Http1Client client(options);
  MUST_HOLD(client.start({1}, asked((choice & 2) != 0 ? "HEAD" : "GET")).has_value());
  return story_of(client, 1, bytes, pieces);
}

std::string of_http2(ByteSpan bytes, const test::Pieces& pieces, unsigned choice) {
  http::Http2Options options;
  if ((choice & 4) != 0) {
    options.head_bytes_max = 100;
    options.interim_answers_max = 1;
    options.acknowledgements_max = 4;
  }
  http::Http2Client client(options);
  for (std::uint64_t number = 1; number <= 3; ++number) {
    http::Request request = asked(number == 2 ? "POST" : "GET");
    if (number == 2) request.body_bytes.reset();
    MUST_HOLD(client.start({number}, request).has_value());
  }
  client.send({2}, as_bytes(std::string_view("the beginning of a body")));
  return story_of(client, 3, bytes, pieces);
}

}  // namespace

TRESTLE_FUZZ_TARGET(http_client) {
  if (input.size() < 2) return;
  const unsigned choice = input[0];
  const ByteSpan bytes = input.subspan(2);
  Rng rng(input[1]);
  const test::Pieces pieces = test::random_pieces(bytes.size(), rng);
  const test::Pieces whole = test::whole(bytes.size());
  if ((choice & 1) == 0) {
    MUST_HOLD(of_http1(bytes, whole, choice) == of_http1(bytes, pieces, choice));
  } else {
    // What is written between two pieces decides which of two ends comes first.
    of_http2(bytes, whole, choice);
    of_http2(bytes, pieces, choice);
  }
}

}  // namespace trestle::fuzz
