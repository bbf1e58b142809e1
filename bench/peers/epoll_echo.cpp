// The physical limit: an epoll loop of its own with the least WebSocket framing there can be, no
// codec, no correlation, one message a frame. With TLS the sockets carry OpenSSL's records.
//
//   epoll_echo server [--cert FILE --key FILE]      prints `ready PORT`
//   epoll_echo client --port N [--tls 1] [--in-flight N] [--warm-up-ms N] [--run-ms N]

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kPayloadBytes = 200;
constexpr std::size_t kReadBytes = 64 * 1024;
constexpr unsigned char kBinary = 0x82;
constexpr unsigned char kMasked = 0x80;
constexpr unsigned char kTwoByteLength = 126;

[[noreturn]] void die(const char* what) {
  std::perror(what);
  std::exit(1);
}

/// A socket, plain or with TLS, and the bytes that wait on both sides of it.
class Stream {
 public:
  Stream(int descriptor, SSL* ssl) : descriptor_(descriptor), ssl_(ssl) {}
  ~Stream() {
    SSL_free(ssl_);
    ::close(descriptor_);
  }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  int descriptor() const { return descriptor_; }

  /// Everything that has arrived. False at the end.
  bool read() {
    while (true) {
      const std::size_t before = input.size();
      input.resize(before + kReadBytes);
      const long bytes = ssl_ != nullptr
                             ? SSL_read(ssl_, input.data() + before, kReadBytes)
                             : ::recv(descriptor_, input.data() + before, kReadBytes, 0);
      input.resize(before + static_cast<std::size_t>(std::max(0L, bytes)));
      if (bytes > 0) {
        if (ssl_ == nullptr && static_cast<std::size_t>(bytes) < kReadBytes) return true;
        continue;
      }
      if (ssl_ != nullptr)
        return SSL_get_error(ssl_, static_cast<int>(bytes)) == SSL_ERROR_WANT_READ;
      return bytes < 0 && errno == EAGAIN;
    }
  }

  void flush() {
    std::size_t sent = 0;
    while (sent < output.size()) {
      const std::size_t left = output.size() - sent;
      const long bytes = ssl_ != nullptr
                             ? SSL_write(ssl_, output.data() + sent, static_cast<int>(left))
                             : ::send(descriptor_, output.data() + sent, left, MSG_NOSIGNAL);
      if (bytes > 0) sent += static_cast<std::size_t>(bytes);
      if (bytes <= 0 && errno != EAGAIN) break;
    }
    output.clear();
  }

  /// Takes whole frames off the input and hands each payload to `use`.
  template <typename Use>
  void frames(const Use& use) {
    std::size_t begin = 0;
    while (input.size() - begin >= 2) {
      const bool is_masked = (input[begin + 1] & kMasked) != 0;
      std::size_t head = 2;
      std::size_t bytes = input[begin + 1] & 0x7f;
      if (bytes == kTwoByteLength) {
        if (input.size() - begin < 4) break;
        bytes = static_cast<std::size_t>(input[begin + 2]) << 8 | input[begin + 3];
        head = 4;
      }
      const std::size_t mask_at = begin + head;
      if (is_masked) head += 4;
      if (input.size() - begin < head + bytes) break;
      unsigned char* payload = input.data() + begin + head;
      if (is_masked) {
        for (std::size_t index = 0; index < bytes; ++index) {
          payload[index] ^= input[mask_at + (index & 3)];
        }
      }
      use(payload, bytes);
      begin += head + bytes;
    }
    input.erase(input.begin(), input.begin() + static_cast<std::ptrdiff_t>(begin));
  }

  void frame(const unsigned char* payload, std::size_t bytes, bool is_masked) {
    output.push_back(kBinary);
    const unsigned char mask_bit = is_masked ? kMasked : 0;
    output.push_back(mask_bit | kTwoByteLength);
    output.push_back(static_cast<unsigned char>(bytes >> 8));
    output.push_back(static_cast<unsigned char>(bytes));
    if (!is_masked) {
      output.insert(output.end(), payload, payload + bytes);
      return;
    }
    random_ = random_ * 6364136223846793005u + 1442695040888963407u;
    unsigned char mask[4];
    std::memcpy(mask, &random_, sizeof mask);
    output.insert(output.end(), mask, mask + 4);
    for (std::size_t index = 0; index < bytes; ++index) {
      output.push_back(payload[index] ^ mask[index & 3]);
    }
  }

  std::vector<unsigned char> input;
  std::vector<unsigned char> output;

 private:
  int descriptor_;
  SSL* ssl_;
  std::uint64_t random_ = 1;
};

