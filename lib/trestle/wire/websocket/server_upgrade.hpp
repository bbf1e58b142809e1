#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "trestle/base/bytes.hpp"
#include "trestle/wire/http/answer.hpp"
#include "trestle/wire/http/head.hpp"
#include "trestle/wire/websocket/handshake_key.hpp"

namespace trestle::wire::websocket {

/// Why a request was answered without asking the owner.
enum class RequestFlaw : std::uint8_t {
  none,
  head,      ///< No head of HTTP (`HeadFlaw`), or no request line: 400; too much of it: 431.
  version,   ///< Neither HTTP/1.1 nor 1.0: 505.
  method,    ///< Neither GET nor HEAD: 405.
  target,    ///< Neither a path nor the URL of one (RFC 9112, section 3.2): 400.
  framing,   ///< Transfer-Encoding, or a Content-Length that is no number or not alone: 400.
  body,      ///< A Content-Length above zero: 413. No request here has a body.
  host,      ///< Not exactly one (none may do for HTTP/1.0), no host, or not that of the URL: 400.
  repeated,  ///< Two of what may come once: Origin, Sec-WebSocket-Key, -Version: 400.
  no_upgrade,  ///< A key or version of WebSocket, but no request to switch to it: 426. So come
               ///< requests through a proxy that does not pass upgrades on.
  other_protocol_version,  ///< Sec-WebSocket-Version is not 13: 426, and says 13 (4.4).
  key,                     ///< Sec-WebSocket-Key is not the base64 of sixteen bytes: 400.
  subprotocols,            ///< Sec-WebSocket-Protocol names no tokens, or one twice: 400.
};

/// What is asked for.
enum class RequestKind : std::uint8_t {
  upgrade,  ///< A WebSocket.
  get,      ///< A page: a GET that asks for no WebSocket, whatever else it would switch to.
  head,     ///< The same without its body.
};

/// The server's half of an opening handshake (RFC 6455, section 4.2), and of a plain request for a
/// page, since one listener serves both.
///
///     taken = upgrade.on_bytes(input);            // the rest of the input comes behind the head
///     if (upgrade.phase() == Phase::asked)        // look at the request, then one of
///       upgrade.accept(suite.sha1(as_bytes(upgrade.key().challenge())));  // frames follow
///       upgrade.answer({.status = 403, ...});                            // the connection ends
///     write(upgrade.take_output());
///
/// A request that breaks a rule is answered here, with the status beside its flaw, and never shown.
/// Extensions that a client offers are never taken (9.1). The owner bounds the time: a request
/// that is not whole waits for more bytes.
class ServerUpgrade {
 public:
  enum class Phase : std::uint8_t {
    reading,
    asked,     ///< The owner's turn: `accept` or `answer`.
    accepted,  ///< A WebSocket: what follows the head are frames.
    answered,  ///< Not: the connection ends when the output has been written.
  };

  explicit ServerUpgrade(const http::HeadLimits& limits = {}) : head_(limits) {}

  // ---- input

  /// Returns how many bytes belong to the request. The others are frames that a client sent without
  /// waiting, or nothing of interest.
  std::size_t on_bytes(ByteSpan input);

  // ---- look

  Phase phase() const { return phase_; }
  RequestFlaw flaw() const { return flaw_; }
  /// From `asked` on: the request. `path` begins with a slash and is as it was written, `%` and
  /// all; `query` is what follows the question mark. `host` may have a port.
  RequestKind kind() const { return kind_; }
  std::string_view path() const;
  std::string_view query() const;
  std::string_view host() const;
  /// Who sends none is no page of a browser.
  std::optional<std::string_view> origin() const { return head_.value("origin"); }
  /// All header lines: X-Forwarded-For and its kin.
  const http::Head& head() const { return head_; }
  /// Of an upgrade.
  const HandshakeKey& key() const { return *key_; }
  /// Whether a client can speak it (1.9). Case matters.
  bool offers_subprotocol(std::string_view name) const;

  // ---- commands, in phase `asked`, one of them, once

  /// Only of an upgrade. `digest` is that of `key().challenge()`; `subprotocol` is one that the
  /// client offers, or empty; `fields` are further lines of the answer.
  void accept(const HandshakeDigest& digest, std::string_view subprotocol = {},
              std::span<const http::Field> fields = {});
  void answer(const http::Answer& answer);

  /// What has to be written, once.
  Bytes take_output();

 private:
  struct Refusal {
    RequestFlaw flaw;
    unsigned status;
  };

  void refuse_request(Refusal refusal);
  std::optional<Refusal> read_request();
  std::optional<Refusal> read_request_line();
  std::optional<Refusal> read_target(std::string_view target);
  std::optional<Refusal> check_framing() const;
  std::optional<Refusal> check_host() const;
  std::optional<Refusal> read_upgrade();
  bool has_sound_subprotocols() const;

  http::Head head_;
  Phase phase_ = Phase::reading;
  RequestFlaw flaw_ = RequestFlaw::none;
  RequestKind kind_ = RequestKind::get;
  bool is_http_1_0_ = false;
  std::optional<HandshakeKey> key_;
  // Places in the start line.
  std::size_t target_begins_ = 0;  ///< Where its path does.
  std::size_t target_bytes_ = 0;
  std::size_t authority_begins_ = 0;  ///< Of a URL.
  std::size_t authority_bytes_ = 0;
  Bytes output_;
};

}  // namespace trestle::wire::websocket
