#include "trestle/wire/legacy/raw_json.hpp"

#include "catch.hpp"

namespace trestle {
namespace {

using wire::legacy::RawJson;

TEST_CASE("text becomes a JSON string") {
  CHECK(RawJson::of_text("a\"b").json == R"("a\"b")");
  CHECK(RawJson::of_text("").json == "\"\"");
  CHECK(RawJson{}.is_null());
}

TEST_CASE("bytes from elsewhere are JSON or nothing") {
  CHECK(RawJson::checked(" {\"a\" : 1} ")->json == "{\"a\" : 1}");
  CHECK(RawJson::checked("null")->is_null());
  for (const char* text : {"", " ", "x", "1,\"type\":\"pong\"", "{", "\"\x80\"", "{}{}"}) {
    CAPTURE(text);
    CHECK_FALSE(RawJson::checked(text));
  }
}

}  // namespace
}  // namespace trestle
