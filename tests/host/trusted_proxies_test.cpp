#include "trestle/host/trusted_proxies.hpp"

#include <string>
#include <vector>

#include "catch.hpp"
#include "trestle/base/rng.hpp"

using namespace trestle;
using namespace trestle::host;

namespace {

TrustedProxies trusting(const std::vector<std::string>& texts) {
  std::vector<AddressBlock> blocks;
  for (const std::string& text : texts) {
    const auto block = parse_address_block(text);
    REQUIRE(block);
    blocks.push_back(*block);
  }
  return TrustedProxies(std::move(blocks));
}

std::string random_address(Rng& rng) {
  std::string text = "203.0.";
  text += std::to_string(rng.below(256));
  text += ".";
  return text + std::to_string(rng.below(256));
}

/// What somebody may write to be counted as another, or not at all.
std::string random_lie(Rng& rng) {
  static const char* const kLies[] = {"127.0.0.1", "::1",    "10.0.0.1",   "unknown",
                                      "",          ",",      "[::1",       "::ffff:127.0.0.1",
                                      "1.2.3.4.5", "0x7f.1", " , , ",      "for=127.0.0.1",
                                      "_hidden",   "127.1",  "10.0.0.1:80"};
  const std::uint64_t which = rng.below(std::size(kLies));
  return kLies[which];
}

}  // namespace

TEST_CASE("blocks of addresses are read and written back") {
  for (const char* text : {"10.0.0.7", "10.0.0.0/8", "0.0.0.0/0", "2001:db8::1", "fd00::/8", "::/0",
                           "192.168.4.0/22"}) {
    const auto block = parse_address_block(text);
    REQUIRE(block);
    CHECK(to_text(*block) == text);
  }
  CHECK(to_text(*parse_address_block("::ffff:10.0.0.7")) == "10.0.0.7");
  CHECK(to_text(*parse_address_block("10.0.0.7/32")) == "10.0.0.7");
  for (const char* text : {"", "/8", "10.0.0.0/33", "fd00::/129", "10.0.0.0/", "10.0.0.0/x",
                           "10.0.0.0/-1", "proxy.example", "10.0.0.0/8/8", "10.0.0"}) {
    CHECK_FALSE(parse_address_block(text));
  }
  CHECK(parse_address_block("10.0.0.7/8").error().find("behind the first 8") != std::string::npos);
}

TEST_CASE("a block holds what begins with its bits, whichever way it is written") {
  const TrustedProxies proxies = trusting({"10.128.0.0/9", "2001:db8::/33", "127.0.0.1"});
  for (const char* inside :
       {"10.128.0.0", "10.255.255.255", "2001:db8:7fff::1", "127.0.0.1", "::ffff:10.200.0.1"}) {
    CHECK(proxies.contains(inside));
  }
  for (const char* outside :
       {"10.127.255.255", "11.128.0.0", "2001:db8:8000::1", "127.0.0.2", "", "nonsense"}) {
    CHECK_FALSE(proxies.contains(outside));
  }
  CHECK_FALSE(TrustedProxies().contains("127.0.0.1"));
}

TEST_CASE("the caller is the right-most address that is no trusted proxy") {
  const TrustedProxies proxies = trusting({"10.0.0.0/8", "::1"});
  const struct {
    const char* connected;
    const char* header;
    const char* caller;
  } cases[] = {
      {"10.0.0.1", "203.0.113.9", "203.0.113.9"},
      {"10.0.0.1", "198.51.100.1, 203.0.113.9", "203.0.113.9"},
      {"10.0.0.1", "198.51.100.1, 203.0.113.9,10.7.7.7 ", "203.0.113.9"},
      {"::1", "2001:DB8::0:1", "2001:db8::1"},
      {"::1", "[2001:db8::1]:443", "2001:db8::1"},
      {"::1", "::ffff:203.0.113.9", "203.0.113.9"},
      {"10.0.0.1", "203.0.113.9:51000", "203.0.113.9"},
      // Nobody's word, or no word: whoever connected, or passed on what makes no sense.
      {"203.0.113.50", "198.51.100.1", "203.0.113.50"},
      {"10.0.0.1", "", "10.0.0.1"},
      {"10.0.0.1", "unknown", "10.0.0.1"},
      {"10.0.0.1", "203.0.113.9, unknown", "10.0.0.1"},
      {"10.0.0.1", "203.0.113.9, ", "10.0.0.1"},
      {"10.0.0.1", "203.0.113.9, unknown, 10.0.0.2", "10.0.0.2"},
      {"10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"},
      {"", "203.0.113.9", ""},
  };
  for (const auto& each : cases) {
    INFO(each.connected << " with '" << each.header << "'");
    CHECK(proxies.caller(each.connected, each.header) == each.caller);
  }
}

TEST_CASE("T3: ten thousand forged headers never move a caller from behind its proxy") {
  Rng rng(7);
  const TrustedProxies proxies = trusting({"10.0.0.0/8", "127.0.0.1"});
  for (int round = 0; round < 10'000; ++round) {
    const std::string real = random_address(rng);
    std::string forged;
    for (std::uint64_t lies = rng.below(5); lies > 0; --lies) forged += random_lie(rng) + ", ";
    // The proxy adds whom it heard from; a direct caller has nobody who would.
    REQUIRE(proxies.caller("10.0.0.1", forged + real) == real);
    REQUIRE(proxies.caller(real, forged) == real);
  }
}

TEST_CASE("a chain without an end is not followed") {
  const TrustedProxies proxies = trusting({"10.0.0.0/8"});
  std::string chain = "203.0.113.9";
  for (int hop = 0; hop < 1000; ++hop) chain += ",10.0.0.1";
  CHECK(proxies.caller("10.0.0.1", chain) == "10.0.0.1");
}

TEST_CASE("an entry with more behind its address is no address") {
  const TrustedProxies proxies = trusting({"10.0.0.0/8"});
  const std::string forged("203.0.113.7\0, 10.0.0.9", 22);
  CHECK(proxies.caller("10.0.0.1", forged) == "10.0.0.9");
  CHECK_FALSE(parse_address_block(std::string_view("10.0.0.7\0", 9)));
}
