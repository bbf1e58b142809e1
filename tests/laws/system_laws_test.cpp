#include "catch.hpp"
#include "support/machine_laws.hpp"
#include "trestle/bridge/introduction_desk.hpp"
#include "trestle/dht/dht.hpp"
#include "trestle/dht/republisher.hpp"
#include "trestle/mesh/mesh.hpp"
#include "trestle/onboarding/joiner.hpp"
#include "trestle/onboarding/reception.hpp"
#include "trestle/pool/upstream.hpp"

using namespace trestle;
using namespace std::chrono_literals;

namespace {

NodeId some_id(Rng& rng, std::uint64_t among = 12) { return {rng.below(among) << 32 | 1, 7, 7}; }

wire::Contact some_contact(Rng& rng) {
  wire::Contact contact;
  contact.id = some_id(rng);
  contact.role = rng.chance(1, 4) ? wire::Role::bridge : wire::Role::node;
  contact.dialect = rng.chance(1, 4) ? wire::Dialect::legacy : wire::Dialect::native;
  contact.address = "ws://peer-" + contact.id.to_short_hex();
  return contact;
}

link::ConnectionId some_connection(Rng& rng) {
  return {link::ConnectionOwner::node, rng.below(12) + 1};
}

ErrorCode some_code(Rng& rng) {
  constexpr ErrorCode kCodes[] = {ErrorCode::timeout, ErrorCode::refused, ErrorCode::busy,
                                  ErrorCode::connection_lost};
  return kCodes[rng.below(std::size(kCodes))];
}

/// Effects as text: which kind, in which order. Enough to tell two histories apart.
template <typename Machine>
std::vector<std::string> drain_kinds(Machine& machine) {
  std::vector<std::string> effects;
  while (auto effect = machine.poll_effect()) effects.push_back(std::to_string(effect->index()));
  return effects;
}

template <typename Machine>
struct SystemFixture {
  Instant next_deadline() const { return machine.next_deadline(); }
  void on_deadline(Instant now) { machine.on_deadline(now); }
  std::vector<std::string> drain(Instant) { return drain_kinds(machine); }
  void shut(Instant) {}
  static constexpr bool kEnds = false;

  Machine machine;
};

struct DeskFixture : SystemFixture<bridge::IntroductionDesk> {
  explicit DeskFixture(std::uint64_t seed)
      : SystemFixture{bridge::IntroductionDesk({NodeId{9, 9, 9}, wire::Role::bridge, {}, {}, {}},
                                               {}, Rng(seed))} {}

  void act(Instant now, Rng& rng) {
    switch (rng.below(7)) {
      case 0:
        return machine.on_member_up(now, some_contact(rng));
      case 1:
        return machine.on_member_down(now, some_id(rng));
      case 2:
        return machine.on_probe_result(now, some_id(rng), rng.chance(1, 2));
      case 3:
        return machine.on_source_closed(now, some_connection(rng));
      case 4:
        return machine.on_cancelled(now, some_connection(rng), {rng.below(50)});
      default: {
        wire::IntroduceRequest request;
        request.newcomer = some_contact(rng);
        machine.on_request(now, some_connection(rng), {++requests}, request);
      }
    }
  }
  std::uint64_t requests = 0;
};

struct UpstreamFixture : SystemFixture<pool::Upstream> {
  explicit UpstreamFixture(std::uint64_t seed)
      : SystemFixture{pool::Upstream(options(), Rng(seed))} {}

  static pool::UpstreamOptions options() {
    pool::UpstreamOptions few;
    few.connections_min = 2;
    few.connections_max = 6;
    few.scaler.connections_min = 2;
    return few;
  }

  /// One of those that it had dialled lately.
  link::ConnectionId some_connection(Rng& rng) const {
    const std::uint64_t ago = rng.below(8);
    return {link::ConnectionOwner::pool, last_dialled - std::min(last_dialled, ago)};
  }

  std::vector<std::string> drain(Instant) {
    std::vector<std::string> kinds;
    while (auto effect = machine.poll_effect()) {
      if (std::holds_alternative<pool::DialUpstream>(*effect)) ++last_dialled;
      kinds.push_back(std::to_string(effect->index()));
    }
    return kinds;
  }

  void act(Instant now, Rng& rng) {
    const link::ConnectionId connection = some_connection(rng);
    const http::ExchangeId request{requests - rng.below(8)};
    switch (rng.below(12)) {
      case 0:
      case 1:
        return machine.on_connected(now, connection, 1 + rng.below(3));
      case 2:
        return machine.on_disconnected(now, connection);
      case 3:
        return machine.on_room(now, connection, rng.below(4));
      case 4:
        return machine.on_retiring(now, connection);
      case 5:
        return machine.on_checked(now, connection, rng.chance(1, 2));
      case 6:
        return machine.on_answered(now, request);
      case 7:
        return machine.on_failed(now, request, http::Doubt::untouched);
      case 8:
        machine.on_put_off(now, request, rng.between(0s, 5s));
        return;
      case 9:
        return machine.cancel(now, request);
      default: {
        const Instant deadline = now + rng.between(1ms, 20s);
        (void)machine.submit(now, {++requests}, deadline, pool::Repeatable::yes);
      }
    }
  }
  std::uint64_t requests = 8;
  std::uint64_t last_dialled = 0;
};

struct MeshFixture : SystemFixture<mesh::Mesh> {
  explicit MeshFixture(std::uint64_t seed)
      : SystemFixture{
            mesh::Mesh({NodeId{9, 9, 9}, wire::Role::node, {}, "ws://self", {}}, {}, Rng(seed))} {}

