// F19, F2: any bytes of a peer on their way into a log line, a status page, a scrape, or a sentence
// about a failed dial. No line is forged, no control character gets through.
#include <algorithm>
#include <string>
#include <string_view>

#include "entry.hpp"
#include "input.hpp"
#include "trestle/host/dial_failure.hpp"
#include "trestle/host/http_header.hpp"
#include "trestle/host/log.hpp"
#include "trestle/host/metrics.hpp"
#include "trestle/host/status_json.hpp"
#include "trestle/wire/json/portable/parse.hpp"
#include "trestle/wire/json/writer.hpp"

namespace trestle::fuzz {
namespace {

using namespace host;

bool has_controls(std::string_view text) {
  return std::ranges::any_of(text, [](char letter) {
    const auto byte = static_cast<unsigned char>(letter);
    return byte < 0x20 || byte == 0x7f;
  });
}

void check_json(const std::string& line) {
  MUST_HOLD(std::ranges::none_of(
      line, [](char letter) { return static_cast<unsigned char>(letter) < 0x20; }));
  MUST_HOLD(wire::json::portable::parse(line, {.bytes_max = std::size_t{1} << 24}).has_value());
}

void check_log(std::string_view text) {
  const std::string escaped = with_controls_escaped(text);
  MUST_HOLD(!has_controls(escaped) && escaped.size() <= 4 * text.size());
  wire::json::ObjectWriter object;
  object.text("detail", text);
  const std::string line = with_json_controls_escaped(object.take());
  check_json(line);
  MUST_HOLD(!has_controls(line));
  for (std::size_t at = 0; at + 1 < line.size(); ++at) {
    const auto first = static_cast<unsigned char>(line[at]);
    const auto second = static_cast<unsigned char>(line[at + 1]);
    MUST_HOLD(first != 0xc2 || second >= 0xa0);  // U+0080 .. U+009F
  }
}

void check_status(std::string_view text) {
  Snapshot snapshot;
  node::PeerStatus peer;
  peer.address = std::string(text);
  snapshot.status.peers.push_back(peer);
  snapshot.status.address = std::string(text);
  node::BridgeSlotStatus bridge;
  bridge.url = std::string(text);
  snapshot.status.bridges.push_back(bridge);
  snapshot.recent.bridges.emplace_back();
  check_json(to_json(snapshot));
  check_json(peers_to_json(snapshot.status));

  node::OperationEnded ended;
  ended.record.emplace();
  ended.record->key = std::string(text);
  ended.record->value = to_bytes(as_bytes(text));
  wire::Contact contact;
  contact.address = std::string(text);
  contact.metadata = std::string(text);
  ended.contacts.push_back(contact);
  for (std::size_t kind = 0; kind < kOperationKinds; ++kind) {
    check_json(to_json(static_cast<OperationKind>(kind), ended));
  }
  check_json(code_to_json(ErrorCode::busy, text));
}

void check_scrape(std::string_view text) {
  MetricFamily family;
  family.name = "trestle_fuzz";
  family.help = "A figure.";
  family.values.push_back({{{"bridge", std::string(text)}}, 1.0});
  const std::string scrape = to_prometheus_text({family});
  // Help, type and the sample: a label cannot add a line.
  MUST_HOLD(std::ranges::count(scrape, '\n') == 3);
}

void check_answer(Input& input) {
  const auto status = static_cast<unsigned>(input.number(2));
  const std::string text(as_text(input.rest()));
  const DialFailure failure = explain_http_answer(status, "/path", text);
  MUST_HOLD(failure.code != ErrorCode::none && !failure.reason.empty());
  MUST_HOLD(!has_controls(with_controls_escaped(host::to_text(DialStage::upgrade, failure))));
  const std::time_t date = parse_http_date(text);
  if (date == -1) return;
  MUST_HOLD(parse_http_date(http_date(date)) == date);
}

}  // namespace

TRESTLE_FUZZ_TARGET(log_text) {
  const std::string_view text = as_text(input.first(std::min<std::size_t>(input.size(), 4096)));
  check_log(text);
  check_status(text);
  check_scrape(text);
  Input parts(input);
  check_answer(parts);
}

}  // namespace trestle::fuzz
