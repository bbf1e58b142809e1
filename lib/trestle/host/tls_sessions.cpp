#include "trestle/host/tls_sessions.hpp"

#include <utility>

#include <openssl/ssl.h>

namespace trestle::host {
namespace {

/// `SSL_SESSION_dup` copies but takes a pointer to what it may change.
TlsSessions::Session duplicate(const SSL_SESSION* session) {
  return TlsSessions::Session(SSL_SESSION_dup(const_cast<SSL_SESSION*>(session)));
}

}  // namespace

void TlsSessions::Free::operator()(ssl_session_st* session) const { SSL_SESSION_free(session); }

void TlsSessions::keep(const std::string& peer, const ssl_session_st* session) {
  Session copy = duplicate(session);
  if (copy == nullptr) return;
  forget(peer);
  sessions_.push_front({peer, std::move(copy)});
  by_peer_[peer] = sessions_.begin();
  if (sessions_.size() > sessions_max_) forget(std::string(sessions_.back().peer));
}

TlsSessions::Session TlsSessions::find(const std::string& peer) {
  const auto place = by_peer_.find(peer);
  if (place == by_peer_.end()) return nullptr;
  sessions_.splice(sessions_.begin(), sessions_, place->second);
  return duplicate(place->second->session.get());
}

void TlsSessions::forget(const std::string& peer) {
  const auto place = by_peer_.find(peer);
  if (place == by_peer_.end()) return;
  sessions_.erase(place->second);
  by_peer_.erase(place);
}

void TlsSessions::clear() {
  by_peer_.clear();
  sessions_.clear();
}

}  // namespace trestle::host
