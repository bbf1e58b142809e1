#include "trestle/wire/legacy/version.hpp"

#include <array>
#include <map>
#include <set>
#include <string>

#include "catch.hpp"
#include "transcript.hpp"
#include "trestle/wire/legacy/codec.hpp"

namespace trestle {
namespace {

using namespace wire::legacy;

TEST_CASE("a client's version is judged by major and minor, as the JavaScript bootstrap does") {
  struct Case {
    std::string_view json;
    VersionVerdict verdict;
  };
  using enum VersionVerdict;
  const std::array<Case, 25> cases = {{
      {R"("1.0.0")", accepted},
      {R"("1.0.9")", accepted},
      {R"("1.0")", accepted},
      {R"("1")", accepted},
      {R"("1.0.0\u0030")", accepted},
      {R"("0.9.9")", outdated},
      {R"("0")", outdated},
      {R"("0.99.99")", outdated},
      {R"("1.1.0")", incompatible},
      {R"("1.1")", incompatible},
      {R"("2.0.0")", incompatible},
      {R"("10.0.0")", incompatible},
      {R"("1.0.0.0")", incompatible},
      {R"("v1.0.0")", incompatible},
      {R"("1..0")", incompatible},
      {R"("1.0.")", incompatible},
      {R"("-1.0")", incompatible},
      {R"("99999999999.0")", incompatible},
      {R"("x")", incompatible},
      {R"("")", missing},
      {"null", missing},
      {"0", missing},
      {"7", not_text},
      {"{}", not_text},
      {"true", not_text},
  }};
  for (const Case& one : cases) {
    CAPTURE(one.json);
    CHECK(judge_version(RawJson{std::string(one.json)}, std::nullopt, "deadbeef") == one.verdict);
  }
  CHECK(judge_version(std::nullopt, "node_1", "deadbeef") == missing);
}

TEST_CASE("builds are compared only when both sides have a real one") {
  const RawJson version = RawJson::of_text(wire::legacy::kProtocolVersion);
  const auto judge = [&version](std::optional<std::string> client, std::string_view server) {
    return judge_version(version, client, server);
  };
  for (const char* unreal : {"", "initializing", "node_5", "unknown_browser"}) {
    CHECK_FALSE(is_real_build(unreal));
    CHECK(judge(unreal, "deadbeef") == VersionVerdict::accepted);
    CHECK(judge("cafe0123", unreal) == VersionVerdict::accepted);
  }
  CHECK(judge(std::nullopt, "deadbeef") == VersionVerdict::accepted);
  CHECK(judge("deadbeef", "deadbeef") == VersionVerdict::accepted);
  CHECK(judge("cafe0123", "deadbeef") == VersionVerdict::build_differs);
  CHECK(is_real_build("nodes"));
}

/// Plays the bootstrap node of one recording: each `register` gets the recorded answer, byte for
/// byte. Returns how many were answered by what.
std::map<std::string, int> replay(const std::string& recording, std::string_view server_build_id) {
  std::map<std::string, int> answers;
  std::multiset<std::string> recorded_refusals;
  std::multiset<std::string> our_refusals;
  for (const test::Recorded& one : test::read_transcript(recording)) {
    const auto frame = decode(one.text);
    REQUIRE(frame);
    ++answers[std::string(type_name(*frame))];
    if (std::holds_alternative<VersionMismatch>(*frame)) recorded_refusals.insert(one.text);
    const auto* registering = std::get_if<Register>(&*frame);
    if (!registering) continue;
    const auto verdict =
        judge_version(registering->protocol_version, registering->build_id, server_build_id);
    if (verdict == VersionVerdict::accepted) continue;
    our_refusals.insert(encode(version_mismatch(verdict, *registering, server_build_id)));
  }
  CHECK(our_refusals == recorded_refusals);
  return answers;
}

TEST_CASE("the recorded refusals of versions and builds come out word for word") {
  auto versions = replay("version-mismatch", "node_1795253743876");
  CHECK(versions["register"] == 6);
  CHECK(versions["version_mismatch"] == 4);
  CHECK(versions["registered"] == 2);
  auto builds = replay("build-mismatch", "deadbeef");
  CHECK(builds["register"] == 5);
  CHECK(builds["version_mismatch"] == 1);
  CHECK(builds["registered"] == 4);
}

}  // namespace
}  // namespace trestle
