// F9: a node's part in the DHT among peers that ask and answer anything, with a disk that fails.
// Every request is answered once and in time, every operation ends once, every bound holds.
#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "dht/contacts.hpp"
#include "entry.hpp"
#include "input.hpp"
#include "made_messages.hpp"
#include "trestle/crypto/identity.hpp"
#include "trestle/dht/dht.hpp"
#include "trestle/wire/native/codec.hpp"

namespace trestle::fuzz {
namespace {

using namespace dht;

/// P-CR-6: a store waits no longer for its disk.
constexpr Duration kAnswerWithin = std::chrono::milliseconds(2500);

class Story {
 public:
  explicit Story(Input& input)
      : input_(input),
        pair_(suite_.generate()),
        options_(options(input.byte(), pair_)),
        dht_(dht::test::dialable(crypto::node_id_of(suite_, pair_.key)), options_, suite_, Rng(1)) {
    dht_.on_wall_clock(now_, WallTime(std::chrono::milliseconds(1'795'000'000'000)));
  }

  void play() {
    for (int steps = 0; steps < 200 && !input_.is_over(); ++steps) {
      step();
      drain();
      check();
    }
    dht_.close(now_);
    drain();
    MUST_HOLD(operations_.empty());
    pass(kAnswerWithin + std::chrono::seconds(1));
    MUST_HOLD(waiting_.empty());
  }

 private:
  struct Question {
    AskId ask;
    wire::Message message;
    Instant due;
  };

  static DhtOptions options(std::uint8_t choice, const crypto::KeyPair& pair) {
    DhtOptions made;
    made.network = "main";
    made.author = pair.key;
    if ((choice & 1) != 0) made.data = DataPolicy::refuses_data;
    if ((choice & 2) != 0) made.table.diversity.mode = Diversity::open;
    if ((choice & 4) != 0) {
      made.operations_max = 2;
      made.asks_max = 8;
      made.table.bucket_peers_max = 2;
      made.table.replacements_max = 1;
      made.table.legacy_peers_per_bucket_max = 1;
    }
    if ((choice & 8) != 0) made.mode = LookupMode::recursive;
    return made;
  }

  /// Any message that the codec lets through.
  std::optional<wire::Message> message() {
    const ByteSpan piece = input_.piece();
    wire::native::FrameReader reader(piece, {});
    auto record = reader.next();
    if (!record || !*record) return std::nullopt;
    return std::move((*record)->message);
  }

  void step() {
    switch (input_.below(16)) {
      case 0: {
        const wire::Contact contact = made_contact(input_);
        if (linked_.insert(contact.id).second) dht_.on_link_up(now_, contact);
        met_.insert(contact.id);
        break;
      }
      case 1: {
        const NodeId id = input_.id();
        if (linked_.erase(id) == 1) dht_.on_link_down(now_, id);
        break;
      }
      case 2:
        dht_.on_contact(now_, made_contact(input_));
        break;
      case 3:
      case 4:
        request();
        break;
      case 5:
      case 6:
        answer();
        break;
      case 7:
        fail();
        break;
      case 8:
        command();
        break;
      case 9:
        settle_disk();
        break;
      case 10:
        pass(std::chrono::milliseconds(input_.number(2)));
        break;
      case 11:
        pass(long_while());
        break;
      case 12:
        serve(made_request(input_));
        break;
      case 13:
      case 14:
        answer_well();
        break;
      default:
        dht_.on_heard(now_, input_.id());
        dht_.on_round_trip(input_.id(), std::chrono::milliseconds(input_.byte()));
        break;
    }
  }

