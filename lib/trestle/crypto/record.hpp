#pragma once

#include <optional>
#include <string_view>

#include "trestle/base/bytes.hpp"
#include "trestle/crypto/suite/suite.hpp"
#include "trestle/crypto/verified.hpp"
#include "trestle/wire/message/dht.hpp"

namespace trestle::crypto {

/// A record whose signature was checked, or one of the old dialect, which has none.
using VerifiedRecord = Verified<wire::Record>;

/// The bytes an author signs: a context string, the network, and everything of the record that
/// does not change on its way, the value by its digest (docs/protocol.md, "Records"). Not for
/// records of the old dialect.
Bytes record_transcript(Suite& suite, std::string_view network, const wire::Record& record);

/// Names the content of a record for comparisons: SHA-256 over its transcript, truncated. What was
/// verified once is remembered by this and never by signature, which can be altered without
/// breaking (design section 2). For a record of the old dialect: over key and value.
wire::RecordDigest record_digest(Suite& suite, std::string_view network,
                                 const wire::Record& record);

/// Whose key this is: `@` and 40 hex digits begin the keys of the node with that id, all others
/// are everybody's.
std::optional<NodeId> owner_of_key(std::string_view key);

/// Whether this author may write under this key. A record of the old dialect has none: it may not
/// where the key has an owner.
bool may_write(Suite& suite, const wire::Record& record);

}  // namespace trestle::crypto
