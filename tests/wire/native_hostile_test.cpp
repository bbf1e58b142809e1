// Frames from a peer that means no good: nothing may crash, hang, or make us reserve what was only
// claimed.

#include "catch.hpp"
#include "native_messages.hpp"
#include "trestle/wire/native/codec.hpp"

using namespace trestle;
using namespace trestle::test;
using wire::native::DecodeError;
using wire::native::FrameReader;
using wire::native::Limits;

namespace {

/// A message of every type with all its parts, small enough that each byte can be tried with each
/// value.
std::vector<wire::Envelope> small_samples() {
  wire::Contact contact;
  contact.id = NodeId(1, 2, 3);
  contact.dialect = wire::Dialect::native;
  contact.address = "ws://a:1/";
  contact.metadata = "{\"a\":1}";
  const wire::Contacts contacts = {contact, contact};
  wire::Record record;
  record.key = "key";
  record.value = {1, 2, 3};
  record.ttl_ms = 3'600'000;
  wire::Hello hello;
  hello.dialled_url = "ws://b:2/";
  hello.network = "main";
  wire::Welcome welcome;
  welcome.network = "main";
  wire::Prove prove;
  prove.has_secret_proof = true;
  wire::Ready ready;
  ready.has_secret_proof = true;
  wire::FindValueResponse found;
  found.found = true;
  found.record = record;
  wire::FindValueResponse nearer;
  nearer.contacts = contacts;
  return {
      {{}, hello},
      {{}, welcome},
      {{}, prove},
      {{}, wire::Prove{}},
      {{}, ready},
      {{}, wire::Ready{}},
      {{}, wire::Goodbye{ErrorCode::busy, 300, "full"}},
      {{1}, wire::Ping{}},
      {{200}, wire::Pong{}},
      {{70000}, wire::Failure{ErrorCode::busy, 300, "full"}},
      {{3}, wire::Cancel{}},
      {{4}, wire::JoinRequest{}},
      {{5}, wire::JoinResponse{wire::JoinOutcome::introduced, contacts, contact.id}},
      {{6}, wire::IntroduceRequest{contact, 4, 5000}},
      {{7}, wire::IntroduceResponse{contacts, contacts}},
      {{8}, wire::FindNodeRequest{contact.id}},
      {{9}, wire::FindNodeResponse{contacts}},
      {{10}, wire::FindValueRequest{"key"}},
      {{11}, found},
      {{12}, nearer},
      {{13}, wire::StoreRequest{record}},
      {{14}, wire::StoreResponse{}},
      {{15}, wire::ReplicaOffer{{{contact.id, 1, 2, {3}}, {contact.id, 4, 5, {6}}}, true}},
      {{16}, wire::ReplicaAnswer{{wire::ReplicaState::have, wire::ReplicaState::refused}}},
      {{17}, wire::RouteRequest{contact.id, contact.id, 20, {1, 2}}},
      {{18}, wire::RouteResponse{{1, 2}}},
      {{19}, wire::RecursiveFindRequest{contact.id, contact.id, 3}},
      {{20}, wire::RecursiveFindResponse{contacts, 3}},
      {{}, wire::Announce{contact}},
      {{}, wire::Credentials{{1}, {2, 3}, {4}, {5}}},
      {{}, wire::Certify{{1, 2}}},
      {{}, wire::Revocations{{1, 2, 3}}},
      {{21}, wire::RedeemRequest{{1}, {2}, {3}, {4}}},
      {{22}, wire::RedeemResponse{{1}, {2}, {3}}},
  };
}

/// Asks for one record beyond the error: it must be the same error again.
void check_error_stays(ByteSpan frame) {
  FrameReader reader(frame, Limits{});
  while (true) {
    const auto record = reader.next();
    if (record && !*record) return;
    if (record) continue;
    const auto again = reader.next();
    REQUIRE_FALSE(again.has_value());
    REQUIRE(again.error() == record.error());
    return;
  }
}

}  // namespace

