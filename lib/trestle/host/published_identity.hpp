#pragma once

#include <string>

#include "trestle/base/node_id.hpp"
#include "trestle/base/result.hpp"
#include "trestle/host/settings.hpp"

namespace trestle::host {

/// Where a node publishes its identity record, as text: under a key of its own, which nobody else
/// can write.
std::string identity_key_of(const NodeId& id);

/// Asks the running node for the identity that the node with that id has published: its text, which
/// is that node's for certain. Error: a sentence.
Result<std::string, std::string> find_identity(const Settings& settings, const NodeId& id);

}  // namespace trestle::host
