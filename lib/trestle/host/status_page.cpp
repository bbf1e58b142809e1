#include "trestle/host/status_page.hpp"

#include <algorithm>
#include <string>

#include <fmt/format.h>

#include "trestle/host/recent_window.hpp"
#include "trestle/host/status_json.hpp"
#include "trestle/host/status_page_files.hpp"

namespace trestle::host {
namespace {

/// Rows of the table of peers; a page with thousands helps nobody. `/peers` has them all.
constexpr std::size_t kPeersShownMax = 50;
constexpr std::size_t kIdDigitsShown = 12;

/// No script, style or picture from elsewhere, none inside the page, and nobody may frame it.
constexpr std::string_view kContentSecurityPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

HttpReply reply_with(std::string_view content_type, std::string body) {
  HttpReply reply{200, std::string(content_type), std::move(body), {}};
  reply.headers = {{"content-security-policy", std::string(kContentSecurityPolicy)},
                   {"x-content-type-options", "nosniff"},
                   {"referrer-policy", "no-referrer"},
                   {"cache-control", "no-store"}};
  return reply;
}

/// Addresses come from peers.
std::string escaped(std::string_view text) {
  std::string result;
  for (const char letter : text) {
    switch (letter) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      default:
        result.push_back(letter);
    }
  }
  return result;
}

std::string shown(Duration duration) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(duration).count();
  if (seconds < 60) return fmt::format("{} s", seconds);
  if (seconds < 3600) return fmt::format("{} min {} s", seconds / 60, seconds % 60);
  if (seconds < 86'400) return fmt::format("{} h {} min", seconds / 3600, seconds / 60 % 60);
  return fmt::format("{} d {} h", seconds / 86'400, seconds / 3600 % 24);
}

/// The quantile in milliseconds, with the three digits that its bucket is worth at most.
std::string shown(const Histogram& histogram, std::uint32_t permille) {
  if (histogram.count() == 0) return "&ndash;";
  constexpr std::size_t kCharacters = 4;  // three digits and the point
  const std::string milliseconds = milliseconds_of(histogram.quantile(permille));
  const std::size_t point = milliseconds.find('.');
  return milliseconds.substr(0, point >= kCharacters - 1 ? point : kCharacters);
}

void add_tile(std::string& html, std::string_view id, std::string_view title,
              const std::string& figure, const std::string& unit = {}) {
  html += fmt::format("<div class=\"tile\"><dt>{}</dt><dd id=\"{}\">{}{}</dd></div>\n", title, id,
                      figure, unit.empty() ? "" : " <small>" + unit + "</small>");
}

/// A figure that has a bound, with a bar.
void add_meter(std::string& html, std::string_view id, std::string_view title, std::uint64_t figure,
               std::uint64_t bound, std::uint64_t high_percent) {
  html += fmt::format(
      "<div class=\"tile\"><dt>{0}</dt><dd id=\"{1}\">{2} <small>of {3}</small></dd>"
      "<meter min=\"0\" max=\"{3}\" high=\"{4}\" value=\"{2}\" aria-label=\"{0}\"></meter></div>\n",
      title, id, figure, bound, bound * high_percent / 100);
}

void add_header(std::string& html, const Snapshot& snapshot) {
  const node::Status& status = snapshot.status;
  const bool is_up = status.healthy;
  html += fmt::format(
      "<header data-title=\"{}{} &middot; {}\"><h1>{}</h1><span class=\"state {}\" id=\"state\">{} "
      "&middot; {}</span><span class=\"faint\">up {}</span></header>\n",
      snapshot.alerts.empty() ? "" : "(!) ", is_up ? "up" : "down", status.program, status.program,
      is_up ? "good" : "bad", is_up ? "up" : "down", status.state, shown(status.uptime));
  html += fmt::format("<p class=\"faint\"><code>{}</code> at <code>{}</code></p>\n",
                      status.id.to_hex(), escaped(status.address));
}

std::string_view explain(Alert alert) {
  switch (alert) {
    case Alert::bridges:
      return "Too few bridges can be asked.";
    case Alert::queue:
      return "The queue is nearly full.";
    case Alert::busy:
      return "Many requests are answered BUSY.";
    case Alert::slow:
      return "Answers take long.";
    case Alert::descriptors:
      return "Descriptors run out.";
    case Alert::memory:
      return "Memory is over its threshold.";
    case Alert::refresh:
      return "Records are not refreshed in time.";
    case Alert::weaker:
      return "A weaker mode is over soon, or already.";
  }
  return "";
}

void add_alerts(std::string& html, const Snapshot& snapshot) {
  if (snapshot.alerts.empty()) {
    html += "<p class=\"good\" id=\"alerts\">No alerts</p>\n";
    return;
  }
  html += "<ul class=\"alerts\" id=\"alerts\">";
  for (const Alert alert : snapshot.alerts) {
    html += fmt::format("<li>{}: {} The threshold is {}.</li>", name(alert), explain(alert),
                        snapshot.thresholds[index_of(alert)]);
  }
  html += "</ul>\n";
}

void add_times(std::string& html, std::string_view title, const Histogram& time) {
  constexpr std::uint32_t kHalf = 500;
  constexpr std::uint32_t kNinetyNine = 990;
  add_tile(html, "times", title, shown(time, kHalf) + " / " + shown(time, kNinetyNine), "ms");
}

void add_tiles(std::string& html, const Snapshot& snapshot) {
  const node::Status& status = snapshot.status;
  const auto counter = [&](std::string_view name) { return counter_of(status, name); };
  const auto text = [&](std::string_view name) { return std::to_string(counter(name)); };
  const std::uint64_t queue_high = snapshot.thresholds[index_of(Alert::queue)];
  constexpr std::uint64_t kMebibyte = 1024 * 1024;
  html += "<dl class=\"tiles\">\n";
  if (status.program == "bootstrap-node") {
    add_tile(html, "usable", "Bridges that can be asked", text("pool.bridges_usable"),
             "of " + text("pool.bridges"));
    add_meter(html, "under-way", "Requests under way", counter("pool.requests_under_way"),
              counter("pool.requests_max"), queue_high);
    add_tile(html, "joins", "Joins in the last minute", std::to_string(snapshot.recent.joins));
    add_times(html, "A join took (p50 / p99)", snapshot.recent.time);
    add_tile(html, "busy", "Refused BUSY, last minute", std::to_string(snapshot.recent.busy));
    add_tile(html, "clients", "Registered peers", text("reception.clients"));
  } else if (status.program == "bridge-node") {
    add_meter(html, "waiting", "Waiting in the queue", counter("desk.waiting"),
              counter("desk.waiting_max"), queue_high);
    add_meter(html, "in-service", "In service", counter("desk.in_service"),
              counter("desk.in_service_max"), queue_high);
    add_tile(html, "joins", "Answers in the last minute", std::to_string(snapshot.recent.joins));
    add_times(html, "An answer took (p50 / p99)", snapshot.recent.time);
    add_tile(html, "busy", "Refused BUSY, last minute", std::to_string(snapshot.recent.busy));
    add_tile(html, "members", "Members to name", text("desk.members"));
  } else {
    add_tile(html, "peers", "Peers", std::to_string(status.peers.size()));
    add_tile(html, "table", "In the routing table", text("dht.table"));
    add_tile(html, "records", "Records kept", text("dht.records"));
    add_tile(html, "lookups", "Lookups since the start", text("dht.lookups_total"));
  }
  add_tile(html, "memory", "Memory", std::to_string(snapshot.process.resident_bytes / kMebibyte),
           "MiB");
  add_meter(html, "descriptors", "Descriptors", snapshot.process.descriptors,
            snapshot.process.descriptors_max, snapshot.thresholds[index_of(Alert::descriptors)]);
  html += "</dl>\n";
}

std::string_view colour_of(const node::BridgeSlotStatus& bridge) {
  if (bridge.state == "failed" || bridge.excluded) return "bad";
  if (bridge.usable) return "good";
  return bridge.phase == "idle" ? "faint" : "busy";
}

std::string state_of(const node::BridgeSlotStatus& bridge) {
  std::string text(bridge.state);
  if (bridge.phase != bridge.state && bridge.phase != "ready") {
    text += fmt::format(" ({})", bridge.phase);
  }
  if (bridge.excluded) text += ", excluded";
  if (bridge.ejected) text += ", left out for bad answers";
  if (bridge.leaving) text += ", leaving";
  if (bridge.next_dial_in > Duration::zero()) {
    text += ", dialled in " + shown(bridge.next_dial_in);
  }
  return text;
}

void add_bridges(std::string& html, const Snapshot& snapshot) {
  const auto& bridges = snapshot.status.bridges;
  if (bridges.empty()) return;
  html +=
      "<h2>Bridges</h2>\n<div class=\"table\"><table id=\"bridges\"><thead><tr><th>State<th>Bridge"
      "<th class=\"number\">In flight<th class=\"number\">p50 ms<th class=\"number\">p99 ms"
      "<th class=\"number\">Answers<th class=\"number\">Busy<th class=\"number\">Failed"
      "<th>Breaker<th class=\"number\">Connected for</tr></thead><tbody>\n";
  for (std::size_t index = 0; index < bridges.size(); ++index) {
    const node::BridgeSlotStatus& bridge = bridges[index];
    const Histogram& recent = snapshot.recent.bridges[index];
    const std::string id =
        bridge.id.is_zero() ? "" : bridge.id.to_hex().substr(0, kIdDigitsShown) + "&hellip;";
    html += fmt::format(
        "<tr><td><span class=\"state {}\">{}</span><td><code>{}</code> <code "
        "class=\"faint\">{}</code>"
        "<td class=\"number\">{}<td class=\"number\">{}<td class=\"number\">{}"
        "<td class=\"number\">{}<td class=\"number\">{}<td class=\"number\">{}<td class=\"{}\">{}"
        "<td class=\"number\">{}</tr>\n",
        colour_of(bridge), state_of(bridge), escaped(bridge.url), id, bridge.in_flight,
        shown(recent, 500), shown(recent, 990), bridge.answers, bridge.busy_answers,
        bridge.timeouts + bridge.failures, bridge.breaker == "closed" ? "faint" : "bad",
        bridge.breaker,
        bridge.state == "connected" ? shown(bridge.connected_for) : std::string("&ndash;"));
  }
  html += "</tbody></table></div>\n";
}

void add_peers(std::string& html, const node::Status& status) {
  if (status.peers.empty()) return;
  html +=
      "<h2>Peers</h2>\n<div class=\"table\"><table id=\"peers\"><thead><tr><th>Role<th>Peer"
      "<th>Address<th>Dialect<th class=\"number\">Round trip ms<th class=\"number\">Connected for"
      "</tr></thead><tbody>\n";
  const std::size_t rows = std::min(status.peers.size(), kPeersShownMax);
  for (std::size_t index = 0; index < rows; ++index) {
    const node::PeerStatus& peer = status.peers[index];
    html += fmt::format(
        "<tr><td>{}<td><code>{}&hellip;</code><td><code>{}</code><td>{}<td class=\"number\">{}"
        "<td class=\"number\">{}</tr>\n",
        name(peer.role), peer.id.to_hex().substr(0, kIdDigitsShown), escaped(peer.address),
        name(peer.dialect),
        peer.rtt > Duration::zero() ? milliseconds_of(peer.rtt) : std::string("&ndash;"),
        shown(peer.connected_for));
  }
  html += "</tbody></table></div>\n";
  if (rows < status.peers.size()) {
    html += fmt::format("<p class=\"faint\">and {} more</p>\n", status.peers.size() - rows);
  }
}

std::string render(const Snapshot& snapshot) {
  std::string html;
  add_header(html, snapshot);
  add_alerts(html, snapshot);
  add_tiles(html, snapshot);
  add_bridges(html, snapshot);
  add_peers(html, snapshot.status);
  html += fmt::format(
      "<footer>trestle {} &middot; metrics {} &middot; <a href=\"/status\">status</a> &middot; "
      "<a href=\"/metrics\">metrics</a> &middot; <a href=\"/health\">health</a></footer>\n",
      TRESTLE_VERSION, snapshot.are_metrics_on ? "on" : "off");
  return html;
}

}  // namespace

HttpReply status_page(const Snapshot& snapshot) {
  constexpr std::string_view kPlace = "@overview@";
  std::string page(kPageHtml);
  page.replace(page.find(kPlace), kPlace.size(), render(snapshot));
  return reply_with("text/html; charset=utf-8", std::move(page));
}

HttpReply status_page_part(const Snapshot& snapshot) {
  return reply_with("text/html; charset=utf-8", render(snapshot));
}

std::optional<HttpReply> status_page_file(std::string_view path) {
  if (path == "/style.css") {
    return reply_with("text/css; charset=utf-8", std::string(kStyleCss));
  }
  if (path == "/page.js") {
    return reply_with("text/javascript; charset=utf-8", std::string(kPageJs));
  }
  return std::nullopt;
}

}  // namespace trestle::host
