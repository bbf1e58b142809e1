#pragma once

#include <string>
#include <string_view>

#include "trestle/base/result.hpp"
#include "trestle/crypto/identity_record.hpp"

namespace trestle::host {

/// The identity record in what the `identity` command prints, its signatures checked. Error: a
/// clause.
Result<crypto::IdentityRecord, std::string> read_identity_text(crypto::Suite& suite,
                                                               std::string_view text);

}  // namespace trestle::host
