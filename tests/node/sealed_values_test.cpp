#include "trestle/node/member/sealed_values.hpp"

#include "catch.hpp"
#include "node/driven_node.hpp"

using namespace trestle;
using crypto::Audience;
using node::OperationId;
using node::PutOptions;
using node::SealedValues;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t kValueMax = 10 * 1024;
constexpr WallTime kToday{1'795'000'000'000ms};

/// Two members of one network and the records between them.
struct Pair {
  explicit Pair(bool has_key = true, WallTime plain_until = WallTime::min()) {
    options.plain_until = plain_until;
    if (has_key) options.network_keys.renew(suite);
  }

  SealedValues values_of(const crypto::Identity& identity) {
    return SealedValues(options, "main", identity, suite);
  }
  crypto::Identity new_identity() { return crypto::identity_of(suite, suite.generate()); }

  crypto::Suite suite{7};
  node::ValueOptions options;
  crypto::Identity author = new_identity();
  crypto::Identity reader = new_identity();
};

wire::Record record_by(const crypto::Identity& author, Bytes value,
                       wire::RecordKind kind = wire::RecordKind::value) {
  return {.key = "key",
          .value = std::move(value),
          .kind = kind,
          .version = 5,
          .ttl_ms = 1000,
          .author = author.key};
}

/// As the DHT asks for it.
wire::Record sealed_by(Pair& pair, SealedValues& values, const PutOptions& put, Bytes plain) {
  const auto audience = values.audience_of(put, plain.size(), kValueMax);
  REQUIRE(audience);
  REQUIRE(*audience);
  values.await(OperationId{1}, **audience, put, std::move(plain));
  wire::Record record = record_by(pair.author, {}, wire::RecordKind::sealed);
  record.value = values.seal(OperationId{1}, record);
  CHECK(values.take_ended(OperationId{1}) == **audience);
  CHECK_FALSE(values.take_ended(OperationId{1}));
  return record;
}

}  // namespace

TEST_CASE("Without a network key the network's values are not sealed, those for somebody are") {
  Pair pair(false);
  const SealedValues values = pair.values_of(pair.author);
  const auto is_sealed = [&](std::optional<Audience> audience) {
    PutOptions put{.audience = audience};
    if (audience == Audience::readers) put.readers = {pair.reader.sealing->pair.key};
    return values.audience_of(put, 10, kValueMax)->has_value();
  };
  CHECK_FALSE(is_sealed(std::nullopt));
  CHECK_FALSE(is_sealed(Audience::network));
  CHECK_FALSE(is_sealed(Audience::everybody));
  CHECK(is_sealed(Audience::self));
  CHECK(is_sealed(Audience::readers));
}

TEST_CASE("Readers go with their audience, up to 31 beside the author, with keys that can be") {
  Pair pair;
  const SealedValues values = pair.values_of(pair.author);
  const auto code = [&](std::optional<Audience> audience, std::size_t readers) {
    PutOptions put{.audience = audience};
    while (readers-- > 0) put.readers.push_back(pair.new_identity().sealing->pair.key);
    const auto result = values.audience_of(put, 0, kValueMax);
    return result ? ErrorCode::none : result.error();
  };
  CHECK(code(Audience::readers, 1) == ErrorCode::none);
  CHECK(code(Audience::readers, 31) == ErrorCode::none);
  CHECK(code(Audience::readers, 32) == ErrorCode::invalid_request);
  CHECK(code(Audience::readers, 0) == ErrorCode::invalid_request);
  CHECK(code(Audience::network, 1) == ErrorCode::invalid_request);
  CHECK(code(std::nullopt, 1) == ErrorCode::invalid_request);
  PutOptions small_order{.audience = Audience::readers, .readers = {crypto::X25519Key{}}};
  CHECK(values.audience_of(small_order, 0, kValueMax) == refuse(ErrorCode::invalid_request));
  const SealedValues without_secrets =
      pair.values_of({pair.author.key, pair.author.id, std::nullopt});
  CHECK(without_secrets.audience_of({.audience = Audience::self}, 0, kValueMax) ==
        refuse(ErrorCode::unsupported));
}

TEST_CASE("ENC-06: the seal counts against what a store takes, to the byte") {
  Pair pair;
  SealedValues values = pair.values_of(pair.author);
  const std::pair<Audience, std::size_t> overheads[] = {{Audience::network, 39},
                                                        {Audience::self, 31},
                                                        {Audience::everybody, 2},
                                                        {Audience::readers, 64 + 2 * 61}};
  for (const auto& [audience, overhead] : overheads) {
    CAPTURE(crypto::name(audience));
    PutOptions put{.audience = audience};
    if (audience == Audience::readers) put.readers = {pair.reader.sealing->pair.key};
    const wire::Record record = sealed_by(pair, values, put, Bytes(kValueMax - overhead, 7));
    CHECK(record.value.size() == kValueMax);
    CHECK(values.audience_of(put, kValueMax - overhead + 1, kValueMax) ==
          refuse(ErrorCode::too_large));
  }
}

