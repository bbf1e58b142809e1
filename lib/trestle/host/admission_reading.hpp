#pragma once

#include <string>

#include "trestle/base/result.hpp"
#include "trestle/base/time.hpp"
#include "trestle/crypto/suite/suite.hpp"
#include "trestle/host/settings.hpp"
#include "trestle/node/admission_options.hpp"
#include "trestle/node/node.hpp"

namespace trestle::host {

/// A founder's Ed25519 key: 64 hex digits, or what its `identity` command prints. Error: a clause.
Result<crypto::Ed25519Key, std::string> parse_founder(const std::string& value);

/// How this program becomes a member, from its settings, its identity and what it remembers. What
/// is not said follows: a bootstrap node is the founder of its own network; a node believes who
/// signed its invitation, and later who stands behind its membership.
///
/// Error: a sentence that says what to do. An invitation that is no good is refused here with the
/// reason, which no peer would tell; unless there is a membership already, which then counts.
Result<node::AdmissionOptions, std::string> read_admission(const Settings& settings,
                                                           crypto::Suite& suite,
                                                           const crypto::KeyPair& keys,
                                                           const node::Restored& restored,
                                                           WallTime now);

}  // namespace trestle::host
