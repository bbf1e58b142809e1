// Sets of channels against a list of requests, over random lives of up to three parallel
// connections.

#include <algorithm>
#include <map>
#include <vector>

#include "catch.hpp"
#include "support/wire_bundle.hpp"

using namespace trestle;
using link::Channel;
using link::ChannelSet;
using test::End;
using test::kStart;
using test::WireBundle;
using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t kCases = 10'000;
constexpr std::size_t kParallelMax = 3;

/// The token of a request travels in its target and comes back in its answer, so that an answer
/// which reaches the wrong request is seen.
NodeId id_of(Channel::Token token) { return {token, 1, 1}; }

struct Story {
  /// A request of the left side. `wire_id` names it on its connection alone.
  struct Asked {
    link::ConnectionId connection;
    wire::RequestId wire_id;
    Instant deadline;
    int ends = 0;
  };
  /// The same request at the right side.
  struct Heard {
    link::ConnectionId connection;
    wire::RequestId id;
    NodeId target{};
  };

  explicit Story(std::uint64_t seed)
      : rng(seed), left(2 * seed + 1, wire::Role::node), right(2 * seed + 2, wire::Role::node) {}

  Rng rng;
  End left;
  End right;
  WireBundle bundle{left, right};
  Instant now = kStart;
  std::map<Channel::Token, Asked> asked;
  std::vector<Heard> heard;
  std::size_t answered_by_right = 0;

  void ask() {
    if (bundle.wires.empty()) return;
    const auto wire = bundle.wires[rng.below(bundle.wires.size())];
    const Channel::Token token = asked.size() + 1;
    const Instant deadline = now + rng.between(1us, 8s);
    const auto id = left.channels->request(now, wire.left, wire::FindNodeRequest{id_of(token)},
                                           deadline, token);
    REQUIRE(id.has_value());
    asked[token] = {wire.left, *id, deadline};
  }

  /// The right side answers what it heard in any order, on the connection that brought it.
  void answer() {
    if (heard.empty()) return;
    const std::size_t index = rng.below(heard.size());
    const Heard request = heard[index];
    heard.erase(heard.begin() + static_cast<long>(index));
    wire::FindNodeResponse response;
    response.contacts.emplace_back();
    response.contacts.back().id = request.target;
    // False if it was withdrawn or its connection is gone: then nothing is sent either.
    if (right.channels->respond(now, request.connection, request.id, response)) ++answered_by_right;
  }

  void cancel() {
    if (asked.empty()) return;
    auto chosen = asked.begin();
    std::advance(chosen, static_cast<long>(rng.below(asked.size())));
    left.channels->cancel(now, chosen->second.connection, chosen->second.wire_id);
  }

  /// An answer that nobody asked for: an id that does not wait on this connection, whether it does
  /// on another one or nowhere.
  void forge() {
    if (bundle.wires.empty()) return;
    const auto wire = bundle.wires[rng.below(bundle.wires.size())];
    const wire::RequestId id{rng.chance(1, 2) ? rng.next() >> 16 : rng.below(1 << 16)};
    for (const auto& [token, request] : asked) {
      if (request.connection == wire.left && request.wire_id == id && request.ends == 0) return;
    }
    Bytes frame;
    wire::native::append_record(frame, {id, wire::FindNodeResponse{}});
    const std::uint64_t before = unmatched(wire.left);
    left.channels->on_frame(now, wire.left, link::FrameKind::binary, frame);
    REQUIRE(unmatched(wire.left) == before + 1);
  }

  std::uint64_t unmatched(link::ConnectionId connection) const {
    return left.channels->find(connection)->request_stats().unmatched_answers;
  }

  void settle() {
    bundle.settle(now);
    for (auto& item : left.news) {
      if (const auto* answered = std::get_if<Channel::Answered>(&item.news)) {
        const Asked& request = note_end(answered->token, item.connection);
        REQUIRE(now < request.deadline);
        const auto& response = std::get<wire::FindNodeResponse>(answered->message);
        REQUIRE(response.contacts.front().id == id_of(answered->token));
      } else if (const auto* failed = std::get_if<Channel::RequestFailed>(&item.news)) {
        const Asked& request = note_end(failed->token, item.connection);
        if (failed->code == ErrorCode::timeout) REQUIRE(now >= request.deadline);
      }
    }
    left.news.clear();
    for (auto& item : right.news) {
      if (const auto* requested = std::get_if<Channel::Requested>(&item.news)) {
        heard.push_back({item.connection, requested->id,
                         std::get<wire::FindNodeRequest>(requested->message).target});
      }
    }
    right.news.clear();
  }

  const Asked& note_end(Channel::Token token, link::ConnectionId connection) {
    Asked& request = asked.at(token);
    REQUIRE(request.connection == connection);
    REQUIRE(++request.ends == 1);
    return request;
  }

  void pass_time() {
    const Instant until = now + rng.between(Duration::zero(), 5s);
    while (true) {
      const Instant next =
          std::min(left.channels->next_deadline(), right.channels->next_deadline());
      if (next > until) break;
      now = std::max(now, next);
      left.channels->on_deadline(now);
      right.channels->on_deadline(now);
      settle();
    }
    now = until;
  }

