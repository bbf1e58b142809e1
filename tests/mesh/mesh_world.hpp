#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "catch.hpp"
#include "trestle/mesh/mesh.hpp"

namespace trestle::test {

inline constexpr Instant kStart = Instant(std::chrono::seconds(1000));

inline wire::Contact mesh_contact(std::uint64_t number,
                                  wire::Dialect dialect = wire::Dialect::native) {
  wire::Contact contact;
  contact.id = NodeId(0, 0, static_cast<std::uint32_t>(number));
  contact.dialect = dialect;
  contact.address = "ws://10.0.0.1:" + std::to_string(number) + "/";
  return contact;
}

inline link::ConnectionId mesh_connection(std::uint64_t serial) {
  return {link::ConnectionOwner::node, serial};
}

/// Some meshes and the connections between them, as a value: a copy is a world of its own, so that
/// all orders of events can be tried. A connection is two queues, each in order, as TCP keeps it.
/// The dialler's last message opens it at the acceptor, whose answer opens it at the dialler.
class MeshWorld {
 public:
  struct Event {
    std::size_t connection;
    std::size_t to;
    friend bool operator==(const Event&, const Event&) = default;
  };

  MeshWorld(std::size_t nodes, const mesh::MeshOptions& options, std::uint64_t seed)
      : options_(options), seed_(seed) {
    for (std::size_t node = 0; node < nodes; ++node) start(node);
  }

  /// The node forgets everything; its connections stay as they are for the others.
  void restart(std::size_t node) {
    for (Connection& connection : connections_) {
      if (connection.joins(node)) connection.closed[connection.side(node)] = true;
    }
    meshes_.erase(meshes_.begin() + static_cast<std::ptrdiff_t>(node));
    start(node);
  }

  void introduce(std::size_t node, std::size_t other) {
    meshes_[node].on_contact(now, mesh_contact(other + 1));
    perform(node);
  }

  /// What may arrive next, one entry per queue.
  std::vector<Event> deliverable() const {
    std::vector<Event> events;
    for (std::size_t index = 0; index < connections_.size(); ++index) {
      for (const std::size_t side : {0u, 1u}) {
        if (!connections_[index].queue[side].empty()) events.push_back({index, side});
      }
    }
    return events;
  }

  void deliver(const Event& event) {
    Connection& connection = connections_[event.connection];
    const Message message = connection.queue[event.to].front();
    connection.queue[event.to].pop_front();
    if (connection.closed[event.to]) return;
    const std::size_t node = connection.ends[event.to];
    const wire::Contact peer = mesh_contact(connection.ends[1 - event.to] + 1);
    const link::ConnectionId id = mesh_connection(event.connection + 1);
    switch (message) {
      case Message::opens_at_acceptor:
        connection.open[1] = true;
        connection.queue[0].push_back(Message::opens_at_dialler);
        meshes_[node].on_link_opened(now, id, peer, mesh::Direction::accepted);
        break;
      case Message::opens_at_dialler:
        connection.open[0] = true;
        meshes_[node].on_link_opened(now, id, peer, mesh::Direction::dialled);
        break;
      case Message::closes:
        connection.closed[event.to] = true;
        meshes_[node].on_link_closed(now, id, ErrorCode::connection_lost);
        break;
    }
    perform(node);
  }

  void deliver_all() {
    for (auto events = deliverable(); !events.empty(); events = deliverable()) deliver(events[0]);
  }

  /// The connection breaks for both; each learns of it when its queue gets there.
  void cut(std::size_t index) {
    Connection& connection = connections_[index];
    for (const std::size_t side : {0u, 1u}) {
      if (!connection.closed[side]) connection.queue[side] = {Message::closes};
    }
  }

  /// Lets time pass up to `until`; events wait.
  void run_timers(Instant until) {
    while (true) {
      std::size_t first = 0;
      for (std::size_t node = 1; node < meshes_.size(); ++node) {
        if (meshes_[node].next_deadline() < meshes_[first].next_deadline()) first = node;
      }
      if (meshes_[first].next_deadline() > until) break;
      now = std::max(now, meshes_[first].next_deadline());
      meshes_[first].on_deadline(now);
      REQUIRE(meshes_[first].next_deadline() > now);
      perform(first);
    }
    now = until;
  }

  /// Lets time pass with every message under way for `latency`.
  void live(Duration time, Duration latency) {
    for (const Instant until = now + time; now < until;) {
      run_timers(std::min(until, now + latency));
      for (const Event& event : deliverable()) deliver(event);
    }
  }

