#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

struct lws;

namespace trestle::host {

enum class HttpMethod : std::uint8_t { get, post, other };

struct HttpRequest {
  HttpMethod method = HttpMethod::other;
  std::string path;
  /// The decoded `name=value` pairs behind the question mark.
  std::vector<std::string> arguments;
  std::string content_type;
  std::string host;
  std::string authorization;
  std::string body;

  /// The value of the first argument of that name.
  std::optional<std::string> argument(std::string_view name) const;
};

struct HttpReply {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  /// Further header lines; names in lower case.
  std::vector<std::pair<std::string, std::string>> headers;
};

struct HttpExchangeOptions {
  /// A put of the largest value (64 KiB) does not fit by design: operators' puts are small, and the
  /// socket is theirs alone.
  std::size_t body_bytes_max = 64 * 1024;
  std::size_t arguments_max = 16;
  std::size_t argument_bytes_max = 4 * 1024;
  /// Handed to libwebsockets at a time. It keeps what the reader does not take, so a reader that is
  /// slow costs the reply and one such piece.
  std::size_t write_bytes_max = 64 * 1024;
};

/// One HTTP request and its reply on one server socket of libwebsockets; the connection closes
/// behind the reply.
///
/// Its owner passes the socket's HTTP events in and answers, at once or later, with `reply`.
class HttpExchange {
 public:
  explicit HttpExchange(const HttpExchangeOptions& options = {}) : options_(options) {}

  /// Returns what libwebsockets wants to hear. Once `take_request` yields a request, the exchange
  /// waits for `reply`.
  int on_event(lws* socket, int reason, const void* in, std::size_t bytes);
  /// The complete request, once. Too large a body never becomes a request: 413 is answered here.
  std::optional<HttpRequest> take_request();
  void reply(lws* socket, HttpReply reply);

 private:
  void begin(lws* socket, std::string_view path);
  int write_reply(lws* socket);
  int write_head(lws* socket);

  HttpExchangeOptions options_;
  HttpRequest request_;
  bool is_complete_ = false;
  bool is_taken_ = false;
  bool has_head_gone_ = false;
  std::size_t body_bytes_gone_ = 0;
  std::optional<HttpReply> reply_;
};

}  // namespace trestle::host
