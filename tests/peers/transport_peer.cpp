// host::WebSocketTransport as a peer of tests/process/web_socket_peers.py, where its manners are
// described:
//   transport_peer serve|dial MESSAGE_BYTES_MAX raw|library FRAGMENTS_MAX CONTROLS_MAX

#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <ev.h>
#include <unistd.h>

#include "trestle/host/event_loop.hpp"
#include "trestle/host/listening_socket.hpp"
#include "trestle/host/web_socket_transport.hpp"
#include "wire/websocket/frames.hpp"

namespace {

using namespace trestle;

constexpr std::string_view kMarker = "the marker";

std::string content(std::size_t bytes) {
  std::string made(bytes, ' ');
  for (std::size_t index = 0; index < bytes; ++index) {
    made[index] = static_cast<char>('a' + index % 26);
  }
  return made;
}

/// Who owns the connections: names, hears, answers, reports.
class Peer final : public host::TransportEvents {
 public:
  Peer(host::EventLoop& loop, const host::TransportOptions& options)
      : transport_(loop, *this, options) {}

  host::WebSocketTransport& transport() { return transport_; }

  /// `PORT [NAME SIZE...]`
  void dial(const std::string& line) {
    std::istringstream words(line);
    std::string port;
    words >> port;
    const link::ConnectionId id = ids_.next();
    Talk& talk = talks_[id];
    if (std::string name; words >> name) talk.name = name;
    talk.sizes.assign(std::istream_iterator<std::size_t>(words), {});
    transport_.dial({id, "ws://127.0.0.1:" + port + "/", std::chrono::seconds(20)});
  }

  link::ConnectionId on_accepted(const link::Accepted&) override {
    const link::ConnectionId id = ids_.next();
    talks_[id];
    return id;
  }

  void on_dialled(link::ConnectionId id) override {
    const Talk& talk = talks_.at(id);
    if (!talk.name) return;
    send_text(id, *talk.name);
    for (const std::size_t size : talk.sizes) {
      send_text(id, content(size));
      transport_.send({id, link::FrameKind::binary, to_bytes(as_bytes(content(size)))});
    }
  }

  void on_dial_failed(link::ConnectionId id, ErrorCode, std::string_view reason) override {
    std::fprintf(stderr, "dial failed: %s\n", std::string(reason).c_str());
    talks_.erase(id);
  }

  void on_frame(link::ConnectionId id, link::FrameKind kind, ByteSpan bytes) override {
    Talk& talk = talks_.at(id);
    const std::string text(kind == link::FrameKind::text ? as_text(bytes) : std::string_view{});
    if (!talk.name) {
      talk.name = text;
      return;
    }
    if (text == kMarker) return send_text(id, "alive");
    const bool echoes = talk.sizes.empty() && talk.name->starts_with("talk");
    if (echoes && text.starts_with("close ")) {
      return close(id, std::strtoul(text.c_str() + 6, nullptr, 10), "as asked");
    }
    talk.heard.push_back((kind == link::FrameKind::text ? "text " : "binary ") +
                         test::shown(bytes));
    if (echoes) transport_.send({id, kind, to_bytes(bytes)});
    if (!talk.sizes.empty() && talk.heard.size() == 2 * talk.sizes.size()) close(id, 1000, "done");
  }

  void on_drained(link::ConnectionId, std::size_t) override {}

  void on_closed(link::ConnectionId id, std::uint16_t status, std::string_view) override {
    const Talk& talk = talks_.at(id);
    std::printf("%s\t%u\t%s\n", talk.name.value_or("").c_str(), unsigned{status},
                test::joined(talk.heard).c_str());
    std::fflush(stdout);
    talks_.erase(id);
  }

  host::HttpReply on_http_request(const host::HttpRequest&) override { return {}; }

 private:
  struct Talk {
    std::optional<std::string> name;
    std::vector<std::string> heard;
    std::vector<std::size_t> sizes;  ///< Of what we say, where we are the one who does.
  };

  void send_text(link::ConnectionId id, std::string_view text) {
    transport_.send({id, link::FrameKind::text, to_bytes(as_bytes(text))});
  }
  /// Of what was ordered the owner hears nothing: it is reported as what it will be.
  void close(link::ConnectionId id, unsigned long status, const std::string& reason) {
    transport_.close({id, static_cast<link::CloseStatus>(status), reason});
    on_closed(id, static_cast<std::uint16_t>(status), reason);
  }

  host::WebSocketTransport transport_;
  link::ConnectionIds ids_{link::ConnectionOwner::node};
  std::map<link::ConnectionId, Talk> talks_;
};

/// Lines of standard input as they come; its end ends the loop.
class Orders {
 public:
  Orders(host::EventLoop& loop, Peer& peer) : loop_(loop), peer_(peer) {
    ev_io_init(&watcher_, &Orders::on_readable, STDIN_FILENO, EV_READ);
    watcher_.data = this;
    ev_io_start(loop.loop(), &watcher_);
  }

 private:
  static void on_readable(struct ev_loop*, ev_io* watcher, int) {
    static_cast<Orders*>(watcher->data)->read();
  }
  void read() {
    char buffer[4096];
    const ssize_t bytes = ::read(STDIN_FILENO, buffer, sizeof buffer);
    if (bytes <= 0) return loop_.stop();
    text_.append(buffer, static_cast<std::size_t>(bytes));
    for (std::size_t end = text_.find('\n'); end != std::string::npos; end = text_.find('\n')) {
      peer_.dial(text_.substr(0, end));
      text_.erase(0, end + 1);
    }
  }

  host::EventLoop& loop_;
  Peer& peer_;
  ev_io watcher_{};
  std::string text_;
};

host::TransportOptions options_of(char** words) {
  const auto number = [&](int index) { return std::strtoul(words[index], nullptr, 10); };
  host::TransportOptions options;
  options.kind =
      std::string_view(words[3]) == "raw" ? host::TransportKind::raw : host::TransportKind::library;
  options.frame_bytes_max = options.frame_bytes_max_before_identity = number(2);
  options.fragments_max = options.fragments_max_before_identity = number(4);
  options.pages = host::PageGate({"*"});
  // Who plays a table dials faster than callers do.
  options.pending_max = 10'000;
  if (options.kind == host::TransportKind::library) return options;
  // So many control frames at once, and one a second from there on: the raw transport counts them.
  options.side_traffic.control_frames_per_second = 1;
  options.look_every = std::chrono::milliseconds(100);
  options.side_looks = 1;
  options.side_traffic.slack_bytes = (number(5) - 1) * 131;
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) return 2;
  auto loop = host::EventLoop::create({});
  if (!loop) {
    std::fprintf(stderr, "%s\n", loop.error().c_str());
    return 1;
  }
  Peer peer(**loop, options_of(argv));
  const Orders orders(**loop, peer);
  std::uint16_t port = 0;
  if (std::string_view(argv[1]) == "serve") {
    auto socket = host::ListeningSocket::open({"127.0.0.1", 0});
    if (!socket) return 1;
    port = socket->address().port;
    peer.transport().listen(std::move(*socket));
  }
  std::printf("ready %u\n", unsigned{port});
  std::fflush(stdout);
  (*loop)->run();
  return 0;
}
