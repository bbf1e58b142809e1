// What users write leaves their node sealed, and comes out readable where it may be read.

#include <algorithm>
#include <cstring>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "catch.hpp"
#include "seeds.hpp"
#include "trestle/crypto/sealed_value.hpp"
#include "trestle/sim/cluster.hpp"
#include "trestle/wire/native/codec.hpp"

namespace trestle::sim::test {
namespace {

using namespace std::chrono_literals;
using crypto::Audience;

constexpr std::uint32_t kMembers = 8;

/// Random bytes that a user wrote, and where they turned up.
struct Needle {
  Bytes bytes;
  std::size_t seen = 0;
};

/// Looks for needles in everything that nodes send, write and log, and at the form of every value.
class Watch : public Observer {
 public:
  Interest interest() const override {
    return Interest::in({HappeningKind::frame_ordered, HappeningKind::disk_ordered});
  }

  void observe(World&, const Happening& happening) override {
    if (happening.kind == HappeningKind::disk_ordered) {
      const auto* write = std::get_if<dht::WriteRecord>(happening.change);
      if (write == nullptr) return;
      ++records_written;
      scan(write->stored.record.value);
      examine(write->stored.record);
      return;
    }
    scan(happening.bytes);
    if (happening.frame_kind != link::FrameKind::binary) return;
    const wire::native::Limits limits;
    wire::native::FrameReader reader(happening.bytes, limits);
    for (auto next = reader.next(); next && *next; next = reader.next()) {
      const wire::Message& message = (*next)->message;
      if (const auto* store = std::get_if<wire::StoreRequest>(&message)) {
        ++records_sent;
        examine(store->record);
      } else if (const auto* found = std::get_if<wire::FindValueResponse>(&message)) {
        if (found->found) examine(found->record);
      }
    }
  }

  /// From now on to be found nowhere.
  std::size_t add(Bytes bytes) {
    needles.push_back({std::move(bytes)});
    return needles.size() - 1;
  }
  void scan(ByteSpan bytes) {
    for (Needle& needle : needles) {
      if (bytes.size() < needle.bytes.size()) continue;
      // Copies may be cut anywhere: the first 16 bytes of a needle betray it.
      if (::memmem(bytes.data(), bytes.size(), needle.bytes.data(), 16) != nullptr) ++needle.seen;
    }
  }

  std::vector<Needle> needles;
  std::size_t records_sent = 0;
  std::size_t records_written = 0;
  std::size_t plain_records = 0;
  /// By nonce, what was sealed with it: copies are the same bytes.
  std::map<Bytes, Bytes> sealed;
  std::size_t nonces_met_again = 0;

 private:
  void examine(const wire::Record& record) {
    if (record.kind == wire::RecordKind::value) ++plain_records;
    if (record.kind != wire::RecordKind::sealed) return;
    REQUIRE(record.value.size() >= 2);
    REQUIRE(record.value[0] == 1);
    const ByteSpan value = record.value;
    std::size_t begins = 2;
    if (value[1] == 1) begins = 10;
    if (value[1] == 3) {
      begins = 35 + value[34] * crypto::kReaderSlotBytes;
      for (std::size_t slot = 35; slot < begins; slot += crypto::kReaderSlotBytes) {
        note(value.subspan(slot, crypto::kReaderSlotBytes));
      }
    }
    if (value[1] != 4) note(value.subspan(begins));
  }
  void note(ByteSpan box) {
    const auto [place, is_new] =
        sealed.emplace(to_bytes(box.subspan(1, crypto::kSealNonceBytes)), to_bytes(box));
    if (!is_new && !std::ranges::equal(place->second, box)) ++nonces_met_again;
  }
};

/// A network of members that share a key.
struct SealedNetwork {
  explicit SealedNetwork(std::uint64_t seed)
      : world(world_options(seed)), suite(seed), cluster(world, options()), rng(seed) {
    world.add_observer(watch);
    cluster.start_all(1s);
    world.run_for(2min);
  }

  static WorldOptions world_options(std::uint64_t seed) {
    WorldOptions made;
    made.seed = seed;
    return made;
  }
  ClusterOptions options() {
    ClusterOptions made;
    made.bridges = 1;
    made.members = kMembers;
    made.values.network_keys.renew(suite);
    return made;
  }
  NodeIndex member(std::uint32_t number) const { return cluster.first_member() + number; }

