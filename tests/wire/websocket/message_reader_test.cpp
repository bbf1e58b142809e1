#include "trestle/wire/websocket/message_reader.hpp"

#include "catch.hpp"
#include "frame_cases.hpp"
#include "slow_reader.hpp"

using namespace trestle;
using namespace trestle::test;
using namespace std::chrono_literals;

namespace {

bool lies_within(ByteSpan part, ByteSpan input) {
  return part.data() >= input.data() && part.data() + part.size() <= input.data() + input.size();
}

/// What a reader finds in one input.
std::vector<ws::Arrival> arrivals(ws::MessageReader& reader, Bytes& input,
                                  Instant now = kTestEpoch) {
  reader.on_bytes(now, input);
  std::vector<ws::Arrival> found;
  while (const auto arrival = reader.next()) found.push_back(*arrival);
  return found;
}

/// A stream of frames that are mostly right: random ones, with parts that break the rules.
std::vector<Sketch> random_frames(Rng& rng) {
  std::vector<Sketch> frames;
  const std::uint64_t count = 1 + rng.below(8);
  bool is_inside = false;
  for (std::uint64_t number = 0; number < count; ++number) {
    const std::uint64_t kind = rng.below(10);
    std::string payload =
        rng.chance(1, 3) ? content(rng.below(400)) : std::string(rng.below(140), 'a');
    if (rng.chance(1, 4)) payload += "\xe2\x82\xac";
    if (rng.chance(1, 8)) payload += "\xf0\x9f";
    Sketch frame = kind == 0                       ? ping(payload.substr(0, 125))
                   : kind == 1                     ? pong(payload.substr(0, 125))
                   : kind == 2 && rng.chance(1, 3) ? closing(1000, "bye")
                   : is_inside                     ? last(payload)
                   : kind % 2 == 0                 ? binary(payload)
                                                   : text(payload);
    if (frame.opcode < 8) {
      frame.is_final = rng.chance(1, 2);
      is_inside = !frame.is_final;
    }
    if (rng.chance(1, 40)) frame.reserved = 0x20;
    if (rng.chance(1, 40)) frame.opcode = static_cast<std::uint8_t>(rng.below(16));
    if (rng.chance(1, 40)) frame.is_final = !frame.is_final;
    if (rng.chance(1, 40)) frame.length = LengthForm::eight_bytes;
    if (rng.chance(1, 40)) frame.has_wrong_mask = true;
    const std::uint64_t mask = rng.next();
    for (std::size_t index = 0; index < 4; ++index) {
      frame.mask[index] = static_cast<std::uint8_t>(mask >> (8 * index));
    }
    frames.push_back(std::move(frame));
  }
  return frames;
}

}  // namespace

TEST_CASE(
    "what is found in a stream does not depend on its pieces, and is what a slow reader finds") {
  Rng rng(6455);
  for (int round = 0; round < 4000; ++round) {
    const ws::Role sender = rng.chance(1, 2) ? ws::Role::client : ws::Role::server;
    ws::ReaderLimits limits = kCaseLimits;
    if (rng.chance(1, 3)) limits.message_bytes_max = 300;
    if (rng.chance(1, 3)) limits.fragments_max = 3;
    Bytes bytes = encoded(random_frames(rng), sender);
    if (rng.chance(1, 4)) bytes.resize(rng.below(bytes.size() + 1));
    if (rng.chance(1, 8) && !bytes.empty()) {
      const std::uint64_t place = rng.below(bytes.size());
      bytes[place] = static_cast<std::uint8_t>(rng.below(256));
    }
    CAPTURE(round, to_hex(bytes));
    const auto expected = SlowReader(bytes, sender, limits).read();
    REQUIRE(read_in_pieces(bytes, whole(bytes.size()), sender, limits) == expected);
    REQUIRE(read_in_pieces(bytes, byte_by_byte(bytes.size()), sender, limits) == expected);
    REQUIRE(read_in_pieces(bytes, random_pieces(bytes.size(), rng), sender, limits) == expected);
  }
}

