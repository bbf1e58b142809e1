#include "trestle/sim/stream_end.hpp"

#include <array>
#include <utility>

#include "trestle/base/assertion.hpp"

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
  auto upgrade = websocket::ClientUpgrade::make(order_for(url), key, digest_of(tools, key));
  if (!upgrade) return nullptr;
  std::unique_ptr<StreamEnd> end(new StreamEnd(tools));
  end->head_ = upgrade->take_output();
  end->speaker_ = std::move(*upgrade);
  if (tools.ciphers != nullptr) end->cipher_ = tools.ciphers->dialler();
  return end;
}

std::unique_ptr<StreamEnd> StreamEnd::accepting(StreamTools& tools, Instant now) {
  std::unique_ptr<StreamEnd> end(new StreamEnd(tools));
  end->speaker_.emplace<websocket::ServerUpgrade>();
  end->gives_up_at_ = after(now, tools.options.request_within);
  if (tools.ciphers != nullptr) end->cipher_ = tools.ciphers->acceptor();
  return end;
}

// ---- commands

void StreamEnd::send(link::FrameKind kind, Bytes bytes) {
  queue_.push_back({kind, std::move(bytes)});
}

void StreamEnd::close(Instant now, std::uint16_t status, std::string_view reason) {
  if (close_ || is_broken_off_) return;
  now_ = now;
  close_ = Close{status, std::string(reason)};
  gives_up_at_ = std::min(gives_up_at_, after(now, tools_.options.gone_within));
}

void StreamEnd::break_off() {
  is_broken_off_ = true;
  hangs_up_ = true;
  speaker_ = {};
  cipher_.reset();
  queue_.clear();
  marks_.clear();
  Bytes().swap(head_);
  head_gone_ = 0;
  drained_ = 0;
  gives_up_at_ = kNever;
}

// ---- inputs

void StreamEnd::on_bytes(Instant now, std::span<std::uint8_t> bytes) {
  now_ = now;
  if (is_broken_off_ || bytes.empty()) return;
  if (cipher_ == nullptr) return on_plain(bytes);
  cipher_->receive(bytes);
  while (cipher_ != nullptr) {
    const auto batch = cipher_->plaintext();
    if (batch.empty()) break;
    on_plain(batch);
  }
  if (cipher_ != nullptr && cipher_->has_failed()) fail("the cipher cannot read what came");
}

void StreamEnd::on_plain(std::span<std::uint8_t> bytes) {
  std::size_t taken = 0;
  if (auto* asked = std::get_if<websocket::ServerUpgrade>(&speaker_)) {
    taken = asked->on_bytes(bytes);
    on_request(*asked);
  } else if (auto* asking = std::get_if<websocket::ClientUpgrade>(&speaker_)) {
    taken = asking->on_bytes(bytes);
    on_answer(*asking);
  }
  auto* codec = std::get_if<Codec>(&speaker_);
  if (codec == nullptr) return;
  codec->on_bytes(now_, bytes.subspan(taken));
  drain_codec();
}

void StreamEnd::on_request(websocket::ServerUpgrade& upgrade) {
  using Phase = websocket::ServerUpgrade::Phase;
  if (upgrade.phase() == Phase::reading) return;
  if (upgrade.phase() != Phase::asked || upgrade.kind() != websocket::RequestKind::upgrade) {
    return fail("what came is no request for a WebSocket");
  }
  upgrade.accept(digest_of(tools_, upgrade.key()));
  head_ = upgrade.take_output();
  speaker_ = Codec::server(tools_.options.codec);
  upgraded();
}

void StreamEnd::on_answer(const websocket::ClientUpgrade& upgrade) {
  using Phase = websocket::ClientUpgrade::Phase;
  if (upgrade.phase() == Phase::waiting) return;
  if (upgrade.phase() != Phase::open) return fail("what came is no answer to our request");
  speaker_ = Codec::client(tools_.options.codec, tools_.masks);
  upgraded();
}

