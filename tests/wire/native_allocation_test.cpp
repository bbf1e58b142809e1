// What a frame claims costs nothing: memory is reserved for bytes that are there, not for bytes
// that were announced.

#include <cstdlib>
#include <new>

#include "catch.hpp"
#include "native_messages.hpp"
#include "trestle/wire/native/codec.hpp"

namespace {

std::size_t allocated_bytes = 0;

void* counted(std::size_t bytes) {
  allocated_bytes += bytes;
  void* space = std::malloc(bytes == 0 ? 1 : bytes);
  if (space == nullptr) std::abort();
  return space;
}

}  // namespace

// Replaced for the whole program: counting is cheap and changes nothing for the other tests. All
// unaligned forms together, so that a sanitizer never sees one of its own paired with one of ours.
void* operator new(std::size_t bytes) { return counted(bytes); }
void* operator new[](std::size_t bytes) { return counted(bytes); }
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept { return counted(bytes); }
void* operator new[](std::size_t bytes, const std::nothrow_t&) noexcept { return counted(bytes); }
void operator delete(void* space) noexcept { std::free(space); }
void operator delete[](void* space) noexcept { std::free(space); }
void operator delete(void* space, std::size_t) noexcept { std::free(space); }
void operator delete[](void* space, std::size_t) noexcept { std::free(space); }

using namespace trestle;
using namespace trestle::test;
using wire::native::DecodeError;
using wire::native::FrameReader;
using wire::native::Limits;

namespace {

struct Cost {
  bool failed = false;
  DecodeError error{};
  std::size_t bytes = 0;
};

Cost cost_of(const Bytes& frame) {
  Cost cost;
  const std::size_t before = allocated_bytes;
  FrameReader reader(frame, Limits{});
  while (true) {
    const auto record = reader.next();
    if (record && *record) continue;
    cost.failed = !record.has_value();
    if (cost.failed) cost.error = record.error();
    break;
  }
  cost.bytes = allocated_bytes - before;
  return cost;
}

}  // namespace

TEST_CASE("the counting allocator counts") {
  const std::size_t before = allocated_bytes;
  const Bytes bytes(1000);
  CHECK(allocated_bytes - before >= 1000);
  CHECK(bytes.size() == 1000);
}

TEST_CASE("claims that nothing stands behind are refused without an allocation") {
  struct Claim {
    const char* what;
    const char* hex;
    DecodeError error;
  };
  const Claim claims[] = {
      {"a record of 2^63 bytes", "80808080808080808001 06 01", DecodeError::truncated},
      {"a record of 2^64-1 bytes", "ffffffffffffffffff01 06 01", DecodeError::truncated},
      {"a record of 2^64 bytes", "80808080808080808002 06 01", DecodeError::malformed},
      {"a number of 11 bytes", "8080808080808080808001 06 01", DecodeError::malformed},
      {"a record one byte longer than the frame", "03 06 01", DecodeError::truncated},
      {"a key of 2^63 bytes", "0c 22 01 80808080808080808001", DecodeError::oversized},
      {"a key of 1025 bytes", "04 22 01 8108", DecodeError::oversized},
      {"a key of 1024 bytes that are not there", "04 22 01 8008", DecodeError::truncated},
      {"a key that reaches into the next record", "04 22 01 05 61 020601 020602",
       DecodeError::truncated},
      {"2^63 contacts", "0c 21 01 80808080808080808001", DecodeError::oversized},
      {"21 contacts", "03 21 01 15", DecodeError::oversized},
      {"20 contacts that are not there", "03 21 01 14", DecodeError::truncated},
      {"a value of 64 KiB that is not there", "07 24 01 01 61 808004", DecodeError::truncated},
      {"a value of 2^32 bytes", "09 24 01 01 61 8080808010", DecodeError::oversized},
      {"a failure with 4 GiB of text", "09 08 01 0b 00 ffffffff0f", DecodeError::oversized},
  };
  for (const Claim& claim : claims) {
    CAPTURE(claim.what);
    const Bytes frame = bytes_from(claim.hex);
    REQUIRE_FALSE(frame.empty());
    const Cost cost = cost_of(frame);
    CHECK(cost.failed);
    CHECK(cost.error == claim.error);
    CHECK(cost.bytes == 0);
  }
}

TEST_CASE("unknown records and small messages are read without an allocation") {
  Bytes batch;
  for (int round = 0; round < 1000; ++round) append(batch, bytes_from("04fe00abcd 020601 020701"));
  const Cost cost = cost_of(batch);
  CHECK_FALSE(cost.failed);
  CHECK(cost.bytes == 0);
}

TEST_CASE("no frame makes us allocate much more than it brings") {
  // The worst is a list of contacts without texts: 24 bytes on the wire, sizeof(Contact) in memory.
  // What was read before an error counts too. A little is allowed for texts just above what a
  // string holds in place.
  constexpr std::size_t kFactor = sizeof(wire::Contact) / 24 + 1;
  constexpr std::size_t kFloor = 64;
  for (std::uint64_t seed = 0; seed < 3'000; ++seed) {
    MessageSource source(seed);
    Bytes frame = encoded(source.envelope());
    const std::uint64_t place = source.rng().below(std::min<std::size_t>(frame.size(), 64));
    frame[place] = static_cast<std::uint8_t>(source.rng().next() >> 56);
    const Cost cost = cost_of(frame);
    if (cost.bytes > kFactor * frame.size() + kFloor) {
      CAPTURE(seed, frame.size(), cost.bytes);
      FAIL("too much");
    }
  }
}