  void act(Instant now, Rng& rng) {
    const auto direction = rng.chance(1, 2) ? mesh::Direction::dialled : mesh::Direction::accepted;
    switch (rng.below(6)) {
      case 0:
        return machine.on_contact(now, some_contact(rng));
      case 1:
        static_cast<void>(machine.connect(now, some_contact(rng)));
        return;
      case 2:
        return machine.on_dial_started(now, some_id(rng), some_connection(rng));
      case 3:
        return machine.on_dial_failed(now, some_connection(rng), some_code(rng));
      case 4:
        return machine.on_link_closed(now, some_connection(rng), some_code(rng));
      default:
        machine.on_link_opened(now, {link::ConnectionOwner::node, 100 + ++opened},
                               some_contact(rng), direction);
    }
  }
  std::uint64_t opened = 0;
};

struct JoinerFixture {
  explicit JoinerFixture(std::uint64_t seed)
      : machine({.bootstrap_urls = {"ws://one", "ws://two"}}, Rng(seed)) {}

  void act(Instant now, Rng& rng) {
    switch (rng.below(8)) {
      case 0:
        return machine.start(now);
      case 1:
        return machine.on_bootstrap_opened(now);
      case 2:
        return machine.on_bootstrap_failed(now, some_code(rng), "gone");
      case 3:
        return machine.on_bootstrap_closed(now, some_code(rng));
      case 4:
        return machine.on_join_response(now,
                                        {wire::JoinOutcome::introduced, {some_contact(rng)}, {}});
      case 5:
        return machine.on_join_failed(now, {some_code(rng), 500, {}});
      default:
        machine.on_links(now, rng.below(5));
    }
  }
  Instant next_deadline() const { return machine.next_deadline(); }
  void on_deadline(Instant now) { machine.on_deadline(now); }
  std::vector<std::string> drain(Instant) { return drain_kinds(machine); }
  void shut(Instant now) { machine.stop(now); }
  static constexpr bool kEnds = true;
  void act_late(Instant now, Rng& rng) {
    switch (rng.below(5)) {
      case 0:
        return machine.on_bootstrap_opened(now);
      case 1:
        return machine.on_bootstrap_failed(now, some_code(rng), "gone");
      case 2:
        return machine.on_join_response(now, {});
      case 3:
        return machine.on_join_failed(now, {some_code(rng), 500, {}});
      default:
        machine.on_links(now, rng.below(5));
    }
  }

  onboarding::Joiner machine;
};

struct ReceptionFixture : SystemFixture<onboarding::Reception> {
  explicit ReceptionFixture(std::uint64_t seed)
      : SystemFixture{onboarding::Reception({.genesis = onboarding::Genesis::allowed}, Rng(seed))} {
  }

  void act(Instant now, Rng& rng) {
    switch (rng.below(8)) {
      case 0:
        return machine.on_client_opened(now, some_connection(rng), some_contact(rng));
      case 1:
        return machine.on_client_closed(now, some_connection(rng));
      case 2:
        return machine.on_bridges(now, {some_contact(rng)});
      case 3:
        return machine.on_introduced(now, {rng.below(40)}, some_contact(rng), {});
      case 4:
        return machine.on_introduction_failed(now, {rng.below(40)}, some_code(rng), 100);
      case 5:
        return machine.on_turned_away(now, {rng.below(40)}, {ErrorCode::refused, 0, {}});
      default:
        machine.on_join(now, some_connection(rng), {++joins}, {});
    }
  }
  std::uint64_t joins = 0;
};

struct DhtFixture {
  explicit DhtFixture(std::uint64_t seed)
      : suite(seed),
        machine({NodeId{9, 9, 9}, wire::Role::node, {}, "ws://self", {}}, {}, suite, Rng(seed)) {}

