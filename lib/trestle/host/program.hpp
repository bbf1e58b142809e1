#pragma once

#include <memory>
#include <string>

#include "trestle/base/rng.hpp"
#include "trestle/crypto/identity.hpp"
#include "trestle/crypto/suite/suite.hpp"
#include "trestle/host/settings.hpp"
#include "trestle/node/node.hpp"

namespace trestle::host {

/// What makes one of the three programs that one.
struct Program {
  ProgramKind kind = ProgramKind::node;
  /// Makes the node. `address` is the URL to advertise; the suite outlives the node.
  std::unique_ptr<node::Node> (*make_node)(const Settings& settings, const std::string& address,
                                           const crypto::Identity& identity, crypto::Suite& suite,
                                           Rng rng) = nullptr;
};

/// A whole program, from the command line to the exit code (design section 9).
int run_program(int argc, const char* const* argv, const Program& program);

}  // namespace trestle::host