void prepare(int descriptor) {
  const int on = 1;
  ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

void shake_hands(SSL* ssl, int descriptor, bool is_client) {
  SSL_set_fd(ssl, descriptor);
  if ((is_client ? SSL_connect(ssl) : SSL_accept(ssl)) != 1) die("TLS");
}

void set_nonblocking(int descriptor) {
  ::fcntl(descriptor, F_SETFL, ::fcntl(descriptor, F_GETFL) | O_NONBLOCK);
}

int serve(std::map<std::string, std::string>& flags) {
  SSL_CTX* context = nullptr;
  if (flags.count("--cert") != 0) {
    context = SSL_CTX_new(TLS_server_method());
    if (SSL_CTX_use_certificate_chain_file(context, flags["--cert"].c_str()) != 1 ||
        SSL_CTX_use_PrivateKey_file(context, flags["--key"].c_str(), SSL_FILETYPE_PEM) != 1) {
      die("certificate");
    }
  }
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(listener, reinterpret_cast<sockaddr*>(&address), size) != 0) die("bind");
  if (::listen(listener, 16) != 0) die("listen");
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size);
  std::printf("ready %d\n", ntohs(address.sin_port));
  std::fflush(stdout);

  const int poll = ::epoll_create1(0);
  epoll_event wanted{};
  wanted.events = EPOLLIN;
  ::epoll_ctl(poll, EPOLL_CTL_ADD, listener, &wanted);
  std::map<Stream*, std::unique_ptr<Stream>> streams;
  epoll_event ready[64];
  while (true) {
    const int count = ::epoll_wait(poll, ready, 64, -1);
    for (int index = 0; index < count; ++index) {
      auto* stream = static_cast<Stream*>(ready[index].data.ptr);
      if (stream == nullptr) {
        const int descriptor = ::accept(listener, nullptr, nullptr);
        prepare(descriptor);
        SSL* ssl = context != nullptr ? SSL_new(context) : nullptr;
        if (ssl != nullptr) shake_hands(ssl, descriptor, false);
        set_nonblocking(descriptor);
        auto made = std::make_unique<Stream>(descriptor, ssl);
        wanted.data.ptr = made.get();
        ::epoll_ctl(poll, EPOLL_CTL_ADD, descriptor, &wanted);
        streams.emplace(made.get(), std::move(made));
        continue;
      }
      if (!stream->read()) {
        streams.erase(stream);
        continue;
      }
      stream->frames([&](const unsigned char* payload, std::size_t bytes) {
        stream->frame(payload, bytes, false);
      });
      stream->flush();
    }
  }
}

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

int ask(std::map<std::string, std::string>& flags) {
  const auto number_of = [&](const char* name, long otherwise) {
    return flags.count(name) != 0 ? std::strtol(flags[name].c_str(), nullptr, 10) : otherwise;
  };
  const int descriptor = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(number_of("--port", 0)));
  if (::connect(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    die("connect");
  }
  prepare(descriptor);
  SSL* ssl = nullptr;
  if (flags.count("--tls") != 0) {
    ssl = SSL_new(SSL_CTX_new(TLS_client_method()));
    shake_hands(ssl, descriptor, true);
  }
  set_nonblocking(descriptor);
  Stream stream(descriptor, ssl);
  const int poll = ::epoll_create1(0);
  epoll_event wanted{};
  wanted.events = EPOLLIN;
  ::epoll_ctl(poll, EPOLL_CTL_ADD, descriptor, &wanted);

  std::vector<std::uint32_t> times;
  times.reserve(4'000'000);
  const auto ask_one = [&] {
    unsigned char payload[kPayloadBytes] = {};
    const auto now = Clock::now().time_since_epoch().count();
    std::memcpy(payload, &now, sizeof now);
    stream.frame(payload, sizeof payload, true);
  };
  for (long index = number_of("--in-flight", 1); index > 0; --index) ask_one();
  stream.flush();
  const auto warm_until = Clock::now() + std::chrono::milliseconds(number_of("--warm-up-ms", 300));
  const auto run = std::chrono::milliseconds(number_of("--run-ms", 1000));
  Clock::time_point began{};
  double cpu_before = 0;
  double warm_up_answered = 0;
  std::uint64_t answered = 0;
  while (true) {
    epoll_event ready{};
    ::epoll_wait(poll, &ready, 1, -1);
    if (!stream.read()) die("connection");
    stream.frames([&](const unsigned char* payload, std::size_t) {
      Clock::rep asked = 0;
      std::memcpy(&asked, payload, sizeof asked);
      times.push_back(static_cast<std::uint32_t>(Clock::now().time_since_epoch().count() - asked));
      ++answered;
      ask_one();
    });
    stream.flush();
    const auto now = Clock::now();
    if (began == Clock::time_point{} && now >= warm_until) {
      began = now;
      cpu_before = cpu_seconds();
      warm_up_answered = static_cast<double>(answered);
      answered = 0;
      times.clear();
    }
    if (began != Clock::time_point{} && now - began >= run) break;
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - began).count();
  const auto count = static_cast<double>(std::max<std::uint64_t>(1, answered));
  std::printf(
      "{\"answered\": %.0f, \"failed\": 0, \"per_second\": %.0f, \"cpu_us\": %.3f, "
      "\"warm_up_share\": %.4f, \"p50_us\": %.2f, \"p99_us\": %.2f}\n",
      count, count / seconds, (cpu_seconds() - cpu_before) * 1e6 / count, warm_up_answered / count,
      quantile_us(times, 500), quantile_us(times, 990));
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string mode = argc > 1 ? argv[1] : "";
  std::map<std::string, std::string> flags;
  for (int index = 2; index + 1 < argc; index += 2) flags[argv[index]] = argv[index + 1];
  if (mode == "server") return serve(flags);
  if (mode == "client") return ask(flags);
  std::fputs("usage: epoll_echo server|client ...\n", stderr);
  return 2;
}