  void request() {
    const std::size_t draw = input_.below(256);
    const auto asked = message();
    if (asked) serve(*asked, draw);
  }
  void serve(const wire::Message& asked) { serve(asked, input_.below(256)); }
  void serve(const wire::Message& asked, std::size_t draw) {
    if (linked_.empty()) return;
    const NodeId from = *std::next(linked_.begin(), static_cast<long>(draw % linked_.size()));
    const RequestToken token{++last_token_};
    waiting_[token.value] = now_;
    if (const auto* store = std::get_if<wire::StoreRequest>(&asked)) {
      dht_.on_store(now_, from, token, crypto::VerifiedRecord::vouch_for(store->record));
      return;
    }
    dht_.on_request(now_, from, token, asked);
    drain();
    MUST_HOLD(!waiting_.contains(token.value));
  }

  std::optional<Question> open_ask() {
    if (asks_.empty()) return std::nullopt;
    const auto place = asks_.begin() + static_cast<long>(input_.below(256) % asks_.size());
    Question question = std::move(*place);
    asks_.erase(place);
    return question;
  }
  /// Any message, whatever was asked.
  void answer() {
    const auto asked = open_ask();
    const auto said = message();
    if (asked) answer(asked->ask, said.value_or(wire::FindNodeResponse{}));
  }
  /// Several of those that were asked answer what they were asked, true or not.
  void answer_well() {
    for (std::size_t count = 1 + input_.below(8); count > 0; --count) {
      const auto asked = open_ask();
      if (!asked) return;
      answer(asked->ask, answer_to(asked->message, input_));
      drain();
    }
  }
  void answer(AskId ask, const wire::Message& said) {
    const auto* value = std::get_if<wire::FindValueResponse>(&said);
    if (value != nullptr && value->found) {
      dht_.on_record(now_, ask, crypto::VerifiedRecord::vouch_for(value->record));
    } else {
      dht_.on_answer(now_, ask, said);
    }
  }
  void fail() {
    const auto ask = open_ask();
    const std::size_t code = 1 + input_.below(kErrorCodeMax);
    if (ask) dht_.on_ask_failed(now_, ask->ask, static_cast<ErrorCode>(code));
  }

  void command() {
    const std::size_t kind = input_.below(5);
    const bool is_odd = input_.below(8) == 7;
    const std::string key = is_odd ? std::string(as_text(input_.take(24))) : made_key(input_);
    LookupWish wish;
    wish.paths = input_.below(6);
    if (input_.flag()) wish.steps = StepReport::told;
    const auto begun = [&]() -> Result<OperationId, ErrorCode> {
      if (kind == 0) {
        const std::size_t bytes = static_cast<std::size_t>(input_.number(2));
        return dht_.put(now_, key, Bytes(bytes), std::chrono::seconds(input_.number(2)));
      }
      if (kind == 1) return dht_.get(now_, key, wish);
      if (kind == 2) return dht_.refresh(now_, key);
      if (kind == 3) return dht_.remove(now_, key);
      return dht_.find(now_, input_.id(), wish);
    }();
    if (begun) MUST_HOLD(operations_.insert(begun->value).second);
    if (options_.data == DataPolicy::refuses_data && kind != 4) MUST_HOLD(!begun.has_value());
  }

  void settle_disk() {
    const std::size_t code = input_.below(8);
    if (orders_.empty()) return;
    const StorageTicket ticket = orders_.front();
    orders_.erase(orders_.begin());
    constexpr ErrorCode kCodes[] = {ErrorCode::store_full, ErrorCode::busy, ErrorCode::not_found,
                                    ErrorCode::storage_failed};
    dht_.on_persisted(now_, ticket, code < 4 ? kCodes[code] : ErrorCode::none);
  }

