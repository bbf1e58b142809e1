#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <string>

#include "trestle/base/flat_map.hpp"

struct ssl_session_st;

namespace trestle::tls {

/// TLS sessions to resume, the newest of each peer: `name:port`.
///
/// Keeps duplicates and gives out duplicates: of a connection that is freed without the closing
/// alerts OpenSSL marks the session of that very object as not resumable.
class Sessions {
 public:
  /// A node has at most 200 links (requirements P-CR-14) and its bootstraps; a session takes about
  /// 4 KB, the peer's certificates included. The one unused for longest goes first.
  explicit Sessions(std::size_t sessions_max = 256) : sessions_max_(sessions_max) {}

  struct Free {
    void operator()(ssl_session_st* session) const;
  };
  using Session = std::unique_ptr<ssl_session_st, Free>;

  void keep(const std::string& peer, const ssl_session_st* session);
  /// Null if there is none.
  Session find(const std::string& peer);
  void forget(const std::string& peer);
  /// What was proven under other issuers than today's is not believed.
  void clear();
  std::size_t size() const { return sessions_.size(); }

 private:
  struct Entry {
    std::string peer;
    Session session;
  };

  std::size_t sessions_max_;
  std::list<Entry> sessions_;  ///< Used last, first.
  FlatMap<std::string, std::list<Entry>::iterator> by_peer_;
};

}  // namespace trestle::tls
