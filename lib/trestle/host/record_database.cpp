#include "trestle/host/record_database.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>

#include <sqlite3.h>
#include <sys/stat.h>

#include "trestle/base/bytes.hpp"
#include "trestle/crypto/suite/suite.hpp"

namespace trestle::host {
namespace {

/// In the file's header: what it is, and in which form. "trst".
constexpr int kApplicationId = 0x74727374;
constexpr int kSchemaVersion = 1;

constexpr const char* kSchema =
    "CREATE TABLE records ("
    " id INTEGER PRIMARY KEY,"
    " left_ms INTEGER NOT NULL,"     // of its life, when that was written
    " written_ms INTEGER NOT NULL,"  // by the calendar
    " life_digest BLOB NOT NULL,"
    " content_digest BLOB NOT NULL,"
    " kind INTEGER NOT NULL, version INTEGER NOT NULL, ttl_ms INTEGER NOT NULL,"
    " flags INTEGER NOT NULL,"
    " charged_to BLOB NOT NULL, author BLOB NOT NULL, signature BLOB NOT NULL,"
    " key BLOB NOT NULL, value BLOB NOT NULL);"
    "CREATE UNIQUE INDEX records_by_key ON records (key);";

/// Settings of the connection, in this order: the lock first, so that the log's index needs no
/// shared memory.
constexpr const char* kSettings =
    "PRAGMA locking_mode = EXCLUSIVE;"
    "PRAGMA journal_mode = WAL;"
    "PRAGMA synchronous = FULL;"
    "PRAGMA cell_size_check = ON;"
    "PRAGMA trusted_schema = OFF;"
    "PRAGMA mmap_size = 0;"
    "PRAGMA temp_store = MEMORY;";

constexpr std::int64_t kOwnFlag = 1;
constexpr std::int64_t kLegacyFlag = 2;

/// Enough that no accident passes; a tamperer with the disk in hand is stopped by the records' own
/// signatures.
using RowDigest = std::array<std::uint8_t, 16>;

/// SQLite counts in signed words, lives and versions are unsigned: the bits are kept.
std::int64_t to_column(std::uint64_t value) { return static_cast<std::int64_t>(value); }
std::uint64_t from_column(std::int64_t value) { return static_cast<std::uint64_t>(value); }

std::int64_t milliseconds(WallTime time) { return time.time_since_epoch().count(); }

void append_number(Bytes& out, std::uint64_t value) {
  for (int shift = 0; shift < 64; shift += 8) {
    out.push_back(static_cast<std::uint8_t>(value >> shift));
  }
}

void append_text(Bytes& out, ByteSpan bytes) {
  append_number(out, bytes.size());
  append(out, bytes);
}

RowDigest digest_of(crypto::Suite& suite, ByteSpan bytes) {
  const crypto::Digest256 whole = suite.sha256(bytes);
  RowDigest digest{};
  std::copy_n(whole.begin(), digest.size(), digest.begin());
  return digest;
}

std::int64_t flags_of(const dht::StoredRecord& stored) {
  return (stored.own ? kOwnFlag : 0) | (stored.record.legacy ? kLegacyFlag : 0);
}

/// Of everything in a row that stays as it was written.
RowDigest content_digest(crypto::Suite& suite, const dht::StoredRecord& stored) {
  const wire::Record& record = stored.record;
  Bytes bytes;
  bytes.reserve(record.key.size() + record.value.size() + 256);
  append_text(bytes, as_bytes("trestle record"));
  append_text(bytes, as_bytes(record.key));
  append_text(bytes, record.value);
  append_number(bytes, static_cast<std::uint64_t>(record.kind));
  append_number(bytes, record.version);
  append_number(bytes, record.ttl_ms);
  append_number(bytes, from_column(flags_of(stored)));
  append_text(bytes, stored.charged_to.to_bytes());
  append_text(bytes, record.author);
  append_text(bytes, record.signature);
  return digest_of(suite, bytes);
}

/// Of the rest, bound to that content.
RowDigest life_digest(crypto::Suite& suite, ByteSpan content, std::int64_t left_ms,
                      std::int64_t written_ms) {
  Bytes bytes;
  append_text(bytes, as_bytes("trestle life"));
  append_text(bytes, content);
  append_number(bytes, from_column(left_ms));
  append_number(bytes, from_column(written_ms));
  return digest_of(suite, bytes);
}

/// One prepared statement. Finalised when destroyed; before its connection closes.
class Statement {
 public:
  Statement() = default;
  Statement(sqlite3* connection, const char* text) {
    code_ = sqlite3_prepare_v3(connection, text, -1, SQLITE_PREPARE_PERSISTENT, &raw_, nullptr);
  }
  Statement(Statement&& other) noexcept
      : raw_(std::exchange(other.raw_, nullptr)), code_(other.code_) {}
  Statement& operator=(Statement&& other) noexcept {
    std::swap(raw_, other.raw_);
    code_ = other.code_;
    return *this;
  }
  ~Statement() { sqlite3_finalize(raw_); }

