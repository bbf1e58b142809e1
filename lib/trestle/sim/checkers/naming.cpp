#include "trestle/sim/checkers/naming.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <variant>

#include "trestle/sim/frame_records.hpp"

namespace trestle::sim::checkers {
namespace {

constexpr std::string_view kRule = "I15: whom nodes name, and under which address";

/// `ws://203.0.1` of `ws://203.0.1.7:9000/`, `ws://[2001:db8:1:` of `ws://[2001:db8:1::7]:9000/`;
/// nothing of a name.
std::string_view network_of(std::string_view url) {
  constexpr std::string_view kScheme = "ws://";
  const std::string_view host = url.substr(std::min(url.size(), kScheme.size()));
  if (host.starts_with('[')) return url.substr(0, url.find("::") + 1);
  const bool is_address = !host.empty() && host[0] >= '0' && host[0] <= '9';
  return is_address ? url.substr(0, url.rfind('.')) : std::string_view();
}

}  // namespace

void Naming::observe(World& world, const Happening& happening) {
  if (happening.kind != HappeningKind::frame_ordered || !world.is_honest(happening.node)) return;
  for (std::size_t place = 0; place < happening.records.size(); ++place) {
    if (happening.records[place].name != "find_node_response") continue;
    if (seen_++ % options_.one_in != 0) continue;
    const auto record = read_record(happening.bytes, place);
    if (!record) continue;
    const auto* answer = std::get_if<wire::FindNodeResponse>(&record->message);
    if (answer != nullptr) check(world, happening, answer->contacts);
  }
}

void Naming::check(World& world, const Happening& happening, const wire::Contacts& contacts) {
  ++checked_;
  while (nodes_.size() < world.size()) {
    const auto node = static_cast<NodeIndex>(nodes_.size());
    nodes_[world.identity(node).id] = node;
  }
  const auto blame = [&](const std::string& what) {
    world.report_violation(kRule, "n" + std::to_string(happening.node) + " to n" +
                                      std::to_string(happening.peer) + ": " + what);
  };
  if (contacts.size() > options_.contacts_max) {
    blame(std::to_string(contacts.size()) + " contacts");
  }
  std::map<NodeId, bool> named;
  std::map<std::string_view, std::size_t> in_network;
  for (const wire::Contact& contact : contacts) {
    if (!named.emplace(contact.id, true).second) blame(contact.id.to_short_hex() + " twice");
    if (happening.peer != kNoNode && contact.id == world.identity(happening.peer).id) {
      blame("who asks");
    }
    const std::string_view network = network_of(contact.address);
    if (!network.empty() && ++in_network[network] > options_.per_network_max &&
        bounded_.contains(happening.node)) {
      blame("more than a few of " + std::string(network));
    }
    const auto known = nodes_.find(contact.id);
    if (known == nodes_.end() || !world.is_honest(known->second)) continue;
    const bool is_right = contact.address.empty() || contact.address == world.url(known->second);
    if (!is_right) blame("n" + std::to_string(known->second) + " at " + contact.address);
    if (contact.role != world.role(known->second)) {
      blame("n" + std::to_string(known->second) + " in another role");
    }
  }
}

}  // namespace trestle::sim::checkers