TEST_CASE("every way to cut a short stream gives the same") {
  const std::vector<std::vector<Sketch>> streams = {{text("abc")},
                                                    {not_final(text("\xe2")), last("\x82\xac")},
                                                    {not_final(binary("a")), ping("p"), last("b")},
                                                    {ping(""), closing(1000)},
                                                    {text("\xe2\x82"), text("x")},
                                                    {binary(""), last("x")}};
  for (const std::vector<Sketch>& frames : streams) {
    for (const ws::Role sender : {ws::Role::client, ws::Role::server}) {
      Bytes bytes = encoded(frames, sender);
      if (bytes.size() > 14) bytes.resize(14);
      const auto expected = SlowReader(bytes, sender, kCaseLimits).read();
      // A bit says whether there is a cut behind a byte.
      for (std::uint32_t cuts = 0; cuts < std::uint32_t{1} << (bytes.size() - 1); ++cuts) {
        Pieces pieces = {1};
        for (std::size_t place = 1; place < bytes.size(); ++place) {
          if ((cuts >> (place - 1) & 1) != 0) pieces.push_back(0);
          ++pieces.back();
        }
        if (read_in_pieces(bytes, pieces, sender, kCaseLimits) != expected) FAIL("cuts " << cuts);
      }
    }
  }
}

TEST_CASE("whole messages are handed out where they lie, and nothing is kept") {
  ws::MessageReader reader(ws::Role::client, {});
  Bytes input =
      encoded({text("one"), binary(content(1000)), ping("p"), text("three")}, ws::Role::client);
  reader.on_bytes(kTestEpoch, input);
  std::size_t count = 0;
  while (const auto arrival = reader.next()) {
    ++count;
    if (const auto* message = std::get_if<ws::MessageArrived>(&*arrival)) {
      CHECK(lies_within(message->payload, input));
    } else {
      CHECK(lies_within(std::get<ws::PingArrived>(*arrival).payload, input));
    }
  }
  CHECK(count == 4);
  CHECK(reader.storage_bytes() == 0);
}

TEST_CASE("of several messages only the one that an input cuts is copied") {
  ws::MessageReader reader(ws::Role::server, {});
  Bytes bytes = encoded({text("one"), binary(content(200)), text("three")}, ws::Role::server);
  Bytes first(bytes.begin(), bytes.begin() + 100);
  Bytes second(bytes.begin() + 100, bytes.end());
  CHECK(arrivals(reader, first).size() == 1);
  CHECK(reader.buffered_bytes() == 100 - 5 - 4);
  reader.on_bytes(kTestEpoch, second);
  const auto cut = reader.next();
  REQUIRE(cut.has_value());
  CHECK(told(*cut) == "binary " + shown(content(200)));
  const auto behind = reader.next();
  REQUIRE(behind.has_value());
  CHECK(told(*behind) == "text 'three'");
  CHECK(lies_within(std::get<ws::MessageArrived>(*behind).payload, second));
  CHECK_FALSE(reader.next().has_value());
  reader.release_storage();
  CHECK(reader.storage_bytes() == 0);
}

TEST_CASE("memory is taken for bytes that are there, and never more than the limits allow") {
  const ws::ReaderLimits limits;
  ws::MessageReader reader(ws::Role::server, limits);
  Bytes head = encoded({claiming(limits.message_bytes_max, LengthForm::minimal, binary("x"))},
                       ws::Role::server);
  CHECK(arrivals(reader, head).empty());
  CHECK(reader.storage_bytes() <= 64);
  std::size_t there = 1;
  while (there < limits.message_bytes_max - 1000) {
    Bytes more(999, 0x55);
    CHECK(arrivals(reader, more).empty());
    there += more.size();
    CHECK(reader.buffered_bytes() == there);
    CHECK(reader.storage_bytes() <= std::min(2 * there, limits.message_bytes_max));
  }
  Bytes rest(limits.message_bytes_max - there, 0x55);
  CHECK(arrivals(reader, rest).size() == 1);
  CHECK(reader.storage_bytes() <= limits.message_bytes_max);
}

