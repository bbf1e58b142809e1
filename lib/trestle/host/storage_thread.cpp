#include "trestle/host/storage_thread.hpp"

#include <algorithm>
#include <csignal>
#include <iterator>
#include <mutex>
#include <utility>
#include <variant>

#include <pthread.h>

#include "trestle/host/admission_files.hpp"
#include "trestle/host/clock.hpp"
#include "trestle/host/saved_peers.hpp"

namespace trestle::host {
namespace {

std::size_t weight(const dht::StorageChange& change) {
  if (const auto* write = std::get_if<dht::WriteRecord>(&change)) {
    return write->stored.record.key.size() + write->stored.record.value.size();
  }
  if (const auto* prolong = std::get_if<dht::ProlongRecord>(&change)) return prolong->key.size();
  return std::get<dht::EraseRecord>(change).key.size();
}

ErrorCode code_of(Written written) {
  switch (written) {
    case Written::synced:
      return ErrorCode::none;
    case Written::full:
      return ErrorCode::store_full;
    case Written::failed:
      return ErrorCode::storage_failed;
  }
  return ErrorCode::storage_failed;
}

}  // namespace

StorageThread::StorageThread(struct ev_loop* loop, std::string folder,
                             std::optional<RecordDatabase> database,
                             const StorageThreadOptions& options)
    : loop_(loop),
      options_(options),
      keeps_records_(database.has_value()),
      folder_(std::move(folder)),
      database_(std::move(database)) {
  ev_async_init(&wake_, [](struct ev_loop*, ev_async* fired, int) {
    static_cast<StorageThread*>(fired->data)->deliver();
  });
  wake_.data = this;
  ev_async_start(loop_, &wake_);
  // Signals are the loop's business: a thread inherits the mask of the one that makes it.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { work(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

StorageThread::~StorageThread() {
  {
    const std::lock_guard lock(mutex_);
    is_ending_ = true;
  }
  ordered_.notify_one();
  thread_.join();
  ev_async_stop(loop_, &wake_);
}

// ---- on the loop's thread

bool StorageThread::persist(dht::Persist&& order) {
  const std::size_t bytes = weight(order.change);
  if (orders_waiting_ >= options_.orders_max || bytes_waiting_ + bytes > options_.bytes_max) {
    ++refused_;
    return false;
  }
  ++orders_;
  ++orders_waiting_;
  bytes_waiting_ += bytes;
  {
    const std::lock_guard lock(mutex_);
    orders_queue_.push_back({order.ticket, {std::move(order.change), wall_now()}, bytes});
  }
  ordered_.notify_one();
  return true;
}

void StorageThread::save_peers(wire::Contacts peers) {
  {
    const std::lock_guard lock(mutex_);
    peers_ = std::move(peers);
  }
  ordered_.notify_one();
}

void StorageThread::save_admission(node::SaveAdmission&& order) {
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(admission_, [&](const auto& waiting) { return waiting.part == order.part; });
    admission_.push_back(std::move(order));
  }
  ordered_.notify_one();
}

void StorageThread::deliver() {
  Report report;
  {
    const std::lock_guard lock(mutex_);
    std::swap(report, report_);
  }
  for (const Duration took : report.commits) commit_time_.add(took);
  if (report.is_lost) {
    has_failed_ = true;
    if (events_ != nullptr) events_->on_storage_lost();
  }
  for (const Answer& answer : report.answers) {
    --orders_waiting_;
    bytes_waiting_ -= answer.bytes;
    if (answer.code != ErrorCode::none) ++unwritten_;
    if (answer.code == ErrorCode::storage_failed) has_failed_ = true;
    if (events_ != nullptr) events_->on_persisted(answer.ticket, answer.code);
  }
  for (const LogRecord& news : report.news) {
    if (events_ != nullptr) events_->on_storage_news(news);
  }
}

void StorageThread::add_figures(node::Status& status) const {
  if (!keeps_records_) return;
  status.counters.emplace_back("storage.failed", has_failed_ ? 1 : 0);
  status.counters.emplace_back("storage.orders_waiting", orders_waiting_);
  status.counters.emplace_back("storage.orders_total", orders_);
  status.counters.emplace_back("storage.orders_refused_total", refused_);
  status.counters.emplace_back("storage.orders_failed_total", unwritten_);
  status.histograms.push_back({"storage.commit_time", commit_time_});
}

// ---- on the thread

void StorageThread::work() {
  std::vector<Order> group;
  while (true) {
    std::optional<wire::Contacts> peers;
    std::vector<node::SaveAdmission> admission;
    {
      std::unique_lock lock(mutex_);
      const bool has_work = ordered_.wait_for(lock, options_.look_every, [this] {
        return is_ending_ || !orders_queue_.empty() || peers_ || !admission_.empty();
      });
      if (has_work && orders_queue_.empty() && !peers_ && admission_.empty()) break;
      const auto taken =
          static_cast<std::ptrdiff_t>(std::min(orders_queue_.size(), options_.group_max));
      group.assign(std::make_move_iterator(orders_queue_.begin()),
                   std::make_move_iterator(orders_queue_.begin() + taken));
      orders_queue_.erase(orders_queue_.begin(), orders_queue_.begin() + taken);
      std::swap(peers, peers_);
      std::swap(admission, admission_);
    }
    if (!group.empty()) write_group(group);
    if (peers) write_peers(*peers);
    for (const node::SaveAdmission& order : admission) write_admission(order);
    if (group.empty()) look_for_files();
    group.clear();
  }
  database_.reset();
}

void StorageThread::write_group(std::vector<Order>& group) {
  std::vector<DatedChange> changes;
  std::vector<Answer> answers;
  changes.reserve(group.size());
  answers.reserve(group.size());
  for (Order& order : group) {
    changes.push_back(std::move(order.change));
    answers.push_back({order.ticket, ErrorCode::none, order.bytes});
  }
  const Instant begun = steady_now();
  std::vector<std::size_t> absent;
  const Written written = database_ ? database_->apply(changes, &absent) : Written::failed;
  const Duration took = steady_now() - begun;
  for (Answer& answer : answers) answer.code = code_of(written);
  if (written == Written::synced) {
    for (const std::size_t index : absent) answers[index].code = ErrorCode::not_found;
  }
  report(std::move(answers), took, news_of(written));
}

void StorageThread::look_for_files() {
  if (!database_ || last_ == Written::failed || database_->is_in_place()) return;
  {
    const std::lock_guard lock(mutex_);
    report_.is_lost = true;
  }
  report({}, std::nullopt, news_of(Written::failed));
}

/// A line for each change of weather, none for each order that fails.
std::optional<LogRecord> StorageThread::news_of(Written written) {
  if (std::exchange(last_, written) == written) return std::nullopt;
  const std::string said = database_ ? database_->complaint() : std::string();
  switch (written) {
    case Written::synced:
      return LogRecord{.event = "storage.recovered", .detail = "the disk takes records again"};
    case Written::full:
      return LogRecord{.level = LogLevel::error,
                       .event = "storage.full",
                       .code = ErrorCode::store_full,
                       .detail = "no space for records in " + folder_ + " (" + said +
                                 "); those that are stored can be read, new ones are refused"};
    case Written::failed:
      return LogRecord{.level = LogLevel::error,
                       .event = "storage.failed",
                       .code = ErrorCode::storage_failed,
                       .detail = "the disk failed (" + said + "); until a restart nothing new is " +
                                 "kept, what is stored can be read"};
  }
  return std::nullopt;
}

void StorageThread::write_peers(const wire::Contacts& peers) {
  const bool is_saved = host::save_peers(folder_, peers);
  if (std::exchange(are_peers_saved_, is_saved) == is_saved || is_saved) return;
  report({}, std::nullopt,
         LogRecord{.level = LogLevel::warning,
                   .event = "storage.peers_not_saved",
                   .code = ErrorCode::storage_failed,
                   .detail = "cannot write " + folder_ + "/peers"});
}

void StorageThread::write_admission(const node::SaveAdmission& order) {
  const auto written = keep_admission(folder_, order);
  if (written) return;
  report({}, std::nullopt,
         LogRecord{.level = LogLevel::error,
                   .event = "admission.not_saved",
                   .code = ErrorCode::storage_failed,
                   .detail = written.error()});
}

void StorageThread::report(std::vector<Answer> answers, std::optional<Duration> commit,
                           std::optional<LogRecord> news) {
  {
    // Bounded by the orders that wait: an answered one frees its place when it is delivered.
    const std::lock_guard lock(mutex_);
    report_.answers.insert(report_.answers.end(), answers.begin(), answers.end());
    if (commit) report_.commits.push_back(*commit);
    if (news) report_.news.push_back(std::move(*news));
  }
  ev_async_send(loop_, &wake_);
}

}  // namespace trestle::host
