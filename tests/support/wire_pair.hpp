#pragma once

#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "trestle/crypto/identity.hpp"
#include "trestle/link/channel_set.hpp"

namespace trestle::test {

using namespace std::chrono_literals;

/// One end of links under test: an identity, a suite and a set of channels, with the driver's part
/// of signing done at once.
class End {
 public:
  End(std::uint64_t seed, wire::Role role, const link::ChannelSetOptions& options = {},
      std::string_view secret = {}, std::string network = "test")
      : suite(seed), pair(suite.generate()) {
    local.identity = {pair.key, crypto::node_id_of(suite, pair.key)};
    local.role = role;
    local.network = std::move(network);
    local.address = "ws://end-" + std::to_string(seed);
    local.bridge_secret = to_bytes(as_bytes(secret));
    channels.emplace(link::ConnectionOwner::node, local, suite, options, Rng(seed));
  }

  NodeId id() const { return local.identity.id; }

  crypto::Suite suite;
  crypto::KeyPair pair;
  link::LocalPeer local;
  std::optional<link::ChannelSet> channels;
  std::vector<link::ChannelSet::News> news;

  template <typename Kind>
  std::vector<Kind> all() const {
    std::vector<Kind> found;
    for (const auto& item : news) {
      if (const auto* match = std::get_if<Kind>(&item.news)) found.push_back(*match);
    }
    return found;
  }
};

/// Two ends and the transport between them: frames arrive at once and in order.
class WirePair {
 public:
  WirePair(End& dialler, End& acceptor) : dialler_(dialler), acceptor_(acceptor) {}

  /// Dials and carries everything until both are quiet. The connection's ids are then `dialled` and
  /// `accepted`.
  void connect(Instant now, wire::Dialect dialect = wire::Dialect::native) {
    dialled = dialler_.channels->dial(now, acceptor_.local.address, dialect);
    settle(now);
  }

  void settle(Instant now) {
    while (drain(now, dialler_, acceptor_, accepted) + drain(now, acceptor_, dialler_, dialled) >
           0) {
    }
  }

  /// Frames that were carried, per direction, for counting batches and for tampering.
  std::size_t frames_to_acceptor = 0;
  std::size_t frames_to_dialler = 0;
  std::string address = "192.0.2.1";  ///< Of the dialler, as the acceptor sees it.
  bool cut = false;  ///< Nothing arrives any more, and nobody is told: a half-open link.
  link::ConnectionId dialled;
  link::ConnectionId accepted;
  bool dialled_is_up = false;

 private:
  std::size_t drain(Instant now, End& from, End& to, link::ConnectionId& to_connection) {
    std::size_t count = 0;
    while (auto effect = from.channels->poll_effect()) {
      ++count;
      if (auto* order = std::get_if<link::TransportOrder>(&*effect)) {
        perform(now, *order, from, to, to_connection);
      } else {
        from.news.push_back(std::get<link::ChannelSet::News>(std::move(*effect)));
      }
    }
    return count;
  }

  void perform(Instant now, link::TransportOrder& order, End& from, End& to,
               link::ConnectionId& to_connection) {
    if (auto* dial = std::get_if<link::Dial>(&order)) {
      accepted = acceptor_.channels->on_accepted(now, {address});
      dialler_.channels->on_dialled(now, dial->connection);
    } else if (auto* frame = std::get_if<link::SendFrame>(&order)) {
      from.channels->on_drained(now, frame->connection, frame->bytes.size());
      if (cut) return;
      ++(&to == &acceptor_ ? frames_to_acceptor : frames_to_dialler);
      to.channels->on_frame(now, to_connection, frame->kind, frame->bytes);
    } else if (auto* close = std::get_if<link::CloseTransport>(&order)) {
      if (!cut)
        to.channels->on_closed(now, to_connection, static_cast<std::uint16_t>(close->status),
                               close->reason);
    } else if (auto* sign = std::get_if<link::Sign>(&order)) {
      from.channels->on_signed(now, sign->connection, sign->ticket,
                               from.suite.sign(from.pair, sign->message));
    } else if (auto* verify = std::get_if<link::Verify>(&order)) {
      const bool valid = from.suite.verify(verify->key, verify->message, verify->signature);
      from.channels->on_verified(now, verify->connection, verify->ticket, valid);
    }
  }

  End& dialler_;
  End& acceptor_;
};

inline constexpr Instant kStart = Instant(std::chrono::seconds(1000));

}  // namespace trestle::test