void StreamEnd::upgraded() {
  if (!close_) gives_up_at_ = kNever;
  news_.push({.kind = StreamNews::Kind::upgraded, .frame = {}, .reason = {}});
}

void StreamEnd::drain_codec() {
  auto* codec = std::get_if<Codec>(&speaker_);
  if (codec == nullptr) return;
  while (const auto effect = codec->poll_effect()) {
    if (const auto* message = std::get_if<websocket::MessageArrived>(&*effect)) {
      const auto kind = message->kind == websocket::MessageKind::binary ? link::FrameKind::binary
                                                                        : link::FrameKind::text;
      news_.push({.kind = StreamNews::Kind::message,
                  .frame = {kind, to_bytes(message->payload)},
                  .reason = {}});
    } else if (const auto* closed = std::get_if<websocket::Closed>(&*effect)) {
      on_closed(*closed);
    } else if (std::holds_alternative<websocket::HangUp>(*effect)) {
      hangs_up_ = true;
    }
  }
}

void StreamEnd::on_closed(const websocket::Closed& closed) {
  using By = websocket::EndedBy;
  queue_.clear();
  has_heard_close_ = closed.by == By::peer || closed.by == By::us;
  if (closed.by == By::peer) close_said_ = Close{closed.status, {}};
  if (closed.by == By::flaw && !close_said_) {
    close_said_ = Close{closed.status, std::string(closed.reason)};
  }
  const auto limit = after(now_, tools_.options.gone_within);
  gives_up_at_ = std::min(gives_up_at_, limit);
  has_told_end_ = true;
  const bool is_lost = closed.by == By::transport && !why_ended_.empty();
  news_.push({.kind = closed.flaw ? StreamNews::Kind::flawed : StreamNews::Kind::closed,
              .frame = {},
              .ended_by = closed.by,
              .flaw = closed.flaw,
              .status = closed.status,
              .reason = std::string(is_lost ? why_ended_ : closed.reason)});
}

/// Never seen between two sound ends: the upgrade or the cipher does not work.
void StreamEnd::fail(std::string why) {
  const bool is_first = !std::exchange(has_told_end_, true);
  break_off();
  if (!is_first) return;
  news_.push({.kind = StreamNews::Kind::flawed, .frame = {}, .reason = std::move(why)});
}

