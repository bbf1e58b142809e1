// 64 members of a DHT keep 10,000 signed records of 100 bytes, each at the 20 nearest, through one
// refresh interval of virtual time. Prints one JSON line: what keeping them cost, and what one
// lookup and one full transfer to each holder cost for as many.
//
//     republish_program [--records N] [--nodes N] [--seed N]

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "flags.hpp"
#include "trestle/crypto/identity.hpp"
#include "trestle/dht/dht.hpp"
#include "trestle/wire/native/codec.hpp"

namespace {

using namespace trestle;
using namespace std::chrono_literals;

constexpr Duration kLatency = 20ms;
constexpr std::size_t kCopies = 20;
constexpr std::size_t kSampledLookups = 200;
/// As many bytes as those of a connection that has been used for a while.
constexpr wire::RequestId kRequestId{1000};

struct Traffic {
  std::uint64_t find_nodes = 0;
  std::uint64_t offers = 0;
  std::uint64_t stores = 0;
  std::uint64_t bytes = 0;

  void count(const wire::Message& message) {
    find_nodes += std::holds_alternative<wire::FindNodeRequest>(message);
    offers += std::holds_alternative<wire::ReplicaOffer>(message);
    stores += std::holds_alternative<wire::StoreRequest>(message);
    bytes += wire::native::record_bytes(wire::Envelope{kRequestId, message});
  }
};

class Members {
 public:
  Members(std::size_t count, std::uint64_t seed) : rng_(seed), suite_(seed) {
    dht::DhtOptions options;
    // Only what the records cost is to be seen: no look at random parts of the key space.
    options.refresh_interval = 24h;
    for (std::size_t index = 0; index < count; ++index) {
      const NodeId id = random_id();
      wire::Contact self;
      self.id = id;
      self.role = wire::Role::node;
      self.dialect = wire::Dialect::native;
      self.address = "wss://node" + std::to_string(index) + ".example.org/";
      contacts_.push_back(self);
      index_[id] = index;
      dhts_.push_back(
          std::make_unique<dht::Dht>(self, options, suite_, rng_.fork("member", index)));
    }
    for (std::size_t index = 0; index < count; ++index) {
      for (std::size_t other = 0; other < count; ++other) {
        if (other != index) dhts_[index]->on_link_up(now_, contacts_[other]);
      }
      drain(index);
    }
  }

  void keep(std::size_t number) {
    wire::Record record;
    record.key = "an example key " + std::to_string(number);
    record.value.assign(100, static_cast<std::uint8_t>(number));
    record.version = 1'700'000'000'000 + number;
    record.ttl_ms = 24 * 3600 * 1000;
    record.left_ms = record.ttl_ms;
    for (auto& byte : record.author) byte = static_cast<std::uint8_t>(rng_.below(256));
    for (auto& byte : record.signature) byte = static_cast<std::uint8_t>(rng_.below(256));
    const NodeId place = crypto::place_of_key(suite_, record.key);
    const std::vector<std::size_t> holders = nearest(place);
    for (const std::size_t holder : holders) {
      dhts_[holder]->on_store(now_, contacts_[holders[0]].id, {++tokens_},
                              crypto::VerifiedRecord::vouch_for(record));
      drain(holder);
    }
    example_ = record;
  }

  std::uint64_t bytes_of_a_transfer() const {
    Traffic traffic;
    traffic.count(wire::StoreRequest{example_});
    traffic.count(wire::StoreResponse{});
    return traffic.bytes;
  }

  void look_up_somewhere() {
    const std::size_t index = rng_.below(dhts_.size());
    const NodeId target = random_id();
    static_cast<void>(dhts_[index]->find(now_, target));
    drain(index);
  }

  void run_until(Instant end) {
    while (true) {
      Instant next = messages_.empty() ? kNever : messages_.front().when;
      std::size_t due = dhts_.size();
      for (std::size_t index = 0; index < dhts_.size(); ++index) {
        if (deadlines_[index] >= next) continue;
        next = deadlines_[index];
        due = index;
      }
      if (next > end) break;
      now_ = std::max(now_, next);
      if (due < dhts_.size()) {
        dhts_[due]->on_deadline(now_);
        drain(due);
      } else {
        const InFlight message = std::move(messages_.front());
        messages_.pop_front();
        deliver(message);
      }
    }
    now_ = end;
  }

  Instant now() const { return now_; }
  Traffic& traffic() { return traffic_; }
  dht::RepublisherStats upkeep() const {
    dht::RepublisherStats sum;
    for (const auto& dht : dhts_) {
      const dht::RepublisherStats stats = dht->stats().republish;
      sum.lookups += stats.lookups;
      sum.refreshed += stats.refreshed;
      sum.records += stats.records;
    }
    return sum;
  }
  Duration lag() const {
    Duration lag{};
    for (const auto& dht : dhts_) lag = std::max(lag, dht->republish_lag(now_));
    return lag;
  }

 private:
  struct InFlight {
    Instant when;
    std::size_t from = 0;
    std::size_t to = 0;
    std::uint64_t number = 0;
    bool is_answer = false;
    wire::Message message;
  };

