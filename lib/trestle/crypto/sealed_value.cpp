#include "trestle/crypto/sealed_value.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "trestle/base/assertion.hpp"
#include "trestle/crypto/agreed_key.hpp"
#include "trestle/crypto/canonical.hpp"
#include "trestle/crypto/cleanse.hpp"
#include "trestle/crypto/hkdf.hpp"
#include "trestle/crypto/transcript.hpp"

namespace trestle::crypto {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kHeadBytes = 2;
constexpr std::size_t kNetworkHeadBytes = kHeadBytes + std::tuple_size_v<NetworkKeyId>;
constexpr std::size_t kReadersHeadBytes = kHeadBytes + kCurve25519Bytes + 1;

constexpr std::string_view kPlaceContext = "trestle value v1";
constexpr std::string_view kNetworkLabel = "trestle value for the network v1";
constexpr std::string_view kSelfLabel = "trestle value for its author v1";
constexpr std::string_view kReadersLabel = "trestle value for readers v1";
constexpr std::string_view kSlotLabel = "trestle key for a reader v1";

constexpr std::pair<Audience, std::string_view> kNames[] = {{Audience::network, "network"},
                                                            {Audience::self, "self"},
                                                            {Audience::readers, "readers"},
                                                            {Audience::everybody, "public"}};

/// `head`: what of the sealed form comes before the bytes that are sealed in this context.
Bytes context_of(const ValuePlace& place, ByteSpan head) {
  Transcript transcript;
  transcript.add(kPlaceContext);
  transcript.add(place.network);
  transcript.add(place.key);
  transcript.add(place.author);
  transcript.add_number(place.version, sizeof place.version);
  transcript.add(head);
  return transcript.take();
}

CanonicalWriter begin(Audience audience, std::size_t bytes_expected) {
  CanonicalWriter writer(bytes_expected);
  writer.number(kVersion, 1).number(static_cast<std::uint8_t>(audience), 1);
  return writer;
}

/// The rest of a form of which `head` is there: sealed under a key that only this place has.
template <typename Secret>
Bytes finish(Suite& suite, Sealer& sealer, const Secret& secret, std::string_view label,
             const ValuePlace& place, ByteSpan plain, Bytes head) {
  const Bytes context = context_of(place, head);
  const SealKey key = derive<SealKey>(suite, secret.bytes(), label, context);
  append(head, seal(suite, sealer, key, label, context, plain));
  return head;
}

template <typename Secret>
Result<Bytes, SealFault> open_rest(Suite& suite, Sealer& sealer, const Secret& secret,
                                   std::string_view label, const ValuePlace& place, ByteSpan value,
                                   std::size_t head_bytes) {
  const Bytes context = context_of(place, value.first(head_bytes));
  const SealKey key = derive<SealKey>(suite, secret.bytes(), label, context);
  auto plain = open(sealer, key, label, context, value.subspan(head_bytes));
  if (!plain) return refuse(SealFault::not_genuine);
  return std::move(*plain);
}

Result<Bytes, SealFault> open_for_network(Suite& suite, Sealer& sealer, const Keyring& keys,
                                          const ValuePlace& place, ByteSpan value) {
  if (value.size() < kNetworkHeadBytes + kSealedOverheadBytes) {
    return refuse(SealFault::malformed);
  }
  NetworkKeyId id{};
  std::copy_n(value.begin() + kHeadBytes, id.size(), id.begin());
  const NetworkKey* key = keys.network.find(id);
  if (key == nullptr) return refuse(SealFault::not_for_us);
  return open_rest(suite, sealer, key->secret, kNetworkLabel, place, value, kNetworkHeadBytes);
}

Result<Bytes, SealFault> open_for_self(Suite& suite, Sealer& sealer, const Keyring& keys,
                                       const ValuePlace& place, ByteSpan value) {
  if (value.size() < kHeadBytes + kSealedOverheadBytes) return refuse(SealFault::malformed);
  if (!keys.own || place.author != keys.author) return refuse(SealFault::not_for_us);
  return open_rest(suite, sealer, keys.own->self, kSelfLabel, place, value, kHeadBytes);
}

/// The value's key out of the slot that is ours.
std::optional<SealKey> key_in_slots(Suite& suite, Sealer& sealer, const Keyring& keys,
                                    const ValuePlace& place, ByteSpan head, ByteSpan slots) {
  X25519Key ephemeral;
  std::copy_n(head.begin() + kHeadBytes, ephemeral.bytes.size(), ephemeral.bytes.begin());
  const Bytes context = context_of(place, head);
  if (!keys.own) return std::nullopt;
  const X25519Pair& own = keys.own->pair;
  const auto slot_key = agreed_key(suite, own, {ephemeral, own.key}, kSlotLabel, context);
  if (!slot_key) return std::nullopt;
  for (; !slots.empty(); slots = slots.subspan(kReaderSlotBytes)) {
    auto opened = open(sealer, *slot_key, kSlotLabel, context, slots.first(kReaderSlotBytes));
    if (!opened) continue;
    SealKey key;
    std::copy_n(opened->begin(), SealKey::kBytes, key.writable().begin());
    cleanse(*opened);
    return key;
  }
  return std::nullopt;
}

Result<Bytes, SealFault> open_for_readers(Suite& suite, Sealer& sealer, const Keyring& keys,
                                          const ValuePlace& place, ByteSpan value) {
  if (value.size() < kReadersHeadBytes) return refuse(SealFault::malformed);
  const ByteSpan head = value.first(kReadersHeadBytes);
  const std::size_t count = head.back();
  const std::size_t slots_end = kReadersHeadBytes + count * kReaderSlotBytes;
  const bool is_shaped =
      count > 0 && count <= kReadersMax && value.size() >= slots_end + kSealedOverheadBytes;
  if (!is_shaped) return refuse(SealFault::malformed);
  const ByteSpan slots = value.subspan(kReadersHeadBytes, slots_end - kReadersHeadBytes);
  const auto key = key_in_slots(suite, sealer, keys, place, head, slots);
  if (!key) return refuse(SealFault::not_for_us);
  const Bytes context = context_of(place, value.first(slots_end));
  auto plain = open(sealer, *key, kReadersLabel, context, value.subspan(slots_end));
  if (!plain) return refuse(SealFault::not_genuine);
  return std::move(*plain);
}

Result<Bytes, SealFault> open_as(Audience audience, Suite& suite, Sealer& sealer,
                                 const Keyring& keys, const ValuePlace& place, ByteSpan value) {
  switch (audience) {
    case Audience::network:
      return open_for_network(suite, sealer, keys, place, value);
    case Audience::self:
      return open_for_self(suite, sealer, keys, place, value);
    case Audience::readers:
      return open_for_readers(suite, sealer, keys, place, value);
    case Audience::everybody:
      return to_bytes(value.subspan(kHeadBytes));
  }
  return refuse(SealFault::malformed);
}

}  // namespace