  bool is_good() const { return raw_ != nullptr; }
  int code() const { return code_; }

  void bind(int place, std::int64_t value) { sqlite3_bind_int64(raw_, place, value); }
  /// Borrowed until `finish`. An empty blob is not a null.
  void bind(int place, ByteSpan bytes) {
    sqlite3_bind_blob64(raw_, place, bytes.empty() ? "" : static_cast<const void*>(bytes.data()),
                        bytes.size(), SQLITE_STATIC);
  }
  /// True: a row is there. False: the end, or an error, see `code`.
  bool step() {
    code_ = sqlite3_step(raw_);
    return code_ == SQLITE_ROW;
  }
  bool is_done() const { return code_ == SQLITE_DONE; }
  /// Runs to its end and makes it ready for the next time.
  bool finish() {
    while (step()) {
    }
    const bool is_whole = is_done();
    sqlite3_reset(raw_);
    sqlite3_clear_bindings(raw_);
    return is_whole;
  }
  void reset() {
    sqlite3_reset(raw_);
    sqlite3_clear_bindings(raw_);
  }

  std::int64_t number(int column) { return sqlite3_column_int64(raw_, column); }
  ByteSpan bytes(int column) {
    const void* data = sqlite3_column_blob(raw_, column);
    const int size = sqlite3_column_bytes(raw_, column);
    if (data == nullptr || size <= 0) return {};
    return {static_cast<const std::uint8_t*>(data), static_cast<std::size_t>(size)};
  }

 private:
  sqlite3_stmt* raw_ = nullptr;
  int code_ = SQLITE_OK;
};

template <std::size_t size>
bool copy_exactly(ByteSpan from, std::array<std::uint8_t, size>& to) {
  if (from.size() != size) return false;
  std::copy(from.begin(), from.end(), to.begin());
  return true;
}

bool is_damage(int code) {
  switch (code & 0xff) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_ERROR:  // a statement that does not fit the schema that is there
    case SQLITE_SCHEMA:
    case SQLITE_TOOBIG:
    case SQLITE_FORMAT:
    case SQLITE_MISMATCH:
    case SQLITE_CONSTRAINT:
    case SQLITE_RANGE:
      return true;
    default:
      return code == SQLITE_IOERR_SHORT_READ || code == SQLITE_IOERR_CORRUPTFS ||
             code == SQLITE_IOERR_DATA;
  }
}

/// A file as it was opened.
struct OpenedFile {
  std::string path;
  dev_t device{};
  ino_t number{};

  /// Nothing if it is not there, as with a file layer that keeps everything in memory.
  static std::optional<OpenedFile> look_at(std::string path) {
    struct stat now{};
    if (::stat(path.c_str(), &now) != 0) return std::nullopt;
    return OpenedFile{std::move(path), now.st_dev, now.st_ino};
  }
  bool is_in_place() const {
    struct stat now{};
    return ::stat(path.c_str(), &now) == 0 && now.st_dev == device && now.st_ino == number;
  }
};

}  // namespace