TEST_CASE("a record cut at any length is truncated, never half read") {
  for (const wire::Envelope& sample : small_samples()) {
    CAPTURE(wire::name(sample.message));
    const Bytes frame = encoded(sample);
    for (std::size_t length = 1; length < frame.size(); ++length) {
      CAPTURE(length);
      const Reading reading = read_frame(ByteSpan(frame).first(length));
      REQUIRE(reading.failed);
      REQUIRE(reading.error == DecodeError::truncated);
      REQUIRE(reading.records.empty());
    }
  }
}

TEST_CASE("a record that ends inside one of its fields is truncated or malformed") {
  for (const wire::Envelope& sample : small_samples()) {
    CAPTURE(wire::name(sample.message));
    const Bytes frame = encoded(sample);
    const std::size_t length_bytes = frame[0] < 0x80 ? 1 : 2;
    // The length field agrees with the shortened record: the error lies inside.
    for (std::size_t body = 1; body + length_bytes < frame.size(); ++body) {
      CAPTURE(body);
      Bytes cut;
      if (body >= 0x80) {
        cut.push_back(static_cast<std::uint8_t>(body | 0x80));
        cut.push_back(static_cast<std::uint8_t>(body >> 7));
      } else {
        cut.push_back(static_cast<std::uint8_t>(body));
      }
      append(cut, ByteSpan(frame).subspan(length_bytes, body));
      const Reading reading = read_frame(cut);
      REQUIRE(reading.failed);
      REQUIRE(reading.records.empty());
    }
  }
}

TEST_CASE("any single byte may be changed to anything: the frame decodes or is refused") {
  for (const wire::Envelope& sample : small_samples()) {
    CAPTURE(wire::name(sample.message));
    Bytes frame = encoded(sample);
    for (std::size_t place = 0; place < frame.size(); ++place) {
      const std::uint8_t original = frame[place];
      for (unsigned value = 0; value < 256; ++value) {
        frame[place] = static_cast<std::uint8_t>(value);
        const Reading reading = read_frame(frame);
        // What was understood is a real message: it can be sent on and is read the same.
        for (const wire::Envelope& record : reading.records) {
          const Reading again = read_frame(encoded(record));
          if (again.records.size() != 1 || !(again.records[0] == record)) FAIL("not a message");
        }
      }
      frame[place] = original;
    }
    check_error_stays(frame);
  }
}

TEST_CASE("random bytes never crash the reader") {
  for (std::uint64_t seed = 0; seed < 20'000; ++seed) {
    Rng rng(seed);
    Bytes frame(rng.below(200));
    for (std::uint8_t& byte : frame) {
      byte = static_cast<std::uint8_t>(rng.chance(1, 2) ? rng.below(40) : rng.below(256));
    }
    const Reading reading = read_frame(frame);
    for (const wire::Envelope& record : reading.records) {
      if (read_frame(encoded(record)).records != std::vector<wire::Envelope>{record}) FAIL(seed);
    }
    check_error_stays(frame);
  }
}

TEST_CASE("records with several bytes changed never crash the reader") {
  for (std::uint64_t seed = 0; seed < 5'000; ++seed) {
    MessageSource source(seed);
    Bytes frame = encoded(source.envelope());
    for (std::uint64_t changes = 1 + source.rng().below(6); changes > 0; --changes) {
      // The interesting bytes are near the front: lengths, counts, types.
      const std::uint64_t place = source.rng().below(std::min<std::size_t>(frame.size(), 64));
      frame[place] = static_cast<std::uint8_t>(source.rng().next() >> 56);
    }
    read_frame(frame);
    check_error_stays(frame);
  }
}

TEST_CASE("records before an error are delivered, records behind it are not") {
  const Reading reading = read_frame(bytes_from("020601 020602 0206 8000 020603"));
  CHECK(reading.failed);
  CHECK(reading.records.size() == 2);
}

