#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "trestle/dht/key_region.hpp"
#include "trestle/dht/refresh_schedule.hpp"
#include "trestle/wire/message/contact.hpp"

namespace trestle::dht {

/// What one peer is to be told: indices into the records of the plan.
struct ReplicaTask {
  enum class Kind : std::uint8_t {
    offer,     ///< It is one of the nearest: it should keep them.
    delegate,  ///< It is the nearest, and we are none of them: it should spread them (STORE-02).
    gift,      ///< Of the old dialect: it cannot be asked what it has, and proves nothing.
  };
  wire::Contact peer;
  Kind kind = Kind::offer;
  std::vector<std::uint32_t> records;
};

struct ReplicaPlan {
  std::vector<ReplicaTask> tasks;
  /// Records that nobody else can keep: we know no other node.
  std::vector<std::uint32_t> alone;
};

struct ReplicaPlanOptions {
  /// Nodes that keep a record, ourselves included if we are one of them (X30: 20).
  std::size_t copies = 20;
  /// Values of the old dialect given to one peer of that dialect in one refresh: a whole value
  /// each, for a copy that counts for nothing.
  std::size_t gifts_per_peer_max = 16;
};

/// Who spreads what we keep but are not near to.
enum class Delegation : std::uint8_t { to_the_nearest, never };

/// Whether this peer may be offered records: a node of the native dialect. Bridges keep no data.
bool keeps_replicas(const wire::Contact& contact);

/// The part of the key space around `target` in which `nearest`, nearest first, are all nodes there
/// are, provided that none is missing among them: what is nearer than the farthest of them. The
/// whole key space if they are fewer than `copies`: then they are all nodes we can find anywhere.
KeyRegion known_region(const NodeId& target, std::span<const wire::Contact> nearest,
                       std::size_t copies);

/// Who is to be offered which of the records: for each the nearest of `peers` and ourselves. If we
/// are none of them, one that is gets them all to spread: the nearest to `centre` where it can be,
/// so that a batch goes to few.
ReplicaPlan plan_replicas(const NodeId& self, const NodeId& centre,
                          std::span<const KeptRecord> records, std::span<const wire::Contact> peers,
                          Delegation delegation, const ReplicaPlanOptions& options);

/// How many of `peers` are nearer to `place` than `id` is, `id` and `except` not counted.
std::size_t rank_of(const NodeId& id, const NodeId& place, std::span<const wire::Contact> peers,
                    const NodeId& except = {});

}  // namespace trestle::dht
