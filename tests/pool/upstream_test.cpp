#include "trestle/pool/upstream.hpp"

#include "catch.hpp"
#include "upstream_server.hpp"

using namespace trestle;
using namespace trestle::test;
using namespace std::chrono_literals;
using pool::UpstreamFailure;

namespace {

pool::UpstreamOptions few(std::size_t connections_min, std::size_t connections_max) {
  pool::UpstreamOptions options;
  options.connections_min = connections_min;
  options.connections_max = connections_max;
  options.scaler.connections_min = connections_min > 0 ? connections_min : 1;
  options.scaler.connections_max = connections_max;
  return options;
}

}  // namespace

TEST_CASE("ten connections are there before anybody asks, and no more than needed afterwards") {
  UpstreamServer server({});
  server.upstream.start(server.now);
  server.drain();
  CHECK(server.open.size() == 10);
  for (std::uint64_t number = 1; number <= 10; ++number) CHECK(server.submit(number));
  CHECK(server.open.size() == 10);
  CHECK(server.submit(11));
  CHECK(server.open.size() == 11);
  CHECK(server.carriers.size() == 11);
}

TEST_CASE("the connection that was used last is used next") {
  UpstreamServer server({});
  server.upstream.start(server.now);
  server.drain();
  std::set<link::ConnectionId> used;
  for (std::uint64_t number = 1; number <= 50; ++number) {
    server.submit(number);
    used.insert(server.carriers.at({number}));
    server.answer(number);
  }
  CHECK(used.size() == 1);
  const auto stats = server.upstream.stats();
  CHECK(stats.given_total == 50);
  CHECK(stats.reused_total == 49);
}

TEST_CASE("a connection that can carry many is filled before another is opened") {
  UpstreamServer server(few(1, 100));
  server.room = 100;
  for (std::uint64_t number = 1; number <= 100; ++number) server.submit(number);
  CHECK(server.open.size() == 1);
  server.submit(101);
  CHECK(server.open.size() == 2);
}

TEST_CASE("requests wait in their order when there are as many connections as may be") {
  UpstreamServer server(few(1, 3));
  for (std::uint64_t number = 1; number <= 6; ++number) CHECK(server.submit(number));
  CHECK(server.open.size() == 3);
  CHECK(server.upstream.stats().waiting == 3);
  server.answer(2);
  CHECK(server.carries(4));
  server.answer(1);
  CHECK(server.carries(5));
  SECTION("up to a bound") {
    pool::UpstreamOptions options = few(1, 1);
    options.waiting_max = 2;
    UpstreamServer other(options);
    for (std::uint64_t number = 1; number <= 3; ++number) CHECK(other.submit(number));
    CHECK(other.upstream.submit(other.now, {4}, other.now + 1s, pool::Repeatable::no).error() ==
          pool::UpstreamRefusal::full);
  }
}

TEST_CASE("connections above the least grow old and go, those at it live out their time") {
  UpstreamServer server(few(2, 10));
  server.is_alive = true;
  for (std::uint64_t number = 1; number <= 8; ++number) server.submit(number);
  for (std::uint64_t number = 1; number <= 8; ++number) server.answer(number);
  CHECK(server.open.size() == 8);
  server.pass(89s);
  CHECK(server.open.size() == 8);
  server.pass(2s);
  CHECK(server.open.size() == 2);
  const auto kept = server.open.begin()->first;
  server.pass(250s);
  CHECK_FALSE(server.open.contains(kept));
  CHECK(server.open.size() == 2);
}

TEST_CASE("a connection whose life is over finishes what it carries first") {
  UpstreamServer server(few(1, 1));
  server.submit(1, 1h);
  const auto carrier = server.carriers.at({1});
  server.pass(301s);
  CHECK(server.open.contains(carrier));
  server.submit(2);
  CHECK_FALSE(server.carries(2));
  server.answer(1);
  CHECK_FALSE(server.open.contains(carrier));
  CHECK(server.carries(2));
}

