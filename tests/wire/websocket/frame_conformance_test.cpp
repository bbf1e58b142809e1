// The table of frame_cases.hpp: each row at a server and at a client, in one piece, byte by byte
// and in random pieces; and against the slow reader.

#include <set>
#include <string>
#include <vector>

#include "catch.hpp"
#include "frame_cases.hpp"
#include "slow_reader.hpp"

using namespace trestle;
using namespace trestle::test;

namespace {

constexpr std::string_view kMarker = "the marker";
constexpr std::size_t kCasesMin = 300;

ws::MaskSource masks_of_a_test() {
  constexpr std::array<std::uint8_t, ws::MaskSource::kSeedBytes> kSeed = {1, 2, 3};
  return ws::MaskSource(kSeed);
}

/// What was sent, as the other side reads it.
std::vector<std::string> sent(const ws::Connection& connection, ws::Role sender) {
  const ByteSpan output = connection.output();
  std::vector<std::string> words;
  for (const std::string& found : read_in_pieces(output, whole(output.size()), sender, {})) {
    // Of a close the status; its sentence may be any.
    words.push_back(found.starts_with("close ") ? found.substr(0, 10) : found);
  }
  return words;
}

/// The effects, and behind `>` what was sent. A client waits for the server to hang up.
std::string outcome(const FrameCase& one, ws::Role sender, const Pieces& pieces) {
  ws::MaskSource masks = masks_of_a_test();
  const ws::ConnectionOptions options{.reader = kCaseLimits};
  ws::Connection connection = sender == ws::Role::client ? ws::Connection::server(options)
                                                         : ws::Connection::client(options, masks);
  std::vector<std::string> told_of;
  const auto drain = [&] {
    while (const auto effect = connection.poll_effect()) told_of.push_back(told(*effect));
  };
  Bytes bytes = encoded(one.frames, sender);
  append_sketch(bytes, text(std::string(kMarker)), sender);
  in_pieces(bytes, pieces, [&](std::span<std::uint8_t> piece) {
    connection.on_bytes(kTestEpoch, piece);
    drain();
  });
  if (sender == ws::Role::server && !connection.is_open()) {
    connection.on_end();
    drain();
  }
  for (std::string& word : told_of) {
    if (word == "text " + shown(kMarker)) word = "alive";
  }
  const std::string replies =
      joined(sent(connection, sender == ws::Role::client ? ws::Role::server : ws::Role::client));
  const std::string effects = joined(told_of);
  return replies.empty() ? effects : effects + " > " + replies;
}

/// Frames that claim more than they have swallow the marker: nothing happens then.
std::size_t bytes_of(const FrameCase& one, ws::Role sender) {
  Bytes bytes = encoded(one.frames, sender);
  append_sketch(bytes, text(std::string(kMarker)), sender);
  return bytes.size();
}

}  // namespace

TEST_CASE("the conformance table holds in both directions, whatever the pieces") {
  Rng rng(20261127);
  for (const FrameCase& one : frame_cases()) {
    for (const ws::Role sender : {ws::Role::client, ws::Role::server}) {
      INFO(one.name << (sender == ws::Role::client ? ", from a client" : ", from a server"));
      const std::size_t bytes = bytes_of(one, sender);
      CHECK(outcome(one, sender, whole(bytes)) == one.expects);
      CHECK(outcome(one, sender, byte_by_byte(bytes)) == one.expects);
      for (int round = 0; round < 5; ++round) {
        CHECK(outcome(one, sender, random_pieces(bytes, rng)) == one.expects);
      }
    }
  }
}

TEST_CASE("the slow reader finds the same in the conformance table") {
  for (const FrameCase& one : frame_cases()) {
    for (const ws::Role sender : {ws::Role::client, ws::Role::server}) {
      INFO(one.name);
      const Bytes bytes = encoded(one.frames, sender);
      CHECK(read_in_pieces(bytes, whole(bytes.size()), sender, kCaseLimits) ==
            SlowReader(bytes, sender, kCaseLimits).read());
    }
  }
}

TEST_CASE("the conformance table is large, and its names are unique") {
  std::set<std::string> names;
  for (const FrameCase& one : frame_cases()) names.insert(one.name);
  CHECK(names.size() == frame_cases().size());
  CHECK(frame_cases().size() >= kCasesMin);
}
