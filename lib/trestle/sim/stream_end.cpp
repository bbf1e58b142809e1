#include "trestle/sim/stream_end.hpp"

#include <array>
#include <utility>
#include <variant>

namespace trestle::sim {
namespace {

namespace websocket = wire::websocket;

template <std::size_t kBytes>
std::array<std::uint8_t, kBytes> drawn(Rng& rng) {
  std::array<std::uint8_t, kBytes> bytes{};
  for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(rng.below(256));
  return bytes;
}

websocket::MaskSource masks_out_of(Rng rng) {
  const auto seed = drawn<websocket::MaskSource::kSeedBytes>(rng);
  return websocket::MaskSource(seed);
}

link::FrameKind kind_of(websocket::MessageKind kind) {
  return kind == websocket::MessageKind::binary ? link::FrameKind::binary : link::FrameKind::text;
}

websocket::MessageKind kind_of(link::FrameKind kind) {
  return kind == link::FrameKind::binary ? websocket::MessageKind::binary
                                         : websocket::MessageKind::text;
}

websocket::HandshakeDigest digest_of(StreamTools& tools, const websocket::HandshakeKey& key) {
  return tools.suite.sha1(as_bytes(key.challenge()));
}

/// `scheme://host:port/path` into what a request names.
websocket::UpgradeOrder order_for(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme != std::string_view::npos) url.remove_prefix(scheme + 3);
  const std::size_t path = url.find('/');
  websocket::UpgradeOrder order;
  order.host = url.substr(0, path);
  if (path != std::string_view::npos) order.target = url.substr(path);
  return order;
}

}  // namespace

StreamTools::StreamTools(Rng rng, LineCipherSource* cipher_source)
    : masks(masks_out_of(rng.fork("masks"))),
      suite(rng.fork("suite").next()),
      ciphers(cipher_source) {}

std::unique_ptr<StreamEnd> StreamEnd::dialling(StreamTools& tools, std::string_view url, Rng& rng) {
  const auto nonce = drawn<websocket::HandshakeKey::kNonceBytes>(rng);
  const websocket::HandshakeKey key(nonce);
  auto request = websocket::ClientUpgrade::make(order_for(url), key, digest_of(tools, key));
  if (!request) return nullptr;
  std::unique_ptr<StreamEnd> end(new StreamEnd(
      tools, websocket::Endpoint::client(std::move(*request), tools.options, tools.masks)));
  if (tools.ciphers != nullptr) end->cipher_ = tools.ciphers->dialler();
  return end;
}

std::unique_ptr<StreamEnd> StreamEnd::accepting(StreamTools& tools, Instant now) {
  std::unique_ptr<StreamEnd> end(
      new StreamEnd(tools, websocket::Endpoint::server(now, tools.options)));
  if (tools.ciphers != nullptr) end->cipher_ = tools.ciphers->acceptor();
  return end;
}

// ---- commands

bool StreamEnd::send(link::FrameKind kind, Bytes bytes) {
  const auto queued = endpoint_.send(kind_of(kind), std::move(bytes));
  if (queued || queued.error() == websocket::QueueRefusal::closed) return true;
  break_off();
  has_told_end_ = true;
  news_.push({.kind = StreamNews::Kind::closed,
              .frame = {},
              .reason = "more queued than the connection may hold"});
  return false;
}

void StreamEnd::close(Instant now, std::uint16_t status, std::string_view reason) {
  if (!close_) close_ = Close{status, std::string(reason)};
  endpoint_.close(now, status, reason);
}

void StreamEnd::break_off() {
  endpoint_.break_off();
  cipher_.reset();
  marks_.clear();
  drained_ = 0;
}

// ---- inputs

void StreamEnd::on_bytes(Instant now, std::span<std::uint8_t> bytes) {
  if (is_deaf() || bytes.empty()) return;
  if (cipher_ == nullptr) {
    endpoint_.on_bytes(now, bytes);
    return drain();
  }
  cipher_->receive(bytes);
  while (cipher_ != nullptr) {
    const auto batch = cipher_->plaintext();
    if (batch.empty()) break;
    endpoint_.on_bytes(now, batch);
    drain();
  }
  if (cipher_ != nullptr && cipher_->has_failed()) fail("the cipher cannot read what came");
}

void StreamEnd::drain() {
  while (const auto effect = endpoint_.poll_effect()) {
    if (const auto* message = std::get_if<websocket::MessageArrived>(&*effect)) {
      news_.push({.kind = StreamNews::Kind::message,
                  .frame = {kind_of(message->kind), to_bytes(message->payload)},
                  .reason = {}});
    } else if (const auto* closed = std::get_if<websocket::Closed>(&*effect)) {
      on_closed(*closed);
    } else if (const auto* asked = std::get_if<websocket::Asked>(&*effect)) {
      on_request(*asked->request);
    } else if (const auto* answered = std::get_if<websocket::Answered>(&*effect)) {
      on_answer(*answered->answer);
    } else {
      fail("what came is no request");
    }
  }
  if (endpoint_.is_broken_off()) break_off();
}