TEST_CASE("what is too large is refused by its head, before a byte of it is kept") {
  ws::MessageReader reader(ws::Role::client, {});
  Bytes head =
      encoded({claiming(256 * 1024 + 1, LengthForm::minimal, binary(""))}, ws::Role::client);
  const auto found = arrivals(reader, head);
  REQUIRE(found.size() == 1);
  CHECK(std::get<ws::ReadingFailed>(found[0]).flaw == ws::Flaw::too_large);
  CHECK(reader.storage_bytes() == 0);
  Bytes more = encoded({text("late")}, ws::Role::client);
  CHECK(arrivals(reader, more).empty());
}

TEST_CASE("limits that are set between two messages hold from the next frame on") {
  ws::ReaderLimits narrow;
  narrow.message_bytes_max = 4;
  for (const bool widens : {false, true}) {
    ws::MessageReader reader(ws::Role::server, narrow);
    Bytes input = encoded({text("four"), text("fiver")}, ws::Role::server);
    reader.on_bytes(kTestEpoch, input);
    REQUIRE(told(reader.next().value()) == "text 'four'");
    if (widens) reader.set_limits({});
    CHECK(told(reader.next().value()) == (widens ? "text 'fiver'" : "1009: message too large"));
  }
}

TEST_CASE("control frames are paced by the time that is passed in") {
  ws::ReaderLimits limits;
  limits.controls = Pace::per_second(10, 5);
  ws::MessageReader reader(ws::Role::server, limits);
  Instant now = kTestEpoch;
  for (int count = 0; count < 5; ++count) {
    Bytes input = encoded({ping("")}, ws::Role::server);
    CHECK(told(arrivals(reader, input, now).at(0)) == "ping ''");
  }
  for (int count = 0; count < 100; ++count) {
    now += 100ms;
    Bytes input = encoded({pong("")}, ws::Role::server);
    CHECK(told(arrivals(reader, input, now).at(0)) == "pong ''");
  }
  now += 99ms;
  Bytes input = encoded({ping("")}, ws::Role::server);
  CHECK(told(arrivals(reader, input, now).at(0)) == "1008: too many control frames");
}

TEST_CASE("a reader says since when something is incomplete, whatever it is") {
  const auto since = [](const std::vector<Sketch>& frames, std::size_t bytes_missing) {
    ws::MessageReader reader(ws::Role::client, {});
    Bytes bytes = encoded(frames, ws::Role::client);
    Instant now = kTestEpoch;
    for (std::size_t index = 0; index + bytes_missing < bytes.size(); ++index) {
      Bytes one = {bytes[index]};
      arrivals(reader, one, now);
      now += 1s;
    }
    return reader.incomplete_since();
  };
  CHECK(since({text("abc")}, 0) == kNever);
  CHECK(since({text("abc")}, 1) == kTestEpoch);  // inside a payload
  CHECK(since({text("abc")}, 8) == kTestEpoch);  // inside a head
  CHECK(since({ping("abc")}, 0) == kNever);
  CHECK(since({ping("abc")}, 1) == kTestEpoch);
  CHECK(since({not_final(text("abc"))}, 0) == kTestEpoch);  // between fragments
  CHECK(since({not_final(text("abc")), ping("p")}, 0) == kTestEpoch);
  CHECK(since({not_final(text("abc")), last("d")}, 0) == kNever);
  CHECK(since({text("abc"), text("de")}, 1) == kTestEpoch + 9s);
  CHECK(since({closing(1000)}, 0) == kNever);
}

TEST_CASE("bytes of no meaning never break a reader, and it finds what the slow one finds") {
  Rng rng(99);
  for (int round = 0; round < 4000; ++round) {
    Bytes bytes(rng.below(60));
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(rng.below(256));
    // Most first bytes are wrong: a right one lets the rest be looked at.
    if (!bytes.empty() && rng.chance(3, 4))
      bytes[0] = static_cast<std::uint8_t>(0x80 | rng.below(3));
    const ws::Role sender = rng.chance(1, 2) ? ws::Role::client : ws::Role::server;
    CAPTURE(to_hex(bytes));
    const auto expected = SlowReader(bytes, sender, kCaseLimits).read();
    REQUIRE(read_in_pieces(bytes, whole(bytes.size()), sender, kCaseLimits) == expected);
    REQUIRE(read_in_pieces(bytes, random_pieces(bytes.size(), rng), sender, kCaseLimits) ==
            expected);
  }
}