TEST_CASE("ENC-02: who may read a value gets it in the clear, others a code and no bytes") {
  Pair pair;
  SealedValues ours = pair.values_of(pair.author);
  SealedValues theirs = pair.values_of(pair.reader);
  Pair elsewhere(false);
  SealedValues stranger = elsewhere.values_of(pair.new_identity());
  const Bytes plain = to_bytes(as_bytes("hello"));
  PutOptions for_reader{.audience = Audience::readers, .readers = {pair.reader.sealing->pair.key}};
  for (const PutOptions& put : {PutOptions{}, PutOptions{.audience = Audience::self}, for_reader}) {
    const wire::Record sealed = sealed_by(pair, ours, put, plain);
    wire::Record read = sealed;
    const auto own = ours.open(kToday, read);
    CHECK(own.code == ErrorCode::none);
    CHECK(own.audience == put.audience.value_or(Audience::network));
    CHECK(read.value == plain);
    read = sealed;
    const bool may_read = put.audience != Audience::self;
    CHECK(theirs.open(kToday, read).code == (may_read ? ErrorCode::none : ErrorCode::unauthorized));
    read = sealed;
    CHECK(stranger.open(kToday, read).code == ErrorCode::unauthorized);
    CHECK(read == sealed);
  }
  CHECK(ours.stats().sealed == 3);
  CHECK(ours.stats().opened == 3);
  CHECK(theirs.stats().not_for_us == 1);
  CHECK(stranger.stats().not_for_us == 3);
}

TEST_CASE(
    "ENC-04: signed, but not what was sealed for this key: told apart from sealed for others") {
  Pair pair;
  SealedValues values = pair.values_of(pair.author);
  wire::Record record = sealed_by(pair, values, {}, {1, 2, 3});
  record.value.back() ^= 1;
  CHECK(values.open(kToday, record).code == ErrorCode::protocol_error);
  record.value = {9};
  CHECK(values.open(kToday, record).code == ErrorCode::protocol_error);
  CHECK(values.stats().not_genuine == 2);
}

TEST_CASE("ENC-05: in a network with a key plain values are read until the switch expires") {
  const WallTime until = kToday + 1h;
  Pair pair(true, until);
  SealedValues values = pair.values_of(pair.author);
  wire::Record plain = record_by(pair.reader, {1, 2, 3});
  wire::Record old = plain;
  old.legacy = true;
  for (wire::Record* record : {&plain, &old}) {
    const auto read = values.open(until - 1ms, *record);
    CHECK(read.code == ErrorCode::none);
    CHECK_FALSE(read.detail.empty());
    CHECK_FALSE(read.audience);
    CHECK(values.open(until, *record).code == ErrorCode::refused);
  }
  CHECK(values.stats().plain_read == 2);
  CHECK(values.stats().plain_refused == 2);
  Pair without_switch;
  SealedValues strict = without_switch.values_of(pair.author);
  CHECK(strict.open(kToday, plain).code == ErrorCode::refused);
  Pair without_key(false);
  SealedValues open = without_key.values_of(pair.author);
  CHECK(open.open(kToday, plain).code == ErrorCode::none);
  CHECK(open.stats().plain_read == 0);
}

TEST_CASE(
    "A value sealed under the key before the present one is read, and written anew under that") {
  Pair pair;
  SealedValues ours = pair.values_of(pair.author);
  SealedValues theirs = pair.values_of(pair.reader);
  wire::Record old = sealed_by(pair, ours, {}, {1});
  crypto::NetworkKeys renewed = pair.options.network_keys;
  renewed.renew(pair.suite);
  ours.replace_network_keys(renewed);
  wire::Record fresh = sealed_by(pair, ours, {}, {2});
  CHECK(ours.open(kToday, old).code == ErrorCode::none);
  // Who has not been given the new key yet cannot read what is written under it.
  CHECK(theirs.open(kToday, fresh).code == ErrorCode::unauthorized);
  theirs.replace_network_keys(renewed);
  CHECK(theirs.open(kToday, fresh).code == ErrorCode::none);
}

TEST_CASE("Keys that come wrapped with a membership are taken if they are for us and not older") {
  Pair pair;
  Pair keyless(false);
  SealedValues ours = pair.values_of(pair.author);
  SealedValues theirs = keyless.values_of(pair.reader);
  crypto::Sealer sealer;
  const auto wrapped_for = [&](const crypto::Identity& member, const crypto::NetworkKeys& keys,
                               std::string_view network = "main") {
    return *crypto::wrap_network_keys(pair.suite, sealer, crypto::network_hash(pair.suite, network),
                                      member.sealing->pair.key, keys);
  };
  const crypto::NetworkKeys& first = pair.options.network_keys;
  CHECK(theirs.adopt_network_keys(wrapped_for(pair.author, first)) == ErrorCode::invalid_token);
  CHECK(theirs.adopt_network_keys(wrapped_for(pair.reader, first, "other")) ==
        ErrorCode::invalid_token);
  CHECK(theirs.adopt_network_keys({}) == ErrorCode::invalid_token);
  CHECK_FALSE(theirs.has_network_key());
  CHECK(theirs.adopt_network_keys(wrapped_for(pair.reader, first)) == ErrorCode::none);
  wire::Record record = sealed_by(pair, ours, {}, {1});
  CHECK(theirs.open(kToday, record).code == ErrorCode::none);

  crypto::NetworkKeys renewed = first;
  renewed.renew(pair.suite);
  CHECK(theirs.adopt_network_keys(wrapped_for(pair.reader, renewed)) == ErrorCode::none);
  CHECK(theirs.adopt_network_keys(wrapped_for(pair.reader, first)) == ErrorCode::none);
  ours.replace_network_keys(renewed);
  wire::Record newest = sealed_by(pair, ours, {}, {2});
  CHECK(theirs.open(kToday, newest).code == ErrorCode::none);
}
