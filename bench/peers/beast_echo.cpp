// Echo over Boost.Beast, as its documentation has it used: one message a frame, one write at a
// time, no codec and no correlation.
//
//   beast_echo server                    prints `ready PORT`
//   beast_echo client --port N [--in-flight N] [--warm-up-ms N] [--run-ms N]

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>  // Asio 1.81 uses it without including it
#include <vector>

#include <boost/asio.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/websocket.hpp>
#include <sys/resource.h>

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = boost::beast::websocket;
using Clock = std::chrono::steady_clock;
using Tcp = asio::ip::tcp;
using Stream = websocket::stream<beast::tcp_stream>;

constexpr std::size_t kPayloadBytes = 200;

// ---- server

class Session : public std::enable_shared_from_this<Session> {
 public:
  explicit Session(Tcp::socket socket) : stream_(std::move(socket)) {
    beast::get_lowest_layer(stream_).socket().set_option(Tcp::no_delay(true));
  }

  void start() {
    stream_.binary(true);
    stream_.async_accept([self = shared_from_this()](beast::error_code error) {
      if (!error) self->read();
    });
  }

 private:
  void read() {
    stream_.async_read(buffer_, [self = shared_from_this()](beast::error_code error, std::size_t) {
      if (!error) self->write();
    });
  }
  void write() {
    stream_.async_write(buffer_.data(),
                        [self = shared_from_this()](beast::error_code error, std::size_t bytes) {
                          if (error) return;
                          self->buffer_.consume(bytes);
                          self->read();
                        });
  }

  Stream stream_;
  beast::flat_buffer buffer_;
};

int serve() {
  asio::io_context context(1);
  Tcp::acceptor acceptor(context, {asio::ip::address_v4::loopback(), 0});
  std::printf("ready %d\n", acceptor.local_endpoint().port());
  std::fflush(stdout);
  const std::function<void()> accept = [&] {
    acceptor.async_accept([&](beast::error_code error, Tcp::socket socket) {
      if (!error) std::make_shared<Session>(std::move(socket))->start();
      accept();
    });
  };
  accept();
  context.run();
  return 0;
}

// ---- client

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

double quantile_us(std::vector<std::uint32_t>& times, std::size_t permille) {
  if (times.empty()) return 0;
  const std::size_t place = std::min(times.size() - 1, times.size() * permille / 1000);
  std::nth_element(times.begin(), times.begin() + static_cast<std::ptrdiff_t>(place), times.end());
  return times[place] / 1e3;
}

class Client {
 public:
  Client(asio::io_context& context, std::uint16_t port, long in_flight)
      : stream_(context), owed_(in_flight) {
    times_.reserve(4'000'000);
    Tcp::socket& socket = beast::get_lowest_layer(stream_).socket();
    socket.connect({asio::ip::address_v4::loopback(), port});
    socket.set_option(Tcp::no_delay(true));
    stream_.binary(true);
    stream_.handshake("localhost", "/");
  }

  void start() {
    write();
    read();
  }
  void begin_counting() {
    warm_up_answered_ = static_cast<double>(times_.size());
    times_.clear();
    began_ = Clock::now();
    cpu_before_ = cpu_seconds();
  }
  void print() {
    const double seconds = std::chrono::duration<double>(Clock::now() - began_).count();
    const auto count = static_cast<double>(std::max<std::size_t>(1, times_.size()));
    std::printf(
        "{\"answered\": %.0f, \"failed\": 0, \"per_second\": %.0f, \"cpu_us\": %.3f, "
        "\"warm_up_share\": %.4f, \"p50_us\": %.2f, \"p99_us\": %.2f}\n",
        count, count / seconds, (cpu_seconds() - cpu_before_) * 1e6 / count,
        warm_up_answered_ / count, quantile_us(times_, 500), quantile_us(times_, 990));
  }

 private:
  void write() {
    if (is_writing_ || owed_ == 0) return;
    --owed_;
    is_writing_ = true;
    const auto now = Clock::now().time_since_epoch().count();
    std::memcpy(payload_, &now, sizeof now);
    stream_.async_write(asio::buffer(payload_), [this](beast::error_code error, std::size_t) {
      is_writing_ = false;
      if (!error) write();
    });
  }
  void read() {
    stream_.async_read(buffer_, [this](beast::error_code error, std::size_t bytes) {
      if (error) return;
      Clock::rep asked = 0;
      std::memcpy(&asked, buffer_.data().data(), sizeof asked);
      buffer_.consume(bytes);
      times_.push_back(static_cast<std::uint32_t>(Clock::now().time_since_epoch().count() - asked));
      ++owed_;
      write();
      read();
    });
  }

  Stream stream_;
  long owed_;
  bool is_writing_ = false;
  unsigned char payload_[kPayloadBytes] = {};
  beast::flat_buffer buffer_;
  std::vector<std::uint32_t> times_;
  Clock::time_point began_{};
  double cpu_before_ = 0;
  double warm_up_answered_ = 0;
};

int ask(std::map<std::string, std::string>& flags) {
  const auto number_of = [&](const char* name, long otherwise) {
    return flags.count(name) != 0 ? std::strtol(flags[name].c_str(), nullptr, 10) : otherwise;
  };
  asio::io_context context(1);
  Client client(context, static_cast<std::uint16_t>(number_of("--port", 0)),
                number_of("--in-flight", 128));
  client.start();
  context.run_for(std::chrono::milliseconds(number_of("--warm-up-ms", 300)));
  client.begin_counting();
  context.run_for(std::chrono::milliseconds(number_of("--run-ms", 1000)));
  client.print();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string mode = argc > 1 ? argv[1] : "";
  std::map<std::string, std::string> flags;
  for (int index = 2; index + 1 < argc; index += 2) flags[argv[index]] = argv[index + 1];
  if (mode == "server") return serve();
  if (mode == "client") return ask(flags);
  std::fputs("usage: beast_echo server|client ...\n", stderr);
  return 2;
}
