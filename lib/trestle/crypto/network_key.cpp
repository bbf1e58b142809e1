#include "trestle/crypto/network_key.hpp"

#include <algorithm>
#include <utility>

#include "trestle/base/assertion.hpp"
#include "trestle/crypto/agreed_key.hpp"
#include "trestle/crypto/canonical.hpp"
#include "trestle/crypto/cleanse.hpp"
#include "trestle/crypto/hkdf.hpp"
#include "trestle/crypto/sealed.hpp"

namespace trestle::crypto {
namespace {

constexpr std::uint8_t kListVersion = 1;
constexpr std::uint8_t kWrapVersion = 1;
constexpr std::size_t kEpochBytes = 4;
constexpr std::string_view kIdLabel = "trestle network key id v1";
constexpr std::string_view kWrapLabel = "trestle network key for a member v1";

NetworkKeyId id_of(Suite& suite, const NetworkSecret& secret) {
  NetworkKeyId id{};
  derive_bytes(suite, secret.bytes(), kIdLabel, {}, id);
  return id;
}

}  // namespace

const NetworkKey* NetworkKeys::find(const NetworkKeyId& id) const {
  const auto place =
      std::find_if(keys_.begin(), keys_.end(), [&](const auto& key) { return key.id == id; });
  return place == keys_.end() ? nullptr : &*place;
}

void NetworkKeys::renew(Suite& suite) {
  NetworkKey key;
  key.epoch = keys_.empty() ? 1 : current().epoch + 1;
  suite.random(key.secret.writable());
  key.id = id_of(suite, key.secret);
  keys_.insert(keys_.begin(), key);
  if (keys_.size() > kMax) keys_.pop_back();
}

bool operator==(const NetworkKeys& left, const NetworkKeys& right) {
  return std::ranges::equal(left.keys_, right.keys_, [](const auto& one, const auto& other) {
    return one.epoch == other.epoch && one.id == other.id;
  });
}

Bytes encode(const NetworkKeys& keys) {
  TRESTLE_ASSERT(!keys.empty());
  CanonicalWriter writer(kNetworkKeysBytesMax);
  writer.number(kListVersion, 1).number(keys.size(), 1);
  for (const NetworkKey& key : keys.keys_) {
    writer.number(key.epoch, kEpochBytes).bytes(key.secret.bytes());
  }
  return writer.take();
}

Result<NetworkKeys, ErrorCode> decode_network_keys(Suite& suite, ByteSpan bytes) {
  CanonicalReader reader(bytes);
  if (reader.number(1) != kListVersion) return refuse(ErrorCode::protocol_error);
  const std::uint64_t count = reader.number(1);
  if (count == 0 || count > NetworkKeys::kMax) return refuse(ErrorCode::protocol_error);
  NetworkKeys keys;
  for (std::uint64_t index = 0; index < count; ++index) {
    NetworkKey key;
    key.epoch = static_cast<std::uint32_t>(reader.number(kEpochBytes));
    reader.bytes(key.secret.writable());
    key.id = id_of(suite, key.secret);
    const bool is_falling = keys.empty() || key.epoch < keys.keys_.back().epoch;
    if (!is_falling || key.epoch == 0) return refuse(ErrorCode::protocol_error);
    keys.keys_.push_back(key);
  }
  if (!reader.is_done()) return refuse(ErrorCode::protocol_error);
  return keys;
}

std::optional<Bytes> wrap_network_keys(Suite& suite, Sealer& sealer, const NetworkHash& network,
                                       const X25519Key& recipient, const NetworkKeys& keys) {
  const X25519Pair own = ephemeral_pair(suite);
  const auto key = agreed_key(suite, own, {own.key, recipient}, kWrapLabel, network);
  if (!key) return std::nullopt;
  Bytes list = encode(keys);
  CanonicalWriter writer(kWrappedNetworkKeysBytesMax);
  writer.number(kWrapVersion, 1).bytes(own.key.bytes);
  writer.bytes(seal(suite, sealer, *key, kWrapLabel, network, list));
  cleanse(list);
  return writer.take();
}

Result<NetworkKeys, ErrorCode> unwrap_network_keys(Suite& suite, Sealer& sealer,
                                                   const NetworkHash& network,
                                                   const X25519Pair& recipient, ByteSpan wrapped) {
  constexpr std::size_t kHeadBytes = 1 + kCurve25519Bytes;
  if (wrapped.size() > kWrappedNetworkKeysBytesMax) return refuse(ErrorCode::invalid_token);
  CanonicalReader reader(wrapped.first(std::min(wrapped.size(), kHeadBytes)));
  const bool is_known = reader.number(1) == kWrapVersion;
  X25519Key ephemeral;
  reader.bytes(ephemeral.bytes);
  if (!is_known || !reader.is_done()) return refuse(ErrorCode::invalid_token);
  const auto key = agreed_key(suite, recipient, {ephemeral, recipient.key}, kWrapLabel, network);
  if (!key) return refuse(ErrorCode::invalid_token);
  auto list = open(sealer, *key, kWrapLabel, network, wrapped.subspan(kHeadBytes));
  if (!list) return refuse(ErrorCode::invalid_token);
  auto keys = decode_network_keys(suite, *list);
  cleanse(*list);
  if (!keys) return refuse(ErrorCode::invalid_token);
  return std::move(*keys);
}

}  // namespace trestle::crypto
