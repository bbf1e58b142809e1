// Round trips through the native dialect: every message, batches, limits as a sender sees them.

#include "catch.hpp"
#include "native_messages.hpp"
#include "trestle/wire/native/codec.hpp"
#include "trestle/wire/native/record_type.hpp"

using namespace trestle;
using namespace trestle::test;
using wire::native::append_record;
using wire::native::FrameReader;
using wire::native::Limits;
using wire::native::record_bytes;

namespace {

constexpr std::size_t kTypes = wire::kMessageKinds;
constexpr int kRounds = 300;

}  // namespace

TEST_CASE("a message of any type survives encoding and decoding") {
  for (std::size_t type = 0; type < kTypes; ++type) {
    CAPTURE(type);
    MessageSource source(type);
    for (int round = 0; round < kRounds; ++round) {
      const wire::Envelope sent = source.envelope(type);
      const Reading reading = read_frame(encoded(sent));
      REQUIRE_FALSE(reading.failed);
      REQUIRE(reading.records.size() == 1);
      REQUIRE(reading.records[0] == sent);
    }
  }
}

TEST_CASE("the encoding is canonical: what was decoded encodes to the same bytes") {
  MessageSource source(7);
  for (int round = 0; round < 3000; ++round) {
    const Bytes frame = encoded(source.envelope());
    const Reading reading = read_frame(frame);
    REQUIRE(reading.records.size() == 1);
    REQUIRE(encoded(reading.records[0]) == frame);
  }
}

TEST_CASE("record_bytes is exactly what append_record adds") {
  MessageSource source(8);
  Bytes frame;
  for (int round = 0; round < 3000; ++round) {
    const wire::Envelope envelope = source.envelope();
    if (frame.size() > 1'000'000) frame.clear();
    const std::size_t before = frame.size();
    append_record(frame, envelope);
    REQUIRE(frame.size() - before == record_bytes(envelope));
  }
}

TEST_CASE("a batch gives back its records in order") {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    CAPTURE(seed);
    MessageSource source(seed);
    Bytes frame;
    std::vector<wire::Envelope> sent;
    for (std::uint64_t left = source.rng().below(200); left > 0; --left) {
      wire::Envelope envelope = source.envelope();
      if (frame.size() + record_bytes(envelope) > Limits{}.frame_bytes_max) break;
      append_record(frame, envelope);
      sent.push_back(std::move(envelope));
    }
    const Reading reading = read_frame(frame);
    REQUIRE_FALSE(reading.failed);
    REQUIRE(reading.records == sent);
  }
}

TEST_CASE("a 64 KiB batch of the smallest records is within the limits") {
  Bytes frame;
  const wire::Envelope ping{{1}, wire::Ping{}};
  std::size_t sent = 0;
  for (; frame.size() + record_bytes(ping) <= std::size_t{64} * 1024; ++sent)
    append_record(frame, ping);
  const Reading reading = read_frame(frame);
  CHECK_FALSE(reading.failed);
  CHECK(reading.records.size() == sent);
}

TEST_CASE("more records than the limit are refused, unknown ones included") {
  Limits limits;
  limits.records_per_frame_max = 3;
  const Bytes three = bytes_from("020601 01fe 020602");
  const Reading fitting = read_frame(three, limits);
  CHECK_FALSE(fitting.failed);
  CHECK(fitting.records.size() == 2);

  Bytes four = three;
  append(four, bytes_from("01fe"));
  const Reading reading = read_frame(four, limits);
  CHECK(reading.failed);
  CHECK(reading.error == wire::native::DecodeError::too_many_records);
  CHECK(reading.records.size() == 2);
}

TEST_CASE("an empty frame holds no record and is no error") {
  const Reading reading = read_frame({});
  CHECK_FALSE(reading.failed);
  CHECK(reading.records.empty());
}

TEST_CASE("records of unknown type are skipped and counted wherever they stand") {
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    CAPTURE(seed);
    MessageSource source(seed);
    Rng rng = source.rng().fork("unknown");
    Bytes frame;
    std::vector<wire::Envelope> sent;
    std::size_t unknown = 0;
    for (int record = 0; record < 8; ++record) {
      if (rng.chance(1, 2)) {
        std::uint64_t type = rng.below(256);
        while (wire::native::kAlternatives[type] != wire::native::kUnknownRecord) {
          type = rng.below(256);
        }
        const std::uint64_t payload = rng.below(100);
        frame.push_back(static_cast<std::uint8_t>(1 + payload));
        frame.push_back(static_cast<std::uint8_t>(type));
        for (std::uint64_t byte = 0; byte < payload; ++byte) {
          frame.push_back(static_cast<std::uint8_t>(rng.next() >> 56));
        }
        ++unknown;
      } else {
        // Pings and other small ones: the frame's size is not what is tested here.
        sent.push_back(source.envelope(5));
        append_record(frame, sent.back());
      }
    }
    const Reading reading = read_frame(frame);
    REQUIRE_FALSE(reading.failed);
    REQUIRE(reading.records == sent);
    REQUIRE(reading.unknown_records == unknown);
  }
}

