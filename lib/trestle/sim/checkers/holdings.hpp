#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "trestle/sim/world.hpp"

namespace trestle::sim::checkers {

/// Who keeps which record on his disk, read from what the nodes order from their disks: the truth
/// about copies, whatever the nodes say of them. Also I6: a bridge keeps nothing.
class Holdings : public Observer {
 public:
  struct Copy {
    NodeIndex node = kNoNode;
    std::uint64_t version = 0;
  };

  void observe(World& world, const Happening& happening) override;

  /// The copies of a record, in no order that means anything; empty if there is none.
  const std::vector<Copy>& copies(const std::string& key) const;
  /// Of these, how many of that version or a later one are at nodes that run.
  std::size_t running_copies(const World& world, const std::string& key,
                             std::uint64_t version) const;
  std::uint64_t written() const { return written_; }
  std::uint64_t erased() const { return erased_; }

 private:
  void on_written(NodeIndex node, const wire::Record& record);
  void on_erased(NodeIndex node, const std::string& key);
  void on_disk_lost(NodeIndex node);

  /// Only ever asked for one key; never iterated.
  std::unordered_map<std::string, std::vector<Copy>> copies_;
  std::vector<std::set<std::string>> keys_;  ///< By node.
  std::uint64_t written_ = 0;
  std::uint64_t erased_ = 0;
};

}  // namespace trestle::sim::checkers
