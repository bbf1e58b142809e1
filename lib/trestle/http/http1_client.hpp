#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "trestle/base/bytes.hpp"
#include "trestle/base/outbox.hpp"
#include "trestle/base/result.hpp"
#include "trestle/http/exchange.hpp"
#include "trestle/http/outgoing.hpp"
#include "trestle/http/request.hpp"
#include "trestle/wire/http/body_reader.hpp"
#include "trestle/wire/http/head.hpp"
#include "trestle/wire/http/status_line.hpp"

namespace trestle::http {

struct Http1Options {
  /// Servers answer with up to a hundred lines when several proxies add theirs; large cookies are
  /// 4 KiB each.
  wire::http::HeadLimits head{.head_bytes_max = std::size_t{32} * 1024, .fields_max = 128};
  wire::http::BodyLimits body;
  /// Answers with 1xx before the one that counts. Servers send one or two.
  std::size_t interim_answers_max = 8;
  /// What may wait to be written. More of a body is not taken until some of it has gone.
  std::size_t output_bytes_max = std::size_t{64} * 1024;
};

/// A client's connection of HTTP/1.1 (RFC 9112), one exchange at a time: a machine between a
/// transport, whose bytes come in any pieces, and an owner who asks. Nothing is sent behind a
/// request before its answer has ended (no pipelining), since a server that closes would leave the
/// rest in doubt.
///
///     client.start(exchange, request);
///     sent = client.send(exchange, body); client.end(exchange);     // where it has one
///     client.on_bytes(input);
///     while (const auto effect = client.poll_effect()) { ... }
///     write(client.output()); client.on_written(n);
///
/// Whoever reads slower than the server sends hands in no more bytes. Time is the owner's to bound.
/// Strict: an answer whose length others might understand differently ends the connection.
class Http1Client {
 public:
  explicit Http1Client(const Http1Options& options) : options_(options) {}

  // ---- commands

  Result<void, StartRefusal> start(ExchangeId exchange, const Request& request);
  /// How much of the body was taken, from its front. Less than all: `RoomMade` follows. More than
  /// the request said is our own mistake. Nothing is taken of an exchange that is over.
  std::size_t send(ExchangeId exchange, ByteSpan content);
  /// There is no more of the body. A request that stated its length has sent all of it.
  void end(ExchangeId exchange);
  /// Ends the exchange without a word of its answer, and the connection with it, which could carry
  /// nothing else.
  void cancel(ExchangeId exchange);
  /// No further exchange; `HangUp` when the one under way is over.
  void retire();

  // ---- inputs

  /// Borrowed until the effects have been drained.
  void on_bytes(ByteSpan input);
  /// The transport has ended.
  void on_end();
  /// The first so many bytes of `output` have been taken.
  void on_written(std::size_t bytes);

  // ---- drain

  std::optional<ClientEffect> poll_effect();

  // ---- look

  ByteSpan output() const { return output_.waiting(); }
  bool is_idle() const { return !exchange_ && !is_retiring_ && !is_over_; }
  bool is_over() const { return is_over_; }

 private:
  struct Exchange {
    ExchangeId id;
    bool is_head = false;  ///< The method is HEAD.
    /// Of the request's body; nothing while nobody knows.
    std::optional<std::uint64_t> left;
    bool is_sent = false;  ///< The whole request has been handed over.
    bool wants_room = false;
    bool has_left = false;  ///< Something of it has been written.
    std::size_t interim_answers = 0;
    std::optional<wire::http::BodyReader> body;  ///< Since its head has arrived.
  };

  bool is_current(ExchangeId exchange) const { return exchange_ && exchange_->id == exchange; }
  void write_head(const Request& request);
  /// One step on in what has come; false if nothing is left to do.
  bool read();
  void read_head();
  void read_body();
  void on_head();
  /// Nothing: nobody can tell.
  std::optional<wire::http::BodyReader> framing_of_answer(const wire::http::StatusLine& line);
  void on_answer_ended();
  /// The end of the connection, and of the exchange on it.
  void finish(ExchangeFlaw flaw);

  Http1Options options_;
  Outgoing output_;
  ByteSpan input_;
  std::optional<wire::http::Head> head_;
  std::optional<Exchange> exchange_;
  Outbox<ClientEffect> outbox_;
  bool keeps_alive_ = true;  ///< Behind the answer that is read.
  bool is_retiring_ = false;
  bool is_over_ = false;
};

}  // namespace trestle::http
