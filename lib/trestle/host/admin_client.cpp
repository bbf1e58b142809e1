#include "trestle/host/admin_client.hpp"

#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

namespace trestle::host {
namespace {

/// Longer than any operation of a node lasts.
constexpr time_t kAnswerWithinSeconds = 60;
constexpr std::size_t kAnswerBytesMax = 16 * 1024 * 1024;

std::unexpected<std::string> no_answer(const AdminAddress& address, const std::string& why) {
  return refuse("no node answers at " + to_text(address) + " (" + why +
                "): is it running with this data folder?");
}

int connect_to(const AdminAddress& address) {
  sockaddr_storage storage{};
  socklen_t bytes = 0;
  if (!address.unix_path.empty()) {
    auto* local = reinterpret_cast<sockaddr_un*>(&storage);
    if (address.unix_path.size() >= sizeof local->sun_path) return errno = ENAMETOOLONG, -1;
    local->sun_family = AF_UNIX;
    std::memcpy(local->sun_path, address.unix_path.data(), address.unix_path.size());
    bytes = sizeof(sockaddr_un);
  } else {
    const std::string host = address.tcp.host == "localhost" ? "127.0.0.1" : address.tcp.host;
    auto* v4 = reinterpret_cast<sockaddr_in*>(&storage);
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&storage);
    if (inet_pton(AF_INET, host.c_str(), &v4->sin_addr) == 1) {
      v4->sin_family = AF_INET;
      v4->sin_port = htons(address.tcp.port);
      bytes = sizeof *v4;
    } else if (inet_pton(AF_INET6, host.c_str(), &v6->sin6_addr) == 1) {
      v6->sin6_family = AF_INET6;
      v6->sin6_port = htons(address.tcp.port);
      bytes = sizeof *v6;
    }
  }
  const int descriptor = ::socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor < 0) return -1;
  const timeval patience{kAnswerWithinSeconds, 0};
  ::setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (::connect(descriptor, reinterpret_cast<const sockaddr*>(&storage), bytes) == 0)
    return descriptor;
  const int error = errno;
  ::close(descriptor);
  errno = error;
  return -1;
}

bool send_all(int descriptor, const std::string& text) {
  std::size_t sent = 0;
  while (sent < text.size()) {
    const ssize_t bytes = ::send(descriptor, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
    if (bytes <= 0) return false;
    sent += static_cast<std::size_t>(bytes);
  }
  return true;
}

/// The server closes behind its one reply.
bool receive_all(int descriptor, std::string& text) {
  char buffer[16 * 1024];
  while (text.size() < kAnswerBytesMax) {
    const ssize_t bytes = ::recv(descriptor, buffer, sizeof buffer, 0);
    if (bytes == 0) return true;
    if (bytes < 0) return errno == ECONNRESET && !text.empty();
    text.append(buffer, static_cast<std::size_t>(bytes));
  }
  return false;
}

}  // namespace

Result<AdminAnswer, std::string> ask_admin(const AdminAddress& address, const std::string& path,
                                           const std::string& body, const std::string& secret) {
  const int descriptor = connect_to(address);
  if (descriptor < 0) return no_answer(address, std::strerror(errno));
  std::string request =
      (body.empty() ? "GET " : "POST ") + path + " HTTP/1.1\r\nHost: localhost\r\n";
  if (!secret.empty()) request += "Authorization: Bearer " + secret + "\r\n";
  if (!body.empty()) {
    request +=
        "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
  }
  request += "\r\n" + body;
  std::string reply;
  const bool is_answered = send_all(descriptor, request) && receive_all(descriptor, reply);
  const int error = errno;
  ::close(descriptor);
  const std::size_t head_end = reply.find("\r\n\r\n");
  constexpr std::string_view kStatusLine = "HTTP/1.1 ";
  if (!is_answered) return no_answer(address, std::strerror(error));
  if (head_end == std::string::npos || !reply.starts_with(kStatusLine)) {
    return no_answer(address, "what answers is no node");
  }
  return AdminAnswer{std::atoi(reply.c_str() + kStatusLine.size()), reply.substr(head_end + 4)};
}

std::string percent_encoded(const std::string& text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string result;
  for (const char letter : text) {
    const auto byte = static_cast<unsigned char>(letter);
    const bool is_plain =
        byte < 0x80 && (std::isalnum(byte) != 0 || std::strchr("-._~", letter) != nullptr);
    if (is_plain && letter != '\0') {
      result.push_back(letter);
    } else {
      result.push_back('%');
      result.push_back(kDigits[byte >> 4]);
      result.push_back(kDigits[byte & 15]);
    }
  }
  return result;
}

}  // namespace trestle::host