struct RecordDatabase::State {
  explicit State(const RecordDatabaseOptions& given) : options(given) {}

  std::optional<DatabaseError> open(const std::string& path);
  std::optional<DatabaseError> prepare();
  std::optional<DatabaseError> check_version();
  bool run(const char* text);
  bool pragma(const char* text, std::int64_t& value);
  DatabaseError error(std::string_view doing);

  std::string check_structure();
  bool read_row(Statement& row, WallTime now, ReadBack& into);
  void erase_expired();

  /// What became of one change.
  enum class Done : std::uint8_t { yes, absent, no };
  Done perform(const dht::WriteRecord& write, WallTime at);
  Done perform(const dht::ProlongRecord& order, WallTime at);
  Done perform(const dht::EraseRecord& order, WallTime at);
  Written give_up(std::string_view doing);
  void fold_log();

  RecordDatabaseOptions options;
  crypto::Suite suite;
  /// Closes after the statements below are gone.
  struct Connection {
    ~Connection() { sqlite3_close(raw); }
    sqlite3* raw = nullptr;
  } connection;
  Statement insert, find, prolong, erase, begin, commit, rollback;
  /// The database and its log; empty where the file layer has no such files.
  std::vector<OpenedFile> files;
  int log_pages = 0;
  std::vector<std::int64_t> expired;  ///< Rows found to be over.
  bool has_failed = false;
  std::string complaint;
};

// ---- opening

bool RecordDatabase::State::run(const char* text) {
  return sqlite3_exec(connection.raw, text, nullptr, nullptr, nullptr) == SQLITE_OK;
}

bool RecordDatabase::State::pragma(const char* text, std::int64_t& value) {
  Statement statement(connection.raw, text);
  if (!statement.is_good() || !statement.step()) return false;
  value = statement.number(0);
  return true;
}

DatabaseError RecordDatabase::State::error(std::string_view doing) {
  const int code = sqlite3_extended_errcode(connection.raw);
  return {is_damage(code) ? DatabaseFault::damaged : DatabaseFault::failed,
          std::string(doing) + ": " + sqlite3_errmsg(connection.raw)};
}

