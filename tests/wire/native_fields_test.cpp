#include <limits>

#include "catch.hpp"
#include "native_messages.hpp"
#include "trestle/wire/native/fields.hpp"

using namespace trestle;
using namespace trestle::test;
using wire::native::DecodeError;
using wire::native::Reader;
using wire::native::varint_bytes;
using wire::native::Writer;

namespace {

Bytes written(std::uint64_t value) {
  Bytes space(varint_bytes(value));
  Writer writer(space);
  writer.varint(value);
  CHECK(writer.left() == 0);
  return space;
}

}  // namespace

TEST_CASE("a varint takes one byte for every 7 bits") {
  CHECK(varint_bytes(0) == 1);
  for (std::size_t bytes = 1; bytes < 10; ++bytes) {
    const std::uint64_t first_longer = std::uint64_t{1} << (7 * bytes);
    CHECK(varint_bytes(first_longer - 1) == bytes);
    CHECK(varint_bytes(first_longer) == bytes + 1);
  }
  CHECK(varint_bytes(std::numeric_limits<std::uint64_t>::max()) == 10);
}

TEST_CASE("known varints have known bytes") {
  CHECK(written(0) == bytes_from("00"));
  CHECK(written(127) == bytes_from("7f"));
  CHECK(written(128) == bytes_from("8001"));
  CHECK(written(300) == bytes_from("ac02"));
  CHECK(written(std::numeric_limits<std::uint64_t>::max()) == bytes_from("ffffffffffffffffff01"));
}

TEST_CASE("every varint that is written is read back, and none without its last byte") {
  Rng rng(1);
  for (int round = 0; round < 20'000; ++round) {
    const std::uint64_t shift = rng.below(64);
    const std::uint64_t value = rng.next() >> shift;
    const Bytes bytes = written(value);
    Reader reader(bytes);
    REQUIRE(reader.varint() == value);
    REQUIRE_FALSE(reader.failed());
    REQUIRE(reader.left() == 0);
    Reader cut(ByteSpan(bytes).first(bytes.size() - 1));
    cut.varint();
    REQUIRE(cut.error() == DecodeError::truncated);
  }
}

TEST_CASE("a varint with padding is malformed, however much") {
  for (std::size_t padding = 1; padding < 12; ++padding) {
    Bytes bytes = bytes_from("81");
    bytes.insert(bytes.end(), padding - 1, 0x80);
    bytes.push_back(0x00);
    Reader reader(bytes);
    reader.varint();
    REQUIRE(reader.failed());
    CHECK(reader.error() == DecodeError::malformed);
  }
}

TEST_CASE("a varint over 64 bits is malformed") {
  for (const char* hex :
       {"ffffffffffffffffff02", "ffffffffffffffffff7f", "ffffffffffffffffffff01"}) {
    const Bytes bytes = bytes_from(hex);
    Reader reader(bytes);
    reader.varint();
    REQUIRE(reader.failed());
    CHECK(reader.error() == DecodeError::malformed);
  }
}

TEST_CASE("the first failure stays and everything read later is zero or nothing") {
  const Bytes bytes = bytes_from("05 01 02 03");
  Reader reader(bytes);
  CHECK(reader.sized(4).empty());
  CHECK(reader.error() == DecodeError::oversized);
  CHECK(reader.byte() == 0);
  CHECK(reader.varint() == 0);
  CHECK(reader.take(1).empty());
  CHECK(reader.left() == 0);
  CHECK(reader.error() == DecodeError::oversized);
}

TEST_CASE("sized bytes are borrowed from the input") {
  const Bytes bytes = bytes_from("02 0a0b 0c");
  Reader reader(bytes);
  const ByteSpan taken = reader.sized(2);
  CHECK(taken.data() == bytes.data() + 1);
  CHECK(taken.size() == 2);
  CHECK(reader.byte() == 0x0c);
  CHECK_FALSE(reader.failed());
  CHECK(reader.left() == 0);
}