TEST_CASE("POOL-12: a connection that was idle for long shows that it is alive before it is used") {
  UpstreamServer server(few(1, 10));
  server.submit(1);
  server.answer(1);
  const auto connection = server.open.begin()->first;
  server.pass(29s);
  server.submit(2);
  CHECK(server.checked.empty());
  server.answer(2);
  server.pass(31s);
  SECTION("and is") {
    server.submit(3);
    CHECK(server.checked.size() == 1);
    CHECK(server.carriers.at({3}) == connection);
  }
  SECTION("and is not: another is opened for the request") {
    server.is_alive = false;
    server.submit(3);
    CHECK_FALSE(server.open.contains(connection));
    CHECK(server.carries(3));
    CHECK(server.upstream.stats().checks_failed_total == 1);
  }
  SECTION("or says nothing") {
    server.is_alive.reset();
    server.submit(3);
    CHECK_FALSE(server.carries(3));
    server.pass(5s);
    CHECK_FALSE(server.open.contains(connection));
    CHECK(server.carries(3));
  }
}

TEST_CASE("what the server has not acted on is tried again, the rest only if that does no harm") {
  UpstreamServer server(few(1, 10));
  server.submit(1);
  server.fail(1, http::Doubt::untouched);
  server.pass(5s);
  CHECK(server.carries(1));
  server.fail(1, http::Doubt::may_have_acted);
  CHECK(server.ended.at({1}) == UpstreamFailure::lost);
  server.submit(2, 30s, pool::Repeatable::yes);
  server.fail(2, http::Doubt::may_have_acted);
  server.pass(5s);
  CHECK(server.carries(2));
  server.fail(2, http::Doubt::may_have_acted);
  server.pass(5s);
  server.fail(2, http::Doubt::may_have_acted);
  CHECK(server.ended.at({2}) == UpstreamFailure::lost);  // three attempts
}

TEST_CASE("a lost connection ends or repeats what it carried, and is replaced") {
  UpstreamServer server(few(1, 10));
  server.room = 10;
  server.submit(1);
  server.submit(2, 30s, pool::Repeatable::yes);
  server.disconnect(server.open.begin()->first);
  CHECK(server.ended.at({1}) == UpstreamFailure::lost);
  CHECK(server.open.size() == 1);
  server.pass(5s);
  CHECK(server.carries(2));
}