  /// Seconds as a rule; an hour brings refreshes, and costs as much as all the rest.
  Duration long_while() {
    const std::uint8_t choice = input_.byte();
    return choice == 255 ? Duration(std::chrono::hours(1)) : std::chrono::seconds(choice % 32);
  }
  void pass(Duration time) {
    const Instant until = after(now_, time);
    for (int turns = 0; next_event() <= until; ++turns) {
      MUST_HOLD(turns < 20'000);
      now_ = std::max(now_, next_event());
      fail_overdue();
      dht_.on_deadline(now_);
      drain();
    }
    now_ = until;
  }
  Instant next_event() const {
    Instant next = dht_.next_deadline();
    for (const Question& question : asks_) next = std::min(next, question.due);
    return next;
  }
  /// As the node does it, whose part it is to time questions.
  void fail_overdue() {
    std::vector<AskId> overdue;
    for (const Question& question : asks_) {
      if (question.due <= now_) overdue.push_back(question.ask);
    }
    std::erase_if(asks_, [&](const Question& question) { return question.due <= now_; });
    for (const AskId ask : overdue) dht_.on_ask_failed(now_, ask, ErrorCode::timeout);
  }

  void drain() {
    while (auto effect = dht_.poll_effect()) {
      std::visit([&](const auto& one) { note(one); }, *effect);
    }
  }

  void note(const Ask& ask) {
    MUST_HOLD(ask.peer.id != dht_.self().id);
    asks_.push_back({ask.ask, ask.message, after(now_, ask.timeout)});
    if (options_.data == DataPolicy::refuses_data) {
      MUST_HOLD(!std::holds_alternative<wire::FindValueRequest>(ask.message));
      MUST_HOLD(!std::holds_alternative<wire::StoreRequest>(ask.message));
    }
    check_said(ask.message);
  }
  void note(const SealValue& order) { dht_.on_value(order.operation, order.record.value); }
  void note(const Respond& respond) {
    MUST_HOLD(waiting_.contains(respond.token.value));
    MUST_HOLD(now_ - waiting_[respond.token.value] <= kAnswerWithin);
    waiting_.erase(respond.token.value);
    check_said(respond.message);
    const auto* contacts = std::get_if<wire::FindNodeResponse>(&respond.message);
    if (contacts != nullptr)
      MUST_HOLD(contacts->contacts.size() <= wire::native::kContactsWantedMax);
  }
  void note(const Ended& ended) {
    MUST_HOLD(operations_.erase(ended.operation.value) == 1);
    MUST_HOLD(ended.replicas_wanted <= options_.contacts_per_answer_max + 1);
  }
  void note(const SignRecord& sign) { dht_.on_signed(now_, sign.operation, {}); }
  void note(const Persist& order) { orders_.push_back(order.ticket); }
  void note(const Discovered&) {}
  void note(const NeighbourhoodKnown&) {}
  void note(const QuestionEnded&) {}
  void note(const PeerDeaf&) {}
  void note(const LogRecord&) {}

  /// Whatever we say, a peer with our limits reads.
  static void check_said(const wire::Message& message) {
    const bool needs_id = wire::is_request(message) || wire::is_answer(message);
    MUST_HOLD(wire::native::fits({{needs_id ? 1u : 0u}, message}, {}));
  }

  void check() {
    // T9: nobody is in the table who did not show itself.
    dht_.table().visit([&](const Peer& peer) { MUST_HOLD(met_.contains(peer.contact.id)); });
    MUST_HOLD(operations_.size() <= options_.operations_max);
    const RecordStoreStats records = dht_.records().stats();
    if (options_.data == DataPolicy::refuses_data) MUST_HOLD(records.records == 0);
  }

  Input& input_;
  crypto::Suite suite_{1};
  crypto::KeyPair pair_;
  DhtOptions options_;
  Dht dht_;
  Instant now_{std::chrono::seconds(1000)};
  std::set<NodeId> linked_;
  std::set<NodeId> met_;
  std::map<std::uint64_t, Instant> waiting_;
  std::set<std::uint64_t> operations_;
  std::vector<Question> asks_;
  std::vector<StorageTicket> orders_;
  std::uint64_t last_token_ = 0;
};

}  // namespace

TRESTLE_FUZZ_TARGET(dht) {
  Input decisions(input);
  Story(decisions).play();
}

}  // namespace trestle::fuzz