  /// Connections that are open at both ends.
  std::vector<std::size_t> open_between(std::size_t left, std::size_t right) const {
    std::vector<std::size_t> open;
    for (std::size_t index = 0; index < connections_.size(); ++index) {
      const Connection& connection = connections_[index];
      if (!connection.joins(left) || !connection.joins(right)) continue;
      const auto is_open = [&](std::size_t side) {
        return connection.open[side] && !connection.closed[side];
      };
      if (is_open(0) && is_open(1)) open.push_back(index);
    }
    return open;
  }

  /// Both use the same connection, it is open at both ends, and there is no other (P-CR-20).
  bool agrees(std::size_t left, std::size_t right) const {
    const auto open = open_between(left, right);
    if (open.size() != 1) return false;
    const link::ConnectionId id = mesh_connection(open[0] + 1);
    return meshes_[left].find(mesh_contact(right + 1).id) == id &&
           meshes_[right].find(mesh_contact(left + 1).id) == id;
  }

  struct News {
    int up = 0;
    int down = 0;
    int moved = 0;
    int isolated = 0;
    int failed = 0;
  };
  const News& news(std::size_t node) const { return news_[node]; }
  const mesh::Mesh& at(std::size_t node) const { return meshes_[node]; }
  std::size_t connections() const { return connections_.size(); }
  std::size_t dialler(std::size_t index) const { return connections_[index].ends[0]; }
  std::size_t acceptor(std::size_t index) const { return connections_[index].ends[1]; }

  Instant now = kStart;

 private:
  enum class Message : std::uint8_t { opens_at_acceptor, opens_at_dialler, closes };
  /// Side 0 dialled, side 1 accepts.
  struct Connection {
    std::array<std::size_t, 2> ends{};
    std::array<bool, 2> open{};
    std::array<bool, 2> closed{};
    std::array<std::deque<Message>, 2> queue{};

    bool joins(std::size_t node) const { return ends[0] == node || ends[1] == node; }
    std::size_t side(std::size_t node) const { return ends[0] == node ? 0 : 1; }
  };

  void start(std::size_t node) {
    const Rng rng = Rng(seed_).fork("node", ++started_);
    meshes_.emplace(meshes_.begin() + static_cast<std::ptrdiff_t>(node), mesh_contact(node + 1),
                    options_, rng);
    if (news_.size() <= node) news_.emplace_back();
    up_.erase(up_.lower_bound({node, {}}), up_.lower_bound({node + 1, {}}));
  }

  void perform(std::size_t node) {
    while (auto effect = meshes_[node].poll_effect()) {
      News& news = news_[node];
      if (const auto* connect = std::get_if<mesh::Connect>(&*effect)) {
        const std::size_t other = connect->contact.id.low() - 1;
        connections_.emplace_back().ends = {node, other};
        connections_.back().queue[1].push_back(Message::opens_at_acceptor);
        meshes_[node].on_dial_started(now, connect->contact.id,
                                      mesh_connection(connections_.size()));
      } else if (const auto* gone = std::get_if<mesh::Disconnect>(&*effect)) {
        Connection& connection = connections_[gone->connection.value() - 1];
        const std::size_t side = connection.side(node);
        REQUIRE_FALSE(connection.closed[side]);
        connection.closed[side] = true;
        connection.queue[1 - side].push_back(Message::closes);
      } else if (const auto* up = std::get_if<mesh::LinkUp>(&*effect)) {
        ++news.up;
        REQUIRE(up_.insert({{node, up->peer.id}, up->connection}).second);
      } else if (const auto* moved = std::get_if<mesh::LinkMoved>(&*effect)) {
        ++news.moved;
        const auto place = up_.find({node, moved->peer});
        REQUIRE(place != up_.end());
        REQUIRE(place->second != moved->connection);
        place->second = moved->connection;
      } else if (const auto* down = std::get_if<mesh::LinkDown>(&*effect)) {
        ++news.down;
        REQUIRE(up_.erase({node, down->peer}) == 1);
      } else if (std::holds_alternative<mesh::Isolated>(*effect)) {
        ++news.isolated;
        REQUIRE(meshes_[node].links().empty());
      } else if (std::holds_alternative<mesh::ContactFailed>(*effect)) {
        ++news.failed;
      }
    }
  }

  mesh::MeshOptions options_;
  std::uint64_t seed_;
  std::uint64_t started_ = 0;
  std::vector<mesh::Mesh> meshes_;
  std::vector<Connection> connections_;
  std::vector<News> news_;
  /// What each node was told, to check the news against.
  std::map<std::pair<std::size_t, NodeId>, link::ConnectionId> up_;
};

}  // namespace trestle::test
