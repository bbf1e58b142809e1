#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

#include "trestle/sim/world.hpp"
#include "trestle/wire/message/contact.hpp"

namespace trestle::sim::checkers {

struct NamingOptions {
  /// X30: k contacts in an answer.
  std::size_t contacts_max = 20;
  /// T9: of one network, where groups are bounded.
  std::size_t per_network_max = 5;
  /// Of so many answers one is read: it costs as much as the receiver's reading.
  std::uint64_t one_in = 4;
};

/// Whom honest nodes name when they are asked who is near: twenty at the most, each once, never who
/// asks, under the address that it advertises and no other (I15); and few of one network where the
/// node that answers bounds that (T9).
class Naming : public Observer {
 public:
  explicit Naming(const NamingOptions& options = {}) : options_(options) {}
  /// That node bounds the share of one network.
  void expect_bounded(NodeIndex node) { bounded_[node] = true; }
  void observe(World& world, const Happening& happening) override;

  std::uint64_t checked() const { return checked_; }

 private:
  void check(World& world, const Happening& happening, const wire::Contacts& contacts);

  NamingOptions options_;
  std::map<NodeIndex, bool> bounded_;
  std::map<NodeId, NodeIndex> nodes_;
  std::uint64_t seen_ = 0;
  std::uint64_t checked_ = 0;
};

}  // namespace trestle::sim::checkers