  NodeId random_id() {
    const std::uint64_t high = rng_.next();
    const std::uint64_t middle = rng_.next();
    const auto low = static_cast<std::uint32_t>(rng_.next());
    return {high, middle, low};
  }
  std::vector<std::size_t> nearest(const NodeId& place) const {
    std::vector<std::size_t> order;
    for (std::size_t index = 0; index < contacts_.size(); ++index) order.push_back(index);
    std::sort(order.begin(), order.end(), [&](std::size_t left, std::size_t right) {
      return closer(place, contacts_[left].id, contacts_[right].id);
    });
    order.resize(std::min(order.size(), kCopies));
    return order;
  }
  void send(InFlight message) {
    traffic_.count(message.message);
    message.when = now_ + kLatency;
    messages_.push_back(std::move(message));
  }
  void deliver(const InFlight& sent) {
    dht::Dht& dht = *dhts_[sent.to];
    if (sent.is_answer) {
      dht.on_answer(now_, {sent.number}, sent.message);
    } else {
      const dht::RequestToken token{++tokens_};
      askers_[token.value] = {sent.from, sent.number};
      if (const auto* store = std::get_if<wire::StoreRequest>(&sent.message)) {
        dht.on_store(now_, contacts_[sent.from].id, token,
                     crypto::VerifiedRecord::vouch_for(store->record));
      } else {
        dht.on_request(now_, contacts_[sent.from].id, token, sent.message);
      }
    }
    drain(sent.to);
  }
  void drain(std::size_t index) {
    while (auto effect = dhts_[index]->poll_effect()) {
      if (auto* ask = std::get_if<dht::Ask>(&*effect)) {
        send({.when = {},
              .from = index,
              .to = index_.at(ask->peer.id),
              .number = ask->ask.value,
              .is_answer = false,
              .message = std::move(ask->message)});
      } else if (auto* respond = std::get_if<dht::Respond>(&*effect)) {
        const auto asked = askers_.find(respond->token.value);
        if (asked == askers_.end()) continue;  // the loading, which nobody asked for
        send({.when = {},
              .from = index,
              .to = asked->second.first,
              .number = asked->second.second,
              .is_answer = true,
              .message = std::move(respond->message)});
        askers_.erase(asked);
      } else if (const auto* order = std::get_if<dht::Persist>(&*effect)) {
        dhts_[index]->on_persisted(now_, order->ticket, ErrorCode::none);
      }
    }
    deadlines_[index] = dhts_[index]->next_deadline();
  }

  Rng rng_;
  crypto::Suite suite_;
  Instant now_{1s};
  std::vector<wire::Contact> contacts_;
  std::map<NodeId, std::size_t> index_;
  std::vector<std::unique_ptr<dht::Dht>> dhts_;
  std::map<std::size_t, Instant> deadlines_;
  /// All take the same time, so the first sent is the first to arrive.
  std::deque<InFlight> messages_;
  std::map<std::uint64_t, std::pair<std::size_t, std::uint64_t>> askers_;
  std::uint64_t tokens_ = 0;
  wire::Record example_;
  Traffic traffic_;
};

}  // namespace

int main(int argc, char** argv) {
  const bench::Flags flags(argc, argv);
  const auto records = static_cast<std::size_t>(flags.number("records", 10'000));
  Members members(static_cast<std::size_t>(flags.number("nodes", 64)),
                  static_cast<std::uint64_t>(flags.number("seed", 1)));
  members.run_until(members.now() + 10min);

  members.traffic() = {};
  for (std::size_t count = 0; count < kSampledLookups; ++count) {
    members.look_up_somewhere();
    members.run_until(members.now() + 1s);
  }
  const std::uint64_t lookup_bytes = members.traffic().bytes / kSampledLookups;
  const std::uint64_t lookup_questions = members.traffic().find_nodes / kSampledLookups;

  for (std::size_t number = 0; number < records; ++number) {
    members.keep(number);
    // A minute's worth of loading: as a store that a service fills at its start.
    members.run_until(members.now() + 6ms);
  }
  members.traffic() = {};
  const std::uint64_t lookups_before = members.upkeep().lookups;
  members.run_until(members.now() + 1h + 6min);
  const dht::RepublisherStats upkeep = members.upkeep();
  const Traffic& traffic = members.traffic();
  const std::uint64_t plain_bytes =
      records * (lookup_bytes + kCopies * members.bytes_of_a_transfer());
  std::printf(
      "{\"records\": %zu, \"copies\": %zu, \"refreshed\": %llu, \"lookups\": %llu, "
      "\"questions\": %llu, \"offers\": %llu, \"stores\": %llu, \"bytes\": %llu, "
      "\"plain_lookups\": %zu, \"plain_questions\": %llu, \"plain_bytes\": %llu, "
      "\"transfer_bytes\": %llu, \"lag_ms\": %lld}\n",
      records, upkeep.records, static_cast<unsigned long long>(upkeep.refreshed),
      static_cast<unsigned long long>(upkeep.lookups - lookups_before),
      static_cast<unsigned long long>(traffic.find_nodes),
      static_cast<unsigned long long>(traffic.offers),
      static_cast<unsigned long long>(traffic.stores),
      static_cast<unsigned long long>(traffic.bytes), records,
      static_cast<unsigned long long>(records * lookup_questions),
      static_cast<unsigned long long>(plain_bytes),
      static_cast<unsigned long long>(records * kCopies * members.bytes_of_a_transfer()),
      static_cast<long long>(members.lag() / 1ms));
}
