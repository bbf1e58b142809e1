#include "trestle/mesh/candidates.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "trestle/base/assertion.hpp"
#include "trestle/link/backoff.hpp"

namespace trestle::mesh {
namespace {

bool is_dialable(const wire::Contact& contact) {
  return !contact.id.is_zero() && !contact.address.empty() &&
         (contact.role == wire::Role::node || contact.role == wire::Role::bridge);
}

}  // namespace

Candidates::Candidates(const CandidatesOptions& options, Rng rng)
    : options_(options),
      rng_(rng.fork("choice")),
      backoff_rng_(rng.fork("backoff")),
      legacy_(options.legacy, rng.fork("legacy")) {
  TRESTLE_ASSERT(options_.attempts_max > 0);
  TRESTLE_ASSERT(options_.attempts_max <= std::numeric_limits<std::uint8_t>::max());
}

bool Candidates::hear(Instant now, const wire::Contact& contact, Haste haste) {
  if (!is_dialable(contact)) return false;
  if (Peer* peer = peers_.find(contact.id)) {
    if (peer->phase == Phase::forgotten) {
      if (now < peer->due) return false;
      peer->failures = 0;
      peer->waits = 0;
      peer->due = after(now, draw_first_wait(contact.dialect, haste));
      enter(*peer, Phase::idle);
    }
    // Hearsay must not replace an address that works.
    if (peer->phase != Phase::linked && peer->failures > 0) {
      peer->address = wire::KnownAddress(contact);
    }
    return true;
  }
  return take_up(now, contact, haste, Claim::hearsay);
}

bool Candidates::take_up(Instant now, const wire::Contact& contact, Haste haste, Claim claim) {
  if (!is_dialable(contact) || !make_room(claim)) return false;
  admit(contact).due = after(now, draw_first_wait(contact.dialect, haste));
  return true;
}

bool Candidates::want(Instant now, const wire::Contact& contact) {
  Peer* peer = peers_.find(contact.id);
  if (peer == nullptr) {
    if (!take_up(now, contact, Haste::at_once, Claim::wanted)) return false;
    peer = peers_.find(contact.id);
  } else if (peer->phase == Phase::forgotten) {
    if (is_dialable(contact)) peer->address = wire::KnownAddress(contact);
    // One dial for one wish: lookups go on wishing for the dead, and a whole series for each of
    // them would be a flood.
    peer->failures = static_cast<std::uint8_t>(options_.attempts_max - 1);
    peer->waits = 0;
    peer->due = after(now, draw_first_wait(peer->address.dialect, Haste::at_once));
    enter(*peer, Phase::idle);
  } else if (peer->phase == Phase::idle && peer->failures == 0 &&
             peer->address.dialect != wire::Dialect::legacy) {
    peer->due = std::min(peer->due, now);
  }
  set_wanted(*peer, peer->phase == Phase::idle);
  return true;
}

std::optional<NodeId> Candidates::unwant_any() {
  if (wanted_ == 0) return std::nullopt;
  for (auto& [id, peer] : peers_) {
    if (peer.wanted && peer.phase == Phase::idle) {
      set_wanted(peer, false);
      return id;
    }
  }
  return std::nullopt;
}

void Candidates::on_dial(const NodeId& id) {
  Peer* peer = peers_.find(id);
  if (peer == nullptr) return;
  peer->full = false;
  enter(*peer, Phase::dialling);
}

std::optional<Candidates::Failure> Candidates::on_dial_failed(Instant now, const NodeId& id) {
  Peer* peer = peers_.find(id);
  if (peer == nullptr || peer->phase != Phase::dialling) return std::nullopt;
  return fail(now, *peer, peer->failures + 1);
}

void Candidates::on_full(Instant now, const NodeId& id) {
  Peer* peer = peers_.find(id);
  if (peer == nullptr || peer->phase == Phase::linked) return;
  peer->failures = 0;
  peer->waits = 0;
  peer->due = after(now, options_.redial.cap);
  peer->full = true;
  set_wanted(*peer, false);
  enter(*peer, Phase::idle);
  if (peer->proven) set_trust(*peer, Trust::proven);
}

bool Candidates::is_full(Instant now, const NodeId& id) const {
  const Peer* peer = peers_.find(id);
  return peer != nullptr && peer->full && peer->phase == Phase::idle && now < peer->due;
}

std::optional<Candidates::Failure> Candidates::on_wrong_id(Instant now, const NodeId& id) {
  Peer* peer = peers_.find(id);
  if (peer == nullptr || peer->phase != Phase::dialling) return std::nullopt;
  return fail(now, *peer, options_.attempts_max);
}

bool Candidates::on_linked(const wire::Contact& contact) {
  Peer* peer = peers_.find(contact.id);
  if (peer == nullptr) {
    if (!is_dialable(contact)) return false;
    peer = &admit(contact);
  } else if (is_dialable(contact)) {
    peer->address = wire::KnownAddress(contact);
  }
  const bool was_lost = peer->probed || is_lost(*peer);
  set_wanted(*peer, false);
  peer->full = false;
  enter(*peer, Phase::linked);
  set_trust(*peer, Trust::proven);
  peer->probed = false;
  return was_lost;
}

void Candidates::on_remembered(Instant now, const NodeId& id) {
  Peer* peer = peers_.find(id);
  if (peer == nullptr || peer->phase != Phase::idle) return;
  set_trust(*peer, Trust::proven);
  peer->last_linked = now;
}

void Candidates::on_unlinked(Instant now, const NodeId& id, Duration lasted, Ending ending) {
  Peer* peer = peers_.find(id);
  if (peer == nullptr || peer->phase != Phase::linked) return;
  peer->last_linked = now;
  if (ending == Ending::suffered) set_trust(*peer, Trust::broken);
  if (lasted >= options_.stable_after) {
    peer->failures = 0;
    peer->waits = 0;
    peer->due = after(now, draw_redial_wait(*peer));
    enter(*peer, Phase::idle);
  } else {
    fail(now, *peer, peer->failures + 1);
  }
  if (unlinked() > options_.candidates_max && !make_room(Claim::hearsay)) {
    erase(std::find_if(peers_.begin(), peers_.end(),
                       [&](const auto& entry) { return entry.first == id; }));
  }
}

std::optional<wire::Contact> Candidates::choose(Instant now, Choice choice) {
  eligible_.clear();
  bool wanted_only = choice == Choice::wanted_only;
  if (wanted_only && wanted_ == 0) return std::nullopt;
  for (std::size_t index = 0; index < peers_.size(); ++index) {
    const Peer& peer = peers_.at_index(index).second;
    if (peer.phase != Phase::idle || peer.due > now) continue;
    if (peer.wanted && !wanted_only) {
      wanted_only = true;
      eligible_.clear();
    }
    if (peer.wanted || !wanted_only) eligible_.push_back(index);
  }
  if (eligible_.empty()) return std::nullopt;
  const std::size_t drawn = rng_.below(eligible_.size());
  const auto& [id, chosen] = peers_.at_index(eligible_[drawn]);
  return chosen.address.of(id);
}

std::optional<wire::Contact> Candidates::choose_lost(Instant now) {
  drop_stale(now);
  eligible_.clear();
  for (std::size_t index = 0; index < peers_.size(); ++index) {
    const Peer& peer = peers_.at_index(index).second;
    if (is_lost(peer) && peer.due <= now) eligible_.push_back(index);
  }
  if (eligible_.empty()) return std::nullopt;
  const std::size_t drawn = rng_.below(eligible_.size());
  auto& [id, peer] = peers_.at_index(eligible_[drawn]);
  peer.failures = static_cast<std::uint8_t>(options_.attempts_max - 1);  // one dial, not a series
  peer.probed = true;
  return peer.address.of(id);
}

void Candidates::drop_stale(Instant now) {
  for (auto place = peers_.begin(); place != peers_.end();) {
    Peer& peer = place->second;
    if (!is_lost(peer) || now < after(peer.last_linked, options_.lost_for)) {
      ++place;
      continue;
    }
    place = erase(place);
  }
}

Instant Candidates::next_due(Instant now, Choice choice) const {
  Instant next = kNever;
  if (choice == Choice::wanted_only && wanted_ == 0) return next;
  for (const auto& [id, peer] : peers_) {
    if (peer.phase != Phase::idle || peer.due <= now) continue;
    if (choice == Choice::any || peer.wanted) next = std::min(next, peer.due);
  }
  return next;
}

Candidates::Peer& Candidates::admit(const wire::Contact& contact) {
  const auto [peer, is_new] =
      peers_.insert(contact.id, Peer{.address = wire::KnownAddress(contact)});
  TRESTLE_ASSERT(is_new);
  ++known_;
  return *peer;
}

bool Candidates::make_room(Claim claim) {
  if (unlinked() < options_.candidates_max) return true;
  // Worst first: forgotten ones, then the one that failed most. Peers nobody has tried yet and
  // those somebody waits for are never pushed out by hearsay, nor are lost ones, up to their share.
  auto worst = peers_.end();
  for (auto place = peers_.begin(); place != peers_.end(); ++place) {
    const Peer& peer = place->second;
    if (peer.proven && lost_ <= options_.lost_max) continue;
    if (peer.phase == Phase::forgotten) {
      worst = place;
      break;
    }
    if (peer.phase != Phase::idle || peer.wanted || peer.failures == 0) continue;
    if (worst == peers_.end() || peer.failures > worst->second.failures) worst = place;
  }
  if (worst == peers_.end() && claim == Claim::wanted) worst = longest_untried();
  if (worst == peers_.end()) return false;
  erase(worst);
  return true;
}

/// Of those that nobody waits for the one that was heard of longest ago: hearsay must not push out
/// hearsay, but whom somebody waits for is worth more.
FlatMap<NodeId, Candidates::Peer>::iterator Candidates::longest_untried() {
  auto oldest = peers_.end();
  for (auto place = peers_.begin(); place != peers_.end(); ++place) {
    const Peer& peer = place->second;
    if (peer.phase != Phase::idle || peer.wanted || peer.proven) continue;
    if (oldest == peers_.end() || peer.due < oldest->second.due) oldest = place;
  }
  return oldest;
}

Candidates::Failure Candidates::fail(Instant now, Peer& peer, unsigned failures) {
  peer.failures = static_cast<std::uint8_t>(failures);
  set_wanted(peer, false);
  if (peer.proven) set_trust(peer, Trust::broken);
  const bool forgotten = failures >= options_.attempts_max;
  if (forgotten) {
    peer.due = after(now, options_.forget_for);
    enter(peer, Phase::forgotten);
  } else {
    peer.due = after(now, draw_redial_wait(peer));
    enter(peer, Phase::idle);
  }
  return {
      .attempts = failures, .forgotten = forgotten, .probed = std::exchange(peer.probed, false)};
}

Duration Candidates::draw_redial_wait(Peer& peer) {
  if (peer.address.dialect == wire::Dialect::legacy) return legacy_.draw_redial_wait();
  const unsigned waits = peer.waits;
  if (waits < std::numeric_limits<std::uint8_t>::max()) ++peer.waits;
  return link::draw_backoff(options_.redial, waits, backoff_rng_);
}

Duration Candidates::draw_first_wait(wire::Dialect dialect, Haste haste) {
  if (dialect == wire::Dialect::legacy) return legacy_.draw_first_wait();
  if (haste == Haste::at_once) return Duration::zero();
  return rng_.between(Duration::zero(), options_.first_dial_spread);
}

void Candidates::set_wanted(Peer& peer, bool wanted) {
  wanted_ -= peer.wanted ? 1 : 0;
  wanted_ += wanted ? 1 : 0;
  peer.wanted = wanted;
}

FlatMap<NodeId, Candidates::Peer>::iterator Candidates::erase(
    FlatMap<NodeId, Peer>::iterator place) {
  Peer& peer = place->second;
  set_wanted(peer, false);
  set_trust(peer, Trust::unproven);
  enter(peer, Phase::forgotten);
  return peers_.erase(place);
}

void Candidates::set_trust(Peer& peer, Trust trust) {
  lost_ -= is_lost(peer) ? 1 : 0;
  peer.proven = trust != Trust::unproven;
  peer.broken = trust == Trust::broken;
  lost_ += is_lost(peer) ? 1 : 0;
}

/// Keeps the counters true; nothing else assigns a phase.
void Candidates::enter(Peer& peer, Phase phase) {
  known_ += peer.phase == Phase::forgotten ? 1 : 0;
  known_ -= phase == Phase::forgotten ? 1 : 0;
  lost_ -= is_lost(peer) ? 1 : 0;
  linked_ -= peer.phase == Phase::linked ? 1 : 0;
  linked_ += phase == Phase::linked ? 1 : 0;
  peer.phase = phase;
  lost_ += is_lost(peer) ? 1 : 0;
}

}  // namespace trestle::mesh
