// Damaged frames: no crash, no assertion, and whatever is still accepted has one stable form.
#include "mutation.hpp"

#include <string>
#include <vector>

#include "catch.hpp"
#include "transcript.hpp"
#include "trestle/base/rng.hpp"
#include "trestle/wire/legacy/body.hpp"
#include "trestle/wire/legacy/codec.hpp"
#include "trestle/wire/legacy/metadata.hpp"
#include "trestle/wire/legacy/version.hpp"

namespace trestle {
namespace {

using namespace wire::legacy;

/// Swaps one member's value for another kind of value: damage that is still JSON.
std::string swap_member_value(const std::string& text, Rng& rng) {
  static const std::vector<std::string> kValues = {"null",
                                                   "true",
                                                   "0",
                                                   "-1.5",
                                                   "\"\"",
                                                   "\"x\"",
                                                   "[]",
                                                   "{}",
                                                   "[[]]",
                                                   "1e400",
                                                   "\"7e7b3e9074201b9146197bf338b2e8db3775f356\""};
  const auto document = wire::json::parse(text);
  if (!document) return text;
  const auto& entries = document->entries();
  const auto& victim = entries[rng.below(entries.size())];
  const std::string& value = kValues[rng.below(kValues.size())];
  return text.substr(0, victim.begin) + value + text.substr(victim.end);
}

/// Everything that reads what a peer sent, on one text. True if it still is a frame.
bool survives(const std::string& text) {
  const auto frame = decode(text);
  if (!frame) return false;
  const std::string canonical = encode(*frame);
  const auto again = decode(canonical);
  REQUIRE(again);
  REQUIRE(*again == *frame);
  REQUIRE(encode(*again) == canonical);
  if (const auto* registering = std::get_if<Register>(&*frame)) {
    const auto verdict =
        judge_version(registering->protocol_version, registering->build_id, "deadbeef");
    if (verdict != VersionVerdict::accepted && verdict != VersionVerdict::not_text) {
      REQUIRE(decode(encode(version_mismatch(verdict, *registering, "deadbeef"))));
    }
    const auto contact = to_contact(NodeId(), registering->metadata);
    REQUIRE(wire::json::parse(metadata_of(contact).json));
  }
  if (const auto* response = std::get_if<Response>(&*frame); response && response->data) {
    if (const auto offer = decode_body<PeerOffer>(*response->data)) {
      REQUIRE(decode_body<PeerOffer>(encode_body(*offer)) == *offer);
    }
  }
  if (const auto* hello = std::get_if<DhtPeerHello>(&*frame)) describe_peer(hello->metadata);
  return true;
}

TEST_CASE("seeded damage to recorded frames never does more than refuse them") {
  const std::vector<test::Recorded> all = test::read_all_transcripts();
  Rng rng(41);
  int still_frames = 0;
  for (int index = 0; index < 15'000; ++index) {
    const std::string text = test::mutate(all[rng.below(all.size())].text, rng);
    INFO("case " << index << ": " << text);
    if (survives(text)) ++still_frames;
  }
  CHECK(still_frames > 1'000);
}

TEST_CASE("values of the wrong kind anywhere in a recorded frame never do more than refuse it") {
  const std::vector<test::Recorded> all = test::read_all_transcripts();
  Rng rng(42);
  int still_frames = 0;
  for (int index = 0; index < 15'000; ++index) {
    const std::string text = swap_member_value(all[rng.below(all.size())].text, rng);
    INFO("case " << index << ": " << text);
    if (survives(text)) ++still_frames;
  }
  CHECK(still_frames > 5'000);
}

TEST_CASE("every recorded frame cut short anywhere is refused") {
  for (const auto& one : test::read_transcript("peer-handshake-and-ping")) {
    for (std::size_t bytes = 0; bytes < one.text.size(); ++bytes) {
      REQUIRE_FALSE(decode(one.text.substr(0, bytes)));
    }
  }
}

}  // namespace
}  // namespace trestle
