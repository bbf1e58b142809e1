#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "trestle/base/bytes.hpp"
#include "trestle/base/result.hpp"
#include "trestle/wire/http/answer.hpp"
#include "trestle/wire/http/head.hpp"
#include "trestle/wire/websocket/handshake_key.hpp"

namespace trestle::wire::websocket {

/// A WebSocket to be asked for. Parts of it may come from a peer's address, so that whatever would
/// break the request is a refusal.
struct UpgradeOrder {
  std::string host;          ///< With its port, unless that is the scheme's own.
  std::string target = "/";  ///< Path and query.
  std::string origin;        ///< Empty: none, as programs do.
  /// In the order of preference; tokens, each once.
  std::vector<std::string> subprotocols;
  std::vector<http::Field> fields;  ///< Further lines.
};

enum class OrderFlaw : std::uint8_t { host, target, origin, subprotocols, fields };

/// What is wrong with a server's answer. The connection ends without a word (RFC 6455, 4.1).
enum class AnswerFlaw : std::uint8_t {
  none,
  head,         ///< No head of HTTP (`HeadFlaw`), or no status line.
  version,      ///< 101 in another version than HTTP/1.1.
  interim,      ///< Too many answers that are none (1xx).
  upgrade,      ///< `Upgrade` is not `websocket`.
  connection,   ///< `Connection` does not say `upgrade`.
  accept,       ///< Sec-WebSocket-Accept is missing, repeated, or another one.
  extension,    ///< One that was not offered: none ever is.
  subprotocol,  ///< One that was not offered, or more than one.
  framing,      ///< A length or a coding, which 101 cannot have (RFC 9110, section 8.6).
};

/// The client's half of an opening handshake (RFC 6455, section 4.1).
///
///     const HandshakeKey key(sixteen random bytes);
///     auto upgrade = ClientUpgrade::make(order, key, suite.sha1(as_bytes(key.challenge())));
///     write(upgrade->take_output());
///     taken = upgrade->on_bytes(input);   // what is left of the input are frames
///
/// The owner bounds the time.
class ClientUpgrade {
 public:
  enum class Phase : std::uint8_t {
    waiting,
    open,     ///< A WebSocket: what follows the head are frames.
    refused,  ///< Any other status: `status` and `head` say why, the body is not read.
    failed,   ///< `flaw` says why.
  };

  static Result<ClientUpgrade, OrderFlaw> make(const UpgradeOrder& order, const HandshakeKey& key,
                                               const HandshakeDigest& digest,
                                               const http::HeadLimits& limits = {});

  /// The request, once.
  Bytes take_output();

  /// Returns how many bytes belong to the answer.
  std::size_t on_bytes(ByteSpan input);

  Phase phase() const { return phase_; }
  AnswerFlaw flaw() const { return flaw_; }
  /// Of the last answer, 100..599; 0 before there is one.
  unsigned status() const { return status_; }
  /// Its header lines: Date, Location and their kin.
  const http::Head& head() const { return head_; }
  /// The one that the server has chosen; empty if none. `Phase::open` only.
  std::string_view subprotocol() const;

 private:
  ClientUpgrade(const UpgradeOrder& order, const HandshakeKey& key, const HandshakeDigest& digest,
                const http::HeadLimits& limits);

  void write_request(const UpgradeOrder& order, const HandshakeKey& key);
  void on_head();
  AnswerFlaw flaw_of_switch() const;
  void fail(AnswerFlaw flaw);

  http::HeadLimits limits_;
  std::string accept_;
  std::vector<std::string> subprotocols_;
  http::Head head_;
  Phase phase_ = Phase::waiting;
  AnswerFlaw flaw_ = AnswerFlaw::none;
  unsigned status_ = 0;
  bool is_http_1_1_ = false;
  std::size_t interim_answers_ = 0;
  Bytes output_;
};

}  // namespace trestle::wire::websocket
