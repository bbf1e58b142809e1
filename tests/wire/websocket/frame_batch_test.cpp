#include "trestle/wire/websocket/frame_batch.hpp"

#include "catch.hpp"
#include "frame_cases.hpp"

using namespace trestle;
using namespace trestle::test;

namespace {

ws::MaskSource some_masks() {
  constexpr std::array<std::uint8_t, ws::MaskSource::kSeedBytes> kSeed = {5};
  return ws::MaskSource(kSeed);
}

}  // namespace

TEST_CASE("frames lie one behind the other, each head right before its payload") {
  ws::FrameBatch batch(1000);
  REQUIRE(batch.append(ws::Opcode::text, true, as_bytes("Hello"), nullptr));
  REQUIRE(batch.append(ws::Opcode::ping, true, {}, nullptr));
  REQUIRE(batch.append(ws::Opcode::binary, false, as_bytes("x"), nullptr));
  CHECK(to_hex(batch.bytes()) ==
        "810548656c6c6f"
        "8900"
        "020178");
}

TEST_CASE("a client's frames are masked with the masks of their source, one each") {
  ws::MaskSource masks = some_masks();
  ws::MaskSource same = some_masks();
  ws::FrameBatch batch(1000);
  REQUIRE(batch.append(ws::Opcode::text, true, as_bytes("Hello"), &masks));
  REQUIRE(batch.append(ws::Opcode::close, true, {}, &masks));
  Bytes expected;
  Sketch first = text("Hello");
  Sketch second = sketch(kClose, {});
  first.mask = same.next();
  second.mask = same.next();
  append_sketch(expected, first, ws::Role::client);
  append_sketch(expected, second, ws::Role::client);
  CHECK(to_hex(batch.bytes()) == to_hex(expected));
}

TEST_CASE("what does not fit changes nothing; what may go beyond goes") {
  ws::FrameBatch batch(100);
  CHECK_FALSE(batch.append(ws::Opcode::binary, true, Bytes(99), nullptr));
  CHECK(batch.empty());
  CHECK(batch.storage_bytes() == 0);
  REQUIRE(batch.append(ws::Opcode::binary, true, Bytes(98), nullptr));
  CHECK(batch.size() == 100);
  CHECK_FALSE(batch.append(ws::Opcode::ping, true, {}, nullptr));
  CHECK(batch.append(ws::Opcode::close, true, Bytes(125), nullptr, ws::Room::beyond));
  CHECK(batch.size() == 100 + 127);
  CHECK_FALSE(batch.append(ws::Opcode::ping, true, {}, nullptr));
  batch.consume(200);
  CHECK(batch.append(ws::Opcode::ping, true, {}, nullptr));
}

TEST_CASE("whatever is written in whatever steps leaves in its order, in bounded storage") {
  Rng rng(3);
  constexpr std::size_t kBound = 5000;
  ws::FrameBatch batch(kBound);
  Bytes expected;
  Bytes written;
  const auto write = [&](std::size_t bytes) {
    append(written, batch.bytes().first(bytes));
    batch.consume(bytes);
  };
  std::uint64_t refused = 0;
  for (int round = 0; round < 20'000; ++round) {
    if (rng.chance(3, 4)) {
      Sketch frame = binary({});
      // One draw after the other: which argument is evaluated first differs between compilers.
      const std::uint64_t size = rng.below(rng.chance(1, 10) ? 3000 : 200);
      const auto filling = static_cast<char>(rng.below(256));
      frame.payload.assign(size, filling);
      if (batch.append(ws::Opcode::binary, true, as_bytes(frame.payload), nullptr)) {
        append_sketch(expected, frame, ws::Role::server);
      } else {
        ++refused;
      }
    } else {
      write(rng.below(batch.size() + 1));
    }
    REQUIRE(batch.size() <= kBound);
    REQUIRE(batch.storage_bytes() <= 2 * kBound);
  }
  write(batch.size());
  CHECK(refused > 100);
  CHECK(written == expected);
  batch.release_storage();
  CHECK(batch.storage_bytes() == 0);
}

TEST_CASE("an empty batch keeps no storage of a burst") {
  ws::FrameBatch batch(std::size_t{1} << 20);
  REQUIRE(batch.append(ws::Opcode::binary, true, Bytes(300'000), nullptr));
  batch.consume(batch.size());
  CHECK(batch.storage_bytes() == 0);
}
