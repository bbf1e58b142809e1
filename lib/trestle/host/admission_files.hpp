#pragma once

#include <string>
#include <vector>

#include "trestle/base/log_record.hpp"
#include "trestle/base/result.hpp"
#include "trestle/node/node.hpp"

namespace trestle::host {

// What a node in a network that one enters by invitation keeps in its data folder, in files of its
// owner alone:
//
//     membership          what it is: its membership, and the certificate of who issued it
//     members             at a bridge: whom it let in
//     revocations-known   the founders' lists that are in force
//     revocations         at the founder: its own list, written by `bootstrap-node revoke`

/// Adds what is there. A file that cannot be read is left out, and said so in `news`.
void recall_admission(const std::string& folder, node::Restored& restored,
                      std::vector<LogRecord>& news);

/// In one step. Error: a sentence.
Result<void, std::string> keep_admission(const std::string& folder,
                                         const node::SaveAdmission& order);

/// Lists of revocations, encoded: those of the files that were named, each a text
/// (`trestle-revocation:`) or the bytes, and the founder's own. Error: a sentence.
Result<std::vector<Bytes>, std::string> read_revocations(const std::string& folder,
                                                         const std::vector<std::string>& files);

}  // namespace trestle::host
