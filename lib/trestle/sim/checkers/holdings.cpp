#include "trestle/sim/checkers/holdings.hpp"

#include <algorithm>
#include <variant>

namespace trestle::sim::checkers {

void Holdings::observe(World& world, const Happening& happening) {
  if (happening.kind == HappeningKind::disk_lost) return on_disk_lost(happening.node);
  if (happening.kind != HappeningKind::disk_ordered) return;
  if (world.role(happening.node) == wire::Role::bridge) {
    world.report_violation("I6: no store on a bridge",
                           "n" + std::to_string(happening.node) + " orders from its disk");
  }
  if (const auto* written = std::get_if<dht::WriteRecord>(happening.change)) {
    on_written(happening.node, written->stored.record);
  } else if (const auto* erased = std::get_if<dht::EraseRecord>(happening.change)) {
    on_erased(happening.node, erased->key);
  }
}

void Holdings::on_written(NodeIndex node, const wire::Record& record) {
  ++written_;
  if (node >= keys_.size()) keys_.resize(node + 1);
  keys_[node].insert(record.key);
  std::vector<Copy>& copies = copies_[record.key];
  const auto own = std::ranges::find(copies, node, &Copy::node);
  if (own != copies.end()) {
    own->version = record.version;
  } else {
    copies.push_back({node, record.version});
  }
}

void Holdings::on_erased(NodeIndex node, const std::string& key) {
  ++erased_;
  if (node >= keys_.size() || keys_[node].erase(key) == 0) return;
  const auto found = copies_.find(key);
  std::erase_if(found->second, [node](const Copy& copy) { return copy.node == node; });
  if (found->second.empty()) copies_.erase(found);
}

void Holdings::on_disk_lost(NodeIndex node) {
  if (node >= keys_.size()) return;
  const std::set<std::string> lost = std::exchange(keys_[node], {});
  for (const std::string& key : lost) {
    const auto found = copies_.find(key);
    std::erase_if(found->second, [node](const Copy& copy) { return copy.node == node; });
    if (found->second.empty()) copies_.erase(found);
  }
}

const std::vector<Holdings::Copy>& Holdings::copies(const std::string& key) const {
  static const std::vector<Copy> none;
  const auto found = copies_.find(key);
  return found == copies_.end() ? none : found->second;
}

std::size_t Holdings::running_copies(const World& world, const std::string& key,
                                     std::uint64_t version) const {
  const std::vector<Copy>& all = copies(key);
  return static_cast<std::size_t>(std::ranges::count_if(all, [&](const Copy& copy) {
    return copy.version >= version && world.is_running(copy.node);
  }));
}

}  // namespace trestle::sim::checkers
