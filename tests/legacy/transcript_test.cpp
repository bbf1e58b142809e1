// Every recorded frame goes through the codec: what the JavaScript system said must come out as it
// went in.
#include "transcript.hpp"

#include <map>
#include <set>
#include <string>

#include "catch.hpp"
#include "trestle/wire/legacy/codec.hpp"

namespace trestle {
namespace {

using wire::json::Document;
using wire::json::Value;
using wire::legacy::decode;
using wire::legacy::DecodeError;
using wire::legacy::encode;
using wire::legacy::Frame;
using wire::legacy::type_name;

/// How often what was seen; compared as text, so that a change reads as a difference of two lists.
class Tally {
 public:
  void add(const std::string& what) { ++counts_[what]; }
  std::string text() const {
    std::string lines;
    for (const auto& [what, count] : counts_) lines += std::to_string(count) + " " + what + "\n";
    return lines;
  }

 private:
  std::map<std::string, int> counts_;
};

std::string type_of(const std::string& text) {
  const auto document = wire::json::parse(text);
  if (!document) return "(no JSON)";
  const auto type = document->root().member("type");
  return type && type->text() ? std::string(*type->text()) : "(no type)";
}

/// Members by name, each with its exact bytes: JSON types, values and opaque parts at once.
std::map<std::string, std::string> members_of(const std::string& text) {
  const auto document = wire::json::parse(text);
  REQUIRE(document);
  std::map<std::string, std::string> members;
  for (const Value::Member member : document->root().members()) {
    members[std::string(member.name)] = std::string(member.value.raw());
  }
  return members;
}

TEST_CASE("there are 39 recordings and all of their frames can be found") {
  CHECK(test::transcript_files().size() == 39);
  CHECK(test::read_all_transcripts().size() == 419);
}

TEST_CASE(
    "every recorded frame of a known type comes out of the codec with the same members, byte for "
    "byte") {
  int decoded = 0;
  for (const test::Recorded& one : test::read_all_transcripts()) {
    const auto frame = decode(one.text);
    if (!frame) continue;
    INFO(one.place() << ": " << one.text);
    ++decoded;
    const std::string again = encode(*frame);
    CHECK(members_of(again) == members_of(one.text));
    CHECK(type_name(*frame) == type_of(one.text));
    const auto second = decode(again);
    REQUIRE(second);
    CHECK(*second == *frame);
  }
  CHECK(decoded == 403);
}

TEST_CASE("recorded frames also keep the order of their members, except the listed ones") {
  Tally reordered;
  for (const test::Recorded& one : test::read_all_transcripts()) {
    const auto frame = decode(one.text);
    if (frame && encode(*frame) != one.text) reordered.add(type_of(one.text));
  }
  // The JavaScript system itself writes these in more than one order; all others come out
  // identical.
  CHECK(reordered.text() ==
        "5 find_node\n"
        "1 get_onboarding_peer\n"
        "4 overlay_routed_message\n"
        "1 pong\n"
        "1 reconnection_result\n");
}

TEST_CASE("recorded texts that are no frame of ours are exactly these") {
  Tally unknown;
  Tally refused;
  for (const test::Recorded& one : test::read_all_transcripts()) {
    const auto frame = decode(one.text);
    if (frame) continue;
    if (frame.error() == DecodeError::unknown_type) {
      unknown.add(type_of(one.text));
    } else {
      refused.add(std::string(name(frame.error())) + " " + type_of(one.text));
    }
  }
  // Dropped by JavaScript peers as well, belonging to pub/sub, or invented to see what happens.
  CHECK(unknown.text() ==
        "1 dht_connection_request\n"
        "1 ice_candidate\n"
        "1 no_such_type\n"
        "1 overlay_direct_message\n"
        "2 pubsub_push\n"
        "1 pubsub_push_request\n"
        "2 recursive_find_node\n"
        "1 unknown_thing\n");
  CHECK(refused.text() ==
        "3 bad_json (no JSON)\n"
        "2 missing_type (no type)\n"
        "1 not_an_object (no type)\n");
}

template <std::size_t... Index>
std::set<std::string> all_known_types(std::index_sequence<Index...>) {
  return {std::string(std::variant_alternative_t<Index, wire::legacy::FrameKinds>::kType)...};
}

TEST_CASE(
    "every known type is in the recordings, except those the JavaScript system was never seen to "
    "send") {
  auto unseen = all_known_types(std::make_index_sequence<wire::legacy::kFrameKinds>());
  for (const test::Recorded& one : test::read_all_transcripts()) {
    if (const auto frame = decode(one.text)) unseen.erase(std::string(type_name(*frame)));
  }
  // Each of these has a written-out text in codec_test.cpp instead.
  const std::set<std::string> expected = {"auth_failed",
                                          "bridge_connection_status",
                                          "bridge_invitation_accepted",
                                          "bridge_invitation_failed",
                                          "connect_to_bridge",
                                          "connection_answer",
                                          "connection_candidate",
                                          "connection_response",
                                          "forward_invitation",
                                          "ice_coordinate_pending",
                                          "ice_coordinate_timeout",
                                          "ice_restart_go",
                                          "ice_restart_pending",
                                          "ice_restart_timeout",
                                          "ice_start",
                                          "membership_token_granted",
                                          "peer_join_request",
                                          "peer_list",
                                          "peers",
                                          "relay_ack",
                                          "relay_pong",
                                          "webrtc_expect_offer",
                                          "webrtc_start_offer"};
  CHECK(unseen == expected);
}

}  // namespace
}  // namespace trestle
