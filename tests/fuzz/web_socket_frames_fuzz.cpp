// F3, F4: any bytes as the frames of a client or a server, in any pieces, against a slow reader;
// any messages from one side to the other; and any story of two sides.
#include <algorithm>
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "entry.hpp"
#include "input.hpp"
#include "trestle/wire/websocket/connection.hpp"
#include "web_socket_input.hpp"
#include "web_socket_talk.hpp"

namespace trestle::fuzz {
namespace {

using Words = std::vector<std::string>;

constexpr Instant kNow = test::kTestEpoch;

MaskSource some_masks(std::uint8_t seed) {
  std::array<std::uint8_t, MaskSource::kSeedBytes> bytes{};
  bytes[0] = seed;
  return MaskSource(bytes);
}

/// What a connection tells and sends when a peer says that.
std::pair<Words, Bytes> lives(ByteSpan stream, const Pieces& pieces, Role sender,
                              const ReaderLimits& limits) {
  MaskSource masks = some_masks(1);
  ConnectionOptions options;
  options.reader = limits;
  options.output_bytes_max = 4096;
  Connection connection =
      sender == Role::client ? Connection::server(options) : Connection::client(options, masks);
  Words told;
  const auto drain = [&] {
    while (const auto effect = connection.poll_effect()) told.push_back(test::told(*effect));
  };
  test::in_pieces(stream, pieces, [&](std::span<std::uint8_t> piece) {
    connection.on_bytes(kNow, piece);
    drain();
    MUST_HOLD(connection.storage_bytes() <=
              limits.message_bytes_max + 2 * options.output_bytes_max + 256);
  });
  connection.on_end();
  drain();
  MUST_HOLD(connection.next_deadline() == kNever && !connection.is_open());
  MUST_HOLD(connection.output().size() <= options.output_bytes_max + 131);
  return {told, to_bytes(connection.output())};
}

void check_stream(const Beginning& story, Role sender, const ReaderLimits& limits) {
  const ByteSpan stream = story.rest;
  const Pieces pieces = story.pieces();
  const Words expected = test::SlowReader(stream, sender, limits).read();
  MUST_HOLD(test::read_in_pieces(stream, story.whole(), sender, limits) == expected);
  MUST_HOLD(test::read_in_pieces(stream, pieces, sender, limits) == expected);

  const auto [told, sent] = lives(stream, story.whole(), sender, limits);
  MUST_HOLD(lives(stream, pieces, sender, limits) == std::pair(told, sent));
  MUST_HOLD(!told.empty() && told.back() == "hang up");
  MUST_HOLD(std::count(told.begin(), told.end(), "hang up") == 1);
  MUST_HOLD(std::count_if(told.begin(), told.end(), [](const std::string& word) {
              return word.starts_with("closed ");
            }) == 1);
  MUST_HOLD(told.size() >= 2 && told[told.size() - 2].starts_with("closed "));
  // What is sent is sound.
  ReaderLimits wide;
  wide.controls = Pace::per_second(1000, 5000);
  const Role own = sender == Role::client ? Role::server : Role::client;
  for (const std::string& word : test::read_in_pieces(sent, test::whole(sent.size()), own, wide)) {
    MUST_HOLD(word.starts_with("pong ") || word.starts_with("close "));
  }
}

/// Messages, whole and in parts, pings and a close, from one side to the other.
void check_round_trip(Input input) {
  MaskSource masks = some_masks(input.byte());
  const bool is_from_client = input.flag();
  Connection client = Connection::client({}, masks);
  Connection server = Connection::server({});
  Connection& from = is_from_client ? client : server;
  Connection& to = is_from_client ? server : client;
  Words expected;
  while (!input.is_over() && expected.size() < 30) {
    const ByteSpan payload = input.take(input.below(256));
    if (input.flag()) {
      MUST_HOLD(from.ping(payload.first(std::min<std::size_t>(payload.size(), 125))).has_value());
    }
    const MessageKind kind =
        is_utf8(payload) && input.flag() ? MessageKind::text : MessageKind::binary;
    expected.push_back(test::told(MessageArrived{kind, payload}));
    const std::size_t cut = std::min<std::size_t>(input.below(256), payload.size());
    if (cut == 0) {
      MUST_HOLD(from.send(kind, payload).has_value());
    } else {
      MUST_HOLD(from.send(kind, payload.first(cut), Part::first).has_value());
      MUST_HOLD(from.send(kind, payload.subspan(cut), Part::last).has_value());
    }
  }
  from.close(kNow, 4000, "done");
  expected.push_back("closed 4000 by peer");
  if (is_from_client) expected.push_back("hang up");
  Bytes stream = to_bytes(from.output());
  to.on_bytes(kNow, stream);
  Words heard;
  while (const auto effect = to.poll_effect()) heard.push_back(test::told(*effect));
  MUST_HOLD(heard == expected);
}

}  // namespace

TRESTLE_FUZZ_TARGET(web_socket_frames) {
  if (input.size() < Beginning::kBytes) return;
  const Beginning story(input);
  ReaderLimits limits = kSmallLimits;
  if (!story.has_small_limits()) {
    limits = {};
    limits.frame_bytes_max = limits.message_bytes_max = std::size_t{64} * 1024;
  }
  switch (story.kind()) {
    case 0:
      return check_stream(story, Role::client, limits);
    case 1:
      return check_stream(story, Role::server, limits);
    case 2:
      return Talk(story).play();
    default:
      return check_round_trip(Input(story.rest));
  }
}

}  // namespace trestle::fuzz