TEST_CASE(
    "retries have a budget: a server that fails everybody is asked little more than once each") {
  UpstreamServer server(few(1, 1));
  for (std::uint64_t number = 1; number <= 500; ++number) {
    server.submit(number, 1s, pool::Repeatable::yes);
    server.pass(2ms);
    while (server.carries(number)) {
      server.fail(number, http::Doubt::untouched);
      server.pass(1ms);
      if (server.ended.contains({number})) break;
      if (number % 4 != 0) server.submit(100'000 + number);  // the breaker hears of good ones too
      if (server.carries(100'000 + number)) server.answer(100'000 + number);
    }
  }
  CHECK(server.upstream.stats().retried_total < 120);
}

TEST_CASE("a server that asks for time is given it, if the request has it") {
  UpstreamServer server(few(1, 1));
  server.submit(1, 20s);
  server.leave({1});
  CHECK(server.upstream.on_put_off(server.now, {1}, 5s));
  server.drain();
  server.pass(4s);
  CHECK_FALSE(server.carries(1));
  server.pass(2s);
  CHECK(server.carries(1));
  server.leave({1});
  CHECK_FALSE(server.upstream.on_put_off(server.now, {1}, 60s));
  CHECK(server.upstream.stats().answered_total == 1);
}

TEST_CASE(
    "a server that is away is tried by one dial at a time, and requests fail at once meanwhile") {
  UpstreamServer server({});
  server.answers_dials = false;
  server.upstream.start(server.now);
  server.drain();
  CHECK(server.dialled.size() == 10);
  CHECK(server.submit(1));
  while (!server.dialled.empty()) server.disconnect(*server.dialled.begin());
  CHECK(server.ended.at({1}) == UpstreamFailure::unavailable);
  CHECK(server.upstream.submit(server.now, {2}, server.now + 9s, pool::Repeatable::no).error() ==
        pool::UpstreamRefusal::unavailable);
  std::size_t most = 0;
  for (int second = 0; second < 300; ++second) {
    server.pass(1s);
    most = std::max(most, server.dialled.size());
    while (!server.dialled.empty()) server.disconnect(*server.dialled.begin());
  }
  CHECK(most == 1);
  CHECK(server.upstream.stats().dials_failed_total < 60);
  server.answers_dials = true;
  server.pass(60s);
  CHECK(server.open.size() == 10);
  CHECK(server.submit(3));
  CHECK(server.carries(3));
}

TEST_CASE("a dial that takes too long is given up") {
  UpstreamServer server(few(1, 1));
  server.answers_dials = false;
  server.submit(1, 60s);
  CHECK(server.dialled.size() == 1);
  server.pass(10s);
  CHECK(server.closed == 1);
  server.answers_dials = true;
  server.pass(2s);
  CHECK(server.carries(1));
}

TEST_CASE("deadlines: whoever waits or is carried ends at its own") {
  UpstreamServer server(few(1, 1));
  server.submit(1, 5s);
  server.submit(2, 3s);
  server.pass(3s);
  CHECK(server.ended.at({2}) == UpstreamFailure::timeout);
  server.pass(2s);
  CHECK(server.ended.at({1}) == UpstreamFailure::timeout);
  CHECK_FALSE(server.carries(1));
}

TEST_CASE("a cancelled request is withdrawn, and its place is another's") {
  UpstreamServer server(few(1, 1));
  server.submit(1);
  server.submit(2);
  server.submit(3);
  server.upstream.cancel(server.now, {2});
  server.upstream.cancel(server.now, {1});
  server.drain();
  CHECK(server.carries(3));
  CHECK(server.ended.empty());
}

TEST_CASE("stopped, it ends what waits, finishes what is carried, and closes everything") {
  UpstreamServer server(few(2, 2));
  server.submit(1);
  server.submit(2);
  server.submit(3);
  server.upstream.stop(server.now);
  server.drain();
  CHECK(server.ended.at({3}) == UpstreamFailure::stopped);
  CHECK(server.open.size() == 2);
  server.answer(1);
  server.answer(2);
  CHECK(server.open.empty());
  CHECK(server.upstream.next_deadline() == kNever);
  CHECK(server.upstream.submit(server.now, {4}, server.now + 1s, pool::Repeatable::no).error() ==
        pool::UpstreamRefusal::stopped);
}

TEST_CASE(
    "POOL-15: where requests wait there may be a fifth more every ten seconds, where none do, a "
    "fifth less") {
  pool::UpstreamOptions options;
  options.connections_max = 20;
  options.scaler.connections_max = 30;
  UpstreamServer server(options);
  std::uint64_t number = 0;
  const auto busy_second = [&](std::size_t requests) {
    for (std::size_t one = 0; one < requests; ++one) server.submit(++number, 1h);
    server.pass(1s);
    const auto carried = server.carriers;
    for (const auto& [request, connection] : carried) server.answer(request.value);
  };
  for (int second = 0; second < 11; ++second) busy_second(25);
  CHECK(server.upstream.stats().connections_max == 24);
  for (int second = 0; second < 20; ++second) busy_second(35);
  CHECK(server.upstream.stats().connections_max == 30);
  while (!server.carriers.empty()) busy_second(0);
  server.pass(200s);
  CHECK(server.upstream.stats().connections_max == 10);
  CHECK(server.open.size() == 10);
}
