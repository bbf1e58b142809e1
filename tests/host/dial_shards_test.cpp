#include "trestle/host/dial_shards.hpp"

#include <string>

#include "catch.hpp"

using trestle::host::DialShards;

TEST_CASE("endpoints are dealt out in turn, and each keeps its thread") {
  DialShards shards(3);
  for (int round = 0; round < 3; ++round) {
    for (const std::size_t index : {0, 1, 2, 3, 4}) {
      CHECK(shards.shard_of("bridge" + std::to_string(index) + ":443") == index % 3);
    }
  }
}

TEST_CASE("two bridges never share one of two threads") {
  DialShards shards(2);
  const std::size_t one = shards.shard_of("127.0.0.1:8083");
  CHECK(shards.shard_of("127.0.0.1:8084") != one);
  CHECK(shards.shard_of("127.0.0.1:8083") == one);
}

TEST_CASE("only so many endpoints are remembered: who was dialled least recently is dealt anew") {
  DialShards shards(2, 2);
  CHECK(shards.shard_of("a:1") == 0);
  CHECK(shards.shard_of("b:1") == 1);
  CHECK(shards.shard_of("a:1") == 0);
  CHECK(shards.shard_of("c:1") == 0);
  CHECK(shards.shard_of("a:1") == 0);
  CHECK(shards.shard_of("b:1") == 1);
  CHECK(shards.shard_of("c:1") == 0);
  INFO("whoever is dealt anew takes the next thread in turn");
  CHECK(shards.shard_of("a:1") == 1);
}
