#include "trestle/host/http_exchange.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <utility>

#include <libwebsockets.h>

#include "trestle/host/http_header.hpp"

namespace trestle::host {
namespace {

constexpr std::size_t kHeadBytesMax = 2048;

}  // namespace

std::optional<std::string> HttpRequest::argument(std::string_view name) const {
  for (const std::string& pair : arguments) {
    const std::size_t equals = pair.find('=');
    if (equals != std::string::npos && std::string_view(pair).substr(0, equals) == name) {
      return pair.substr(equals + 1);
    }
  }
  return std::nullopt;
}

int HttpExchange::on_event(lws* socket, int reason, const void* in, std::size_t bytes) {
  switch (reason) {
    case LWS_CALLBACK_HTTP:
      begin(socket, {static_cast<const char*>(in), bytes});
      return 0;
    case LWS_CALLBACK_HTTP_BODY:
      if (reply_) return 0;
      if (request_.body.size() + bytes > options_.body_bytes_max) {
        reply(socket, {413, "text/plain", "the body is too large\n", {}});
        return 0;
      }
      request_.body.append(static_cast<const char*>(in), bytes);
      return 0;
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
      is_complete_ = true;
      return 0;
    case LWS_CALLBACK_HTTP_WRITEABLE:
      return write_reply(socket);
    default:
      return 0;
  }
}

void HttpExchange::begin(lws* socket, std::string_view path) {
  request_.path = path;
  if (lws_hdr_total_length(socket, WSI_TOKEN_GET_URI) > 0) request_.method = HttpMethod::get;
  if (lws_hdr_total_length(socket, WSI_TOKEN_POST_URI) > 0) request_.method = HttpMethod::post;
  request_.content_type = http_header(socket, WSI_TOKEN_HTTP_CONTENT_TYPE);
  request_.host = http_header(socket, WSI_TOKEN_HOST);
  request_.authorization = http_header(socket, WSI_TOKEN_HTTP_AUTHORIZATION);
  std::string argument(options_.argument_bytes_max, '\0');
  for (std::size_t index = 0; index < options_.arguments_max; ++index) {
    const int bytes =
        lws_hdr_copy_fragment(socket, argument.data(), static_cast<int>(argument.size()),
                              WSI_TOKEN_HTTP_URI_ARGS, static_cast<int>(index));
    if (bytes < 0) break;
    request_.arguments.emplace_back(argument.data(), static_cast<std::size_t>(bytes));
  }
  const std::string length = http_header(socket, WSI_TOKEN_HTTP_CONTENT_LENGTH);
  const bool has_body = request_.method == HttpMethod::post && !length.empty() && length != "0";
  if (has_body && std::strtoull(length.c_str(), nullptr, 10) > options_.body_bytes_max) {
    reply(socket, {413, "text/plain", "the body is too large\n", {}});
    return;
  }
  is_complete_ = !has_body;
}

std::optional<HttpRequest> HttpExchange::take_request() {
  if (!is_complete_ || is_taken_ || reply_) return std::nullopt;
  is_taken_ = true;
  return std::move(request_);
}

void HttpExchange::reply(lws* socket, HttpReply reply) {
  if (reply_) return;
  reply_ = std::move(reply);
  lws_callback_on_writable(socket);
}

int HttpExchange::write_reply(lws* socket) {
  if (!reply_) return 0;
  if (!has_head_gone_) return write_head(socket);
  const std::size_t left = reply_->body.size() - body_bytes_gone_;
  const std::size_t bytes = std::min(left, options_.write_bytes_max);
  const bool is_last = bytes == left;
  std::vector<unsigned char> piece(LWS_PRE + bytes);
  std::memcpy(piece.data() + LWS_PRE, reply_->body.data() + body_bytes_gone_, bytes);
  const int written = lws_write(socket, piece.data() + LWS_PRE, bytes,
                                is_last ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP);
  // At the end libwebsockets flushes what is left, then closes.
  if (is_last || written < 0) return -1;
  body_bytes_gone_ += bytes;
  lws_callback_on_writable(socket);
  return 0;
}

int HttpExchange::write_head(lws* socket) {
  unsigned char head[LWS_PRE + kHeadBytesMax];
  unsigned char* begin = head + LWS_PRE;
  unsigned char* place = begin;
  unsigned char* end = head + sizeof head;
  const auto add = [&](const std::string& name, std::string_view value) {
    return lws_add_http_header_by_name(socket,
                                       reinterpret_cast<const unsigned char*>((name + ":").c_str()),
                                       reinterpret_cast<const unsigned char*>(value.data()),
                                       static_cast<int>(value.size()), &place, end) == 0;
  };
  bool fits = lws_add_http_common_headers(socket, static_cast<unsigned>(reply_->status),
                                          reply_->content_type.c_str(), reply_->body.size(), &place,
                                          end) == 0 &&
              add("connection", "close");
  for (const auto& [name, value] : reply_->headers) fits = fits && add(name, value);
  if (!fits || lws_finalize_write_http_header(socket, begin, &place, end) != 0) return -1;
  has_head_gone_ = true;
  lws_callback_on_writable(socket);
  return 0;
}

}  // namespace trestle::host
