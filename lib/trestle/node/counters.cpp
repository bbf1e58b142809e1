#include "trestle/node/counters.hpp"

#include <algorithm>

#include "trestle/admission/membership_desk.hpp"
#include "trestle/bridge/introduction_desk.hpp"
#include "trestle/node/bootstrap/entrance.hpp"

namespace trestle::node {

void add_counters(Status& status, const link::ChannelSet& channels) {
  auto& counters = status.counters;
  counters.emplace_back("link.connections", channels.size());
  counters.emplace_back("link.pending", channels.pending());
  counters.emplace_back("link.refused_total", channels.refused());
  const link::ChannelSet::Refusals& refusals = channels.refusals();
  counters.emplace_back("link.refused_unexpected_total", refusals.unexpected);
  counters.emplace_back("link.refused_banned_total", refusals.banned);
  counters.emplace_back("link.refused_per_identity_total", refusals.per_identity);
  counters.emplace_back("link.refused_legacy_total", refusals.legacy);
}

void add_bans(Status& status, Instant now, const link::BanList& bans) {
  for (link::BanList::Ban& ban : bans.bans(now)) {
    status.bans.push_back({std::move(ban.who), ban.left});
  }
  status.counters.emplace_back("link.bans", status.bans.size());
  status.counters.emplace_back("link.bans_total", bans.stats().bans);
  status.counters.emplace_back("link.offences_total", bans.stats().offences);
}

void add_counters(Status& status, const mesh::MeshStats& stats) {
  auto& counters = status.counters;
  counters.emplace_back("mesh.links", stats.links);
  counters.emplace_back("mesh.known", stats.known);
  counters.emplace_back("mesh.dialling", stats.dialling);
  counters.emplace_back("mesh.links_up_total", stats.links_up);
  counters.emplace_back("mesh.links_down_total", stats.links_down);
  counters.emplace_back("mesh.links_moved_total", stats.links_moved);
  counters.emplace_back("mesh.links_refused_total", stats.links_refused);
  counters.emplace_back("mesh.links_given_up_total", stats.links_given_up);
  counters.emplace_back("mesh.links_let_go_total", stats.links_let_go);
  counters.emplace_back("mesh.dials_total", stats.dials);
  counters.emplace_back("mesh.dials_failed_total", stats.dials_failed);
  counters.emplace_back("mesh.collisions_total", stats.collisions);
  counters.emplace_back("mesh.isolated_total", stats.isolated);
  counters.emplace_back("mesh.lost", stats.lost);
  counters.emplace_back("mesh.lost_probed_total", stats.lost_probed);
  counters.emplace_back("mesh.announced_total", stats.announced);
  counters.emplace_back("mesh.announcements_heard_total", stats.announcements_heard);
  counters.emplace_back("mesh.announcements_repeated_total", stats.announcements_repeated);
  counters.emplace_back("mesh.announcements_refused_total", stats.announcements_refused);
}

void add_counters(Status& status, Instant now, const mesh::Stability& stability) {
  const mesh::StabilityReport report = stability.report(now);
  const Duration between = report.between_failures.value_or(Duration::zero());
  auto& counters = status.counters;
  counters.emplace_back("mesh.stable", report.stable ? 1 : 0);
  counters.emplace_back("mesh.uptime_per_mille", report.uptime_per_mille);
  counters.emplace_back("mesh.churn_per_minute_milli", report.churn_per_minute_milli);
  counters.emplace_back("mesh.between_failures_ms",
                        static_cast<std::uint64_t>(between / std::chrono::milliseconds(1)));
  counters.emplace_back("mesh.links_broken_total", stability.unexpected_total());
}

void add_counters(Status& status, const dht::DhtStats& stats) {
  auto& counters = status.counters;
  counters.emplace_back("dht.table", stats.table.peers);
  counters.emplace_back("dht.buckets", stats.table.buckets);
  counters.emplace_back("dht.crowded_total", stats.table.crowded);
  counters.emplace_back("dht.records", stats.records.records);
  counters.emplace_back("dht.record_bytes", stats.records.bytes);
  counters.emplace_back("dht.operations", stats.operations);
  counters.emplace_back("dht.operations_total", stats.operations_started);
  counters.emplace_back("dht.lookups_total", stats.lookups_started);
  counters.emplace_back("dht.lookup_hops_total", stats.lookup_hops);
  counters.emplace_back("dht.asks_total", stats.asks);
  counters.emplace_back("dht.asks_failed_total", stats.asks_failed);
  counters.emplace_back("dht.asks_limited_total", stats.asks_limited);
  counters.emplace_back("dht.asks_waiting", stats.pacing.waiting);
  counters.emplace_back("dht.asks_through_total", stats.asks_through);
  counters.emplace_back("dht.asks_recursive_total", stats.asks_recursive);
  counters.emplace_back("dht.hedges_total", stats.hedges);
  counters.emplace_back("dht.deaf_total", stats.deaf);
  counters.emplace_back("dht.requests_total", stats.requests);
  counters.emplace_back("dht.requests_limited_total", stats.requests_limited);
  counters.emplace_back("dht.data_refused_total", stats.data_refused);
  counters.emplace_back("dht.stores_accepted_total", stats.stores_accepted);
  counters.emplace_back("dht.stores_refused_total", stats.stores_refused);
  counters.emplace_back("dht.stores_outdated_total", stats.records.outdated);
  counters.emplace_back("dht.stores_busy_total", stats.stores_busy);
  counters.emplace_back("dht.tombstones", stats.records.tombstones);
  counters.emplace_back("dht.records_ended_total", stats.records.ended);
  counters.emplace_back("dht.storage_failures_total", stats.records.writes_failed);
  counters.emplace_back("dht.writes_acknowledged_total", stats.writes_acknowledged);
  counters.emplace_back("dht.writes_weak_total", stats.writes_weak);
  counters.emplace_back("dht.writes_retried_total", stats.writes_retried);
  counters.emplace_back("dht.spreads_cut_total", stats.spreads_cut);
}

void add_upkeep(Status& status, Instant now, const dht::Dht& dht) {
  const dht::RepublisherStats stats = dht.stats().republish;
  const Duration lag = dht.republish_lag(now);
  const auto lag_of_interval = lag * 100 / dht.options().republish.refresh.interval;
  auto& counters = status.counters;
  counters.emplace_back("dht.refresh_lag_s", lag / std::chrono::seconds(1));
  counters.emplace_back("dht.refresh_lag_percent", lag_of_interval);
  counters.emplace_back("dht.refreshed_total", stats.refreshed);
  counters.emplace_back("dht.refreshed_by_others_total", stats.refreshed_by_others);
  counters.emplace_back("dht.refreshes_doubted_total", stats.words_doubted);
  counters.emplace_back("dht.refreshes_failed_total", stats.refreshes_failed);
  counters.emplace_back("dht.refresh_lookups_total", stats.lookups);
  counters.emplace_back("dht.refresh_lookups_saved_total", stats.lookups_saved);
  counters.emplace_back("dht.offers_sent_total", stats.sent.offers);
  counters.emplace_back("dht.offered_sent_total", stats.sent.summaries);
  counters.emplace_back("dht.copies_sent_total", stats.sent.copies);
  counters.emplace_back("dht.gifts_sent_total", stats.sent.gifts);
  counters.emplace_back("dht.offered_total", stats.offered);
  counters.emplace_back("dht.offered_needed_total", stats.said_need + stats.said_mismatch);
  counters.emplace_back("dht.delegated_total", stats.delegated);
  counters.emplace_back("dht.spread_total", stats.spread);
  counters.emplace_back("dht.hand_overs_total", stats.hand_overs);
  counters.emplace_back("dht.repairs_total", stats.repairs);
  status.histograms.push_back({"dht.refresh_late_time", stats.lateness});
}

void add_counters(Status& status, const admission::MembershipDesk& desk) {
  const admission::DeskCounters& counters = desk.counters();
  status.counters.emplace_back("members.known", desk.size());
  status.counters.emplace_back("members.redeemed_total", counters.redeemed);
  status.counters.emplace_back("members.redeemed_again_total", counters.redeemed_again);
  status.counters.emplace_back("members.renewed_total", counters.renewed);
  status.counters.emplace_back("members.refused_total", counters.refused);
  status.counters.emplace_back("members.over_budget_total", counters.over_budget);
}

void add_counters(Status& status, const EntranceStats& stats) {
  status.counters.emplace_back("entrance.redeeming", stats.redeeming);
  status.counters.emplace_back("entrance.redeemed_total", stats.redeemed_total);
  status.counters.emplace_back("entrance.refused_total", stats.refused_total);
  status.counters.emplace_back("entrance.certified_total", stats.certified_total);
}

void add_counters(Status& status, const LinkGateStats& stats) {
  status.counters.emplace_back("admission.newcomers", stats.newcomers);
  status.counters.emplace_back("admission.admitted", stats.admitted);
  status.counters.emplace_back("admission.links_refused_total", stats.refused_total);
  status.counters.emplace_back("admission.no_room_total", stats.no_room_total);
  status.counters.emplace_back("admission.expired_total", stats.expired_total);
  status.counters.emplace_back("admission.revoked_total", stats.revoked_total);
}

void add_counters(Status& status, const RecordVerifierStats& stats) {
  auto& counters = status.counters;
  counters.emplace_back("verify.held", stats.held);
  counters.emplace_back("verify.checked_total", stats.checked);
  counters.emplace_back("verify.remembered_total", stats.remembered);
  counters.emplace_back("verify.forged_total", stats.forged);
  counters.emplace_back("verify.unheard_total", stats.unheard);
  counters.emplace_back("verify.refused_total", stats.refused);
  counters.emplace_back("verify.limited_total", stats.limited);
  counters.emplace_back("verify.forgers_total", stats.forgers);
}

void add_counters(Status& status, const SealedValuesStats& stats) {
  auto& counters = status.counters;
  counters.emplace_back("values.sealed_total", stats.sealed);
  counters.emplace_back("values.opened_total", stats.opened);
  counters.emplace_back("values.not_for_us_total", stats.not_for_us);
  counters.emplace_back("values.not_genuine_total", stats.not_genuine);
  counters.emplace_back("values.plain_read_total", stats.plain_read);
  counters.emplace_back("values.plain_refused_total", stats.plain_refused);
}

void add_counters(Status& status, const CarrierStats& stats) {
  auto& counters = status.counters;
  counters.emplace_back("carrier.under_way", stats.under_way);
  counters.emplace_back("carrier.requests_total", stats.requests);
  counters.emplace_back("carrier.served_total", stats.served);
  counters.emplace_back("carrier.handed_on_total", stats.handed_on);
  counters.emplace_back("carrier.answers_total", stats.answers);
  counters.emplace_back("carrier.dead_ends_total", stats.dead_ends);
  counters.emplace_back("carrier.refused_total", stats.refused);
}

void add_counters(Status& status, const onboarding::JoinerStats& stats) {
  auto& counters = status.counters;
  counters.emplace_back("joiner.dials_total", stats.dials);
  counters.emplace_back("joiner.dials_failed_total", stats.dials_failed);
  counters.emplace_back("joiner.gave_up_total", stats.gave_up);
  counters.emplace_back("joiner.asks_total", stats.asks);
  counters.emplace_back("joiner.ask_failures_total", stats.ask_failures);
  counters.emplace_back("joiner.joined_total", stats.joined);
  counters.emplace_back("joiner.isolated_total", stats.isolated);
}

void add_counters(Status& status, const onboarding::ReceptionStats& stats) {
  auto& counters = status.counters;
  counters.emplace_back("reception.clients", stats.clients);
  counters.emplace_back("reception.nodes", stats.nodes);
  counters.emplace_back("reception.joins_in_flight", stats.in_flight);
  counters.emplace_back("reception.joins_total", stats.joins);
  counters.emplace_back("reception.introduced_total", stats.introduced);
  counters.emplace_back("reception.genesis_total", stats.genesis);
  counters.emplace_back("reception.emergency_total", stats.emergency);
  counters.emplace_back("reception.bridges_total", stats.bridges);
  counters.emplace_back("reception.failed_total", stats.failed);
  counters.emplace_back("reception.busy_total", stats.busy);
  counters.emplace_back("reception.limited_total", stats.limited);
  counters.emplace_back("reception.turned_away_total", stats.turned_away);
  status.histograms.push_back({"reception.join_time", stats.join_time});
}

void add_counters(Status& status, const bridge::DeskStats& stats) {
  auto& counters = status.counters;
  counters.emplace_back("desk.members", stats.members);
  counters.emplace_back("desk.in_service", stats.in_service);
  counters.emplace_back("desk.waiting", stats.waiting);
  counters.emplace_back("desk.waiting_peak", stats.waiting_peak);
  counters.emplace_back("desk.in_service_max", stats.in_service_max);
  counters.emplace_back("desk.waiting_max", stats.waiting_max);
  counters.emplace_back("desk.received_total", stats.received);
  counters.emplace_back("desk.answered_total", stats.answered);
  counters.emplace_back("desk.busy_total", stats.busy);
  counters.emplace_back("desk.turned_away_total", stats.turned_away);
  counters.emplace_back("desk.expired_total", stats.expired);
  counters.emplace_back("desk.cancelled_total", stats.cancelled);
  status.histograms.push_back({"desk.waiting_time", stats.waiting_time});
  status.histograms.push_back({"desk.service_time", stats.service_time});
}

void add_bridges(Status& status, Instant now, const pool::BridgeSet& bridges) {
  std::uint64_t usable = 0;
  for (const pool::BridgeSlot& slot : bridges.slots()) {
    BridgeSlotStatus& shown = status.bridges.emplace_back();
    shown.url = slot.url();
    shown.id = slot.peer.id;
    shown.state = pool::public_name(slot.state);
    shown.phase = pool::name(slot.state);
    shown.breaker = name(slot.breaker.state(now));
    shown.usable = bridges.is_usable(now, slot);
    shown.excluded = slot.is_excluded;
    shown.attached = slot.is_attached;
    shown.ejected = slot.is_ejected;
    shown.leaving = slot.is_leaving;
    shown.last_error = slot.last_error;
    if (slot.connection && shown.state == "connected") {
      shown.connected_for = now - slot.connected_at;
      shown.last_request_ago = now - slot.last_request_at;
    }
    if (slot.dial_at != kNever) shown.next_dial_in = std::max(slot.dial_at - now, Duration{});
    shown.dial_attempts = slot.backoff.attempts();
    shown.breaker_opened = slot.breaker.times_opened();
    const pool::BridgeCounters& counters = slot.counters;
    shown.connections_opened = counters.connections_opened;
    shown.requests = counters.requests;
    shown.answers = counters.answers;
    shown.busy_answers = counters.busy_answers;
    shown.timeouts = counters.timeouts;
    shown.failures = counters.failures;
    shown.in_flight = slot.in_flight;
    shown.retries = counters.retries;
    shown.hedges = counters.hedges;
    shown.late_answers = counters.late_answers;
    shown.invalid_answers = counters.invalid_answers;
    shown.request_time = counters.request_time;
    shown.dial_time = counters.dial_time;
    if (shown.usable) ++usable;
  }
  status.counters.emplace_back("pool.bridges", status.bridges.size());
  status.counters.emplace_back("pool.bridges_usable", usable);
  status.counters.emplace_back("pool.connections", bridges.connections_held());
  status.counters.emplace_back("pool.requests_under_way", bridges.requests_under_way());
  status.counters.emplace_back("pool.requests_max", bridges.requests_max());
  status.counters.emplace_back("pool.requests_waiting", bridges.requests_waiting());
  const pool::BridgeSetStats& stats = bridges.stats();
  status.counters.emplace_back("pool.submitted_total", stats.submitted);
  status.counters.emplace_back("pool.moved_total", stats.moved);
  status.counters.emplace_back("pool.retried_total", stats.retried);
  status.counters.emplace_back("pool.retries_denied_total", stats.retries_denied);
  status.counters.emplace_back("pool.hedged_total", stats.hedged);
  status.counters.emplace_back("pool.hedges_denied_total", stats.hedges_denied);
  status.counters.emplace_back("pool.saved_total", stats.saved);
  status.counters.emplace_back("pool.hedges_won_total", stats.hedges_won);
  status.counters.emplace_back("pool.foreign_answers_total", stats.foreign_answers);
}

}  // namespace trestle::node
