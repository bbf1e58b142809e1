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
/// alerts OpenSSL marks the session of that very object as not resumable. Duplicates share the
/// peer's certificates, which a connection has anyway.
class Sessions {
 public:
  /// `sessions_max`: a node has at most 200 links (requirements P-CR-14) and its bootstraps. The
  /// one unused for longest goes first. `session_bytes_max`: ticket and certificate take one to
  /// three KB; a session that is larger is not kept, and its peer asked for a whole handshake.
  explicit Sessions(std::size_t sessions_max = 256, std::size_t session_bytes_max = 16 * 1024)
      : sessions_max_(sessions_max), session_bytes_max_(session_bytes_max) {}

  struct Free {
    void operator()(ssl_session_st* session) const;
  };
  using Session = std::unique_ptr<ssl_session_st, Free>;

  /// Instead of the one that the peer had.
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
  std::size_t session_bytes_max_;
  std::list<Entry> sessions_;  ///< Used last, first.
  FlatMap<std::string, std::list<Entry>::iterator> by_peer_;
};

}  // namespace trestle::tls
