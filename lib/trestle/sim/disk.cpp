#include "trestle/sim/disk.hpp"

#include <algorithm>
#include <utility>
#include <variant>

#include "trestle/node/link_gate.hpp"

namespace trestle::sim {

void Disk::persist(Instant now, WallTime wall, dht::Persist&& order) {
  ++stats_.orders;
  waiting_.push_back({order.ticket, std::move(order.change), wall});
  if (sync_ends_ == kNever) begin_sync(now);
}

void Disk::begin_sync(Instant now) {
  std::swap(under_way_, waiting_);
  sync_ends_ = after(now, rng_.between(options_.sync_min, options_.sync_max));
}

std::vector<Disk::Answer> Disk::on_deadline(Instant now) {
  std::vector<Answer> answers;
  if (now < sync_ends_) return answers;
  ++stats_.syncs;
  sync_ends_ = kNever;
  if (!does_sync_) has_failed_ = true;
  ErrorCode code = ErrorCode::none;
  if (has_failed_) {
    code = ErrorCode::storage_failed;
  } else if (!has_space_) {
    code = ErrorCode::store_full;
  }
  for (Order& order : under_way_) {
    answers.push_back({order.ticket, code == ErrorCode::none ? apply(order) : code});
    if (answers.back().code != ErrorCode::none) ++stats_.failed;
  }
  under_way_.clear();
  if (!waiting_.empty()) begin_sync(now);
  return answers;
}

void Disk::crash() {
  stats_.lost += under_way_.size() + waiting_.size();
  const bool survives = rng_.chance(1, 2);
  if (survives && does_sync_ && has_space_ && !has_failed_) {
    for (Order& order : under_way_) apply(order);
  }
  under_way_.clear();
  waiting_.clear();
  sync_ends_ = kNever;
  has_failed_ = false;
}

ErrorCode Disk::apply(Order& order) {
  if (auto* write = std::get_if<dht::WriteRecord>(&order.change)) {
    std::string key = write->stored.record.key;
    records_.insert_or_assign(std::move(key), Entry{std::move(write->stored), order.at});
  } else if (const auto* prolong = std::get_if<dht::ProlongRecord>(&order.change)) {
    const auto place = records_.find(prolong->key);
    if (place == records_.end()) return ErrorCode::not_found;
    place->second.stored.record.left_ms = prolong->left_ms;
    place->second.written = order.at;
  } else {
    records_.erase(std::get<dht::EraseRecord>(order.change).key);
  }
  return ErrorCode::none;
}

node::Restored Disk::restored(WallTime wall) const {
  node::Restored found;
  found.peers.assign(peers_.begin(), peers_.end());
  for (const auto& [part, content] : admission_) {
    switch (part) {
      case node::SaveAdmission::Part::membership:
        found.membership = content;
        break;
      case node::SaveAdmission::Part::members:
        found.members = content;
        break;
      case node::SaveAdmission::Part::revocations:
        found.revocations = node::unpack(content);
        break;
      case node::SaveAdmission::Part::network_key:
        found.network_key = content;
        break;
    }
  }
  for (const auto& [key, entry] : records_) {
    const auto elapsed = std::max(wall - entry.written, Calendar::duration::zero());
    const auto elapsed_ms = static_cast<std::uint64_t>(elapsed.count());
    dht::StoredRecord aged = entry.stored;
    if (dht::age(aged, elapsed_ms)) found.records.push_back(std::move(aged));
  }
  return found;
}

void Disk::save_admission(node::SaveAdmission&& order) {
  admission_.insert_or_assign(order.part, std::move(order.content));
}

void Disk::replace() {
  admission_.clear();
  records_.clear();
  peers_.clear();
}

const dht::StoredRecord* Disk::find(const std::string& key) const {
  const auto place = records_.find(key);
  return place == records_.end() ? nullptr : &place->second.stored;
}

}  // namespace trestle::sim
