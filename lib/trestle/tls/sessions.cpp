#include "trestle/tls/sessions.hpp"

#include <utility>

#include <openssl/ssl.h>

namespace trestle::tls {
namespace {

/// `SSL_SESSION_dup` copies but takes a pointer to what it may change.
Sessions::Session duplicate(const SSL_SESSION* session) {
  return Sessions::Session(SSL_SESSION_dup(const_cast<SSL_SESSION*>(session)));
}

}  // namespace

void Sessions::Free::operator()(ssl_session_st* session) const { SSL_SESSION_free(session); }

void Sessions::keep(const std::string& peer, const ssl_session_st* session) {
  forget(peer);
  const int bytes = i2d_SSL_SESSION(session, nullptr);
  if (bytes <= 0 || static_cast<std::size_t>(bytes) > session_bytes_max_) return;
  Session copy = duplicate(session);
  if (copy == nullptr) return;
  sessions_.push_front({peer, std::move(copy)});
  by_peer_.insert(peer, sessions_.begin());
  if (sessions_.size() > sessions_max_) forget(std::string(sessions_.back().peer));
}

Sessions::Session Sessions::find(const std::string& peer) {
  const auto* place = by_peer_.find(peer);
  if (place == nullptr) return nullptr;
  sessions_.splice(sessions_.begin(), sessions_, *place);
  return duplicate((*place)->session.get());
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
