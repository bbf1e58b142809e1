// F10: a lookup among peers that answer anything, in any order, twice, late or never. It ends once,
// within its time and its questions, and asks nobody twice.
#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "dht/contacts.hpp"
#include "entry.hpp"
#include "input.hpp"
#include "trestle/dht/lookup.hpp"

namespace trestle::fuzz {
namespace {

using dht::Candidate;
using dht::Lookup;
using dht::LookupAsk;
using dht::LookupEnded;
using dht::LookupKind;
using dht::LookupOptions;

class Story {
 public:
  explicit Story(Input& input)
      : input_(input),
        options_(options(input)),
        kind_(input.flag() ? LookupKind::find_value : LookupKind::find_node),
        target_(input.id()),
        lookup_(self_, kind_, target_, kind_ == LookupKind::find_value ? "key" : "", options_) {}

  void play() {
    for (std::size_t seeds = input_.below(6); seeds > 0; --seeds) lookup_.add_seed(candidate());
    lookup_.start(now_);
    drain();
    for (int steps = 0; steps < 300 && !input_.is_over(); ++steps) step();
    // Nobody says anything any more: its own clock ends it.
    for (int turns = 0; !ended_ && turns < 10'000; ++turns) {
      MUST_HOLD(lookup_.next_deadline() != kNever);
      pass_to(std::max(now_, lookup_.next_deadline()));
    }
    MUST_HOLD(ended_ && lookup_.is_ended());
    MUST_HOLD(lookup_.next_deadline() == kNever);
  }

 private:
  static LookupOptions options(Input& input) {
    LookupOptions made;
    const std::uint8_t choice = input.byte();
    made.paths = 1 + (choice & 3);
    made.quorum = 1 + (choice >> 2 & 1);
    if ((choice & 8) != 0) {
      made.parallel_max = 2;
      made.nearest = 3;
      made.asks_max = 6;
      made.candidates_max = 8;
      made.asks_through_max = 1;
      made.contacts_per_answer_max = 2;
      made.hedges_max = 1;
    }
    if ((choice & 16) != 0) made.steps = dht::StepReport::told;
    return made;
  }

  Candidate candidate() {
    const std::uint8_t traits = input_.byte();
    Candidate made{.contact = dht::test::dialable(input_.byte() == 0 ? self_ : input_.id())};
    made.connected = (traits & 1) != 0;
    made.inactive = (traits & 2) != 0;
    made.silent = (traits & 4) != 0;
    made.round_trip = std::chrono::milliseconds(traits & 0xf0);
    if ((traits & 8) != 0) made.through = input_.id();
    if ((traits & 0x18) == 0x18) made.patience = std::chrono::milliseconds(50);
    return made;
  }

  /// Somebody who was asked, mostly; or anybody.
  NodeId somebody() {
    const std::size_t choice = input_.below(256);
    if (asked_.empty() || choice >= 240) return input_.id();
    return asked_[choice % asked_.size()];
  }

  void step() {
    switch (input_.below(9)) {
      case 0:
      case 1: {
        std::vector<Candidate> contacts;
        const NodeId from = somebody();
        for (std::size_t count = input_.below(30); count > 0; --count) {
          contacts.push_back(candidate());
        }
        lookup_.on_contacts(now_, from, contacts);
        break;
      }
      case 2: {
        wire::Record record;
        const NodeId from = somebody();
        record.key = input_.below(4) == 0 ? "another" : "key";
        record.version = input_.byte();
        record.value = to_bytes(input_.take(4));
        lookup_.on_record(now_, from, record);
        break;
      }
      case 3:
        lookup_.on_failed(now_, somebody(),
                          static_cast<ErrorCode>(1 + input_.below(kErrorCodeMax)));
        break;
      case 4:
        lookup_.on_link_up(now_, dht::test::dialable(input_.id()));
        break;
      case 5:
        lookup_.on_link_down(now_, somebody());
        break;
      case 6:
        pass_to(after(now_, std::chrono::milliseconds(input_.number(2))));
        return;
      case 7: {
        const NodeId peer = somebody();
        if (lookup_.reroute(peer, input_.id())) MUST_HOLD(rerouted_.insert(peer).second);
        break;
      }
      default:
        if (input_.below(16) == 0) lookup_.cancel(now_, ErrorCode::shutting_down);
        lookup_.add_seed(candidate());
        break;
    }
    drain();
  }

  void pass_to(Instant until) {
    while (lookup_.next_deadline() <= until) {
      const Instant due = std::max(now_, lookup_.next_deadline());
      // Called late is allowed; a deadline that stays where it was would spin.
      now_ = due;
      lookup_.on_deadline(now_);
      MUST_HOLD(lookup_.next_deadline() > now_);
      drain();
    }
    now_ = std::max(now_, until);
  }

  void drain() {
    while (auto effect = lookup_.poll_effect()) {
      MUST_HOLD(!ended_);
      if (const auto* ask = std::get_if<LookupAsk>(&*effect)) {
        note(*ask);
      } else {
        note(std::get<LookupEnded>(*effect));
      }
    }
  }

  void note(const LookupAsk& ask) {
    MUST_HOLD(ask.peer.id != self_);
    MUST_HOLD(std::ranges::find(asked_, ask.peer.id) == asked_.end());
    MUST_HOLD(ask.timeout > Duration::zero() && ask.timeout <= options_.timeout_total);
    asked_.push_back(ask.peer.id);
    MUST_HOLD(asked_.size() <= options_.asks_max);
  }

  void note(const LookupEnded& end) {
    ended_ = true;
    MUST_HOLD(now_ <= Instant{} + options_.timeout_total);
    std::set<NodeId> seen;
    for (std::size_t rank = 0; rank < end.answered.size(); ++rank) {
      const NodeId& id = end.answered[rank].id;
      MUST_HOLD(seen.insert(id).second);
      MUST_HOLD(std::ranges::find(asked_, id) != asked_.end());
      if (rank > 0) MUST_HOLD(closer(target_, end.answered[rank - 1].id, id));
    }
    if (end.record) {
      MUST_HOLD(kind_ == LookupKind::find_value && end.record->key == "key");
      MUST_HOLD(std::ranges::find(asked_, end.found_at) != asked_.end());
    }
    MUST_HOLD(end.stats.asks <= options_.asks_max);
    MUST_HOLD(end.stats.hedges <= end.stats.asks);
    if (options_.steps == dht::StepReport::told) MUST_HOLD(end.steps.size() == asked_.size());
    MUST_HOLD(end.steps.size() <= options_.asks_max);
  }

  const NodeId self_{0x5000'0000'0000'0000, 1, 1};
  Input& input_;
  LookupOptions options_;
  LookupKind kind_;
  NodeId target_;
  Lookup lookup_;
  Instant now_{};
  std::vector<NodeId> asked_;
  std::set<NodeId> rerouted_;
  bool ended_ = false;
};

}  // namespace

TRESTLE_FUZZ_TARGET(lookup) {
  Input decisions(input);
  Story(decisions).play();
}

}  // namespace trestle::fuzz