  std::optional<node::OperationEnded> finish(const Result<OperationKey, ErrorCode>& key) {
    if (!key) return std::nullopt;
    for (int waited = 0; waited < 60 && world.ended(*key) == nullptr; ++waited) world.run_for(1s);
    const node::OperationEnded* ended = world.ended(*key);
    return ended != nullptr ? std::optional(*ended) : std::nullopt;
  }

  struct Written {
    std::string key;
    Bytes value;
    std::optional<Audience> audience;
    std::uint32_t author = 0;
    std::uint32_t reader = 0;
    std::size_t needle = 0;
  };
  Written write(const std::string& key, std::optional<Audience> audience) {
    Written made{.key = key, .value = Bytes(16 + rng.below(400)), .audience = audience};
    suite.random(made.value);
    made.author = static_cast<std::uint32_t>(rng.below(kMembers));
    made.reader =
        static_cast<std::uint32_t>((made.author + 1 + rng.below(kMembers - 1)) % kMembers);
    made.needle = watch.add(made.value);
    node::PutOptions put{.ttl = 24h, .audience = audience};
    if (audience == Audience::readers) {
      put.readers = {world.identity(member(made.reader)).sealing->pair.key};
    }
    const auto ended = finish(world.put_as(member(made.author), key, made.value, put));
    REQUIRE(ended);
    REQUIRE(ended->code == ErrorCode::none);
    CHECK(ended->audience == audience.value_or(Audience::network));
    return made;
  }
  void read_everywhere(const Written& written) {
    const Audience audience = written.audience.value_or(Audience::network);
    for (std::uint32_t number = 0; number < kMembers; ++number) {
      const bool is_author = number == written.author;
      const bool is_reader = audience == Audience::readers && number == written.reader;
      const bool may_read = is_author || is_reader || audience == Audience::network ||
                            audience == Audience::everybody;
      CAPTURE(written.key, crypto::name(audience), number, may_read);
      const auto got = finish(world.get(member(number), written.key));
      REQUIRE(got);
      REQUIRE(got->code == (may_read ? ErrorCode::none : ErrorCode::unauthorized));
      CHECK(got->detail.empty() == may_read);
      REQUIRE(got->record.has_value() == may_read);
      if (!may_read) continue;
      CHECK(got->record->value == written.value);
      CHECK(got->audience == audience);
    }
  }

  World world;
  crypto::Suite suite;
  Cluster cluster;
  Rng rng;
  Watch watch;
};

constexpr std::optional<Audience> kAudiences[] = {std::nullopt, Audience::network, Audience::self,
                                                  Audience::readers, Audience::everybody};

}  // namespace

TEST_CASE("P-CR-30: what is not public is sealed in every byte sent or written, under new nonces") {
  for (std::uint64_t seed = 1; seed <= seeds_or(2); ++seed) {
    CAPTURE(seed);
    SealedNetwork network(seed);
    std::vector<SealedNetwork::Written> all;
    for (int round = 0; round < 6; ++round) {
      for (const auto audience : kAudiences) {
        all.push_back(network.write("key/" + std::to_string(all.size()), audience));
      }
    }
    // Some are written over, under the same key.
    for (std::size_t index = 0; index < 5; ++index) {
      all[index] = network.write(all[index].key, all[index].audience);
    }
    for (const auto& written : all) network.read_everywhere(written);
    // A member comes back with an empty disk, and is given its copies again; everything is
    // refreshed.
    network.world.kill(network.member(3));
    network.world.lose_disk(network.member(3));
    network.world.run_for(5min);
    network.world.start(network.member(3));
    network.world.run_for(70min);
    for (const auto& written : all) network.read_everywhere(written);

    CHECK_FALSE(network.world.violation());
    CHECK(network.watch.records_sent > all.size());
    CHECK(network.watch.records_written > all.size());
    CHECK(network.watch.plain_records == 0);
    CHECK(network.watch.nonces_met_again == 0);
    CHECK(network.watch.sealed.size() > all.size());
    for (const LogNews& news : network.world.logs()) {
      network.watch.scan(as_bytes(news.record.detail));
    }
    for (const auto& written : all) {
      CAPTURE(written.key);
      const bool is_public = written.audience == Audience::everybody;
      // That public ones are found shows that the scan can find.
      CHECK((network.watch.needles[written.needle].seen > 0) == is_public);
    }
  }
}

}  // namespace trestle::sim::test
