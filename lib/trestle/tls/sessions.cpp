#include "trestle/tls/sessions.hpp"

#include <utility>

#include <openssl/ssl.h>

namespace trestle::tls {
void Sessions::Free::operator()(ssl_session_st* session) const { SSL_SESSION_free(session); }

void Sessions::keep(const std::string& peer, const ssl_session_st* session) {
  forget(peer);
  const int bytes = i2d_SSL_SESSION(session, nullptr);
  if (bytes <= 0 || static_cast<std::size_t>(bytes) > session_bytes_max_) return;
  Bytes encoded(static_cast<std::size_t>(bytes));
  unsigned char* end = encoded.data();
  i2d_SSL_SESSION(session, &end);
  sessions_.push_front({peer, std::move(encoded)});
  by_peer_.insert(peer, sessions_.begin());
  if (sessions_.size() > sessions_max_) forget(std::string(sessions_.back().peer));
}

Sessions::Session Sessions::find(const std::string& peer) {
  const auto* place = by_peer_.find(peer);
  if (place == nullptr) return nullptr;
  sessions_.splice(sessions_.begin(), sessions_, *place);
  const Bytes& encoded = (*place)->session;
  const unsigned char* end = encoded.data();
  return Session(d2i_SSL_SESSION(nullptr, &end, static_cast<long>(encoded.size())));
}

void Sessions::forget(const std::string& peer) {
  const auto* place = by_peer_.find(peer);
  if (place == nullptr) return;
  sessions_.erase(*place);
  by_peer_.erase(peer);
}

void Sessions::clear() {
  by_peer_.clear();
  sessions_.clear();
}

}  // namespace trestle::tls
