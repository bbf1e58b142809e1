// From the order to dial to a connection that both ends know, or to a failure.

#include <algorithm>

#include "trestle/base/assertion.hpp"
#include "trestle/sim/network.hpp"
#include "trestle/sim/stream_end.hpp"

namespace trestle::sim {
namespace {

constexpr std::uint64_t kMillion = 1'000'000;

/// One-way trips before the listener has read the upgrade request: SYN, its answer, the request.
/// (TLS would add two.)
constexpr int kOpeningTrips = 3;
/// The same until the dialler may send the request as bytes.
constexpr int kConnectingTrips = 2;

}  // namespace

Duration Network::latency(Connection& connection) {
  Duration way = options_.latency.draw(connection.rng);
  way += places_[connection.ends[kDialler].node].extra_latency;
  const NodeIndex acceptor = connection.ends[kAcceptor].node;
  if (acceptor != kNoNode) way += places_[acceptor].extra_latency;
  return way;
}

std::pair<ConnectionSerial, NodeIndex> Network::dial(Instant now, NodeIndex node,
                                                     const link::Dial& order) {
  const std::uint32_t slot = allocate();
  Connection& connection = connections_[slot];
  ++stats_.dials;
  connection.ends[kDialler] = {node, places_[node].incarnation, order.connection,
                               EndState::dialling};
  const auto [stored, inserted] = places_[node].ends.insert(order.connection, slot);
  TRESTLE_ASSERT(inserted);  // an id is never used again
  scheduler_.add(after(now, order.timeout), EventKind::dial_expires, slot, connection.generation);

  const NodeIndex* target = listeners_.find(std::string(authority(order.url)));
  const bool can_ask = !is_in_bytes() || begin_stream(slot, order.url);
  if (target == nullptr || !can_ask) {
    connection.opening = Opening::unknown_host;
    const Duration way = latency(connection);
    scheduler_.add(now + way, EventKind::dial_concludes, slot, connection.generation);
    return {connection.serial, kNoNode};
  }
  connection.target = *target;
  connection.ends[kAcceptor].node = *target;
  if (connection.rng.chance(options_.lost_dial_per_million, kMillion)) {
    connection.cut = true;  // only the dialler's own bound ends this
    return {connection.serial, *target};
  }
  Duration way{};
  const int trips = is_in_bytes() ? kConnectingTrips : kOpeningTrips;
  for (int trip = 0; trip < trips; ++trip) way += latency(connection);
  if (connection.rng.chance(options_.slow_dial_per_million, kMillion)) {
    way += connection.rng.between(Duration::zero(), options_.slow_dial_max);
  }
  scheduler_.add(now + way, EventKind::dial_arrives, slot, connection.generation);
  return {connection.serial, *target};
}

/// The opening packet found no way: sent again, each time after twice the wait. False if it will
/// not be.
bool Network::retry_opening(Instant now, std::uint32_t slot, EventKind kind) {
  Connection& connection = connections_[slot];
  constexpr std::uint32_t kDoublingsMax = 6;  // Linux gives up after 6 (tcp_syn_retries)
  if (connection.opening_tries >= kDoublingsMax) return false;
  const Duration wait = options_.opening_retry * (1 << connection.opening_tries++);
  scheduler_.add(now + wait, kind, slot, connection.generation);
  return true;
}

std::optional<Delivery> Network::on_dial_arrives(Instant now, std::uint32_t slot) {
  Connection& connection = connections_[slot];
  const NodeIndex dialler = connection.ends[kDialler].node;
  const bool abandoned = connection.ends[kDialler].state != EndState::dialling;
  if (is_blocked(dialler, connection.target) || is_blocked(connection.target, dialler)) {
    if (abandoned || !retry_opening(now, slot, EventKind::dial_arrives)) connection.cut = true;
    return std::nullopt;
  }
  if (!places_[connection.target].listening) {
    connection.opening = Opening::refused;
    const Duration way = latency(connection);
    scheduler_.add(now + way, EventKind::dial_concludes, slot, connection.generation);
    return std::nullopt;
  }
  if (is_in_bytes()) return on_connected(now, slot);
  if (abandoned && connection.rng.chance(1, 2)) {
    connection.opening = Opening::over;  // the request was not sent yet when the dialler went away
    return std::nullopt;
  }
  connection.opening = Opening::accepted;
  ++stats_.accepted;
  End& acceptor = connection.ends[kAcceptor];
  acceptor.incarnation = places_[connection.target].incarnation;
  acceptor.state = EndState::open;
  if (abandoned) {
    ++stats_.late_opens;
    push_close(now, slot, kDialler, 1006, "the dialler went away");
  } else {
    const Duration way = latency(connection);
    connection.lanes[kAcceptor].last_arrival = now + way;  // frames follow the answer
    scheduler_.add(now + way, EventKind::dial_concludes, slot, connection.generation);
  }
  return delivery(Delivery::Kind::accepted, slot, kAcceptor);
}

void Network::bind_accepted(std::uint32_t slot, link::ConnectionId id) {
  End& end = connections_[slot].ends[kAcceptor];
  TRESTLE_ASSERT(end.state == EndState::open);
  end.id = id;
  const auto [stored, inserted] = places_[end.node].ends.insert(id, slot);
  TRESTLE_ASSERT(inserted);  // an id is never used again
}

Delivery Network::fail_dial(std::uint32_t slot, ErrorCode code, std::string_view reason) {
  ++stats_.dials_failed;
  Delivery result = delivery(Delivery::Kind::dial_failed, slot, kDialler);
  result.code = code;
  result.reason = reason;
  end_closed(slot, kDialler);
  if (is_in_bytes()) abandon_stream(slot);
  return result;
}

std::optional<Delivery> Network::on_dial_concludes(Instant now, std::uint32_t slot) {
  Connection& connection = connections_[slot];
  const Opening opening = connection.opening;
  connection.opening = Opening::over;
  if (connection.ends[kDialler].state != EndState::dialling) return std::nullopt;
  switch (opening) {
    case Opening::unknown_host:
      return fail_dial(slot, ErrorCode::unreachable, "no such host");
    case Opening::refused:
      return fail_dial(slot, ErrorCode::refused, "connection refused");
    case Opening::accepted:
      break;
    case Opening::under_way:
    case Opening::connected:
    case Opening::over:
      TRESTLE_ASSERT(false);
  }
  if (is_cut(connection, kAcceptor)) {
    if (retry_opening(now, slot, EventKind::dial_concludes)) connection.opening = opening;
    return std::nullopt;
  }
  connection.ends[kDialler].state = EndState::open;
  return delivery(Delivery::Kind::dialled, slot, kDialler);
}

std::optional<Delivery> Network::on_dial_expires(Instant now, std::uint32_t slot) {
  Connection& connection = connections_[slot];
  if (connection.ends[kDialler].state != EndState::dialling) return std::nullopt;
  Delivery result = fail_dial(slot, ErrorCode::timeout, "no answer in time");
  abandon_dial(now, slot);
  return result;
}

/// The dialler went away. A listener that accepted already hears of it; one that will accept yet
/// does so too.
void Network::abandon_dial(Instant now, std::uint32_t slot) {
  if (is_in_bytes()) {
    abandon_stream(slot);
    return write_stream(now, slot, kDialler);
  }
  if (connections_[slot].ends[kAcceptor].state != EndState::open) return;
  ++stats_.late_opens;
  push_close(now, slot, kDialler, 1006, "the dialler went away");
}

}  // namespace trestle::sim
