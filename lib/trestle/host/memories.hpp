#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "trestle/base/log_record.hpp"
#include "trestle/base/result.hpp"
#include "trestle/host/record_database.hpp"
#include "trestle/node/node.hpp"

namespace trestle::host {

/// Where records are kept. In memory they are lost with the program: for tests and for trying out.
enum class StoragePlace : std::uint8_t { disk, memory };

/// What a node finds of its earlier lives in its data folder.
struct Memories {
  std::optional<RecordDatabase> database;  ///< With `disk`, for what is to come.
  node::Restored restored;
  /// What an operator should hear of it.
  std::vector<LogRecord> news;
};

/// The caller holds the folder's lock. Error: a sentence.
Result<Memories, std::string> read_memories(const std::string& folder, StoragePlace place);

}  // namespace trestle::host
