#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <utility>
#include <vector>

#include "trestle/base/flat_map.hpp"
#include "trestle/base/node_id.hpp"
#include "trestle/base/rng.hpp"
#include "trestle/base/rotating_subset.hpp"
#include "trestle/link/transport.hpp"
#include "trestle/wire/message/contact.hpp"
#include "trestle/wire/message/onboarding.hpp"

namespace trestle::onboarding {

/// A peer registered at the bootstrap: its connection is open.
struct Client {
  wire::Contact contact;
  /// The outcome that was last told as news, so that asking again is not news again.
  std::optional<wire::JoinOutcome> admitted_as;
  /// A bridge's owner did not let it in when it asked last: nobody is led to it meanwhile.
  bool is_turned_away = false;
  /// The join under way on this connection, if any.
  std::optional<std::size_t> join;
};

/// Who is registered, and a choice among the live nodes that can be dialled. A policy.
class Registry {
 public:
  Registry(std::size_t clients_max, const RotatingSubsetOptions& named, Rng rng);

  /// False when full; an open connection is renewed with the new contact.
  bool open(link::ConnectionId connection, const wire::Contact& contact);
  void close(link::ConnectionId connection);

  /// Null when unknown.
  Client* find(link::ConnectionId connection);
  /// The contact of a live node that can be dialled, or null.
  const wire::Contact* find_node(const NodeId& id) const;
  /// Up to `count` distinct live nodes that can be dialled, without `asker` and those turned away:
  /// some of the few that are the asker's own (`RotatingSubset`), over all askers uniform.
  wire::Contacts choose_nodes(Instant now, const NodeId& asker, std::size_t count);

  std::size_t clients() const { return clients_.size(); }
  std::size_t nodes() const { return places_.size(); }

 private:
  /// A live node and one of its connections (a restarted peer may have two for a while): the
  /// newest, but one that proved the id before any that claims it in the old dialect.
  struct Place {
    std::size_t connections = 0;
    link::ConnectionId latest;
    RotatingSubset::Mark mark;
  };

  void enrol(link::ConnectionId connection, const wire::Contact& contact);
  void strike(link::ConnectionId connection, const wire::Contact& contact);

  std::size_t clients_max_;
  RotatingSubset named_;
  Rng rng_;
  /// Ordered, and references stay valid while others come and go.
  std::map<link::ConnectionId, Client> clients_;
  FlatMap<NodeId, Place> places_;
  /// By their index in `places_`. Kept between calls, so that a choice allocates nothing but its
  /// answer.
  std::vector<RotatingSubset::Candidate> eligible_;
};

}  // namespace trestle::onboarding
