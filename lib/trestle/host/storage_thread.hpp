#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <ev.h>

#include "trestle/base/error_code.hpp"
#include "trestle/base/histogram.hpp"
#include "trestle/base/log_record.hpp"
#include "trestle/dht/storage.hpp"
#include "trestle/host/record_database.hpp"
#include "trestle/node/node.hpp"
#include "trestle/node/status.hpp"
#include "trestle/wire/message/contact.hpp"

namespace trestle::host {

struct StorageThreadOptions {
  /// Orders that are not answered yet. A disk that syncs in 10 ms works off 100 groups a second.
  std::size_t orders_max = 4'096;
  /// Keys and values of those together.
  std::size_t bytes_max = 16 * 1024 * 1024;
  /// Orders in one transaction: 68,000 of a kilobyte a second go in groups of 100 (design section
  /// 8), larger ones gain little and make the first of them wait.
  std::size_t group_max = 256;
  /// While nothing is written the files are looked for this often: who removes the data folder of a
  /// running node hears of it in less than a quarter of a minute.
  Duration look_every = std::chrono::seconds(10);
};

/// Who hears of the disk, on the loop's thread.
class StorageEvents {
 public:
  virtual ~StorageEvents() = default;
  /// `none`: on disk and synced. `storage_failed` is final, all later orders end like that. Any
  /// other code: this order was not done, later ones may be. `not_found`: what was to be prolonged
  /// is not on disk.
  virtual void on_persisted(dht::StorageTicket ticket, ErrorCode code) = 0;
  /// The files are gone, though nothing was ordered: as an order that ended with `storage_failed`.
  virtual void on_storage_lost() = 0;
  virtual void on_storage_news(const LogRecord& news) = 0;
};

/// The thread that waits for the disk, so that the loop never does: one per process. What has
/// gathered while a sync was under way goes into one transaction together (group commit). Answers
/// come back through the loop.
///
/// All members are called on the loop's thread.
class StorageThread {
 public:
  /// Without a database only peers are kept. The loop outlives it.
  StorageThread(struct ev_loop* loop, std::string folder, std::optional<RecordDatabase> database,
                const StorageThreadOptions& options = {});
  /// Does what was ordered before it ends. Nobody hears of it any more.
  ~StorageThread();
  StorageThread(const StorageThread&) = delete;
  StorageThread& operator=(const StorageThread&) = delete;

  /// From now on `events` hears the answers; null: nobody.
  void set_events(StorageEvents* events) { events_ = events; }
  bool keeps_records() const { return keeps_records_; }

  /// False: over the bounds, and nothing will be done or answered.
  [[nodiscard]] bool persist(dht::Persist&& order);
  /// In the place of what was ordered before and not begun.
  void save_peers(wire::Contacts peers);
  /// The same for each part of what is known of memberships.
  void save_admission(node::SaveAdmission&& order);

  void add_figures(node::Status& status) const;

 private:
  struct Order {
    dht::StorageTicket ticket;
    DatedChange change;
    std::size_t bytes = 0;
  };
  struct Answer {
    dht::StorageTicket ticket;
    ErrorCode code = ErrorCode::none;
    std::size_t bytes = 0;
  };
  /// What the thread has to say, to be fetched by the loop.
  struct Report {
    std::vector<Answer> answers;
    std::vector<Duration> commits;
    std::vector<LogRecord> news;
    bool is_lost = false;
  };

  void work();
  void write_group(std::vector<Order>& group);
  void write_peers(const wire::Contacts& peers);
  void write_admission(const node::SaveAdmission& order);
  void look_for_files();
  void report(std::vector<Answer> answers, std::optional<Duration> commit,
              std::optional<LogRecord> news);
  std::optional<LogRecord> news_of(Written written);
  void deliver();

  // The loop's.
  struct ev_loop* loop_;
  StorageThreadOptions options_;
  StorageEvents* events_ = nullptr;
  ev_async wake_{};
  bool keeps_records_;
  std::size_t orders_waiting_ = 0;
  std::size_t bytes_waiting_ = 0;
  std::uint64_t orders_ = 0;
  std::uint64_t refused_ = 0;
  std::uint64_t unwritten_ = 0;
  bool has_failed_ = false;
  Histogram commit_time_;

  // The thread's.
  std::string folder_;
  std::optional<RecordDatabase> database_;
  Written last_ = Written::synced;
  bool are_peers_saved_ = true;

  // Under the mutex.
  std::mutex mutex_;
  std::condition_variable ordered_;
  std::deque<Order> orders_queue_;
  std::optional<wire::Contacts> peers_;
  std::vector<node::SaveAdmission> admission_;  ///< At most one of each part.
  Report report_;
  bool is_ending_ = false;

  std::thread thread_;  ///< Last: it uses all of the above.
};

}  // namespace trestle::host