  void step() {
    switch (rng.below(10)) {
      case 0:
        if (bundle.wires.size() < kParallelMax) bundle.connect(now);
        break;
      case 1:
      case 2:
      case 3:
        ask();
        break;
      case 4:
      case 5:
        answer();
        break;
      case 6:
        cancel();
        break;
      case 7:
        forge();
        break;
      case 8:
        pass_time();
        break;
      default:
        if (!bundle.wires.empty() && rng.chance(1, 3)) {
          bundle.break_wire(now, bundle.wires[rng.below(bundle.wires.size())]);
        }
    }
    settle();
    // P-FN-6: what the sets hold is what is connected, nothing else.
    REQUIRE(left.channels->size() == bundle.wires.size());
    REQUIRE(right.channels->size() == bundle.wires.size());
    for (const auto& wire : bundle.wires) {
      REQUIRE(left.channels->find(wire.left) != nullptr);
      REQUIRE(right.channels->find(wire.right) != nullptr);
    }
  }

  void close() {
    left.channels->close_all(now, ErrorCode::shutting_down, "the end");
    settle();
  }
};

}  // namespace

TEST_CASE("P-BR-2, P-FN-4, P-FN-5, P-FN-6: requests on parallel connections never mix") {
  std::size_t answered = 0;
  for (std::uint64_t seed = 1; seed <= kCases; ++seed) {
    CAPTURE(seed);
    Story story(seed);
    story.bundle.connect(story.now);
    for (int step = 0; step < 30; ++step) story.step();
    story.close();
    for (const auto& [token, request] : story.asked) REQUIRE(request.ends == 1);
    REQUIRE(story.left.channels->size() == 0);
    REQUIRE(story.right.channels->size() == 0);
    answered += story.answered_by_right;
  }
  CHECK(answered > kCases);
}

TEST_CASE("P-FN-2: every connection has a channel of its own") {
  Story story(1);
  for (int count = 0; count < 100; ++count) story.bundle.connect(story.now);
  std::vector<const Channel*> channels;
  for (const auto& wire : story.bundle.wires) {
    channels.push_back(story.left.channels->find(wire.left));
    channels.push_back(story.right.channels->find(wire.right));
  }
  std::ranges::sort(channels);
  CHECK(std::ranges::adjacent_find(channels) == channels.end());
}

TEST_CASE("P-ML-1: channels that were all closed leave no timer and no word, whatever arrives") {
  for (std::uint64_t seed = 1; seed <= kCases; ++seed) {
    CAPTURE(seed);
    Story story(seed);
    story.bundle.connect(story.now);
    const auto wires = story.bundle.wires;
    for (int step = 0; step < 5; ++step) story.step();
    story.close();
    ChannelSet& set = *story.left.channels;
    for (int late = 0; late < 5; ++late) {
      story.now += story.rng.between(Duration::zero(), 1h);
      const link::ConnectionId connection = wires[story.rng.below(wires.size())].left;
      set.on_frame(story.now, connection, link::FrameKind::binary, Bytes(story.rng.below(50)));
      set.on_drained(story.now, connection, 10);
      set.on_dialled(story.now, connection);
      set.on_closed(story.now, connection, 1006, "reset");
      set.cancel(story.now, connection, {story.rng.below(1 << 12)});
      REQUIRE_FALSE(
          set.request(story.now, connection, wire::Ping{}, story.now + 1s, 1).has_value());
      set.on_deadline(story.now);
      REQUIRE(set.next_deadline() == kNever);
      REQUIRE_FALSE(set.poll_effect().has_value());
    }
  }
}

TEST_CASE("P-ML-3: connections that come and go for thirty days leave nothing behind") {
  // 2,880 visits, one every fifteen minutes: some open and break, some never say a word.
  Story story(7);
  std::size_t most_on_first_day = 0;
  std::size_t most_on_last_day = 0;
  for (int quarter = 0; quarter < 30 * 96; ++quarter) {
    if (story.rng.chance(1, 2)) {
      story.bundle.connect(story.now);
      for (int count = 0; count < 3; ++count) story.ask();
    } else {
      story.right.channels->on_accepted(story.now, {"192.0.2.1"});
    }
    story.settle();
    const std::size_t held = story.right.channels->size();
    if (quarter < 96) most_on_first_day = std::max(most_on_first_day, held);
    if (quarter >= 29 * 96) most_on_last_day = std::max(most_on_last_day, held);
    if (story.bundle.wires.size() > 4) story.bundle.break_wire(story.now, story.bundle.wires[0]);
    for (int minute = 0; minute < 15; ++minute) {
      const Instant until = story.now + 1min;
      while (story.now < until) story.pass_time();
    }
    REQUIRE(story.right.channels->pending() == 0);
    story.heard.clear();
  }
  CHECK(most_on_last_day <= most_on_first_day);
  CHECK(story.bundle.wires.size() <= 5);
}
