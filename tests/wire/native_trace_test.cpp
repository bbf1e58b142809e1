#include "catch.hpp"
#include "native_messages.hpp"
#include "trestle/wire/native/trace.hpp"

using namespace trestle;
using namespace trestle::test;
using wire::native::to_json;

namespace {

/// A strict reader of the JSON that the trace writes: objects, lists, strings, numbers, true and
/// false.
class JsonCheck {
 public:
  static bool accepts(std::string_view text) {
    JsonCheck check(text);
    return check.value() && check.rest_.empty();
  }

 private:
  explicit JsonCheck(std::string_view text) : rest_(text) {}

  bool take(std::string_view wanted) {
    if (!rest_.starts_with(wanted)) return false;
    rest_.remove_prefix(wanted.size());
    return true;
  }
  bool value() {
    if (take("true") || take("false")) return true;
    if (rest_.starts_with('"')) return string();
    if (rest_.starts_with('{')) return sequence("{", "}", true);
    if (rest_.starts_with('[')) return sequence("[", "]", false);
    return number();
  }
  bool sequence(std::string_view open, std::string_view close, bool named) {
    take(open);
    if (take(close)) return true;
    while (true) {
      if (named && !(string() && take(":"))) return false;
      if (!value()) return false;
      if (take(close)) return true;
      if (!take(",")) return false;
    }
  }
  bool number() {
    std::size_t digits = 0;
    while (digits < rest_.size() && rest_[digits] >= '0' && rest_[digits] <= '9') ++digits;
    rest_.remove_prefix(digits);
    return digits > 0;
  }
  bool string() {
    if (!take("\"")) return false;
    while (!rest_.empty() && rest_[0] != '"') {
      const auto letter = static_cast<unsigned char>(rest_[0]);
      if (letter < 0x20 || letter == 0x7f) return false;
      if (letter == '\\') {
        if (rest_.size() < 2) return false;
        if (rest_[1] == 'u' && rest_.size() < 6) return false;
        rest_.remove_prefix(rest_[1] == 'u' ? 6 : 2);
      } else {
        rest_.remove_prefix(1);
      }
    }
    return take("\"");
  }

  std::string_view rest_;
};

std::string traced_text(std::string text) {
  const std::string line = to_json({{1}, wire::FindValueRequest{std::move(text)}});
  const std::string_view start = "{\"type\":\"find_value\",\"request\":1,\"key\":\"";
  REQUIRE(line.starts_with(start));
  REQUIRE(line.ends_with("\"}"));
  return line.substr(start.size(), line.size() - start.size() - 2);
}

}  // namespace

TEST_CASE("a message without fields is its type and its request") {
  CHECK(to_json({{18446744073709551615u}, wire::Ping{}}) ==
        "{\"type\":\"ping\",\"request\":18446744073709551615}");
}

TEST_CASE("a notification has no request") {
  CHECK(to_json({{}, wire::Goodbye{ErrorCode::idle, 0, "bye"}}) ==
        "{\"type\":\"goodbye\",\"code\":\"IDLE\",\"retry_after_ms\":0,\"text\":\"bye\"}");
}

TEST_CASE("contacts are printed with words for their role and dialect") {
  wire::Contact contact;
  contact.id = NodeId(0, 0, 255);
  contact.role = wire::Role::bridge;
  contact.dialect = wire::Dialect::legacy;
  contact.address = "ws://b/";
  const std::string id = "00000000000000000000000000000000000000ff";
  CHECK(to_json({{3}, wire::JoinResponse{wire::JoinOutcome::genesis, {contact, contact}, {}}}) ==
        "{\"type\":\"join_response\",\"request\":3,\"outcome\":\"genesis\",\"contacts\":["
        "{\"id\":\"" +
            id +
            "\",\"role\":\"bridge\",\"dialect\":\"legacy\",\"address\":\"ws://b/\","
            "\"metadata\":\"\"},"
            "{\"id\":\"" +
            id +
            "\",\"role\":\"bridge\",\"dialect\":\"legacy\",\"address\":\"ws://b/\","
            "\"metadata\":\"\"}],\"introduced_by\":\"0000000000000000000000000000000000000000\"}");
}

TEST_CASE("a short value is printed whole, a long one by its length and its start") {
  wire::Record record{.key = "k", .value = Bytes(32, 0xab), .left_ms = 5, .legacy = true};
  const std::string whole = to_json({{1}, wire::StoreRequest{record}});
  std::string hex;
  for (int byte = 0; byte < 32; ++byte) hex += "ab";
  CHECK(whole == "{\"type\":\"store\",\"request\":1,\"record\":{\"key\":\"k\",\"value\":\"" + hex +
                     "\",\"kind\":\"value\",\"ttl_ms\":0,\"left_ms\":5,\"legacy\":true}}");
  record.value.push_back(0xcd);
  CHECK(to_json({{1}, wire::StoreRequest{record}}) ==
        "{\"type\":\"store\",\"request\":1,\"record\":{\"key\":\"k\",\"value\":{\"bytes\":33,"
        "\"starts\":\"" +
            hex + "\"},\"kind\":\"value\",\"ttl_ms\":0,\"left_ms\":5,\"legacy\":true}}");
}

TEST_CASE("proofs are cut short") {
  wire::Prove prove;
  prove.proof.fill(0x5a);
  prove.has_secret_proof = true;
  prove.secret_proof.fill(0xc3);
  CHECK(to_json({{}, prove}) ==
        "{\"type\":\"prove\",\"proof\":\"5a5a5a5a...\",\"has_secret_proof\":true,"
        "\"secret_proof\":\"c3c3c3c3...\"}");
}

TEST_CASE("T28: text of a peer can neither forge a line nor steer a terminal") {
  CHECK(traced_text("a\nb\r\t\x1b[2J") == "a\\u000ab\\u000d\\u0009\\u001b[2J");
  CHECK(traced_text("\x7f\xc2\x85\xc2\x9b") == "\\u007f\\u0085\\u009b");
  CHECK(traced_text("\xe2\x80\xa8\xe2\x80\xa9") == "\\u2028\\u2029");
  CHECK(traced_text("quote\" back\\slash") == "quote\\\" back\\\\slash");
  CHECK(traced_text(std::string("\0", 1)) == "\\u0000");
}

TEST_CASE("what is not UTF-8 is replaced, what is UTF-8 is kept") {
  CHECK(traced_text("gr\xc3\xbc\xc3\x9f \xf0\x9f\x8c\x8d") ==
        "gr\xc3\xbc\xc3\x9f \xf0\x9f\x8c\x8d");
  CHECK(traced_text("\xff") == "\\ufffd");
  CHECK(traced_text("a\xc3") == "a\\ufffd");
  CHECK(traced_text("\xc0\x80") == "\\ufffd\\ufffd");             // an overlong zero
  CHECK(traced_text("\xed\xa0\x80") == "\\ufffd\\ufffd\\ufffd");  // a surrogate
}

TEST_CASE("the trace of any message is one line of correct JSON") {
  MessageSource source(21);
  for (int round = 0; round < 2000; ++round) {
    const std::string line = to_json(source.envelope());
    if (!JsonCheck::accepts(line)) {
      CAPTURE(line);
      FAIL("not JSON");
    }
  }
}