void StreamEnd::on_end(Instant now, std::string_view why) {
  now_ = now;
  why_ended_ = why;
  if (is_broken_off_) return;
  if (auto* codec = std::get_if<Codec>(&speaker_)) {
    codec->on_end();
    return drain_codec();
  }
  const bool is_first = !std::exchange(has_told_end_, true);
  break_off();
  if (!is_first) return;
  news_.push({.kind = StreamNews::Kind::closed, .frame = {}, .reason = std::string(why)});
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

// ---- time

Instant StreamEnd::next_deadline() const {
  const auto* codec = std::get_if<Codec>(&speaker_);
  return codec == nullptr ? gives_up_at_ : std::min(gives_up_at_, codec->next_deadline());
}

void StreamEnd::on_deadline(Instant now) {
  now_ = now;
  if (auto* codec = std::get_if<Codec>(&speaker_)) {
    codec->on_deadline(now);
    drain_codec();
  }
  if (now >= gives_up_at_) break_off();
}

// ---- writing

ByteSpan StreamEnd::output() {
  fill();
  if (cipher_ == nullptr) return waiting();
  while (!waiting().empty()) {
    const std::size_t taken = cipher_->send(waiting());
    if (taken == 0) break;
    on_plain_gone(taken);
    fill();
  }
  if (hangs_up_ && waiting().empty() && !std::exchange(is_cipher_closed_, true)) cipher_->close();
  return cipher_->ciphertext();
}

void StreamEnd::on_written(std::size_t bytes) {
  if (cipher_ != nullptr) {
    cipher_->consume(bytes);
  } else {
    on_plain_gone(bytes);
  }
}

void StreamEnd::fill() {
  auto* codec = std::get_if<Codec>(&speaker_);
  if (codec == nullptr || !codec->is_open()) return;
  while (!queue_.empty() && codec->output().size() < tools_.options.batch_bytes_max) {
    StreamFrame& frame = queue_.front();
    const auto kind = frame.kind == link::FrameKind::binary ? websocket::MessageKind::binary
                                                            : websocket::MessageKind::text;
    const std::uint64_t codec_begins_at = gone_ + head_.size() - head_gone_;
    const std::uint64_t begins_at = codec_begins_at + codec->output().size();
    const auto sent = codec->send(kind, frame.bytes);
    TRESTLE_ASSERT(sent.has_value());  // no node's message is that large
    marks_.push_back({begins_at, codec_begins_at + codec->output().size(), frame.bytes.size()});
    said_.push_back(std::move(frame));
    queue_.pop_front();
  }
  if (!queue_.empty() || !close_) return;
  close_said_ = close_;
  codec->close(now_, close_->status, close_->reason);
}

ByteSpan StreamEnd::waiting() const {
  if (head_gone_ < head_.size()) return ByteSpan(head_).subspan(head_gone_);
  const auto* codec = std::get_if<Codec>(&speaker_);
  return codec == nullptr ? ByteSpan{} : codec->output();
}

void StreamEnd::on_plain_gone(std::size_t bytes) {
  gone_ += bytes;
  while (!marks_.empty() && marks_.front().ends_at <= gone_) {
    drained_ += marks_.front().payload_bytes;
    marks_.pop_front();
  }
  if (head_gone_ == head_.size()) return std::get<Codec>(speaker_).on_written(bytes);
  head_gone_ += bytes;
  if (head_gone_ < head_.size()) return;
  Bytes().swap(head_);
  head_gone_ = 0;
}

bool StreamEnd::has_output() const {
  const bool has_ciphertext = cipher_ != nullptr && !cipher_->ciphertext().empty();
  return has_ciphertext || !waiting().empty() || !queue_.empty() || wants_end();
}

bool StreamEnd::wants_end() const {
  if (!hangs_up_ || has_said_end_ || !waiting().empty()) return false;
  return cipher_ == nullptr || (is_cipher_closed_ && cipher_->ciphertext().empty());
}

// ---- look

bool StreamEnd::is_open() const {
  const auto* codec = std::get_if<Codec>(&speaker_);
  return codec != nullptr && codec->is_open();
}

bool StreamEnd::is_reading() const {
  if (const auto* codec = std::get_if<Codec>(&speaker_)) {
    return codec->incomplete_since() != kNever;
  }
  const auto* asked = std::get_if<websocket::ServerUpgrade>(&speaker_);
  if (asked != nullptr) return asked->head().size() > 0;
  const auto* asking = std::get_if<websocket::ClientUpgrade>(&speaker_);
  return asking != nullptr && asking->head().size() > 0;
}

bool StreamEnd::is_writing() const {
  if (head_gone_ > 0) return true;
  return !marks_.empty() && marks_.front().begins_at < gone_;
}

std::size_t StreamEnd::buffered_bytes() const {
  std::size_t bytes = head_.size() - head_gone_;
  for (const StreamFrame& frame : queue_) bytes += frame.bytes.size();
  if (const auto* codec = std::get_if<Codec>(&speaker_)) {
    bytes += codec->buffered_bytes() + codec->output().size();
  } else if (const auto* asked = std::get_if<websocket::ServerUpgrade>(&speaker_)) {
    bytes += asked->head().size();
  } else if (const auto* asking = std::get_if<websocket::ClientUpgrade>(&speaker_)) {
    bytes += asking->head().size();
  }
  if (cipher_ != nullptr) bytes += cipher_->ciphertext().size();
  return bytes;
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
