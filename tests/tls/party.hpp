#pragma once

#include <algorithm>
#include <string>

#include "support/issuer.hpp"
#include "trestle/base/bytes.hpp"
#include "trestle/base/rng.hpp"
#include "trestle/tls/engine.hpp"

namespace trestle::test {

/// An engine, and what its owner has read from it.
struct Party {
  template <typename... Given>
  explicit Party(Given&&... given) : engine(given...) {}

  /// What a socket had, in one read.
  void hear(ByteSpan bytes) {
    engine.receive(bytes);
    Bytes room(room_bytes);
    for (;;) {
      const auto batch = engine.plaintext(room);
      if (batch.empty()) return;
      append(heard, batch);
    }
  }
  /// The same in pieces of up to `piece_max` bytes.
  void hear(ByteSpan bytes, Rng& cuts, std::size_t piece_max) {
    while (!bytes.empty()) {
      const std::size_t piece = 1 + cuts.below(piece_max);
      hear(bytes.first(std::min(piece, bytes.size())));
      bytes = bytes.subspan(std::min(piece, bytes.size()));
    }
  }
  /// What a socket takes.
  Bytes said() {
    const Bytes bytes = to_bytes(engine.ciphertext());
    engine.consume(bytes.size());
    return bytes;
  }
  std::size_t send(std::string_view text) { return engine.send(as_bytes(text)); }
  std::string reason() const { return engine.failure() ? engine.failure()->reason : ""; }
  bool is_reason(std::string_view part) const { return reason().find(part) != std::string::npos; }

  tls::Engine engine;
  Bytes heard;
  std::size_t room_bytes = std::size_t{64} * 1024;
};

/// Until neither has anything to say. Somebody may stand between them: `pass(bytes, to)`.
template <typename Pass>
void talk(Party& one, Party& other, Pass&& pass) {
  for (;;) {
    const Bytes first = one.said();
    if (!first.empty()) pass(first, other);
    const Bytes second = other.said();
    if (!second.empty()) pass(second, one);
    if (first.empty() && second.empty()) return;
  }
}

inline void talk(Party& one, Party& other) {
  talk(one, other, [](const Bytes& bytes, Party& to) { to.hear(bytes); });
}

/// One who accepts as `localhost` and 127.0.0.1, and one who trusts its issuer.
struct Contexts {
  static constexpr const char* kHere = "IP:127.0.0.1,DNS:localhost";

  Contexts() : Contexts(kHere) {}
  explicit Contexts(const std::string& names, long begin = -Issuer::kDay, long end = Issuer::kDay)
      : accepting(issuer.issue(names, begin, end)), dialling(issuer.trusting()) {}

  Issuer issuer;
  tls::AcceptingContext accepting;
  tls::DiallingContext dialling;
  tls::Peer here{"localhost", 443, {}};
};

/// A connection between them.
struct Connection {
  explicit Connection(Contexts& contexts, const tls::EngineLimits& limits = {})
      : dialler(contexts.dialling, contexts.here, limits), acceptor(contexts.accepting, limits) {}
  Connection(Contexts& contexts, const tls::Peer& peer)
      : dialler(contexts.dialling, peer), acceptor(contexts.accepting) {}

  bool open() {
    talk(dialler, acceptor);
    return is_open();
  }
  bool is_open() const {
    return dialler.engine.state() == tls::State::open &&
           acceptor.engine.state() == tls::State::open;
  }

  Party dialler;
  Party acceptor;
};

}  // namespace trestle::test
