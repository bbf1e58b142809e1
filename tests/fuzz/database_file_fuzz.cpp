// F14: any bytes as the database of records and its write-ahead log. Whatever is found in it was
// once written; what cannot be read is put aside; and the folder serves again.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "entry.hpp"
#include "host/temporary_folder.hpp"
#include "input.hpp"
#include "known_records.hpp"
#include "trestle/host/saved_records.hpp"

namespace trestle::fuzz {
namespace {

using namespace host;

bool was_written(const dht::StoredRecord& found) {
  return std::ranges::any_of(known_records(), [&](dht::StoredRecord known) {
    MUST_HOLD(found.record.left_ms <= known.record.ttl_ms);
    known.record.left_ms = found.record.left_ms;
    known.over_ms = found.over_ms;
    return known == found;
  });
}

RecordDatabaseOptions small() {
  RecordDatabaseOptions options;
  options.records_max = 64;
  options.bytes_max = 64 * 1024;
  options.row_bytes_max = 64 * 1024;
  return options;
}

}  // namespace

TRESTLE_FUZZ_TARGET(database_file) {
  static const test::TemporaryFolder folder;
  for (const auto& left : std::filesystem::directory_iterator(folder.path())) {
    std::filesystem::remove(left.path());
  }
  Input parts(input);
  const ByteSpan log = parts.take(static_cast<std::size_t>(parts.number(2)));
  folder.write("records.db", std::string(as_text(parts.rest())));
  if (!log.empty()) folder.write("records.db-wal", std::string(as_text(log)));

  std::size_t count = 0;
  {
    auto opened = open_saved_records(folder.path(), kWritten, small());
    if (!opened) {  // A file of a later version stays as it is.
      MUST_HOLD(!opened.error().empty());
      return;
    }
    MUST_HOLD(opened->records.size() <= small().records_max);
    for (const dht::StoredRecord& found : opened->records) MUST_HOLD(was_written(found));
    count = opened->records.size();
    dht::StoredRecord fresh = known_records()[0];
    const bool is_new = std::ranges::none_of(opened->records, [&](const dht::StoredRecord& one) {
      return one.record.key == fresh.record.key;
    });
    const std::vector<DatedChange> changes = {{dht::WriteRecord{fresh}, kWritten}};
    MUST_HOLD(opened->database.apply(changes) == Written::synced);
    count += is_new ? 1 : 0;
  }
  const auto again = open_saved_records(folder.path(), kWritten, small());
  MUST_HOLD(again.has_value() && again->records.size() == count);
}

}  // namespace trestle::fuzz
