#pragma once

// nghttp2 as a server, in memory: what our client of HTTP/2 is tried against.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nghttp2/nghttp2.h>

#include "catch.hpp"
#include "trestle/base/bytes.hpp"

namespace trestle::test {

class Http2Server {
 public:
  struct Heard {
    std::vector<std::pair<std::string, std::string>> lines;
    std::string body;
    bool is_whole = false;
    bool is_reset = false;
    std::uint32_t reset_code = 0;

    std::string line(std::string_view name) const {
      for (const auto& [one, value] : lines) {
        if (one == name) return value;
      }
      return "";
    }
  };

  explicit Http2Server(std::vector<nghttp2_settings_entry> settings = {}) {
    nghttp2_session_callbacks* callbacks = nullptr;
    REQUIRE(nghttp2_session_callbacks_new(&callbacks) == 0);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    REQUIRE(nghttp2_session_server_new(&session_, callbacks, this) == 0);
    nghttp2_session_callbacks_del(callbacks);
    nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  }
  ~Http2Server() { nghttp2_session_del(session_); }
  Http2Server(const Http2Server&) = delete;
  Http2Server& operator=(const Http2Server&) = delete;

  nghttp2_session* session() { return session_; }
  std::map<std::int32_t, Heard>& heard() { return heard_; }

  void on_bytes(ByteSpan bytes) {
    REQUIRE(nghttp2_session_mem_recv(session_, bytes.data(), bytes.size()) ==
            static_cast<ssize_t>(bytes.size()));
  }
  Bytes output() {
    Bytes all;
    const std::uint8_t* frame = nullptr;
    for (;;) {
      const ssize_t bytes = nghttp2_session_mem_send(session_, &frame);
      REQUIRE(bytes >= 0);
      if (bytes == 0) return all;
      append(all, ByteSpan(frame, static_cast<std::size_t>(bytes)));
    }
  }

  /// A whole answer, its lines in front of its body.
  void answer(std::int32_t stream, const std::string& status, std::string body,
              std::vector<std::pair<std::string, std::string>> lines = {}) {
    bodies_[stream] = {std::move(body), 0};
    lines.insert(lines.begin(), {":status", status});
    std::vector<nghttp2_nv> pairs = pairs_of(lines);
    nghttp2_data_provider provider{};
    provider.read_callback = read_body;
    const bool has_body = !bodies_[stream].first.empty();
    REQUIRE(nghttp2_submit_response(session_, stream, pairs.data(), pairs.size(),
                                    has_body ? &provider : nullptr) == 0);
  }
  /// Lines without an end: an interim answer, or the beginning of one.
  void say_lines(std::int32_t stream, std::vector<std::pair<std::string, std::string>> lines) {
    std::vector<nghttp2_nv> pairs = pairs_of(lines);
    REQUIRE(nghttp2_submit_headers(session_, NGHTTP2_FLAG_NONE, stream, nullptr, pairs.data(),
                                   pairs.size(), nullptr) == 0);
  }
  void reset(std::int32_t stream, std::uint32_t code) {
    REQUIRE(nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream, code) == 0);
  }
  void go_away(std::int32_t last_stream) {
    REQUIRE(nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE, last_stream, NGHTTP2_NO_ERROR,
                                  nullptr, 0) == 0);
  }

 private:
  static Http2Server& self_of(void* self) { return *static_cast<Http2Server*>(self); }
  static std::string text(const std::uint8_t* bytes, std::size_t count) {
    return {reinterpret_cast<const char*>(bytes), count};
  }
  static std::vector<nghttp2_nv> pairs_of(
      const std::vector<std::pair<std::string, std::string>>& lines) {
    std::vector<nghttp2_nv> pairs;
    const auto bytes = [](const std::string& one) {
      return reinterpret_cast<std::uint8_t*>(const_cast<char*>(one.data()));
    };
    for (const auto& [name, value] : lines) {
      pairs.push_back({bytes(name), bytes(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NONE});
    }
    return pairs;
  }

  static int on_header(nghttp2_session*, const nghttp2_frame* frame, const std::uint8_t* name,
                       std::size_t name_bytes, const std::uint8_t* value, std::size_t value_bytes,
                       std::uint8_t, void* self) {
    self_of(self).heard_[frame->hd.stream_id].lines.emplace_back(text(name, name_bytes),
                                                                 text(value, value_bytes));
    return 0;
  }
  static int on_frame(nghttp2_session*, const nghttp2_frame* frame, void* self) {
    Heard& heard = self_of(self).heard_[frame->hd.stream_id];
    const bool has_end = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
    if (has_end && (frame->hd.flags & NGHTTP2_FLAG_END_STREAM) != 0) heard.is_whole = true;
    if (frame->hd.type == NGHTTP2_RST_STREAM) {
      heard.is_reset = true;
      heard.reset_code = frame->rst_stream.error_code;
    }
    return 0;
  }
  static int on_data(nghttp2_session*, std::uint8_t, std::int32_t stream, const std::uint8_t* data,
                     std::size_t bytes, void* self) {
    self_of(self).heard_[stream].body += text(data, bytes);
    return 0;
  }
  static ssize_t read_body(nghttp2_session*, std::int32_t stream, std::uint8_t* room,
                           std::size_t bytes, std::uint32_t* flags, nghttp2_data_source*,
                           void* self) {
    auto& [body, gone] = self_of(self).bodies_[stream];
    const std::size_t taken = std::min(bytes, body.size() - gone);
    std::copy_n(body.begin() + static_cast<std::ptrdiff_t>(gone), taken, room);
    gone += taken;
    if (gone == body.size()) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return static_cast<ssize_t>(taken);
  }

  nghttp2_session* session_ = nullptr;
  std::map<std::int32_t, Heard> heard_;
  std::map<std::int32_t, std::pair<std::string, std::size_t>> bodies_;
};

}  // namespace trestle::test
