#pragma once

#include <string>
#include <vector>

#include "trestle/base/log_record.hpp"
#include "trestle/base/result.hpp"
#include "trestle/base/time.hpp"
#include "trestle/dht/storage.hpp"
#include "trestle/host/record_database.hpp"

namespace trestle::host {

/// What a data folder holds of a node's records, open for more.
struct SavedRecords {
  RecordDatabase database;
  std::vector<dht::StoredRecord> records;
  /// What an operator should hear of it.
  std::vector<LogRecord> news;
};

/// Opens `records.db` in that folder, making it if it is missing. The caller holds the folder's
/// lock.
///
/// A damaged file never stops a node: what can be read of it goes into a new file, the old one is
/// kept as `records.damaged` (one of them, the latest), and an error line says so; the other
/// holders of the lost records make good for them. Every step of that may be interrupted and is
/// taken up at the next start. Error: a sentence, when the disk refuses or the file is of a later
/// version.
Result<SavedRecords, std::string> open_saved_records(const std::string& folder, WallTime now,
                                                     const RecordDatabaseOptions& options = {});

}  // namespace trestle::host