std::string_view name(Audience audience) {
  for (const auto& [one, text] : kNames) {
    if (one == audience) return text;
  }
  return {};
}

std::optional<Audience> audience_from_name(std::string_view name) {
  for (const auto& [audience, text] : kNames) {
    if (text == name) return audience;
  }
  return std::nullopt;
}

ValuePlace place_of(std::string_view network, const wire::Record& record) {
  return {network, record.key, record.author, record.version};
}

std::size_t sealing_overhead_bytes(Audience audience, std::size_t readers) {
  switch (audience) {
    case Audience::network:
      return kNetworkHeadBytes + kSealedOverheadBytes;
    case Audience::self:
      return kHeadBytes + kSealedOverheadBytes;
    case Audience::readers:
      return kReadersHeadBytes + readers * kReaderSlotBytes + kSealedOverheadBytes;
    case Audience::everybody:
      break;
  }
  return kHeadBytes;
}

Bytes seal_for_network(Suite& suite, Sealer& sealer, const NetworkKey& key, const ValuePlace& place,
                       ByteSpan plain) {
  CanonicalWriter head =
      begin(Audience::network, plain.size() + sealing_overhead_bytes(Audience::network, 0));
  head.bytes(key.id);
  return finish(suite, sealer, key.secret, kNetworkLabel, place, plain, head.take());
}

Bytes seal_for_self(Suite& suite, Sealer& sealer, const SelfSecret& secret, const ValuePlace& place,
                    ByteSpan plain) {
  CanonicalWriter head =
      begin(Audience::self, plain.size() + sealing_overhead_bytes(Audience::self, 0));
  return finish(suite, sealer, secret, kSelfLabel, place, plain, head.take());
}

std::optional<Bytes> seal_for_readers(Suite& suite, Sealer& sealer,
                                      std::span<const X25519Key> readers, const ValuePlace& place,
                                      ByteSpan plain) {
  if (readers.empty() || readers.size() > kReadersMax) return std::nullopt;
  const X25519Pair own = ephemeral_pair(suite);
  CanonicalWriter writer = begin(
      Audience::readers, plain.size() + sealing_overhead_bytes(Audience::readers, readers.size()));
  writer.bytes(own.key.bytes).number(readers.size(), 1);
  Bytes form = writer.take();
  SealKey key;
  suite.random(key.writable());
  const Bytes slot_context = context_of(place, form);
  for (const X25519Key& reader : readers) {
    const auto slot_key = agreed_key(suite, own, {own.key, reader}, kSlotLabel, slot_context);
    if (!slot_key) return std::nullopt;
    append(form, seal(suite, sealer, *slot_key, kSlotLabel, slot_context, key.bytes()));
  }
  append(form, seal(suite, sealer, key, kReadersLabel, context_of(place, form), plain));
  return form;
}

Bytes mark_public(ByteSpan plain) {
  return begin(Audience::everybody, kHeadBytes + plain.size()).bytes(plain).take();
}

Result<OpenedValue, SealFault> open_value(Suite& suite, Sealer& sealer, const Keyring& keys,
                                          const ValuePlace& place, ByteSpan value) {
  if (value.size() < kHeadBytes || value[0] != kVersion) return refuse(SealFault::malformed);
  const auto audience = static_cast<Audience>(value[1]);
  auto plain = open_as(audience, suite, sealer, keys, place, value);
  if (!plain) return refuse(plain.error());
  return OpenedValue{audience, std::move(*plain)};
}

}  // namespace trestle::crypto
