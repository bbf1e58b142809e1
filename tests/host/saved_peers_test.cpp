#include "trestle/host/saved_peers.hpp"

#include <string>

#include "catch.hpp"
#include "temporary_folder.hpp"
#include "trestle/base/rng.hpp"

namespace trestle::test {
namespace {

using host::read_saved_peers;
using host::save_peers;

wire::Contact peer(std::uint64_t number, const std::string& address) {
  return {NodeId(number, 0, 0), wire::Role::node, wire::Dialect::native, address, ""};
}

TEST_CASE("peers that were saved are read again in their order, for their owner alone") {
  TemporaryFolder folder;
  wire::Contacts peers{peer(3, "ws://127.0.0.1:1"), peer(1, "wss://[::1]:443/node1"),
                       peer(2, "ws://old.example/")};
  peers[1].role = wire::Role::bridge;
  peers[2].dialect = wire::Dialect::legacy;
  REQUIRE(save_peers(folder.path(), peers));
  CHECK(read_saved_peers(folder.path()).peers == peers);
  CHECK(read_saved_peers(folder.path()).ignored == 0);
  CHECK(mode_of(folder.file("peers")) == 0600);
  REQUIRE(save_peers(folder.path(), {peers[0]}));
  CHECK(read_saved_peers(folder.path()).peers == wire::Contacts{peers[0]});
}

TEST_CASE("peers without an address, or with one that spans lines, are not saved") {
  TemporaryFolder folder;
  const auto good = peer(1, "ws://127.0.0.1:1");
  REQUIRE(save_peers(folder.path(),
                     {peer(2, ""), peer(3, "ws://a/\nffff node native ws://b"), good,
                      peer(4, "ws://a b/"), peer(5, "ws://h/" + std::string(2'000, 'x'))}));
  CHECK(read_saved_peers(folder.path()).peers == wire::Contacts{good});
  CHECK(read_saved_peers(folder.path()).ignored == 0);
}

TEST_CASE("no more peers are saved or read than the bounds allow") {
  TemporaryFolder folder;
  wire::Contacts many;
  for (std::uint64_t number = 1; number <= 300; ++number) {
    many.push_back(peer(number, "ws://127.0.0.1:1"));
  }
  REQUIRE(save_peers(folder.path(), many));
  CHECK(read_saved_peers(folder.path()).peers.size() == 256);
  CHECK(read_saved_peers(folder.path(), {.peers_max = 10}).peers.size() == 10);
  CHECK(read_saved_peers(folder.path(), {.bytes_max = 1'000}).peers.size() < 20);
}

TEST_CASE("nonsense in a file of peers is left out line by line and counted") {
  TemporaryFolder folder;
  CHECK(read_saved_peers(folder.path()).peers.empty());
  const std::string id(40, 'a');
  folder.write("peers", "trestle peers 1\n" + id + " node native ws://127.0.0.1:1\n" +
                            "short node native ws://127.0.0.1:1\n" + id +
                            " king native ws://127.0.0.1:1\n" + id + " node martian ws://h:1\n" +
                            id + " node native http://h:1\n" + id + "\n\n" + std::string(9, '\0') +
                            "\n" + id + " bridge unknown ws://127.0.0.1:2");
  const auto saved = read_saved_peers(folder.path());
  REQUIRE(saved.peers.size() == 2);
  CHECK(saved.peers[1].address == "ws://127.0.0.1:2");
  CHECK(saved.ignored == 7);
  folder.write("peers", "trestle peers 9\n" + id + " node native ws://127.0.0.1:1\n");
  CHECK(read_saved_peers(folder.path()).peers.empty());
  CHECK(read_saved_peers(folder.path()).ignored == 1);
  Rng rng(1);
  for (int trial = 0; trial < 200; ++trial) {
    std::string noise = trial % 2 == 0 ? "trestle peers 1\n" : "";
    const std::uint64_t size = rng.below(400);
    for (std::uint64_t index = 0; index < size; ++index) {
      noise += static_cast<char>(rng.below(256));
    }
    folder.write("peers", noise);
    CHECK(read_saved_peers(folder.path()).peers.empty());
  }
}

TEST_CASE("a folder that cannot be written to keeps the peers it had") {
  TemporaryFolder folder;
  CHECK_FALSE(save_peers(folder.file("no folder"), {}));
  const auto good = peer(1, "ws://127.0.0.1:1");
  REQUIRE(save_peers(folder.path(), {good}));
  std::filesystem::create_directory(folder.file("peers.draft"));  // in the way
  CHECK_FALSE(save_peers(folder.path(), {}));
  CHECK(read_saved_peers(folder.path()).peers == wire::Contacts{good});
}

}  // namespace
}  // namespace trestle::test
