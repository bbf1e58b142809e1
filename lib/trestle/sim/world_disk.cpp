// What nodes order from their disks, and what they find there.

#include <utility>

#include "trestle/sim/world.hpp"

namespace trestle::sim {
namespace {

/// Where every calendar begins: 2025-01-01 00:00:00 UTC.
constexpr WallTime kWallStart{std::chrono::milliseconds(1'735'689'600'000)};

}  // namespace

/// The node's own calendar, wrong as it is.
WallTime World::wall(const Host& host) const {
  const Duration calendar = now_.time_since_epoch() + host.wall_skew;
  return kWallStart + std::chrono::floor<Calendar::duration>(calendar);
}

void World::perform_disk(NodeIndex node, dht::Persist&& order) {
  Host& host = hosts_[node];
  Happening news = happening(HappeningKind::disk_ordered, node);
  news.number = order.ticket.value;
  news.change = &order.change;
  happened(news);
  const bool was_idle = host.disk.next_deadline() == kNever;
  host.disk.persist(now_, wall(host), std::move(order));
  if (was_idle) scheduler_.add(host.disk.next_deadline(), EventKind::disk_done, node, 0);
}

void World::finish_disk(NodeIndex node) {
  Host& host = hosts_[node];
  // A process that died since took its sync with it.
  if (host.disk.next_deadline() > now_) return;
  if (host.paused) {
    host.is_disk_held = true;
    return;
  }
  for (const Disk::Answer& answer : host.disk.on_deadline(now_)) {
    Happening news = happening(HappeningKind::disk_answered, node);
    news.number = answer.ticket.value;
    news.code = answer.code;
    happened(news);
    host.node->on_persisted(now_, answer.ticket, answer.code);
  }
  if (host.disk.next_deadline() != kNever) {
    scheduler_.add(host.disk.next_deadline(), EventKind::disk_done, node, 0);
  }
  drain(node);
}

}  // namespace trestle::sim
