#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "trestle/base/bytes.hpp"
#include "trestle/base/outbox.hpp"
#include "trestle/base/result.hpp"
#include "trestle/http/exchange.hpp"
#include "trestle/http/outgoing.hpp"
#include "trestle/http/request.hpp"

struct nghttp2_session;

namespace trestle::http {

enum class Scheme : std::uint8_t { http, https };

struct Http2Options {
  Scheme scheme = Scheme::https;
  /// At the same time, if the server allows as many (MUX-05).
  std::uint32_t exchanges_max = 100;
  /// What a server may send of one answer, and of all together, before what it has sent is
  /// consumed (MUX-05).
  std::uint32_t stream_window_bytes = 65'536;
  std::uint32_t connection_window_bytes = 131'072;
  /// Names and values of one head, as it is counted by SETTINGS_MAX_HEADER_LIST_SIZE (RFC 9113,
  /// section 6.5.2).
  std::uint32_t head_bytes_max = std::uint32_t{32} * 1024;
  std::size_t interim_answers_max = 8;
  /// Of the body of one request, what waits to be sent.
  std::size_t body_bytes_max = std::size_t{64} * 1024;
  /// Of all frames together. More is made when some of it has gone.
  std::size_t output_bytes_max = std::size_t{64} * 1024;
  /// Answers to the server's pings and settings that wait to be written. An honest server waits for
  /// one before it sends the next.
  std::size_t acknowledgements_max = 64;
};

/// A client's connection of HTTP/2 (RFC 9113): many exchanges at once, over nghttp2's session,
/// which reads and writes frames. A machine between a transport and an owner, with the commands,
/// inputs and effects of `Http1Client`; ALPN says which of the two it is.
///
/// An exchange that the server gives up, or that breaks the rules, ends alone. Server push is
/// switched off. A server's answer waits for whoever reads it: of each exchange, and of all, no
/// more is sent than its window until `consume` says what has been read.
class Http2Client {
 public:
  explicit Http2Client(const Http2Options& options);
  ~Http2Client();
  Http2Client(const Http2Client&) = delete;
  Http2Client& operator=(const Http2Client&) = delete;

  // ---- commands

  Result<void, StartRefusal> start(ExchangeId exchange, const Request& request);
  /// See `Http1Client`.
  std::size_t send(ExchangeId exchange, ByteSpan content);
  void end(ExchangeId exchange);
  /// The exchange ends without a word, and the others go on.
  void cancel(ExchangeId exchange);
  /// Whoever was handed so many bytes of an answer has read them. Also for exchanges that are over.
  void consume(ExchangeId exchange, std::size_t bytes);
  /// `PongArrived` follows, if the server lives.
  void ping();
  /// No further exchange; `HangUp` when the last of those under way is over.
  void retire();

  // ---- inputs

  /// Borrowed until the effects have been drained.
  void on_bytes(ByteSpan input);
  void on_end();
  void on_written(std::size_t bytes);

  // ---- drain

  std::optional<ClientEffect> poll_effect();

  // ---- look

  /// What waits to be written, in one piece. Valid until the next changing call.
  ByteSpan output() const { return output_.waiting(); }
  std::size_t exchanges() const { return exchanges_.size(); }
  /// How many more may be started.
  std::size_t room() const;
  bool is_over() const { return is_over_; }

 private:
  struct Session;  ///< nghttp2's calls back to us.
  struct Free {
    void operator()(nghttp2_session* session) const;
  };
  struct Exchange {
    ExchangeId id;
    std::int32_t stream = 0;
    // Of the request.
    std::optional<std::uint64_t> left;  ///< Of its body; nothing while nobody knows.
    Outgoing body;                      ///< What of it has been taken.
    bool is_body_ended = false;
    bool wants_room = false;
    bool has_left = false;
    // Of the answer.
    unsigned status = 0;
    std::vector<Field> fields;
    std::size_t head_bytes = 0;
    std::size_t interim_answers = 0;
    bool has_head = false;
  };

  Exchange* find(ExchangeId exchange);
  bool submit(Exchange& exchange, const Request& request);
  /// The next bytes of a request's body; the number of them, or nghttp2's word for none.
  std::ptrdiff_t read_body(Exchange& exchange, std::span<std::uint8_t> room, std::uint32_t& flags);
  /// A line of a head; false if it is over a bound.
  static bool on_field(Exchange& exchange, std::string_view name, std::string_view value,
                       std::size_t bytes_max);
  void on_head(Exchange& exchange);
  void on_answer_ended(Exchange& exchange);
  void on_stream_closed(Exchange& exchange, std::uint32_t code);
  /// Ends one exchange, and tells the server that nobody waits for it.
  void abandon(Exchange& exchange, ExchangeFlaw flaw);
  void forget(const Exchange& exchange);
  /// Makes frames until enough waits to be written, and ends what has come to its end.
  void pump();
  void finish(ExchangeFlaw flaw);

  Http2Options options_;
  std::unique_ptr<nghttp2_session, Free> session_;
  /// nghttp2 knows their places, which stay.
  std::map<ExchangeId, Exchange> exchanges_;
  Outgoing output_;
  Outbox<ClientEffect> outbox_;
  bool is_retiring_ = false;  ///< The server's wish or ours.
  bool is_over_ = false;
};

}  // namespace trestle::http