  void act(Instant now, Rng& rng) {
    switch (rng.below(8)) {
      case 0:
        return machine.on_link_up(now, some_contact(rng));
      case 1:
        return machine.on_link_down(now, some_id(rng));
      case 2:
        return machine.on_request(now, some_id(rng), {rng.next()},
                                  wire::FindNodeRequest{some_id(rng)});
      case 3:
        return machine.on_answer(now, {rng.below(60)}, wire::FindNodeResponse{{some_contact(rng)}});
      case 4:
        return machine.on_ask_failed(now, {rng.below(60)}, some_code(rng));
      case 5:
        static_cast<void>(machine.put(now, "key", {1, 2, 3}, 1h));
        return;
      case 6:
        static_cast<void>(machine.get(now, "absent"));
        return;
      default:
        static_cast<void>(machine.find(now, some_id(rng)));
    }
  }
  Instant next_deadline() const { return machine.next_deadline(); }
  void on_deadline(Instant now) { machine.on_deadline(now); }
  std::vector<std::string> drain(Instant now) {
    std::vector<std::string> effects;
    while (auto effect = machine.poll_effect()) {
      effects.push_back(std::to_string(effect->index()));
      if (const auto* sign = std::get_if<dht::SignRecord>(&*effect)) {
        machine.on_signed(now, sign->operation, {});
      } else if (const auto* order = std::get_if<dht::Persist>(&*effect)) {
        machine.on_persisted(now, order->ticket, ErrorCode::none);
      }
    }
    return effects;
  }
  void shut(Instant now) { machine.close(now); }
  static constexpr bool kEnds = false;  // a closed member still forgets records in time

  crypto::Suite suite;
  dht::Dht machine;
};

struct RepublisherFixture {
  explicit RepublisherFixture(std::uint64_t seed) : machine(NodeId{9, 9, 9}, quick(), Rng(seed)) {}

  static dht::RepublisherOptions quick() {
    dht::RepublisherOptions options;
    options.refresh = {.interval = 40s, .spread = 10s, .retry_min = 5s, .retry_max = 10s};
    options.watch.interval = 20s;
    return options;
  }
  dht::KeptRecord some_record(Instant now, Rng& rng) {
    const std::uint64_t place = rng.below(30);
    const std::uint64_t life = 1 + rng.below(300);
    return {.place = NodeId{place, place, 1},
            .version = rng.below(3),
            .digest = {},
            .ends = now + std::chrono::seconds(life)};
  }

  void act(Instant now, Rng& rng) {
    const std::uint64_t round = 1 + rng.below(30);
    const dht::UpkeepTicket ticket{round << 32 | (1 + rng.below(30))};
    const auto state = static_cast<wire::ReplicaState>(1 + rng.below(5));
    const std::vector<wire::ReplicaState> states(1 + rng.below(5), state);
    switch (rng.below(11)) {
      case 0:
        return machine.on_warm(now);
      case 1:
        return rng.chance(1, 4) ? machine.on_cold() : machine.on_warm(now);
      case 2:
        return machine.on_link_up(now, some_contact(rng));
      case 3:
        return machine.on_link_down(now, some_id(rng));
      case 4:
        return machine.on_kept(now, some_record(now, rng));
      case 5: {
        const wire::ReplicaSummary offered = some_record(now, rng).summary(now);
        const bool delegated = rng.chance(1, 2);
        return machine.on_offered(now, some_id(rng), offered, machine.judge(offered), delegated);
      }
      case 6:
        return machine.on_nearest(now, looked_for, {some_contact(rng), some_contact(rng)});
      case 7:
        return machine.on_neighbours(now, asked, {some_contact(rng), some_contact(rng)});
      case 8:
        return machine.on_answer(now, ticket, states);
      case 9:
        return machine.on_stored(now, ticket);
      default:
        return machine.on_failed(now, ticket, some_code(rng));
    }
  }
  Instant next_deadline() const { return machine.next_deadline(); }
  void on_deadline(Instant now) { machine.on_deadline(now); }
  std::vector<std::string> drain(Instant) {
    std::vector<std::string> kinds;
    while (auto effect = machine.poll_effect()) {
      if (const auto* lookup = std::get_if<dht::FindNearest>(&*effect)) looked_for = lookup->target;
      if (const auto* view = std::get_if<dht::FindNeighbours>(&*effect)) asked = *view;
      kinds.push_back(std::to_string(effect->index()));
    }
    return kinds;
  }
  void shut(Instant) { machine.close(); }
  static constexpr bool kEnds = true;
  void act_late(Instant now, Rng& rng) { act(now, rng); }

  dht::Republisher machine;
  NodeId looked_for{};
  dht::FindNeighbours asked;
};

}  // namespace

TEST_CASE("the introduction desk obeys the laws of machines") {
  test::obey_the_laws<DeskFixture>();
}
TEST_CASE("the mesh obeys the laws of machines") { test::obey_the_laws<MeshFixture>(); }
TEST_CASE("the pool for somebody else's server obeys the laws of machines") {
  test::obey_the_laws<UpstreamFixture>();
}
TEST_CASE("the joiner obeys the laws of machines") { test::obey_the_laws<JoinerFixture>(); }
TEST_CASE("the reception obeys the laws of machines") { test::obey_the_laws<ReceptionFixture>(); }
TEST_CASE("the republisher obeys the laws of machines") {
  test::obey_the_laws<RepublisherFixture>();
}
TEST_CASE("the DHT obeys the laws of machines") { test::obey_the_laws<DhtFixture>(); }