void StreamEnd::on_request(const websocket::ServerUpgrade& request) {
  if (request.kind() != websocket::RequestKind::upgrade) {
    return fail("what came is no request for a WebSocket");
  }
  endpoint_.accept(digest_of(tools_, request.key()));
  upgraded();
}

void StreamEnd::on_answer(const websocket::ClientUpgrade& answer) {
  if (answer.phase() == websocket::ClientUpgrade::Phase::open) return upgraded();
  fail("what came is no answer to our request");
}

void StreamEnd::upgraded() {
  news_.push({.kind = StreamNews::Kind::upgraded, .frame = {}, .reason = {}});
}

void StreamEnd::on_closed(const websocket::Closed& closed) {
  using By = websocket::EndedBy;
  has_heard_close_ = closed.by == By::peer || closed.by == By::us;
  if (closed.by == By::peer) close_said_ = Close{closed.status, {}};
  if (closed.by == By::flaw && !close_said_) {
    close_said_ = Close{closed.status, std::string(closed.reason)};
  }
  has_told_end_ = true;
  news_.push({.kind = closed.flaw ? StreamNews::Kind::flawed : StreamNews::Kind::closed,
              .frame = {},
              .ended_by = closed.by,
              .flaw = closed.flaw,
              .status = closed.status,
              .reason = std::string(closed.reason)});
}

/// Never seen between two sound ends: the upgrade or the cipher does not work.
void StreamEnd::fail(std::string why) {
  const bool is_first = !std::exchange(has_told_end_, true);
  break_off();
  if (!is_first) return;
  news_.push({.kind = StreamNews::Kind::flawed, .frame = {}, .reason = std::move(why)});
}

void StreamEnd::on_end(Instant now, std::string_view why) {
  endpoint_.on_end(now, why);
  drain();
}

void StreamEnd::on_reset(Instant now, std::string_view why) {
  on_end(now, why);
  break_off();
  on_end_said();
}

std::size_t StreamEnd::forget_said() {
  const std::size_t messages = said_.size();
  said_.clear();
  return messages;
}

void StreamEnd::on_deadline(Instant now) {
  endpoint_.on_deadline(now);
  drain();
}

// ---- writing

ByteSpan StreamEnd::output(Instant now) {
  if (has_gone()) fill(now);
  if (cipher_ == nullptr) return endpoint_.output();
  while (!endpoint_.output().empty()) {
    const std::size_t taken = cipher_->send(endpoint_.output());
    if (taken == 0) break;
    on_plain_gone(taken);
  }
  if (endpoint_.wants_end() && !std::exchange(is_cipher_closed_, true)) cipher_->close();
  return cipher_->ciphertext();
}

void StreamEnd::on_written(std::size_t bytes) {
  if (cipher_ != nullptr) {
    cipher_->consume(bytes);
  } else {
    on_plain_gone(bytes);
  }
}

bool StreamEnd::has_gone() const {
  return endpoint_.output().empty() && (cipher_ == nullptr || cipher_->ciphertext().empty());
}

void StreamEnd::fill(Instant now) {
  while (auto message = endpoint_.batch_next(now)) {
    marks_.push_back({gone_ + endpoint_.output().size(), message->payload.size()});
    said_.push_back({kind_of(message->kind), std::move(message->payload)});
  }
  if (!close_said_ && endpoint_.has_said_close()) close_said_ = close_;
}

void StreamEnd::on_plain_gone(std::size_t bytes) {
  gone_ += bytes;
  while (!marks_.empty() && marks_.front().ends_at <= gone_) {
    drained_ += marks_.front().payload_bytes;
    marks_.pop_front();
  }
  endpoint_.on_written(bytes);
}

bool StreamEnd::has_output() const { return !has_gone() || endpoint_.has_queued() || wants_end(); }

bool StreamEnd::wants_end() const {
  if (!endpoint_.wants_end()) return false;
  return cipher_ == nullptr || (is_cipher_closed_ && cipher_->ciphertext().empty());
}

// ---- look

std::size_t StreamEnd::buffered_bytes() const {
  const std::size_t ciphertext = cipher_ == nullptr ? 0 : cipher_->ciphertext().size();
  return endpoint_.buffered_bytes() + ciphertext;
}

bool StreamEnd::confirm(const StreamFrame& frame) {
  if (said_.empty()) return false;
  const bool is_same = said_.front().kind == frame.kind && said_.front().bytes == frame.bytes;
  said_.pop_front();
  return is_same;
}

bool StreamEnd::confirm_close(const StreamNews& news) const {
  if (news.ended_by != websocket::EndedBy::peer) return true;
  if (!close_said_ || !said_.empty() || close_said_->status != news.status) return false;
  return close_said_->reason.starts_with(news.reason);
}

}  // namespace trestle::sim
