#include "trestle/host/metric_help.hpp"

#include <algorithm>
#include <iterator>

namespace trestle::host {
namespace {

struct Help {
  std::string_view figure;
  std::string_view text;
};

constexpr Help kHelp[] = {
    // every program
    {"alerts", "1 while this alert is raised."},
    {"build", "Always 1; what runs stands in the labels."},
    {"healthy", "1 if the node can do its job right now, as /health says."},
    {"uptime", "Seconds since the start."},
    {"utilisation", "How full a bounded place is, from 0 to 1."},
    {"loop.turn_time", "From one sleep of the event loop to the next: how long others waited."},
    {"log.lines_dropped_total", "Log lines given up because nobody read them."},
    {"metrics.scrapes_total", "Times these metrics were asked for."},
    {"metrics.failures_total", "Times they could not be collected."},
    {"peer.age_max", "Age of the oldest link to a peer."},
    {"process.descriptors", "Open descriptors."},
    {"process.descriptors_max", "Descriptors this process may open."},
    {"process.memory", "Resident memory."},
    {"process.time", "Processor time, user and system."},
    // sockets
    {"host.connections", "WebSockets open now, dialled and accepted."},
    {"host.connections_accepted", "Accepted WebSockets open now."},
    {"host.pending", "Accepted sockets that have not sent a whole request yet."},
    {"host.accepted_total", "WebSockets accepted."},
    {"host.dialled_total", "WebSockets dialled with success."},
    {"host.dial_failures_total", "Dials that failed."},
    {"host.refused_total", "Sockets and upgrades refused over a bound."},
    {"host.frames_received_total", "WebSocket messages received."},
    {"host.frames_sent_total", "WebSocket messages sent."},
    {"host.bytes_received_total", "Bytes in received messages."},
    {"host.bytes_sent_total", "Bytes in sent messages."},
    {"host.put_time", "How long operators' and users' puts took."},
    {"host.get_time", "How long gets took."},
    {"host.find_time", "How long finds took."},
    {"host.put_failures_total", "Puts that ended with an error code."},
    {"host.get_failures_total", "Gets that ended with another code than NOT_FOUND."},
    {"host.find_failures_total", "Finds that ended with an error code."},
    // links
    {"link.connections", "Connections with or before a handshake."},
    {"link.pending", "Accepted connections whose handshake is under way."},
    {"link.refused_total", "Connections refused over a bound."},
    // the pool of bridges
    {"pool.bridges", "Bridges in the settings."},
    {"pool.bridges_usable", "Bridges that a request made now could go to."},
    {"pool.connections", "Connections held to bridges, at most one for each."},
    {"pool.requests_under_way", "Requests accepted and not ended."},
    {"pool.requests_max", "So many may be under way; one more is refused."},
    {"pool.requests_waiting", "Requests that wait for a connection to come up."},
    {"pool.submitted_total", "Requests accepted."},
    {"pool.retried_total", "Requests tried again after a timeout or nonsense."},
    {"pool.retries_denied_total", "Retries not made: the retry budget was used up."},
    {"pool.moved_total", "Requests moved to another bridge without cost: BUSY, or a lost link."},
    {"pool.hedged_total", "Second questions to another bridge while the first was late."},
    {"pool.hedges_denied_total", "Hedges not made: the hedge budget was used up."},
    {"pool.foreign_answers_total", "Answers to no request of ours."},
    {"bridge.state", "1 for the state the bridge is in."},
    {"bridge.breaker_state", "1 for the state the bridge's breaker is in."},
    {"bridge.usable", "1 if a request made now could go to it."},
    {"bridge.excluded", "1 if it is left out until the settings are reloaded."},
    {"bridge.in_flight", "Requests sent to it and not answered."},
    {"bridge.connection_age_seconds", "Age of its connection, 0 without one."},
    {"bridge.connections_opened_total", "Connections opened to it."},
    {"bridge.requests_total", "Requests sent to it."},
    {"bridge.answers_total", "Requests it answered."},
    {"bridge.busy_answers_total", "Requests it answered BUSY."},
    {"bridge.timeouts_total", "Requests it did not answer in time."},
    {"bridge.failures_total", "Requests lost with its connection, or answered with nonsense."},
    {"bridge.retries_total", "Requests it got after another bridge had failed them."},
    {"bridge.hedges_total", "Requests it got as a second question."},
    {"bridge.late_answers_total", "Answers that came after their request had ended."},
    {"bridge.invalid_answers_total", "Answers that made no sense."},
    {"bridge.ejected", "1 while it is left out for bad answers though connected."},
    {"bridge.breaker_opened_total", "Times its breaker opened."},
    {"bridge.request_time", "From a request to its answer."},
    {"bridge.dial_time", "From the dial to the proven link."},
    // the bootstrap's reception
    {"reception.clients", "Registered peers."},
    {"reception.nodes", "Distinct registered nodes that can be dialled."},
    {"reception.joins_in_flight", "Joins that wait for an answer."},
    {"reception.joins_total", "Joins asked for."},
    {"reception.introduced_total", "Joins answered with members that a bridge named."},
    {"reception.genesis_total", "Joins answered with leave to begin the network."},
    {"reception.emergency_total", "Joins answered without a bridge, with peers known here."},
    {"reception.bridges_total", "Joins of bridges."},
    {"reception.failed_total", "Joins refused, but for BUSY."},
    {"reception.busy_total", "Joins answered BUSY."},
    {"reception.turned_away_total", "Clients closed for want of room."},
    {"reception.join_time", "From a join to its answer with peers."},
    // the bridge's desk
    {"desk.bootstraps", "Bootstrap nodes that have shown the secret."},
    {"desk.members", "Live members it can name."},
    {"desk.in_service", "Requests being worked on."},
    {"desk.in_service_max", "So many are worked on at once."},
    {"desk.waiting", "Requests in the queue."},
    {"desk.waiting_max", "Places in the queue; one more is answered BUSY."},
    {"desk.waiting_peak", "The longest the queue has been."},
    {"desk.received_total", "Requests received."},
    {"desk.answered_total", "Requests answered with members or alternatives."},
    {"desk.busy_total", "Requests answered BUSY."},
    {"desk.turned_away_total", "Newcomers that the bridge's owner did not admit."},
    {"desk.expired_total", "Requests whose time ran out before their turn."},
    {"desk.cancelled_total", "Requests withdrawn, or whose connection closed."},
    {"desk.waiting_time", "From a request's arrival to its turn."},
    {"desk.service_time", "From its turn to the answer."},
    // members: links, lookups, joining
    {"mesh.links", "Live links to peers."},
    {"mesh.known", "Peers known, linked or not."},
    {"mesh.dialling", "Dials under way."},
    {"mesh.links_up_total", "Links that came up."},
    {"mesh.links_down_total", "Links that went down."},
    {"mesh.links_moved_total", "Links that moved to another connection."},
    {"mesh.links_refused_total", "Links refused: our own id, or over the limit."},
    {"mesh.dials_total", "Dials begun."},
    {"mesh.dials_failed_total", "Dials that failed."},
    {"mesh.collisions_total", "Times both sides dialled at once."},
    {"mesh.isolated_total", "Times the last link was lost."},
    {"dht.table", "Peers in the routing table."},
    {"dht.buckets", "Buckets of the routing table."},
    {"dht.records", "Records kept here."},
    {"dht.record_bytes", "Bytes of those records."},
    {"dht.operations", "Operations under way."},
    {"dht.operations_total", "Operations begun."},
    {"dht.lookups_total", "Lookups begun."},
    {"dht.lookup_hops_total", "Hops of all lookups together."},
    {"dht.asks_total", "Questions put to peers."},
    {"dht.asks_failed_total", "Questions without an answer."},
    {"dht.requests_total", "Questions of peers answered."},
    {"dht.data_refused_total", "Questions about data refused: this program keeps none."},
    {"dht.stores_accepted_total", "Records taken from peers."},
    {"dht.stores_refused_total", "Records refused."},
    {"joiner.dials_total", "Bootstrap nodes dialled."},
    {"joiner.dials_failed_total", "Dials to them that failed."},
    {"joiner.gave_up_total", "Rounds over all bootstrap nodes without success."},
    {"joiner.asks_total", "Joins asked for."},
    {"joiner.ask_failures_total", "Joins refused or not answered."},
    {"joiner.joined_total", "Times this node joined."},
    {"joiner.isolated_total", "Times it had to join again."},
    // the old dialect at the bootstrap
    {"legacy.clients", "Registered peers of the old dialect."},
    {"legacy.frames_total", "Frames of the old dialect."},
    {"legacy.frames_ignored_total", "Those of a kind that needs no answer here."},
    {"legacy.frames_refused_total", "Those that could not be understood."},
    {"legacy.version_refused_total", "Peers refused for their version or build."},
    {"legacy.invitations_total", "Invitations passed on."},
};

}  // namespace

std::string_view help_of(std::string_view figure) {
  const auto place = std::ranges::find(kHelp, figure, &Help::figure);
  return place == std::end(kHelp) ? "A figure of /status under the same name." : place->text;
}

}  // namespace trestle::host
