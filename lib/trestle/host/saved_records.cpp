#include "trestle/host/saved_records.hpp"

#include <cstdio>
#include <optional>
#include <utility>

#include <unistd.h>

#include "trestle/host/folder_sync.hpp"

namespace trestle::host {
namespace {

/// Records put into a new file in one transaction: at 10 KiB each they are 10 MiB at most.
constexpr std::size_t kBatch = 1'024;

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

/// A database and its write-ahead log, which belong together.
struct FilePair {
  std::string database;
  std::string log() const { return database + "-wal"; }
  void remove() const {
    ::unlink(database.c_str());
    ::unlink(log().c_str());
  }
};

struct Files {
  explicit Files(const std::string& folder)
      : current{folder + "/records.db"},
        fresh{folder + "/records.new"},
        damaged{folder + "/records.damaged"} {}
  FilePair current;
  FilePair fresh;
  FilePair damaged;
};

/// Puts the fresh file into the place of the damaged one. The database goes first and the log
/// after it: a log never stands beside a database it was not written for. Interrupted anywhere,
/// calling it again finishes it.
bool replace_damaged(const Files& files, const std::string& folder) {
  if (exists(files.current.database)) {
    files.damaged.remove();
    if (std::rename(files.current.database.c_str(), files.damaged.database.c_str()) != 0) {
      return false;
    }
  }
  if (exists(files.current.log()) &&
      std::rename(files.current.log().c_str(), files.damaged.log().c_str()) != 0) {
    return false;
  }
  // The fresh one was closed in good order, so it has no log.
  return std::rename(files.fresh.database.c_str(), files.current.database.c_str()) == 0 &&
         sync_folder(folder);
}

/// A start that was interrupted in the middle of a replacement.
bool finish_replacement(const Files& files, const std::string& folder) {
  if (!exists(files.fresh.database)) return true;
  if (!exists(files.current.database)) return replace_damaged(files, folder);
  files.fresh.remove();
  return true;
}

struct Attempt {
  std::optional<RecordDatabase> database;
  ReadBack read;
  std::optional<DatabaseError> error;
};

Attempt attempt(const std::string& path, WallTime now, const RecordDatabaseOptions& options) {
  Attempt result;
  auto database = RecordDatabase::open(path, options);
  if (!database) {
    result.error = std::move(database.error());
    return result;
  }
  auto read = database->read_back(now);
  if (!read) {
    result.error = std::move(read.error());
    return result;
  }
  result.read = std::move(*read);
  if (!result.read.damage.empty()) {
    result.error = {DatabaseFault::damaged, result.read.damage};
    return result;
  }
  result.database.emplace(std::move(*database));
  return result;
}

/// A sentence if that failed.
std::string write_fresh(const Files& files, const std::vector<dht::StoredRecord>& records,
                        WallTime now, const RecordDatabaseOptions& options) {
  files.fresh.remove();
  auto database = RecordDatabase::open(files.fresh.database, options);
  if (!database) return database.error().text;
  std::vector<DatedChange> batch;
  for (std::size_t index = 0; index < records.size(); ++index) {
    batch.push_back({dht::WriteRecord{records[index]}, now});
    if (batch.size() < kBatch && index + 1 < records.size()) continue;
    if (database->apply(batch) != Written::synced) return database->complaint();
    batch.clear();
  }
  return {};
}

LogRecord loaded_news(const ReadBack& read) {
  std::string detail = std::to_string(read.records.size()) + " records";
  if (read.expired > 0) detail += ", " + std::to_string(read.expired) + " more were over";
  if (read.left_out > 0) {
    detail += ", " + std::to_string(read.left_out) + " more are over the bounds and left alone";
  }
  return {.level = LogLevel::info, .event = "storage.loaded", .detail = std::move(detail)};
}

LogRecord damaged_news(const std::string& why, std::size_t saved, const Files& files) {
  return {.level = LogLevel::error,
          .event = "storage.damaged",
          .code = ErrorCode::storage_failed,
          .detail = files.current.database + " is damaged (" + why + "); " + std::to_string(saved) +
                    " records of it could be read, it is kept as " + files.damaged.database +
                    ", a new one takes its place"};
}

}  // namespace

Result<SavedRecords, std::string> open_saved_records(const std::string& folder, WallTime now,
                                                     const RecordDatabaseOptions& options) {
  const Files files(folder);
  const auto refusal = [&](const std::string& why) {
    return refuse("cannot keep records in " + files.current.database + ": " + why);
  };
  std::vector<LogRecord> news;
  if (!finish_replacement(files, folder)) return refusal("the folder cannot be written to");
  Attempt first = attempt(files.current.database, now, options);
  if (first.error && first.error->fault == DatabaseFault::damaged) {
    const std::string failure = write_fresh(files, first.read.records, now, options);
    if (!failure.empty()) return refusal("it is damaged and a new one cannot be made: " + failure);
    if (!replace_damaged(files, folder)) return refusal("it is damaged and cannot be set aside");
    news.push_back(damaged_news(first.error->text, first.read.records.size(), files));
    first = attempt(files.current.database, now, options);
  }
  if (first.error) return refusal(first.error->text);
  news.push_back(loaded_news(first.read));
  if (!sync_folder(folder)) return refusal("the folder cannot be synced");
  return SavedRecords{std::move(*first.database), std::move(first.read.records), std::move(news)};
}

}  // namespace trestle::host
