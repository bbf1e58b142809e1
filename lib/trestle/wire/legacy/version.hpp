#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "trestle/wire/legacy/raw_json.hpp"
#include "trestle/wire/legacy/registration.hpp"

namespace trestle::wire::legacy {

/// What we say in `register`, and what a client must be compatible with.
inline constexpr std::string_view kProtocolVersion = "1.0.0";

/// Whether a client may register (protocol section 3.1).
enum class VersionVerdict : std::uint8_t {
  accepted,
  missing,       ///< No version.
  not_text,      ///< Not a string: `Error` "Internal server error", the connection stays open.
  outdated,      ///< Below ours.
  incompatible,  ///< Major or minor differs.
  build_differs  ///< Both have a real build id and they are not the same.
};

/// Judges a client's version and build against `kProtocolVersion` and `server_build_id`. Patch
/// differences and a left-out patch number pass. Builds are compared only if both sides have a real
/// one.
VersionVerdict judge_version(const std::optional<RawJson>& protocol_version,
                             const std::optional<std::string>& client_build_id,
                             std::string_view server_build_id);

/// Whether a build id names a real build; `node_*`, `unknown_*`, `initializing` and the empty text
/// do not.
bool is_real_build(std::string_view build_id);

/// The frame that goes out before close 4001. Only for `missing`, `outdated`, `incompatible` and
/// `build_differs`.
VersionMismatch version_mismatch(VersionVerdict verdict, const Register& request,
                                 std::string_view server_build_id);

}  // namespace trestle::wire::legacy