TEST_CASE("numbers outside their range are malformed") {
  const auto error_of = [](std::string_view hex) {
    CAPTURE(hex);
    const Reading reading = read_frame(bytes_from(hex));
    REQUIRE(reading.failed);
    return reading.error;
  };
  CHECK(error_of("00") == DecodeError::malformed);                      // a record of nothing
  CHECK(error_of("0206 00") == DecodeError::malformed);                 // ping without an id
  CHECK(error_of("0207 00") == DecodeError::malformed);                 // pong without an id
  CHECK(error_of("0209 00") == DecodeError::malformed);                 // cancel without an id
  CHECK(error_of("0505 01 00 00 00") == DecodeError::malformed);        // goodbye with an id
  CHECK(error_of("0304 01 00") == DecodeError::malformed);              // ready with an id
  CHECK(error_of("0304 00 02") == DecodeError::malformed);              // a flag of 2
  CHECK(error_of("0508 01 00 00 00") == DecodeError::malformed);        // failure without a reason
  CHECK(error_of("0508 01 1c 00 00") == DecodeError::malformed);        // error code 28
  CHECK(error_of("0505 00 1c 00 00") == DecodeError::malformed);        // error code 28
  CHECK(error_of("0410 01 00 00") == DecodeError::malformed);           // no contacts wanted
  CHECK(error_of("0410 01 15 00") == DecodeError::malformed);           // 21 contacts wanted
  CHECK(error_of("0410 01 01 02") == DecodeError::malformed);           // a flag of 2
  CHECK(error_of("0811 01 05 00 00000000") == DecodeError::malformed);  // outcome 5
  CHECK(error_of("0505 00 01 8080808010") == DecodeError::truncated);   // id only
  CHECK(error_of("0905 00 01 8080808010 00") == DecodeError::malformed);  // 2^32 ms
  CHECK(error_of("0601 00 808004 03") == DecodeError::malformed);         // version 65536
  CHECK(error_of("0401 00 01 00") == DecodeError::malformed);             // role 0
  CHECK(error_of("0401 00 01 05") == DecodeError::malformed);             // role 5
  const std::string id(40, '0');
  CHECK(error_of("1d 21 01 01" + id + "00 00 00 00 0000") == DecodeError::malformed);  // role 0
  CHECK(error_of("1d 21 01 01" + id + "03 03 00 00 0000") == DecodeError::malformed);  // dialect 3
}

TEST_CASE("a time to live beyond the limit is refused") {
  wire::Record record;
  record.ttl_ms = Limits{}.ttl_ms_max;
  CHECK_FALSE(read_frame(encoded({{1}, wire::StoreRequest{record}})).failed);
  ++record.ttl_ms;
  const Reading reading = read_frame(encoded({{1}, wire::StoreRequest{record}}));
  CHECK(reading.failed);
  CHECK(reading.error == DecodeError::oversized);
}

TEST_CASE("a frame over its limit is refused unread") {
  Limits limits;
  limits.frame_bytes_max = 5;
  CHECK(read_frame(bytes_from("020601 020602"), limits).error == DecodeError::oversized);
  CHECK(read_frame(bytes_from("020601 020602"), limits).records.empty());
  CHECK_FALSE(read_frame(bytes_from("020601"), limits).failed);
}

TEST_CASE("numbers that are not in their shortest form are malformed") {
  for (const std::string_view hex : {
           "8200 06 01",          // length
           "0306 8100",           // request id
           "0410 01 8100 00",     // contacts wanted
           "0422 01 8000",        // length of a key
           "0421 01 8000",        // number of contacts
           "0605 00 00 8000 00",  // wait
       }) {
    CAPTURE(hex);
    const Reading reading = read_frame(bytes_from(hex));
    CHECK(reading.failed);
    CHECK(reading.error == DecodeError::malformed);
  }
}
