#include "trestle/mesh/mesh.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "trestle/base/assertion.hpp"

namespace trestle::mesh {
namespace {

/// One of the two sides wanted the link to end, and said so.
bool is_meant(ErrorCode code) {
  return code == ErrorCode::none || code == ErrorCode::idle || code == ErrorCode::busy ||
         code == ErrorCode::shutting_down || code == ErrorCode::duplicate_connection;
}

}  // namespace

Mesh::Mesh(const wire::Contact& self, const MeshOptions& options, Rng rng)
    : self_(self),
      options_(options),
      rng_(rng.fork("mesh")),
      candidates_(options.candidates, rng.fork("candidates")),
      announcements_(options.announcements),
      stability_(options.stability),
      probe_interval_(options.probe_interval) {
  TRESTLE_ASSERT(!self.id.is_zero());
  TRESTLE_ASSERT(options_.links_max > 0);
  TRESTLE_ASSERT(options_.dials_max > 0 && options_.wanted_dials_max >= options_.dials_max);
  dials_.reserve(options_.dials_max);
}

// ---- who is there

Result<void, ErrorCode> Mesh::connect(Instant now, const wire::Contact& contact) {
  if (contact.id.is_zero() || contact.id == self_.id) return refuse(ErrorCode::invalid_request);
  if (links_.contains(contact.id) || find_dial(contact.id) != dials_.end()) return {};
  if (contact.address.empty() && !candidates_.contains(contact.id)) {
    return refuse(ErrorCode::unreachable);
  }
  if (candidates_.is_full(now, contact.id)) return refuse(ErrorCode::busy);
  // Whoever is being dialled, or waits for it, has a place: to wait for one behind them would only
  // take the time in which others can be asked.
  const std::size_t promised = std::max(dials_.size(), candidates_.wanted());
  const bool is_full = links_.size() + promised >= options_.links_max;
  if (is_full && let_go(now, options_.idle_when_full, 1) == 0) {
    return refuse(ErrorCode::busy);
  }
  const bool is_taken = candidates_.want(now, contact);
  pump(now);
  if (!is_taken) return refuse(ErrorCode::busy);
  return {};
}

void Mesh::drop(Instant now, const NodeId& peer) {
  give_up(now, peer);
  pump(now);
}

void Mesh::give_up(Instant now, const NodeId& peer) {
  if (!links_.contains(peer)) return;
  ++stats_.links_given_up;
  end_link(now, peer, ErrorCode::busy);
}

/// The link is there, and we want it no more.
void Mesh::end_link(Instant now, const NodeId& peer, ErrorCode code) {
  const link::ConnectionId connection = links_.find(peer)->connection;
  owners_.erase(connection);
  disconnect(connection, code);
  if (const Spare* spare = spares_.find(peer)) {
    owners_.erase(spare->link.connection);
    disconnect(spare->link.connection, code);
    spares_.erase(peer);
  }
  take_down(now, peer, code, Ending::meant);
}

void Mesh::on_contact(Instant now, const wire::Contact& contact) {
  if (links_.contains(contact.id)) return;
  const bool is_taken =
      contact.id != self_.id && candidates_.hear(now, contact, Candidates::Haste::spread);
  if (!is_taken) ++stats_.contacts_refused;
  pump(now);
}

void Mesh::on_remembered(Instant now, const wire::Contact& contact) {
  on_contact(now, contact);
  candidates_.on_remembered(now, contact.id);
}

void Mesh::on_announced(Instant now, const NodeId& from, const wire::Contact& contact) {
  if (!links_.contains(from) || contact.id == self_.id) return;
  switch (announcements_.on_announced(now, from, contact.id)) {
    case Announcements::Verdict::too_many:
      ++stats_.announcements_refused;
      return;
    case Announcements::Verdict::repeated:
      ++stats_.announcements_repeated;
      return;
    case Announcements::Verdict::news:
      break;
  }
  ++stats_.announcements_heard;
  on_contact(now, contact);
  outbox_.push(PeerAnnounced{contact});
}

void Mesh::on_rtt(Instant, const NodeId& peer, Duration rtt) {
  Link* link = links_.find(peer);
  if (link == nullptr) return;
  constexpr Duration::rep kNewSampleShare = 8;  // RFC 6298: 1/8
  link->rtt = link->rtt == Duration::zero() ? rtt : link->rtt + (rtt - link->rtt) / kNewSampleShare;
}

// ---- dials

void Mesh::on_dial_started(Instant now, const NodeId& peer, link::ConnectionId connection) {
  const auto dial = find_dial(peer);
  if (dial != dials_.end() && !dial->connection) {
    dial->connection = connection;
  } else if (links_.contains(peer)) {
    disconnect(connection, ErrorCode::duplicate_connection);  // it linked itself meanwhile
  } else {
    wire::Contact contact;
    contact.id = peer;
    dials_.push_back({.peer = std::move(contact),
                      .connection = connection,
                      .gives_up = after(now, options_.dial_patience)});
    candidates_.on_dial(peer);
  }
  pump(now);
}

void Mesh::on_dial_refused(Instant now, const NodeId& peer, ErrorCode code) {
  const auto dial = find_dial(peer);
  if (dial != dials_.end() && !dial->connection) fail_dial(now, dial, code);
  pump(now);
}

void Mesh::on_dial_failed(Instant now, link::ConnectionId connection, ErrorCode code,
                          std::string_view reason) {
  const auto dial = find_dial(connection);
  if (dial != dials_.end()) fail_dial(now, dial, code, reason);
  pump(now);
}

void Mesh::fail_dial(Instant now, Dials::iterator dial, ErrorCode code, std::string_view reason) {
  const wire::Contact peer = std::move(dial->peer);
  dials_.erase(dial);
  if (links_.contains(peer.id)) return;  // the other side's dial came through
  ++stats_.dials_failed;
  const auto failure = candidates_.on_dial_failed(now, peer.id);
  if (code == ErrorCode::busy) candidates_.on_full(now, peer.id);
  report_failure(peer, code, reason, failure);
}

void Mesh::report_failure(const wire::Contact& peer, ErrorCode code, std::string_view reason,
                          const std::optional<Candidates::Failure>& failure) {
  const Candidates::Failure known = failure.value_or(Candidates::Failure{.forgotten = true});
  if (known.forgotten) ++stats_.forgotten;
  std::string detail = peer.address;
  if (!reason.empty()) detail.append(": ").append(reason);
  detail += known.forgotten ? "; not dialled again for a while" : "; dialled again later";
  log(failure && failure->probed ? LogLevel::debug : LogLevel::info, "mesh.dial_failed", code,
      peer.id, detail);
  outbox_.push(ContactFailed{
      .peer = peer.id, .code = code, .attempts = known.attempts, .forgotten = known.forgotten});
}

/// The dial whose connection opened is over; it need not have found the peer that was meant.
void Mesh::settle_dial(Instant now, Link& opened) {
  const auto dial = find_dial(opened.connection);
  if (dial == dials_.end()) return;
  const wire::Contact meant = dial->peer;
  dials_.erase(dial);
  if (meant.id == opened.peer.id) {
    if (opened.peer.address.empty()) opened.peer.address = meant.address;
    return;
  }
  if (links_.contains(meant.id)) return;
  ++stats_.dials_failed;
  report_failure(meant, ErrorCode::not_found, "somebody else answers there",
                 candidates_.on_wrong_id(now, meant.id));
}

void Mesh::yield_dial(Instant now, const wire::Contact& peer) {
  const auto dial = find_dial(peer.id);
  if (dial == dials_.end()) return;
  if (peer.dialect == wire::Dialect::legacy) {
    // Two sockets to a peer of the old dialect may well end in none.
    if (dial->connection) disconnect(*dial->connection, ErrorCode::duplicate_connection);
    dials_.erase(dial);
  } else if (yielding_dialler(self_.id, peer.id) == self_.id) {
    // The other side closes it as soon as it sees both open. To drop it before would cut a peer
    // that sees only this one so far.
    dial->gives_up = std::min(dial->gives_up, after(now, options_.yield_grace));
  }
}

// ---- links

void Mesh::on_link_opened(Instant now, link::ConnectionId connection, const wire::Contact& peer,
                          Direction direction) {
  if (owners_.contains(connection)) return;
  Link opened{
      .peer = peer, .connection = connection, .direction = direction, .since = now, .used = now};
  // Who dials us wants something of us.
  if (direction == Direction::accepted) opened.served = now;
  settle_dial(now, opened);
  if (peer.id.is_zero() || peer.id == self_.id) {
    refuse_link(opened, ErrorCode::refused);
  } else if (links_.contains(peer.id)) {
    open_second(now, opened);
  } else if (!make_place(now, peer)) {
    if (direction == Direction::dialled) give_back(now, peer);
    refuse_link(opened, ErrorCode::busy);
  } else {
    open_first(now, opened);
  }
  pump(now);
}

/// Others came while it was dialled and took the last place: who waits for it goes another way.
void Mesh::give_back(Instant now, const wire::Contact& peer) {
  candidates_.on_full(now, peer.id);
  outbox_.push(ContactFailed{.peer = peer.id, .code = ErrorCode::busy});
}

void Mesh::refuse_link(const Link& link, ErrorCode code) {
  ++stats_.links_refused;
  log(LogLevel::warning, "mesh.link_refused", code, link.peer.id,
      code == ErrorCode::busy ? "the limit of links is reached" : "that is our own id, or none");
  disconnect(link.connection, code);
}

bool Mesh::make_place(Instant now, const wire::Contact& newcomer) {
  if (links_.size() < options_.links_max) return true;
  if (worth_ == nullptr) return false;
  // A stranger gets nothing sooner than time alone would bring: who comes in numbers must not push
  // out whom we have.
  if (let_go(now, options_.idle, 1) > 0) return true;
  const auto given_up = worth_->link_to_give_up(newcomer, links_);
  if (!given_up) return false;
  give_up(now, *given_up);
  return links_.size() < options_.links_max;
}

void Mesh::open_first(Instant now, const Link& link) {
  links_.insert(link.peer.id, link);
  owners_.insert(link.connection, link.peer.id);
  // One peer that is back is a sign that others are.
  if (candidates_.on_linked(link.peer)) {
    probe_at_ = after(now, options_.probe_after_success);
    probe_interval_ = options_.probe_interval;
  }
  dials_from_ = Instant::min();
  stability_.on_up(now, link.peer.id);
  ++stats_.links_up;
  stats_.links_peak = std::max<std::uint64_t>(stats_.links_peak, links_.size());
  log(LogLevel::info, "mesh.link_up", ErrorCode::none, link.peer.id,
      link.direction == Direction::dialled ? "dialled" : "accepted");
  outbox_.push(LinkUp{.peer = link.peer, .connection = link.connection});
  yield_dial(now, link.peer);
  announce(now, link);
}

/// A newcomer looks up itself and links to its neighbourhood, and those are the ones whose peers
/// want to know of it: where thousands meet somebody for the first time all day, news of everybody
/// for everybody would be most of what is said.
void Mesh::announce(Instant now, const Link& link) {
  if (worth_ != nullptr && !worth_->is_neighbour(link.peer.id)) return;
  if (!announcements_.on_link_up(now, link.peer, link.direction)) return;
  AnnouncePeer order{.peer = link.peer, .to = {}};
  for (const auto& [peer, other] : links_) {
    if (peer == link.peer.id || other.peer.dialect != wire::Dialect::native) continue;
    order.to.push_back(other.connection);
  }
  if (order.to.empty()) return;
  ++stats_.announced;
  outbox_.push(std::move(order));
}

void Mesh::open_second(Instant now, const Link& arrived) {
  const Link current = *links_.find(arrived.peer.id);
  ++stats_.collisions;
  switch (decide({.self = self_.id,
                  .peer = arrived.peer.id,
                  .dialect = arrived.peer.dialect,
                  .old_direction = current.direction,
                  .new_direction = arrived.direction,
                  .old_is_settled = now - current.since > options_.simultaneous_window})) {
    case Collision::replace:
      move_to(arrived);
      owners_.erase(current.connection);
      disconnect(current.connection, ErrorCode::duplicate_connection);
      break;
    case Collision::replace_leaving_spare:
      move_to(arrived);
      keep_spare(now, current);
      break;
    case Collision::refuse:
      disconnect(arrived.connection, ErrorCode::duplicate_connection);
      break;
    case Collision::refuse_leaving_spare:
      keep_spare(now, arrived);
      break;
  }
}

void Mesh::move_to(const Link& next) {
  Link& link = *links_.find(next.peer.id);
  const std::string address = link.peer.address;
  const Instant used = std::max(link.used, next.used);
  const Instant served = std::max(link.served, next.served);
  link = next;
  link.used = used;
  link.served = served;
  if (link.peer.address.empty()) link.peer.address = address;
  owners_.insert(next.connection, next.peer.id);
  ++stats_.links_moved;
  log(LogLevel::debug, "mesh.link_moved", ErrorCode::none, next.peer.id,
      "two connections to one peer; the other one goes");
  outbox_.push(LinkMoved{.peer = next.peer.id, .connection = next.connection});
}

void Mesh::keep_spare(Instant now, const Link& link) {
  if (const Spare* older = spares_.find(link.peer.id)) {
    owners_.erase(older->link.connection);
    disconnect(older->link.connection, ErrorCode::duplicate_connection);
  }
  owners_.insert(link.connection, link.peer.id);
  spares_.insert_or_assign(link.peer.id,
                           {.link = link, .closes = after(now, options_.yield_grace)});
}

void Mesh::on_link_closed(Instant now, link::ConnectionId connection, ErrorCode code,
                          std::string_view reason) {
  const NodeId* owner = owners_.find(connection);
  if (owner == nullptr) {
    // A connection that ends before it was reported open is a failed dial.
    return on_dial_failed(now, connection, code, reason);
  }
  const NodeId peer = *owner;
  owners_.erase(connection);
  const Spare* spare = spares_.find(peer);
  if (links_.find(peer)->connection != connection) {
    spares_.erase(peer);
  } else if (spare != nullptr) {
    const Link next = spare->link;
    spares_.erase(peer);
    move_to(next);
  } else {
    take_down(now, peer, code, is_meant(code) ? Ending::meant : Ending::suffered);
    if (code == ErrorCode::busy) candidates_.on_full(now, peer);
  }
  pump(now);
}

void Mesh::take_down(Instant now, const NodeId& peer, ErrorCode code, Ending ending) {
  const Duration lasted = now - links_.find(peer)->since;
  links_.erase(peer);
  announcements_.on_link_down(peer);
  stability_.on_down(now, peer, ending == Ending::meant);
  ++stats_.links_down;
  candidates_.on_unlinked(now, peer, lasted, ending);
  if (ending == Ending::suffered) probe_interval_ = options_.probe_interval;
  if (find_dial(peer) != dials_.end()) candidates_.on_dial(peer);
  log(LogLevel::info, "mesh.link_down", code, peer, "no connection to this peer is left");
  outbox_.push(LinkDown{.peer = peer, .code = code});
  if (!links_.empty()) return;
  ++stats_.isolated;
  announcements_.on_isolated();
  const Duration drawn = rng_.between(Duration::zero(), options_.isolation_pause);
  dials_from_ = after(now, options_.isolation_pause + drawn);
  log(LogLevel::warning, "mesh.isolated", code, peer, "the last link went");
  outbox_.push(Isolated{});
}

// ---- time, look

void Mesh::on_deadline(Instant now) {
  for (auto place = spares_.begin(); place != spares_.end();) {
    if (place->second.closes > now) {
      ++place;
      continue;
    }
    const link::ConnectionId connection = place->second.link.connection;
    owners_.erase(connection);
    disconnect(connection, ErrorCode::duplicate_connection);
    place = spares_.erase(place);
  }
  const auto is_due = [now](const DialState& dial) { return dial.gives_up <= now; };
  for (auto dial = std::find_if(dials_.begin(), dials_.end(), is_due); dial != dials_.end();
       dial = std::find_if(dials_.begin(), dials_.end(), is_due)) {
    const bool linked = links_.contains(dial->peer.id);
    const ErrorCode code = linked ? ErrorCode::duplicate_connection : ErrorCode::timeout;
    if (dial->connection) disconnect(*dial->connection, code);
    fail_dial(now, dial, code);
  }
  pump(now);
}

/// Asked at every event, so it counts nothing: candidates that are linked are known, links to peers
/// that cannot be dialled come on top.
std::size_t Mesh::links_wanted() const {
  const std::size_t known = candidates_.known() + links_.size() - candidates_.linked();
  const std::size_t wanted = known <= options_.full_mesh_max ? known : options_.links_target;
  return std::min(wanted, options_.links_max);
}

bool Mesh::wants_more_links() const {
  return dials_.size() < options_.dials_max && links_.size() + dials_.size() < links_wanted();
}

void Mesh::pump(Instant now) {
  // Those that are being dialled have their places.
  const bool needs_place = !has_room() && candidates_.wanted() > dials_.size();
  if (needs_place) let_go(now, options_.idle_when_full, 1);
  while (dials_.size() < options_.wanted_dials_max && has_room() && dials_from_ <= now) {
    const auto contact = candidates_.choose(
        now, wants_more_links() ? Candidates::Choice::any : Candidates::Choice::wanted_only);
    if (!contact) break;
    dial(*contact, now);
  }
  probe_lost(now);
  let_go_idle(now);
  if (links_.size() >= options_.links_max) {
    while (const auto peer = candidates_.unwant_any()) {
      outbox_.push(ContactFailed{.peer = *peer, .code = ErrorCode::busy});
    }
  }
  arm(now);
}

void Mesh::dial(const wire::Contact& contact, Instant now) {
  candidates_.on_dial(contact.id);
  dials_.push_back({.peer = contact,
                    .connection = std::nullopt,
                    .gives_up = after(now, options_.dial_patience)});
  ++stats_.dials;
  outbox_.push(Connect{contact});
}

/// One lost peer at a time, at long intervals: the dead of years cost a dial a minute, however many
/// they are.
void Mesh::probe_lost(Instant now) {
  if (candidates_.lost() == 0) {
    probe_at_ = kNever;
  } else if (probe_at_ == kNever) {
    probe_at_ = after(now, rng_.between(probe_interval_, 2 * probe_interval_));
  }
  if (now < probe_at_ || now < dials_from_) return;
  probe_at_ = after(now, rng_.between(probe_interval_, 2 * probe_interval_));
  if (dials_.size() >= options_.dials_max || !has_room()) return;
  const auto contact = candidates_.choose_lost(now);
  if (!contact) return;
  ++stats_.lost_probed;
  // Taken back if it is there.
  probe_interval_ = std::min(2 * probe_interval_, options_.probe_interval_max);
  dial(*contact, now);
}

void Mesh::arm(Instant now) {
  deadline_ = probe_at_ > now ? probe_at_ : kNever;
  deadline_ = std::min(deadline_, idle_check_at_);
  for (const auto& [peer, spare] : spares_) deadline_ = std::min(deadline_, spare.closes);
  for (const DialState& dial : dials_) deadline_ = std::min(deadline_, dial.gives_up);
  if (dials_from_ > now) {
    deadline_ = std::min(deadline_, dials_from_);
    return;
  }
  // A dial that ends wakes us.
  if (dials_.size() >= options_.wanted_dials_max || !has_room()) return;
  const bool wants_links = wants_more_links();
  const Instant due = candidates_.next_due(
      now, wants_links ? Candidates::Choice::any : Candidates::Choice::wanted_only);
  deadline_ = std::min(deadline_, due);
}

std::optional<link::ConnectionId> Mesh::find(const NodeId& peer) const {
  const Link* link = links_.find(peer);
  if (link == nullptr) return std::nullopt;
  return link->connection;
}

MeshStats Mesh::stats() const {
  MeshStats stats = stats_;
  stats.links = links_.size();
  stats.dialling = dials_.size();
  stats.known = candidates_.known();
  stats.lost = candidates_.lost();
  return stats;
}

Mesh::Dials::iterator Mesh::find_dial(link::ConnectionId connection) {
  return std::find_if(dials_.begin(), dials_.end(), [connection](const DialState& dial) {
    return dial.connection == connection;
  });
}

bool Mesh::is_dialling(const NodeId& peer) const {
  return std::ranges::any_of(dials_, [&](const DialState& dial) { return dial.peer.id == peer; });
}

Mesh::Dials::iterator Mesh::find_dial(const NodeId& peer) {
  return std::find_if(dials_.begin(), dials_.end(),
                      [&peer](const DialState& dial) { return dial.peer.id == peer; });
}

void Mesh::disconnect(link::ConnectionId connection, ErrorCode code) {
  outbox_.push(Disconnect{.connection = connection, .code = code});
}

void Mesh::log(LogLevel level, std::string_view event, ErrorCode code, const NodeId& peer,
               std::string_view detail) {
  outbox_.push(LogRecord{
      .level = level, .event = event, .code = code, .peer = peer, .detail = std::string(detail)});
}

std::optional<MeshEffect> Mesh::poll_effect() { return outbox_.poll(); }

}  // namespace trestle::mesh
