// What a connection that takes up its TLS session saves: WebSockets over TLS 1.3 dialled one after
// the other on the loopback interface, in turn with a whole handshake and with a resumed one. Both
// ends in this process and thread, on one loop and the raw transport.
//   resumption_program --cert FILE --key FILE --ca FILE [--rounds N]
// Prints one JSON line: from the order to dial to the open WebSocket, p50 of each kind, and how
// many of the reconnections resumed.

#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include "die.hpp"
#include "flags.hpp"
#include "nanoseconds.hpp"
#include "tls_flags.hpp"
#include "trestle/host/event_loop.hpp"
#include "trestle/host/timer.hpp"
#include "trestle/host/tls.hpp"
#include "trestle/host/web_socket_transport.hpp"

namespace {

using namespace trestle;
using bench::die;

constexpr Duration kGiveUpAfter = std::chrono::seconds(5);

host::TransportOptions raw() {
  host::TransportOptions options;
  options.kind = host::TransportKind::raw;
  return options;
}

/// Says what the program waits for: open, closed.
class Reports final : public host::TransportEvents {
 public:
  explicit Reports(link::ConnectionOwner owner) : ids_(owner) {}

  link::ConnectionId on_accepted(const link::Accepted&) override { return ids_.next(); }
  void on_dialled(link::ConnectionId) override { is_open = true; }
  void on_dial_failed(link::ConnectionId, ErrorCode, std::string_view reason) override {
    die(std::string(reason));
  }
  void on_frame(link::ConnectionId, link::FrameKind, ByteSpan) override {}
  void on_drained(link::ConnectionId, std::size_t) override {}
  void on_closed(link::ConnectionId, std::uint16_t, std::string_view) override {}
  host::HttpReply on_http_request(const host::HttpRequest&) override { return {}; }

  bool is_open = false;

 private:
  link::ConnectionIds ids_;
};

class Reconnections {
 public:
  Reconnections(host::EventLoop& loop, host::Tls& tls)
      : loop_(loop), tls_(tls), acceptor_(loop, accepted_, raw()), dialler_(loop, dialled_, raw()) {
    auto socket = host::ListeningSocket::open({"127.0.0.1", 0});
    if (!socket) die(socket.error());
    peer_ = "127.0.0.1:" + std::to_string(socket->address().port);
    acceptor_.listen(std::move(*socket), host::Security::tls);
  }

  /// Microseconds.
  std::uint32_t connect() {
    const link::ConnectionId connection = ids_.next();
    dialled_.is_open = false;
    const std::uint64_t began = bench::nanoseconds();
    dialler_.dial({connection, "wss://" + peer_, kGiveUpAfter});
    while (!dialled_.is_open) loop_.turn();
    const auto took = static_cast<std::uint32_t>(bench::nanoseconds() - began);
    dialler_.close({connection, link::CloseStatus::normal, {}});
    while (dialler_.sockets() + acceptor_.sockets() > 0) loop_.turn();
    return took;
  }

  void forget() { tls_.dialling_engines().forget(peer_); }
  std::uint64_t resumed() const { return dialler_.stats().tls_resumptions_total; }

 private:
  host::EventLoop& loop_;
  host::Tls& tls_;
  link::ConnectionIds ids_{link::ConnectionOwner::node};
  Reports accepted_{link::ConnectionOwner::node};
  Reports dialled_{link::ConnectionOwner::node};
  host::WebSocketTransport acceptor_;
  host::WebSocketTransport dialler_;
  std::string peer_;
};

}  // namespace

int main(int argc, char** argv) {
  const bench::Flags flags(argc, argv);
  host::Tls tls(bench::tls_of(flags));
  host::EventLoopOptions options;
  options.tls = &tls;
  auto loop = host::EventLoop::create(options);
  if (!loop) die(loop.error());
  Reconnections reconnections(**loop, tls);

  const auto rounds = static_cast<std::size_t>(flags.number("rounds", 500));
  for (int warm_up = 0; warm_up < 20; ++warm_up) reconnections.connect();
  std::vector<std::uint32_t> whole;
  std::vector<std::uint32_t> resumed;
  std::uint64_t taken_up = 0;
  for (std::size_t round = 0; round < rounds; ++round) {
    reconnections.forget();
    const std::uint64_t before = reconnections.resumed();
    whole.push_back(reconnections.connect());
    if (reconnections.resumed() != before) die("a session that was forgotten was taken up");
    resumed.push_back(reconnections.connect());
    taken_up += reconnections.resumed() - before;
  }
  std::printf("{\"whole_us\": %.1f, \"resumed_us\": %.1f, \"resumed_percent\": %.2f}\n",
              bench::quantile_us(whole, 500), bench::quantile_us(resumed, 500),
              100.0 * static_cast<double>(taken_up) / static_cast<double>(rounds));
}
