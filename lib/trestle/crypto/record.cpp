#include "trestle/crypto/record.hpp"

#include <algorithm>
#include <cstdint>

#include "trestle/crypto/identity.hpp"
#include "trestle/crypto/transcript.hpp"

namespace trestle::crypto {
namespace {

constexpr std::string_view kRecordContext = "trestle record v1";
constexpr std::string_view kLegacyRecordContext = "trestle old record v1";

}  // namespace

Bytes record_transcript(Suite& suite, std::string_view network, const wire::Record& record) {
  Transcript transcript;
  transcript.add(kRecordContext);
  transcript.add(network);
  transcript.add(record.key);
  transcript.add_number(static_cast<std::uint8_t>(record.kind), 1);
  transcript.add_number(record.version, sizeof(record.version));
  transcript.add_number(record.ttl_ms, sizeof(record.ttl_ms));
  transcript.add(record.author);
  transcript.add(suite.sha256(record.value));
  return transcript.take();
}

wire::RecordDigest record_digest(Suite& suite, std::string_view network,
                                 const wire::Record& record) {
  Bytes content;
  if (record.legacy) {
    Transcript transcript;
    transcript.add(kLegacyRecordContext);
    transcript.add(record.key);
    transcript.add(record.value);
    content = transcript.take();
  } else {
    content = record_transcript(suite, network, record);
  }
  const Digest256 whole = suite.sha256(content);
  wire::RecordDigest digest;
  std::copy_n(whole.begin(), digest.size(), digest.begin());
  return digest;
}

std::optional<NodeId> owner_of_key(std::string_view key) {
  constexpr std::size_t kHexDigits = 2 * NodeId::kBytes;
  if (!key.starts_with('@') || key.size() < 1 + kHexDigits) return std::nullopt;
  return NodeId::from_hex(key.substr(1, kHexDigits));
}

bool may_write(Suite& suite, const wire::Record& record) {
  const auto owner = owner_of_key(record.key);
  if (!owner) return true;
  return !record.legacy && node_id_of(suite, record.author) == *owner;
}

}  // namespace trestle::crypto