std::optional<DatabaseError> RecordDatabase::State::open(const std::string& path) {
  constexpr int kFlags =
      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  if (sqlite3_open_v2(path.c_str(), &connection.raw, kFlags, options.file_layer) != SQLITE_OK) {
    return error("opening");
  }
  sqlite3_limit(connection.raw, SQLITE_LIMIT_LENGTH, options.row_bytes_max);
  sqlite3_db_config(connection.raw, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  const std::string cache = "PRAGMA cache_size = -" + std::to_string(options.cache_kib);
  if (!run(kSettings) || !run(cache.c_str())) return error("opening");
  Statement mode(connection.raw, "PRAGMA journal_mode");
  if (!mode.is_good() || !mode.step()) return error("opening");
  if (as_text(mode.bytes(0)) != "wal") {
    return DatabaseError{DatabaseFault::failed, "no write-ahead log can be kept there"};
  }
  mode.reset();
  if (auto refused = check_version()) return refused;
  // Folding is ordered here (`fold_log`): SQLite's automatic one keeps its failures to itself.
  sqlite3_wal_hook(
      connection.raw,
      [](void* self, sqlite3*, const char*, int pages) {
        static_cast<State*>(self)->log_pages = pages;
        return SQLITE_OK;
      },
      this);
  return prepare();
}

std::optional<DatabaseError> RecordDatabase::State::check_version() {
  std::int64_t application = 0;
  std::int64_t version = 0;
  std::int64_t tables = 0;
  if (!pragma("PRAGMA application_id", application) || !pragma("PRAGMA user_version", version) ||
      !pragma("SELECT count(*) FROM sqlite_schema", tables)) {
    return error("reading the header");
  }
  if (application == 0 && version == 0 && tables == 0) {
    // All in one transaction: a crash leaves an empty file or a whole one.
    const std::string text = "BEGIN IMMEDIATE;" + std::string(kSchema) +
                             "PRAGMA application_id = " + std::to_string(kApplicationId) +
                             ";PRAGMA user_version = " + std::to_string(kSchemaVersion) +
                             ";COMMIT;";
    if (!run(text.c_str())) return error("making the tables");
    return std::nullopt;
  }
  if (application != kApplicationId) {
    return DatabaseError{DatabaseFault::damaged, "it is not a database of records"};
  }
  if (version > kSchemaVersion) {
    return DatabaseError{DatabaseFault::newer, "it has version " + std::to_string(version) +
                                                   ", this program knows versions up to " +
                                                   std::to_string(kSchemaVersion)};
  }
  if (version < kSchemaVersion) {
    return DatabaseError{DatabaseFault::damaged, "its version is none there was"};
  }
  return std::nullopt;
}

std::optional<DatabaseError> RecordDatabase::State::prepare() {
  const std::pair<Statement*, const char*> wanted[] = {
      {&begin, "BEGIN IMMEDIATE"},
      {&commit, "COMMIT"},
      {&rollback, "ROLLBACK"},
      {&insert,
       "INSERT OR REPLACE INTO records (left_ms, written_ms, life_digest, content_digest, kind,"
       " version, ttl_ms, flags, charged_to, author, signature, key, value)"
       " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)"},
      {&find, "SELECT id, content_digest FROM records WHERE key = ?1"},
      {&prolong,
       "UPDATE records SET left_ms = ?1, written_ms = ?2, life_digest = ?3 WHERE id = ?4"},
      {&erase, "DELETE FROM records WHERE key = ?1"},
  };
  for (const auto& [statement, text] : wanted) {
    *statement = Statement(connection.raw, text);
    if (!statement->is_good()) return error("preparing");
  }
  return std::nullopt;
}

Result<RecordDatabase, DatabaseError> RecordDatabase::open(const std::string& path,
                                                           const RecordDatabaseOptions& options) {
  auto state = std::make_unique<State>(options);
  if (auto refused = state->open(path)) return refuse(std::move(*refused));
  for (const char* suffix : {"", "-wal"}) {
    if (auto file = OpenedFile::look_at(path + suffix)) state->files.push_back(std::move(*file));
  }
  return RecordDatabase(std::move(state));
}

RecordDatabase::RecordDatabase(std::unique_ptr<State> state) : state_(std::move(state)) {}
RecordDatabase::RecordDatabase(RecordDatabase&&) noexcept = default;
RecordDatabase& RecordDatabase::operator=(RecordDatabase&&) noexcept = default;
RecordDatabase::~RecordDatabase() = default;

// ---- reading back

/// Empty: sound.
std::string RecordDatabase::State::check_structure() {
  // One complaint is enough to set the file aside.
  Statement check(connection.raw, "PRAGMA integrity_check(1)");
  if (!check.is_good() || !check.step()) return sqlite3_errmsg(connection.raw);
  const std::string verdict(as_text(check.bytes(0)));
  return verdict == "ok" ? std::string() : verdict;
}

/// False: over the bounds.
bool RecordDatabase::State::read_row(Statement& row, WallTime now, ReadBack& into) {
  dht::StoredRecord stored;
  wire::Record& record = stored.record;
  const std::int64_t left_ms = row.number(1);
  const std::int64_t written_ms = row.number(2);
  const std::int64_t kind = row.number(5);
  const std::int64_t flags = row.number(8);
  std::array<std::uint8_t, NodeId::kBytes> charged_to{};
  const bool is_shaped = kind >= static_cast<std::int64_t>(wire::RecordKind::value) &&
                         kind <= static_cast<std::int64_t>(wire::RecordKind::sealed) &&
                         copy_exactly(row.bytes(9), charged_to) &&
                         copy_exactly(row.bytes(10), record.author) &&
                         copy_exactly(row.bytes(11), record.signature);
  if (is_shaped) {
    record.kind = static_cast<wire::RecordKind>(kind);
    record.version = from_column(row.number(6));
    record.ttl_ms = from_column(row.number(7));
    record.legacy = (flags & kLegacyFlag) != 0;
    record.key = as_text(row.bytes(12));
    record.value = to_bytes(row.bytes(13));
    stored.own = (flags & kOwnFlag) != 0;
    stored.charged_to = NodeId::from_bytes(charged_to);
  }
  const auto holds = [](ByteSpan kept, const RowDigest& digest) {
    return std::equal(kept.begin(), kept.end(), digest.begin(), digest.end());
  };
  if (!is_shaped || flags != flags_of(stored) ||
      !holds(row.bytes(4), content_digest(suite, stored)) ||
      !holds(row.bytes(3), life_digest(suite, row.bytes(4), left_ms, written_ms))) {
    ++into.damaged;
    return true;
  }
  record.left_ms = from_column(left_ms);
  const std::int64_t elapsed = std::max<std::int64_t>(milliseconds(now) - written_ms, 0);
  if (!dht::age(stored, from_column(elapsed))) {
    ++into.expired;
    expired.push_back(row.number(0));
    return true;
  }
  into.records.push_back(std::move(stored));
  return true;
}

/// In one transaction. What is over is of no use to anybody: if the disk does not take this, the
/// rows are over at the next start as well, and `apply` finds out for itself.
void RecordDatabase::State::erase_expired() {
  Statement row(connection.raw, "DELETE FROM records WHERE id = ?1");
  bool is_good = row.is_good() && begin.finish();
  for (std::size_t index = 0; is_good && index < expired.size(); ++index) {
    row.bind(1, expired[index]);
    is_good = row.finish();
  }
  if (!is_good || !commit.finish()) rollback.finish();
}

Result<ReadBack, DatabaseError> RecordDatabase::read_back(WallTime now) {
  State& state = *state_;
  ReadBack read;
  read.damage = state.check_structure();
  std::size_t bytes = 0;
  Statement row(state.connection.raw,
                "SELECT id, left_ms, written_ms, life_digest, content_digest, kind, version,"
                " ttl_ms, flags, charged_to, author, signature, key, value FROM records");
  if (!row.is_good()) return refuse(state.error("reading"));
  while (row.step()) {
    const std::size_t weight = row.bytes(12).size() + row.bytes(13).size();
    if (read.records.size() >= state.options.records_max ||
        bytes + weight > state.options.bytes_max) {
      ++read.left_out;
      continue;
    }
    const std::size_t before = read.records.size();
    state.read_row(row, now, read);
    if (read.records.size() > before) bytes += weight;
  }
  if (!row.is_done()) {
    const DatabaseError error = state.error("reading");
    if (error.fault == DatabaseFault::failed) return refuse(error);
    if (read.damage.empty()) read.damage = error.text;
  }
  if (read.damage.empty() && read.damaged > 0) {
    read.damage = std::to_string(read.damaged) + " rows do not match their digests";
  }
  row = Statement();
  if (read.damage.empty() && !state.expired.empty()) state.erase_expired();
  state.expired.clear();
  return read;
}

// ---- writing

RecordDatabase::State::Done RecordDatabase::State::perform(const dht::WriteRecord& write,
                                                           WallTime at) {
  const dht::StoredRecord& stored = write.stored;
  const wire::Record& record = stored.record;
  const RowDigest content = content_digest(suite, stored);
  const std::int64_t left_ms = to_column(record.left_ms);
  const RowDigest life = life_digest(suite, content, left_ms, milliseconds(at));
  const auto charged_to = stored.charged_to.to_bytes();
  insert.bind(1, left_ms);
  insert.bind(2, milliseconds(at));
  insert.bind(3, life);
  insert.bind(4, content);
  insert.bind(5, static_cast<std::int64_t>(record.kind));
  insert.bind(6, to_column(record.version));
  insert.bind(7, to_column(record.ttl_ms));
  insert.bind(8, flags_of(stored));
  insert.bind(9, charged_to);
  insert.bind(10, record.author);
  insert.bind(11, record.signature);
  insert.bind(12, as_bytes(record.key));
  insert.bind(13, record.value);
  return insert.finish() ? Done::yes : Done::no;
}

RecordDatabase::State::Done RecordDatabase::State::perform(const dht::ProlongRecord& order,
                                                           WallTime at) {
  find.bind(1, as_bytes(order.key));
  if (!find.step()) {
    const bool is_absent = find.is_done();
    find.reset();
    return is_absent ? Done::absent : Done::no;
  }
  const std::int64_t id = find.number(0);
  const Bytes content = to_bytes(find.bytes(1));
  find.reset();
  const std::int64_t left_ms = to_column(order.left_ms);
  const RowDigest life = life_digest(suite, content, left_ms, milliseconds(at));
  prolong.bind(1, left_ms);
  prolong.bind(2, milliseconds(at));
  prolong.bind(3, life);
  prolong.bind(4, id);
  return prolong.finish() ? Done::yes : Done::no;
}

RecordDatabase::State::Done RecordDatabase::State::perform(const dht::EraseRecord& order,
                                                           WallTime) {
  erase.bind(1, as_bytes(order.key));
  return erase.finish() ? Done::yes : Done::no;
}

Written RecordDatabase::State::give_up(std::string_view doing) {
  const int code = sqlite3_extended_errcode(connection.raw);
  complaint = std::string(doing) + ": " + sqlite3_errmsg(connection.raw);
  if (sqlite3_get_autocommit(connection.raw) == 0) rollback.finish();
  const bool is_rolled_back = sqlite3_get_autocommit(connection.raw) != 0;
  // A disk without space refused before anything was promised. Whatever else it was, and a failed
  // sync above all, the kernel may have thrown away what it could not write and say "done" the next
  // time: the file is believed no more.
  if ((code & 0xff) == SQLITE_FULL && is_rolled_back) return Written::full;
  has_failed = true;
  return Written::failed;
}

/// Folds the log in when it is long. What was committed is safe in the log; a disk without space
/// may have it there a while longer.
void RecordDatabase::State::fold_log() {
  if (log_pages < options.log_pages_max) return;
  const int code = sqlite3_wal_checkpoint_v2(connection.raw, nullptr, SQLITE_CHECKPOINT_PASSIVE,
                                             nullptr, nullptr);
  if (code == SQLITE_OK || (code & 0xff) == SQLITE_FULL) return;
  complaint = std::string("folding the log in: ") + sqlite3_errmsg(connection.raw);
  has_failed = true;
}

Written RecordDatabase::apply(std::span<const DatedChange> changes,
                              std::vector<std::size_t>* absent) {
  State& state = *state_;
  if (state.has_failed) return Written::failed;
  if (changes.empty()) return Written::synced;
  if (!state.begin.finish()) return state.give_up("beginning");
  for (std::size_t index = 0; index < changes.size(); ++index) {
    const WallTime at = changes[index].at;
    const State::Done done = std::visit([&](const auto& order) { return state.perform(order, at); },
                                        changes[index].change);
    if (done == State::Done::no) return state.give_up("writing");
    if (done == State::Done::absent && absent != nullptr) absent->push_back(index);
  }
  if (!state.commit.finish()) return state.give_up("committing");
  state.fold_log();
  return is_in_place() ? Written::synced : Written::failed;
}

bool RecordDatabase::is_in_place() {
  State& state = *state_;
  for (const OpenedFile& file : state.files) {
    if (file.is_in_place()) continue;
    state.has_failed = true;
    state.complaint = file.path + " was removed, or another file stands in its place";
    return false;
  }
  return true;
}

const std::string& RecordDatabase::complaint() const { return state_->complaint; }

}  // namespace trestle::host
