#include "trestle/host/memory_budget.hpp"

#include <filesystem>

#include "catch.hpp"
#include "host_world.hpp"
#include "temporary_folder.hpp"

using namespace trestle;
using namespace trestle::host;
using namespace trestle::test;
using node::MemoryState;

TEST_CASE("C20: memory is short from 95 percent on and used up from 98, and no figure flutters") {
  MemoryBudget budget({.bytes = 1'000'000});
  CHECK(budget.judge(950'000) == MemoryState::plenty);
  CHECK(budget.judge(950'001) == MemoryState::short_of);
  CHECK(budget.judge(920'000) == MemoryState::short_of);
  CHECK(budget.judge(980'001) == MemoryState::exhausted);
  CHECK(budget.judge(940'000) == MemoryState::exhausted);
  CHECK(budget.judge(925'000) == MemoryState::short_of);
  CHECK(budget.judge(899'000) == MemoryState::plenty);
  MemoryBudget none({});
  CHECK_FALSE(none.is_set());
  CHECK(none.judge(~std::uint64_t{0}) == MemoryState::plenty);
}

TEST_CASE("the control group's bound is the smallest on the way to its root") {
  TemporaryFolder folder;
  const std::string root = folder.path();
  std::filesystem::create_directories(root + "/a/b");
  CHECK(control_group_memory(root, "0::/a/b\n") == 0);
  folder.write("memory.max", "max\n");
  folder.write("a/memory.max", "1048576\n");
  folder.write("a/b/memory.max", "2097152\n");
  CHECK(control_group_memory(root, "0::/a/b\n") == 1'048'576);
  CHECK(control_group_memory(root, "0::/\n") == 0);
  CHECK(control_group_memory(root, "no such line\n0:memory\n") == 0);
  std::filesystem::create_directories(root + "/memory/x");
  folder.write("memory/memory.limit_in_bytes", "9223372036854771712\n");
  folder.write("memory/x/memory.limit_in_bytes", "4096\n");
  CHECK(control_group_memory(root, "5:cpu:/\n4:memory:/x\n") == 4096);
  CHECK(control_group_memory(root, "4:memory:/\n") == 0);
}

TEST_CASE("C20: a program over its budget tells its node and answers newcomers 503") {
  RunnerOptions options;
  options.memory.bytes = 1024 * 1024;  // less than any program takes
  options.memory_looks_every = std::chrono::milliseconds(10);
  Host host(options);
  REQUIRE(run_until({&host}, [&] { return !host.node.memory_states.empty(); }));
  CHECK(host.node.memory_states == std::vector{MemoryState::exhausted});
  RawClient client(host.port);
  REQUIRE(upgrade(client, host));
  CHECK(client.received.starts_with("HTTP/1.1 503"));
  CHECK(host.runner->transport_stats().refused_memory_total == 1);
  CHECK(host.node.accepted.empty());
}
