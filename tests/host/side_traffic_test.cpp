#include "trestle/host/side_traffic.hpp"

#include "catch.hpp"

using namespace trestle::host;

namespace {

constexpr std::uint32_t kSeconds = 5;

}  // namespace

TEST_CASE("messages of any size and number are no traffic beside messages") {
  const SideTrafficOptions options;
  SideTraffic traffic(options);
  std::uint64_t wire = 900;
  CHECK_FALSE(traffic.look(wire, kSeconds));
  for (int count = 0; count < 100'000; ++count) traffic.on_piece(20);
  wire += 100'000 * (20 + 6 + 29);  // a head, and a TLS record around each
  CHECK_FALSE(traffic.look(wire, kSeconds));
  for (int count = 0; count < 1000; ++count) traffic.on_piece(4096);
  wire += 1000 * (4096 + 40);
  CHECK_FALSE(traffic.look(wire, kSeconds));
}

TEST_CASE("fifty pings a second are what a peer may send, ten thousand are not") {
  const SideTrafficOptions options;
  SideTraffic traffic(options);
  CHECK_FALSE(traffic.look(900, kSeconds));
  std::uint64_t wire = 900 + 50 * kSeconds * 131;
  CHECK_FALSE(traffic.look(wire, kSeconds));
  wire += std::uint64_t{10'000} * kSeconds * 6;
  CHECK(traffic.look(wire, kSeconds));
}

TEST_CASE("no number of messages pays for a flood that comes later") {
  const SideTrafficOptions options;
  SideTraffic traffic(options);
  CHECK_FALSE(traffic.look(900, kSeconds));
  for (int count = 0; count < 1'000'000; ++count) traffic.on_piece(0);
  std::uint64_t wire = 900 + 1'000'000 * 6;
  CHECK_FALSE(traffic.look(wire, kSeconds));
  wire += 1'000'000;
  CHECK(traffic.look(wire, kSeconds));
}
