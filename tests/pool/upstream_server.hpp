#pragma once

// Whoever carries out what an `Upstream` orders, at once and without a socket: each test says what
// becomes of it.

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "catch.hpp"
#include "trestle/pool/upstream.hpp"

namespace trestle::test {

constexpr Instant kUpstreamEpoch = Instant(std::chrono::seconds(1000));

struct UpstreamServer {
  explicit UpstreamServer(const pool::UpstreamOptions& options, std::uint64_t seed = 1)
      : upstream(options, Rng(seed)) {}

  /// Performs what was ordered, and checks that it can be.
  void drain() {
    while (const auto effect = upstream.poll_effect()) {
      std::visit([&](const auto& one) { perform(one); }, *effect);
    }
  }
  void perform(const pool::DialUpstream& order) {
    REQUIRE_FALSE(dialled.contains(order.connection));
    dialled.insert(order.connection);
    if (!answers_dials) return;
    connect(order.connection);
  }
  void connect(link::ConnectionId connection) {
    dialled.erase(connection);
    open[connection];
    upstream.on_connected(now, connection, room);
  }
  void perform(const pool::Assign& order) {
    REQUIRE(open.contains(order.connection));
    auto& carried = open[order.connection];
    REQUIRE(carried.size() < room);
    REQUIRE(carried.insert(order.request).second);
    REQUIRE(carriers.emplace(order.request, order.connection).second);
    assigned.push_back(order.request);
  }
  void perform(const pool::Withdraw& order) { leave(order.request); }
  void perform(const pool::CheckUpstream& order) {
    REQUIRE(open.contains(order.connection));
    REQUIRE(open[order.connection].empty());
    checked.push_back(order.connection);
    if (is_alive) upstream.on_checked(now, order.connection, *is_alive);
  }
  void perform(const pool::CloseUpstream& order) {
    const bool was_open = open.contains(order.connection);
    REQUIRE((was_open || dialled.contains(order.connection)));
    if (was_open) REQUIRE(open[order.connection].empty());
    open.erase(order.connection);
    dialled.erase(order.connection);
    ++closed;
  }
  void perform(const pool::RequestEnded& news) {
    REQUIRE_FALSE(carriers.contains(news.request));
    REQUIRE(ended.emplace(news.request, news.failure).second);
  }

  void leave(http::ExchangeId request) {
    REQUIRE(carriers.contains(request));
    open[carriers[request]].erase(request);
    carriers.erase(request);
  }
  bool submit(std::uint64_t number, Duration within = std::chrono::seconds(30),
              pool::Repeatable repeatable = pool::Repeatable::no) {
    const bool is_taken = upstream.submit(now, {number}, now + within, repeatable).has_value();
    drain();
    return is_taken;
  }
  void answer(std::uint64_t number) {
    leave({number});
    upstream.on_answered(now, {number});
    drain();
  }
  void fail(std::uint64_t number, http::Doubt doubt) {
    leave({number});
    upstream.on_failed(now, {number}, doubt);
    drain();
  }
  void disconnect(link::ConnectionId connection) {
    for (const http::ExchangeId request : open[connection]) carriers.erase(request);
    open.erase(connection);
    dialled.erase(connection);
    upstream.on_disconnected(now, connection);
    drain();
  }
  void pass(Duration time) {
    const Instant until = now + time;
    while (upstream.next_deadline() <= until) {
      now = std::max(now, upstream.next_deadline());
      upstream.on_deadline(now);
      drain();
    }
    now = until;
  }
  bool carries(std::uint64_t number) const { return carriers.contains({number}); }

  Instant now = kUpstreamEpoch;
  bool answers_dials = true;
  std::size_t room = 1;
  std::optional<bool> is_alive = true;  ///< What a check finds; nothing: it never ends.
  std::set<link::ConnectionId> dialled;
  std::map<link::ConnectionId, std::set<http::ExchangeId>> open;
  std::map<http::ExchangeId, link::ConnectionId> carriers;
  std::vector<http::ExchangeId> assigned;
  std::vector<link::ConnectionId> checked;
  std::map<http::ExchangeId, pool::UpstreamFailure> ended;
  std::size_t closed = 0;
  pool::Upstream upstream;
};

}  // namespace trestle::test
