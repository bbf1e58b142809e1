#include "trestle/host/memories.hpp"

#include <utility>

#include "trestle/host/admission_files.hpp"
#include "trestle/host/clock.hpp"
#include "trestle/host/saved_peers.hpp"
#include "trestle/host/saved_records.hpp"

namespace trestle::host {

Result<Memories, std::string> read_memories(const std::string& folder, StoragePlace place) {
  Memories memories;
  SavedPeers saved = read_saved_peers(folder);
  memories.restored.peers = std::move(saved.peers);
  if (saved.ignored > 0) {
    memories.news.push_back(
        {.level = LogLevel::warning,
         .event = "storage.peers_ignored",
         .detail = std::to_string(saved.ignored) + " lines of " + folder + "/peers make no sense"});
  }
  recall_admission(folder, memories.restored, memories.news);
  if (place == StoragePlace::memory) return memories;
  auto records = open_saved_records(folder, wall_now());
  if (!records) return refuse(std::move(records.error()));
  memories.database.emplace(std::move(records->database));
  memories.restored.records = std::move(records->records);
  for (LogRecord& news : records->news) memories.news.push_back(std::move(news));
  return memories;
}

}  // namespace trestle::host
