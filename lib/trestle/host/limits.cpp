#include "trestle/host/limits.hpp"

#include <algorithm>
#include <cstdint>

#include "trestle/base/time.hpp"

namespace trestle::host {
namespace {

template <typename Number>
void assign(Number& target, std::size_t value) {
  target = static_cast<Number>(value);
}
/// Lengths of time are whole seconds.
void assign(Duration& target, std::size_t value) {
  target = std::chrono::seconds(static_cast<std::int64_t>(value));
}

template <typename Number>
std::size_t value_of(const Number& number) {
  return static_cast<std::size_t>(number);
}
std::size_t value_of(const Duration& time) {
  return static_cast<std::size_t>(time / std::chrono::seconds(1));
}

/// A rule for what `Place` finds in the limits.
template <typename Place>
constexpr LimitRule rule(std::string_view name, Programs programs, Range range, Place) {
  return {name, programs, range,
          [](Limits& limits, std::size_t value) { assign(Place{}(limits), value); },
          [](const Limits& limits) { return value_of(Place{}(limits)); }};
}

/// The same for a limit that two rooms keep: one before an upgrade, one after it.
template <typename Place, typename Twin>
constexpr LimitRule rule(std::string_view name, Programs programs, Range range, Place, Twin) {
  return {name, programs, range,
          [](Limits& limits, std::size_t value) {
            assign(Place{}(limits), value);
            assign(Twin{}(limits), value);
          },
          [](const Limits& limits) { return value_of(Place{}(limits)); }};
}

/// One that a reload takes over (`WebSocketTransport::limit`, `link::ChannelSet::limit`): what it
/// bounds is counted anew at each caller, message or offence.
constexpr LimitRule live(LimitRule rule) {
  rule.change = Change::by_reload;
  return rule;
}

/// More than Linux gives a process descriptors by default.
constexpr Range kCount{1, 1'048'576};
/// A second divided by more would be nothing.
constexpr Range kRate{1, 100'000};
constexpr Range kBurst{1, 1'000'000};
constexpr Range kSeconds{1, 3'600};
constexpr Range kLife{60, 365 * 24 * 3'600};
constexpr Range kSwitch{0, 1};
constexpr Range kFragments{2, 1'024};
/// The smallest holds the largest opening of a link, the largest is the protocol's own bound.
constexpr Range kMessageBytes{4 * 1024, 256 * 1024};
constexpr Range kQueueBytes{4 * 1024, 64 * 1024 * 1024};
/// As much as the protocol carries in one record.
constexpr Range kValueBytes{1, 64 * 1024};
constexpr Range kStoreBytes{64 * 1024, std::size_t{1} << 40};
constexpr Range kReserve{16, 4'096};

constexpr LimitRule kLimits[] = {
    // ---- who may connect
    live(rule("connections-per-network", kAll, kCount,
              [](auto& all) -> auto& { return all.transport.connections_per_network_max; })),
    live(rule("connections-per-identity", kAll, kCount,
              [](auto& all) -> auto& { return all.node.links.per_identity_max; })),
    live(rule("connections-legacy", kAll, kCount,
              [](auto& all) -> auto& { return all.node.links.legacy_max; })),
    live(rule(
        "connections-pending", kAll, kCount,
        [](auto& all) -> auto& { return all.transport.pending_max; },
        [](auto& all) -> auto& { return all.node.links.pending_max; })),
    live(rule(
        "connections-pending-per-address", kAll, kCount,
        [](auto& all) -> auto& { return all.transport.pending_per_address_max; },
        [](auto& all) -> auto& { return all.node.links.pending_per_address_max; })),
    live(rule("connections-per-second", kAll, kRate,
              [](auto& all) -> auto& { return all.transport.arrivals.per_second; })),
    live(rule("connections-per-second-per-address", kAll, kRate,
              [](auto& all) -> auto& { return all.transport.arrivals.per_address_per_second; })),
    rule(
        "loopback-exempt", kAll, kSwitch,
        [](auto& all) -> auto& { return all.transport.exempts_loopback; },
        [](auto& all) -> auto& { return all.node.links.exempts_loopback; }),
    rule("descriptors-reserved", kAll, kReserve,
         [](auto& all) -> auto& { return all.descriptors_reserved; }),
    // ---- how fast and how much
    live(rule("request-within-s", kAll, kSeconds,
              [](auto& all) -> auto& { return all.transport.request_within; })),
    live(rule("opening-within-s", kAll, kSeconds,
              [](auto& all) -> auto& { return all.node.links.channel.open_within; })),
    rule("message-bytes", kAll, kMessageBytes,
         [](auto& all) -> auto& { return all.transport.frame_bytes_max; }),
    rule(
        "message-bytes-unproven", kAll, kMessageBytes,
        [](auto& all) -> auto& { return all.transport.frame_bytes_max_before_identity; },
        [](auto& all) -> auto& { return all.node.links.channel.frame_bytes_max_before_open; }),
    live(rule("fragments", kAll, kFragments,
              [](auto& all) -> auto& { return all.transport.fragments_max; })),
    live(rule("fragments-unproven", kAll, kFragments,
              [](auto& all) -> auto& { return all.transport.fragments_max_before_identity; })),
    live(rule("message-grace-s", kAll, kSeconds,
              [](auto& all) -> auto& { return all.transport.message_grace; })),
    live(rule("message-bytes-per-second", kAll, kBurst,
              [](auto& all) -> auto& { return all.transport.message_bytes_per_second_min; })),
    live(rule(
        "control-frames-per-second", kAll, kRate,
        [](auto& all) -> auto& { return all.transport.side_traffic.control_frames_per_second; })),
    live(rule("unsent-bytes", kAll, kQueueBytes,
              [](auto& all) -> auto& { return all.node.links.channel.unsent_bytes_max; })),
    live(rule(
        "unsent-bytes-unproven", kAll, kQueueBytes,
        [](auto& all) -> auto& { return all.node.links.channel.unsent_bytes_max_before_open; })),
    live(rule("unsent-soft-bytes", kAll, kQueueBytes,
              [](auto& all) -> auto& { return all.node.links.channel.unsent_soft_bytes_max; })),
    live(rule("unsent-soft-s", kAll, kSeconds,
              [](auto& all) -> auto& { return all.node.links.channel.unsent_soft_for; })),
    live(rule("requests-open", kAll, kCount,
              [](auto& all) -> auto& { return all.node.links.channel.served_max; })),
    live(rule("withdrawals", kAll, kCount,
              [](auto& all) -> auto& { return all.node.links.channel.withdrawals_max; })),
    live(rule("withdrawals-within-s", kAll, kSeconds,
              [](auto& all) -> auto& { return all.node.links.channel.withdrawals_within; })),
    // ---- who stays out
    live(rule("offences", kAll, kCount,
              [](auto& all) -> auto& { return all.node.links.bans.offences_max; })),
    live(rule("offences-within-s", kAll, kSeconds,
              [](auto& all) -> auto& { return all.node.links.bans.offence_counts_for; })),
    live(rule("ban-s", kAll, Range{1, 7 * 24 * 3'600},
              [](auto& all) -> auto& { return all.node.links.bans.ban_for; })),
    rule("log-lines-per-second-per-peer", kAll, kRate,
         [](auto& all) -> auto& { return all.log.peer_lines_per_second; }),
    // ---- what a bootstrap node tells
    live(rule("introductions-at-once-per-identity", kBootstrap, kBurst,
              [](auto& all) -> auto& { return all.node.introductions.at_once; })),
    live(rule("introductions-every-s-per-identity", kBootstrap, kSeconds,
              [](auto& all) -> auto& { return all.node.introductions.every; })),
    // ---- what a member serves; per interval, see docs/operators.md
    rule("finds", kMembers, kRate,
         [](auto& all) -> auto& { return all.node.serving.finds.per_interval; }),
    rule("finds-at-once", kMembers, kBurst,
         [](auto& all) -> auto& { return all.node.serving.finds.burst; }),
    rule("forwards", kMembers, kRate,
         [](auto& all) -> auto& { return all.node.serving.forwards.per_interval; }),
    rule("forwards-at-once", kMembers, kBurst,
         [](auto& all) -> auto& { return all.node.serving.forwards.burst; }),
    rule("legacy-requests", kMembers, kRate,
         [](auto& all) -> auto& { return all.node.serving.unproven.per_interval; }),
    rule("legacy-requests-at-once", kMembers, kBurst,
         [](auto& all) -> auto& { return all.node.serving.unproven.burst; }),
    rule("carried-per-second-per-origin", kMembers, kRate,
         [](auto& all) -> auto& { return all.node.carried_origin.per_second; }),
    rule("introductions-in-service", kBridge, kCount,
         [](auto& all) -> auto& { return all.desk.in_service_max; }),
    rule("introductions-waiting", kBridge, kCount,
         [](auto& all) -> auto& { return all.desk.waiting_max; }),
    rule("values", kNode, kRate,
         [](auto& all) -> auto& { return all.node.serving.values.per_interval; }),
    rule("values-at-once", kNode, kBurst,
         [](auto& all) -> auto& { return all.node.serving.values.burst; }),
    rule("stores", kNode, kRate,
         [](auto& all) -> auto& { return all.node.serving.stores.per_interval; }),
    rule("stores-at-once", kNode, kBurst,
         [](auto& all) -> auto& { return all.node.serving.stores.burst; }),
    rule("replica-offers", kNode, kRate,
         [](auto& all) -> auto& { return all.node.serving.replicas.per_interval; }),
    rule("replica-offers-at-once", kNode, kBurst,
         [](auto& all) -> auto& { return all.node.serving.replicas.burst; }),
    rule("checks-per-second-per-peer", kNode, kRate,
         [](auto& all) -> auto& { return all.node.records.checks_per_second; }),
    rule("checks-at-once-per-peer", kNode, kBurst,
         [](auto& all) -> auto& { return all.node.records.checks_burst; }),
    rule("checks-per-second", kNode, kRate,
         [](auto& all) -> auto& { return all.node.records.checks_per_second_in_all; }),
    rule("forgeries", kNode, kCount,
         [](auto& all) -> auto& { return all.node.records.forgeries_max; }),
    // ---- what is kept
    rule("value-bytes", kNode, kValueBytes,
         [](auto& all) -> auto& { return all.node.store.value_bytes_max; }),
    rule("records", kNode, Range{1, 16'777'216},
         [](auto& all) -> auto& { return all.node.store.quotas.records_max; }),
    rule("store-bytes", kNode, kStoreBytes,
         [](auto& all) -> auto& { return all.node.store.quotas.bytes_max; }),
    rule("records-per-identity", kNode, kCount,
         [](auto& all) -> auto& { return all.node.store.quotas.records_per_source_max; }),
    rule("store-bytes-per-identity", kNode, kStoreBytes,
         [](auto& all) -> auto& { return all.node.store.quotas.bytes_per_source_max; }),
    rule("life-s", kNode, kLife, [](auto& all) -> auto& { return all.node.store.ttl_max; }),
};

}  // namespace

std::span<const LimitRule> limit_rules() { return kLimits; }

Refused set_limits(Limits& limits, Programs program, const std::vector<std::string>& values) {
  for (const std::string& value : values) {
    const std::size_t sign = std::min(value.find('='), value.size());
    const std::string name = value.substr(0, sign);
    const auto known = std::ranges::find(kLimits, std::string_view(name), &LimitRule::name);
    if (known == std::end(kLimits) || (known->programs & program) == 0) {
      return "there is no limit '" + name + "'; 'check' prints all there are";
    }
    std::size_t number = 0;
    const std::string given = value.substr(std::min(sign + 1, value.size()));
    if (Refused refused = set_count(number, given, known->range)) return name + ": " + *refused;
    known->set(limits, number);
  }
  return std::nullopt;
}

std::vector<std::string> limit_lines(const Limits& limits, Programs program) {
  std::vector<std::string> lines;
  for (const LimitRule& rule : kLimits) {
    if ((rule.programs & program) == 0) continue;
    lines.push_back(std::string(rule.name) + " = " + std::to_string(rule.get(limits)));
  }
  return lines;
}

}  // namespace trestle::host
