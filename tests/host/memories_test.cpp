#include "trestle/host/memories.hpp"

#include <string>

#include "catch.hpp"
#include "host_world.hpp"
#include "stored_records.hpp"
#include "temporary_folder.hpp"
#include "trestle/host/storage_thread.hpp"

namespace trestle::test {
namespace {

using host::StorageThread;

TEST_CASE("a runner without a disk answers a node's orders at once") {
  Host host;
  host.node.persist(dht::WriteRecord{stored("key", "value")});
  REQUIRE(run_until({&host}, [&] { return host.node.persisted.size() == 1; }));
  CHECK(host.node.persisted.at(1) == ErrorCode::none);
}

TEST_CASE("a runner's orders go to the disk, and the next start finds them") {
  TemporaryFolder folder;
  const wire::Contacts peers{
      {NodeId(9, 9, 9), wire::Role::node, wire::Dialect::native, "ws://a", ""}};
  {
    Host host;
    auto memories = host::read_memories(folder.path(), host::StoragePlace::disk);
    REQUIRE(memories.has_value());
    CHECK(memories->restored.records.empty());
    StorageThread storage(host.loop->loop(), folder.path(), std::move(memories->database));
    host.runner->set_storage(storage);
    host.node.persist(dht::WriteRecord{stored("key", "value", 1, 3'600'000)});
    host.node.persist(dht::WriteRecord{stored("gone", "value")});
    host.node.persist(dht::EraseRecord{"gone"});
    host.node.outbox.push(node::SavePeers{peers});
    REQUIRE(run_until({&host}, [&] { return host.node.persisted.size() == 3; }));
    for (const auto& [ticket, code] : host.node.persisted) CHECK(code == ErrorCode::none);
    const node::Status figures = [&] {
      node::Status status;
      storage.add_figures(status);
      return status;
    }();
    CHECK(figures.counters.size() == 5);
    host.runner.reset();  // as at the end of a program: before the storage
  }
  const auto memories = host::read_memories(folder.path(), host::StoragePlace::disk);
  REQUIRE(memories.has_value());
  REQUIRE(memories->restored.records.size() == 1);
  CHECK(memories->restored.records[0].record.key == "key");
  CHECK(memories->restored.records[0].record.left_ms <= 3'600'000);
  CHECK(memories->restored.records[0].record.left_ms > 3'500'000);
  CHECK(memories->restored.peers == peers);
  const auto in_memory = host::read_memories(folder.path(), host::StoragePlace::memory);
  CHECK_FALSE(in_memory->database.has_value());
  CHECK(in_memory->restored.records.empty());
  CHECK(in_memory->restored.peers == peers);
}

}  // namespace
}  // namespace trestle::test
