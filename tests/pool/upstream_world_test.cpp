#include "catch.hpp"
#include "upstream_server.hpp"

using namespace trestle;
using namespace trestle::test;
using namespace std::chrono_literals;

namespace {

/// One random life: requests, answers, failures, lost connections, servers that change their minds.
struct Life {
  explicit Life(std::uint64_t seed) : rng(seed), server(options(rng), seed) {}

  static pool::UpstreamOptions options(Rng& rng) {
    pool::UpstreamOptions options;
    options.connections_min = 1 + rng.below(4);
    options.connections_max = options.connections_min + rng.below(6);
    options.scaler.connections_min = options.connections_min;
    options.scaler.connections_max = options.connections_max + rng.below(10);
    options.waiting_max = 1 + rng.below(20);
    options.dialling_max = 1 + rng.below(4);
    return options;
  }

  template <typename Things>
  auto one_of(const Things& things) {
    return std::next(things.begin(), static_cast<std::ptrdiff_t>(rng.below(things.size())));
  }

  void act() {
    const std::uint64_t drawn = rng.below(12);
    if (drawn < 4) {
      const auto repeatable = rng.chance(1, 2) ? pool::Repeatable::yes : pool::Repeatable::no;
      const Duration within = rng.between(1ms, 40s);
      if (server.submit(++number, within, repeatable)) accepted.insert({number});
    } else if (drawn < 7 && !server.carriers.empty()) {
      const http::ExchangeId request = one_of(server.carriers)->first;
      accepted.erase(request);
      server.answer(request.value);
    } else if (drawn == 7 && !server.carriers.empty()) {
      const auto doubt = rng.chance(1, 2) ? http::Doubt::untouched : http::Doubt::may_have_acted;
      server.fail(one_of(server.carriers)->first.value, doubt);
    } else if (drawn == 8 && !server.open.empty()) {
      server.disconnect(one_of(server.open)->first);
    } else if (drawn == 9 && !server.dialled.empty()) {
      const link::ConnectionId connection = *one_of(server.dialled);
      if (rng.chance(1, 2)) {
        server.connect(connection);
        server.drain();
      } else {
        server.disconnect(connection);
      }
    } else if (drawn == 10 && !accepted.empty()) {
      const http::ExchangeId request = *one_of(accepted);
      accepted.erase(request);
      server.upstream.cancel(server.now, request);
      server.drain();
    } else if (drawn == 11) {
      server.answers_dials = rng.chance(2, 3);
      if (rng.chance(1, 3)) server.is_alive = rng.chance(1, 2);
    }
  }

  void look() {
    for (const auto& [request, failure] : server.ended) accepted.erase(request);
    const auto stats = server.upstream.stats();
    CHECK(stats.connections == server.open.size());
    CHECK(stats.dialling == server.dialled.size());
    for (const auto& [request, connection] : server.carriers) CHECK(accepted.contains(request));
    // Nobody waits while there is a connection that could carry it, unless it is being looked at.
    std::size_t idle = 0;
    for (const auto& [connection, carried] : server.open) idle += carried.empty() ? 1 : 0;
    if (stats.waiting > 0) CHECK(idle <= stats.busy);
  }

  Rng rng;
  UpstreamServer server;
  std::uint64_t number = 0;
  std::set<http::ExchangeId> accepted;
};

}  // namespace

TEST_CASE("every accepted request ends once, whatever becomes of its connections, in 300 lives") {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    CAPTURE(seed);
    Life life(seed);
    for (int step = 0; step < 300; ++step) {
      life.act();
      life.look();
      life.server.pass(
          life.rng.between({}, life.rng.chance(1, 20) ? Duration(60s) : Duration(200ms)));
      life.look();
    }
    life.server.upstream.stop(life.server.now);
    life.server.drain();
    life.server.pass(1h);
    life.look();
    CHECK(life.accepted.empty());
    CHECK(life.server.open.empty());
    CHECK(life.server.dialled.empty());
    CHECK(life.server.upstream.next_deadline() == kNever);
  }
}
