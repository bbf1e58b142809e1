#include "trestle/tls/engine.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include <openssl/asn1.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "trestle/base/assertion.hpp"

namespace trestle::tls {
namespace {

/// What a record takes beside its plaintext: 22 bytes in TLS 1.3, 29 in 1.2. Rounded up.
constexpr std::size_t kOverheadBytes = 32;

/// The most plaintext of a record: a peer may ask for short ones (RFC 6066, section 4).
std::size_t record_bytes_of(const SSL* connection) {
  const auto asked = SSL_SESSION_get_max_fragment_length(SSL_get_session(connection));
  return asked == TLSEXT_max_fragment_length_DISABLED ? SSL3_RT_MAX_PLAIN_LENGTH
                                                      : std::size_t{256} << asked;
}

/// Older ones free a buffer that a record whose head alone has come still needs (CVE-2024-4741).
bool frees_buffers_safely() {
  static constexpr unsigned kMajor = 3;
  static constexpr unsigned kMendedIn[] = {14, 6, 2, 1};  // Of 3.0, 3.1, 3.2, 3.3.
  static const bool is_safe = [] {
    const unsigned minor = OPENSSL_version_minor();
    if (OPENSSL_version_major() != kMajor || minor >= std::size(kMendedIn)) return true;
    return OPENSSL_version_patch() >= kMendedIn[minor];
  }();
  return is_safe;
}

}  // namespace

void Engine::Free::operator()(ssl_st* connection) const { SSL_free(connection); }

Engine::Engine(ssl_st* connection, const EngineLimits& limits)
    : limits_(limits), connection_(connection) {
  TRESTLE_ASSERT(connection != nullptr);
  BIO* bio = ciphertext_.make_bio();
  SSL_set_bio(connection, bio, bio);
  SSL_set_info_callback(connection, note_alert);
  SSL_set_msg_callback(connection, on_message);
  SSL_set_msg_callback_arg(connection, this);
  ciphertext_.set_allowance(limits_.handshake_bytes_max);
}

Engine::Engine(AcceptingContext& context, const EngineLimits& limits)
    : Engine(SSL_new(context.get()), limits) {
  SSL_set_accept_state(connection_.get());
}

Engine::Engine(DiallingContext& context, const Peer& peer, const EngineLimits& limits)
    : Engine(SSL_new(context.get()), limits) {
  dialling_ = &context;
  peer_ = peer.name + ":" + std::to_string(peer.port);
  SSL_set_connect_state(connection_.get());
  SSL_set_verify(connection_.get(), SSL_VERIFY_PEER, nullptr);
  if (!expect(peer)) {
    fail({ErrorCode::invalid_request, "TLS: what was dialled is no name of a host"});
    return;
  }
  context.begin(connection_.get(), peer_);
  advance_handshake();
}

Engine::~Engine() = default;

bool Engine::expect(const Peer& peer) {
  X509_VERIFY_PARAM* check = SSL_get0_param(connection_.get());
  if (peer.verified_at) X509_VERIFY_PARAM_set_time(check, *peer.verified_at);
  // No name would be checked for an empty one.
  if (peer.name.empty() || peer.name.find('\0') != std::string::npos) return false;
  if (X509_VERIFY_PARAM_set1_ip_asc(check, peer.name.c_str()) == 1) return true;
  X509_VERIFY_PARAM_set_hostflags(check, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  return X509_VERIFY_PARAM_set1_host(check, peer.name.data(), peer.name.size()) == 1 &&
         SSL_set_tlsext_host_name(connection_.get(), peer.name.c_str()) == 1;
}

// ---- commands

std::size_t Engine::plaintext_room() const {
  const std::size_t room =
      limits_.ciphertext_bytes_max - std::min(limits_.ciphertext_bytes_max, ciphertext_.size());
  const std::size_t whole = record_bytes_ + kOverheadBytes;
  const std::size_t rest = room % whole;
  return room / whole * record_bytes_ + (rest > kOverheadBytes ? rest - kOverheadBytes : 0);
}

std::size_t Engine::send(ByteSpan plaintext) {
  if (state_ != State::open) return 0;
  const ByteSpan taken = plaintext.first(std::min(plaintext.size(), plaintext_room()));
  if (taken.size() < plaintext.size()) ++stats_.sends_cut_total;
  if (taken.empty()) return 0;
  const std::size_t records = (taken.size() + record_bytes_ - 1) / record_bytes_;
  ciphertext_.reserve(taken.size() + records * kOverheadBytes);
  std::size_t sent = 0;
  ERR_clear_error();
  if (SSL_write_ex(connection_.get(), taken.data(), taken.size(), &sent) != 1) {
    fail(connection_failure(connection_.get()));
    return 0;
  }
  TRESTLE_ASSERT(sent == taken.size());
  stats_.plaintext_sent_total += sent;
  count_records(records);
  return sent;
}

void Engine::count_records(std::size_t records) {
  records_of_this_key_ += records;
  if (records_of_this_key_ < limits_.records_of_a_key_max) return;
  if (SSL_version(connection_.get()) < TLS1_3_VERSION) return;  // Only by renegotiation.
  if (SSL_key_update(connection_.get(), SSL_KEY_UPDATE_NOT_REQUESTED) != 1) return;
  records_of_this_key_ = 0;
  ++stats_.keys_changed_total;
}

void Engine::close() {
  if (state_ == State::handshaking) {
    state_ = State::closed;
    ciphertext_.drop();
  } else if (state_ == State::open) {
    SSL_shutdown(connection_.get());
    state_ = State::closing;
  }
}

// ---- inputs

void Engine::receive(ByteSpan ciphertext) {
  TRESTLE_ASSERT(!ciphertext_.has_input());
  if (state_ == State::closed || state_ == State::failed) return;
  ciphertext_.lend(ciphertext);
  if (state_ == State::handshaking) advance_handshake();
}

void Engine::advance_handshake() {
  SSL* connection = connection_.get();
  ERR_clear_error();
  const int result = SSL_do_handshake(connection);
  if (result == 1) {
    state_ = State::open;
    record_bytes_ = record_bytes_of(connection);
    ciphertext_.set_allowance(SIZE_MAX);
    return;
  }
  if (SSL_get_error(connection, result) != SSL_ERROR_WANT_READ) {
    if (dialling_ != nullptr) dialling_->forget(peer_);
    return fail(handshake_failure(connection));
  }
  if (ciphertext_.has_input()) {  // It wanted more than it may have.
    fail({ErrorCode::too_large, "TLS: handshake failed: it is longer than " +
                                    std::to_string(limits_.handshake_bytes_max) + " bytes"});
  }
}

void Engine::on_end() {
  if (state_ == State::handshaking) {
    // It may be the session that somebody on the way does not like.
    if (dialling_ != nullptr) dialling_->forget(peer_);
    fail(handshake_failure(connection_.get()));
  } else if (state_ == State::open || state_ == State::closing) {
    fail({ErrorCode::connection_lost, "TLS: the connection was cut off: nobody announced its end"});
  }
}

void Engine::on_message(int is_sent, int, int kind, const void*, std::size_t, ssl_st*, void* self) {
  Engine& engine = *static_cast<Engine*>(self);
  if (is_sent != 0 || kind != SSL3_RT_HANDSHAKE || engine.state_ == State::handshaking) return;
  ++engine.stats_.late_messages_total;
  if (engine.is_flooded()) engine.ciphertext_.set_allowance(0);
}

bool Engine::is_flooded() const {
  return stats_.late_messages_total >
         limits_.late_messages_max +
             stats_.plaintext_received_total / limits_.bytes_of_a_late_message;
}

// ---- drain

std::span<std::uint8_t> Engine::plaintext(std::span<std::uint8_t> room) {
  TRESTLE_ASSERT(!room.empty());
  std::size_t filled = 0;
  while (filled < room.size() && (state_ == State::open || state_ == State::closing)) {
    const std::size_t bytes = read(room.subspan(filled), filled > 0);
    if (bytes == 0) break;
    filled += bytes;
  }
  return room.first(filled);
}

std::size_t Engine::read(std::span<std::uint8_t> room, bool has_batch) {
  std::size_t bytes = 0;
  ERR_clear_error();
  const int result = SSL_read_ex(connection_.get(), room.data(), room.size(), &bytes);
  if (result != 1) {
    on_unreadable(result, has_batch);
    return 0;
  }
  stats_.plaintext_received_total += bytes;
  return bytes;
}

void Engine::on_unreadable(int result, bool has_batch) {
  switch (SSL_get_error(connection_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      // A ticket or a change of keys leaves a buffer for an answer, which may never be written.
      if (frees_buffers_safely()) SSL_free_buffers(connection_.get());
      if (is_flooded()) {
        fail({ErrorCode::protocol_error,
              "TLS: the connection is broken: too many tickets or changes of keys"});
      }
      return;
    case SSL_ERROR_ZERO_RETURN:
      if (has_batch) return;  // What came before it may want an answer; it is found again.
      if (state_ == State::open) SSL_shutdown(connection_.get());
      state_ = State::closed;
      ciphertext_.drop();
      return;
    default:
      fail(connection_failure(connection_.get()));
  }
}

void Engine::fail(Failure failure) {
  state_ = State::failed;
  failure_ = std::move(failure);
  ciphertext_.drop();
  ERR_clear_error();  // OpenSSL's list of errors belongs to the thread.
}

// ---- look

bool Engine::is_resumed() const { return SSL_session_reused(connection_.get()) == 1; }

std::optional<std::int64_t> Engine::certificate_ends_at() const {
  const X509* shown = SSL_get0_peer_certificate(connection_.get());
  if (shown == nullptr) return std::nullopt;
  ASN1_TIME* beginning = ASN1_TIME_set(nullptr, 0);
  int days = 0;
  int seconds = 0;
  const int is_time = ASN1_TIME_diff(&days, &seconds, beginning, X509_get0_notAfter(shown));
  ASN1_TIME_free(beginning);
  if (is_time != 1) return std::nullopt;
  constexpr std::int64_t kDaySeconds = 24 * 60 * 60;
  return days * kDaySeconds + seconds;
}

EngineStats Engine::stats() const {
  EngineStats stats = stats_;
  stats.ciphertext_received_total = ciphertext_.taken_total();
  return stats;
}

}  // namespace trestle::tls
