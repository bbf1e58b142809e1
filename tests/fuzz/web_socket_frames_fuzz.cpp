// F3, F4: any bytes as the frames of a client or a server, in any pieces, against a slow reader;
// any messages from one side to the other; and any story of two sides.
#include <algorithm>
#include <array>
#include <span>
#include <string>
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
constexpr std::size_t kOutputBytesMax = 4096;

MaskSource some_masks(std::uint8_t seed) {
  std::array<std::uint8_t, MaskSource::kSeedBytes> bytes{};
  bytes[0] = seed;
  return MaskSource(bytes);
}

/// What a connection tells its owner of what a reader finds, and which pings it answers.
struct Expected {
  Words told;
  Words pongs;
};
Expected expected_of(const Words& found) {
  Expected expected;
  std::string closed = "closed 1006 by transport";
  for (const std::string& word : found) {
    if (word.starts_with("ping ")) {
      expected.pongs.push_back("pong " + word.substr(5));
    } else if (word.starts_with("close ")) {
      closed = "closed " + word.substr(6, 4) + " by peer";
    } else if (word.find(": ") == 4) {
      closed = "closed " + word.substr(0, 4) + " by flaw";
    } else {
      expected.told.push_back(word);
    }
  }
  expected.told.insert(expected.told.end(), {closed, "hang up"});
  return expected;
}

/// What is sent is sound: one close where the transport did not end, and before it pongs in the
/// order of the pings, each of them unless there was no room.
void check_sent(const Connection& connection, Role own, const Expected& expected) {
  ReaderLimits wide;
  wide.controls = Pace::per_second(1000, 5000);
  const ByteSpan sent = connection.output();
  Words said = test::read_in_pieces(sent, test::whole(sent.size()), own, wide);
  const bool must_close = !expected.told[expected.told.size() - 2].ends_with("transport");
  MUST_HOLD(must_close == (!said.empty() && said.back().starts_with("close ")));
  if (must_close) said.pop_back();
  auto pong = expected.pongs.begin();
  for (const std::string& word : said) {
    pong = std::find(pong, expected.pongs.end(), word);
    MUST_HOLD(pong++ != expected.pongs.end());
  }
  MUST_HOLD(said.size() == expected.pongs.size() || sent.size() + 131 > kOutputBytesMax);
}

void check_stream(const Beginning& story, Role sender, const ReaderLimits& limits) {
  const Words found = test::SlowReader(story.rest, sender, limits).read();
  // The reader alone takes half of the time, and half of the inputs.
  if ((story.choice & 8) != 0) {
    MUST_HOLD(test::read_in_pieces(story.rest, story.pieces(), sender, limits) == found);
    return;
  }
  const Expected expected = expected_of(found);
  MaskSource masks = some_masks(1);
  ConnectionOptions options;
  options.reader = limits;
  options.output_bytes_max = kOutputBytesMax;
  Connection connection =
      sender == Role::client ? Connection::server(options) : Connection::client(options, masks);
  Words told;
  const auto drain = [&] {
    while (const auto effect = connection.poll_effect()) told.push_back(test::told(*effect));
  };
  test::in_pieces(story.rest, story.pieces(), [&](std::span<std::uint8_t> piece) {
    connection.on_bytes(kNow, piece);
    drain();
    MUST_HOLD(connection.storage_bytes() <= limits.message_bytes_max + 2 * kOutputBytesMax + 256);
  });
  connection.on_end();
  drain();
  MUST_HOLD(told == expected.told);
  MUST_HOLD(connection.next_deadline() == kNever && !connection.is_open());
  MUST_HOLD(connection.output().size() <= kOutputBytesMax + 131);
  check_sent(connection, sender == Role::client ? Role::server : Role::client, expected);
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
