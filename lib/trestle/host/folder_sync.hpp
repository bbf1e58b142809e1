#pragma once

#include <string>

#include "trestle/base/bytes.hpp"

namespace trestle::host {

/// Whether the names in that folder are on disk now: a file that was made or renamed is found again
/// after a loss of power.
bool sync_folder(const std::string& folder);

/// Writes the file beside, syncs it, renames it into place and syncs the folder: at every moment
/// the old content is there or the new. False: the old one still is.
bool replace_file(const std::string& folder, const std::string& name, ByteSpan content);

}  // namespace trestle::host