TEST_CASE("bytes behind the known fields of a known record are ignored") {
  MessageSource source(11);
  for (int round = 0; round < 1000; ++round) {
    const wire::Envelope sent = source.envelope();
    const Bytes record = encoded(sent);
    // Taken apart and put together again with a longer length.
    std::size_t length_bytes = 1;
    while ((record[length_bytes - 1] & 0x80) != 0) ++length_bytes;
    const std::size_t trailing = 1 + source.rng().below(50);
    std::size_t body = record.size() - length_bytes + trailing;
    Bytes extended;
    for (; body >= 0x80; body >>= 7) extended.push_back(static_cast<std::uint8_t>(body | 0x80));
    extended.push_back(static_cast<std::uint8_t>(body));
    append(extended, ByteSpan(record).subspan(length_bytes));
    for (std::size_t byte = 0; byte < trailing; ++byte) {
      extended.push_back(static_cast<std::uint8_t>(source.rng().next() >> 56));
    }
    const Reading reading = read_frame(extended);
    REQUIRE_FALSE(reading.failed);
    REQUIRE(reading.records.size() == 1);
    REQUIRE(reading.records[0] == sent);
  }
}

TEST_CASE("what fits is read, what does not fit is refused") {
  // Random limits around the sizes of the messages: `fits` and the reader must agree on every one
  // of them.
  std::size_t fitting = 0;
  constexpr std::size_t kCases = 6000;
  for (std::uint64_t seed = 0; seed < kCases; ++seed) {
    CAPTURE(seed);
    MessageSource source(seed);
    Rng rng = source.rng().fork("limits");
    Limits limits;
    const auto lower = [&rng](std::size_t& limit) {
      if (rng.chance(1, 4)) limit = static_cast<std::size_t>(rng.below(limit));
    };
    lower(limits.frame_bytes_max);
    lower(limits.contacts_max);
    lower(limits.address_bytes_max);
    lower(limits.network_bytes_max);
    lower(limits.metadata_bytes_max);
    lower(limits.text_bytes_max);
    lower(limits.key_bytes_max);
    lower(limits.value_bytes_max);
    if (rng.chance(1, 4)) limits.ttl_ms_max = rng.below(limits.ttl_ms_max);
    const wire::Envelope envelope = source.envelope();
    const bool fits = wire::native::fits(envelope, limits);
    REQUIRE(fits == !read_frame(encoded(envelope), limits).failed);
    fitting += fits ? 1 : 0;
  }
  CHECK(fitting > kCases / 4);
  CHECK(fitting < kCases - kCases / 10);
}

TEST_CASE("values that no peer would read do not fit") {
  const Limits limits;
  wire::JoinRequest greedy;
  greedy.contacts_max = 21;
  CHECK_FALSE(wire::native::fits({{1}, greedy}, limits));
  greedy.contacts_max = 0;
  CHECK_FALSE(wire::native::fits({{1}, greedy}, limits));
  CHECK_FALSE(wire::native::fits({{1}, wire::Failure{}}, limits));
  CHECK_FALSE(wire::native::fits({{0}, wire::Ping{}}, limits));
  CHECK_FALSE(wire::native::fits({{1}, wire::Goodbye{}}, limits));
  CHECK(wire::native::fits({{1}, wire::Ping{}}, limits));
}

TEST_CASE("the largest record of every type fits in a frame") {
  wire::Contact contact;
  const Limits limits;
  contact.address.assign(limits.address_bytes_max, 'a');
  contact.metadata.assign(limits.metadata_bytes_max, 'm');
  const wire::Contacts contacts(limits.contacts_max, contact);
  const wire::RequestId id{~std::uint64_t{0}};
  CHECK(wire::native::fits({id, wire::IntroduceResponse{contacts, contacts}}, limits));
  wire::Record record;
  record.key.assign(limits.key_bytes_max, 'k');
  record.value.assign(limits.value_bytes_max, 0xff);
  record.ttl_ms = limits.ttl_ms_max;
  CHECK(wire::native::fits({id, wire::StoreRequest{record}}, limits));
}

TEST_CASE("the largest handshake records stay below what is read from a stranger") {
  Limits stranger;
  stranger.frame_bytes_max = wire::native::kFrameBytesBeforeHelloMax;
  wire::Hello hello;
  hello.version = 0xffff;
  hello.dialled_url.assign(stranger.address_bytes_max, 'u');
  hello.network.assign(stranger.network_bytes_max, 'n');
  hello.address.assign(stranger.address_bytes_max, 'a');
  CHECK(wire::native::fits({{}, hello}, stranger));
  wire::Welcome welcome;
  welcome.network = hello.network;
  welcome.address = hello.address;
  CHECK(wire::native::fits({{}, welcome}, stranger));
}

TEST_CASE("every type has a number of its own, and 0 is nobody's") {
  std::size_t known = 0;
  for (const std::uint8_t alternative : wire::native::kAlternatives) {
    known += alternative == wire::native::kUnknownRecord ? 0 : 1;
  }
  CHECK(known == kTypes);
  CHECK(wire::native::kAlternatives[0] == wire::native::kUnknownRecord);
}
