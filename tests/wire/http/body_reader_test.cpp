#include "trestle/wire/http/body_reader.hpp"

#include <string>
#include <vector>

#include "catch.hpp"
#include "pieces.hpp"

using namespace trestle;
using namespace trestle::test;

namespace {

using Reader = wire::http::BodyReader;
using Flaw = wire::http::BodyFlaw;

struct Found {
  std::string content;
  std::size_t taken = 0;
  Reader::State state = Reader::State::incomplete;
  Flaw flaw = Flaw::none;
  friend bool operator==(const Found&, const Found&) = default;
};

Found found_in(Reader reader, const std::string& stream, const Pieces& pieces) {
  Found found;
  in_pieces(as_bytes(stream), pieces, [&](ByteSpan piece) {
    while (reader.state() == Reader::State::incomplete && !piece.empty()) {
      const Reader::Step step = reader.next(piece);
      REQUIRE(step.taken > 0);
      REQUIRE(step.content.size() <= step.taken);
      found.content.append(as_text(step.content));
      found.taken += step.taken;
      piece = piece.subspan(step.taken);
    }
  });
  found.state = reader.state();
  found.flaw = reader.flaw();
  return found;
}

/// In all pieces the same.
Found found_in_any(const Reader& reader, const std::string& stream) {
  const Found found = found_in(reader, stream, whole(stream.size()));
  REQUIRE(found_in(reader, stream, byte_by_byte(stream.size())) == found);
  Rng rng(3);
  for (int round = 0; round < 30; ++round) {
    REQUIRE(found_in(reader, stream, random_pieces(stream.size(), rng)) == found);
  }
  return found;
}

constexpr auto kComplete = Reader::State::complete;

}  // namespace

TEST_CASE("a body of known length ends there, and what follows is not taken") {
  CHECK(found_in_any(Reader::of_length(5), "hello, world") == Found{"hello", 5, kComplete});
  CHECK(found_in_any(Reader::none(), "hello") == Found{"", 0, kComplete});
  CHECK(found_in_any(Reader::of_length(50), "hello").state == Reader::State::incomplete);
}

TEST_CASE("chunks are put together, their extensions and the trailer passed over") {
  const auto found = [](const std::string& stream) {
    return found_in_any(Reader::chunked({}), stream);
  };
  CHECK(found("5\r\nhello\r\n0\r\n\r\nrest") == Found{"hello", 15, kComplete});
  CHECK(found("0\r\n\r\n") == Found{"", 5, kComplete});
  CHECK(found("00A\r\n0123456789\r\n000\r\n\r\n").content == "0123456789");
  CHECK(found("1 ; q=\"x\"\r\na\r\n1\t\r\nb\r\n0\r\nX: y\r\nZ:\r\n\r\n") ==
        Found{"ab", 36, kComplete});
}

TEST_CASE("chunks that others might understand differently are refused") {
  const auto flaw = [](const std::string& stream) {
    return found_in_any(Reader::chunked({}), stream).flaw;
  };
  CHECK(flaw("\r\n") == Flaw::chunk_line);
  CHECK(flaw("g\r\n") == Flaw::chunk_line);
  CHECK(flaw("0x1\r\n") == Flaw::chunk_line);
  CHECK(flaw("-1\r\n") == Flaw::chunk_line);
  CHECK(flaw(" 1\r\na") == Flaw::chunk_line);
  CHECK(flaw("1\na") == Flaw::chunk_line);
  CHECK(flaw("1\rX") == Flaw::chunk_line);
  CHECK(flaw("1;a\nb\r\n") == Flaw::chunk_line);
  CHECK(flaw(std::string("1;a\0b", 5)) == Flaw::chunk_line);
  CHECK(flaw("8000000000000000\r\n") == Flaw::chunk_line);
  CHECK(flaw("11111111111111111\r\n") == Flaw::chunk_line);
  CHECK(flaw("1;" + std::string(300, 'x')) == Flaw::chunk_line);
  CHECK(flaw("1\r\nab") == Flaw::chunk_end);
  CHECK(flaw("1\r\na\r1") == Flaw::chunk_end);
  CHECK(flaw("0\r\n\n") == Flaw::trailer);
  CHECK(flaw("0\r\nX: y\n\r\n") == Flaw::trailer);
  CHECK(flaw("0\r\nX: y\rZ") == Flaw::trailer);
  CHECK(flaw("0\r\n\rX") == Flaw::trailer);
  CHECK(flaw("0\r\n" + std::string(5000, 'x')) == Flaw::trailer);
}

TEST_CASE(
    "the end of the connection is the end of a body that has no other, and cuts off the rest") {
  Reader open = Reader::until_end();
  CHECK(as_text(open.next(as_bytes(std::string_view("hello"))).content) == "hello");
  open.on_end();
  CHECK(open.state() == kComplete);
  Reader cut = Reader::of_length(5);
  cut.on_end();
  CHECK(cut.flaw() == Flaw::cut_off);
  Reader chunked = Reader::chunked({});
  chunked.on_end();
  CHECK(chunked.flaw() == Flaw::cut_off);
}
