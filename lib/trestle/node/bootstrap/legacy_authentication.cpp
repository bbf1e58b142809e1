#include "trestle/node/bootstrap/legacy_authentication.hpp"

#include <algorithm>
#include <utility>

#include "trestle/crypto/curve_order.hpp"
#include "trestle/wire/legacy/codec.hpp"

namespace trestle::node {

namespace legacy = wire::legacy;
using link::ConnectionId;

namespace {

/// WebCrypto signs with either of the two s; here only the low one is valid. Nothing for what is no
/// signature at all.
std::optional<wire::Signature> read_signature(std::string_view hex) {
  wire::Signature signature{};
  if (hex.size() != 2 * signature.size() || !from_hex(hex, signature)) return std::nullopt;
  const std::span<std::uint8_t, 2 * crypto::kScalarBytes> bytes(signature);
  const auto s = bytes.last<crypto::kScalarBytes>();
  if (!crypto::is_scalar(bytes.first<crypto::kScalarBytes>()) || !crypto::is_scalar(s)) {
    return std::nullopt;
  }
  if (!crypto::is_canonical(signature)) std::ranges::copy(crypto::negated(s), s.begin());
  return signature;
}

}  // namespace

void LegacyAuthentication::challenge(Instant now, ConnectionId client, const NodeId& id,
                                     const wire::PublicKey& key) {
  // The id of a browser: the first 160 bits of the digest of its key (section 1).
  const crypto::Digest256 digest = suite_.sha256(key);
  const std::span<const std::uint8_t, 32> bytes(digest);
  if (NodeId::from_bytes(bytes.first<NodeId::kBytes>()) != id) {
    challenges_.erase(client);
    return fail(now, client, "Node ID does not match public key hash");
  }
  if (!challenges_.contains(client)) make_room(now);
  wire::Nonce nonce{};
  suite_.random(nonce);
  const legacy::AuthChallenge frame{to_hex(nonce), wall_ms(now)};
  challenges_.insert_or_assign(
      client, Challenge{id, key, frame.nonce + ":" + std::to_string(frame.timestamp),
                        after(now, options_.challenge_kept), std::nullopt});
  ++stats_.challenges;
  outbox_.push(LegacyText{client, legacy::encode(frame)});
}

void LegacyAuthentication::on_request(Instant now, ConnectionId client,
                                      const legacy::AuthResponse& response) {
  if (!response.node_id || !response.signature || !response.timestamp) {
    return fail(now, client, "Missing required authentication fields");
  }
  Challenge* open = challenges_.find(client);
  if (open == nullptr || open->until <= now || open->ticket || open->id != *response.node_id) {
    return fail(now, client, "No pending authentication challenge");
  }
  const auto signature = read_signature(*response.signature);
  if (!signature) {
    challenges_.erase(client);
    return fail(now, client, "Invalid signature");
  }
  open->ticket = link::Ticket{++last_ticket_.value};
  outbox_.push(link::Verify{client, *open->ticket, open->key, to_bytes(as_bytes(open->signed_text)),
                            *signature});
}

bool LegacyAuthentication::on_verified(Instant now, ConnectionId client, link::Ticket ticket,
                                       bool valid) {
  const Challenge* open = challenges_.find(client);
  if (open == nullptr || open->ticket != ticket) return false;
  const NodeId id = open->id;
  challenges_.erase(client);  // used once, whatever came of it (T2)
  if (!valid) {
    fail(now, client, "Invalid signature");
    return false;
  }
  ++stats_.succeeded;
  legacy::AuthSuccess success;
  success.node_id = id;
  success.timestamp = wall_ms(now);
  outbox_.push(LegacyText{client, legacy::encode(success)});
  return true;
}

void LegacyAuthentication::on_closed(ConnectionId client) { challenges_.erase(client); }

void LegacyAuthentication::fail(Instant now, ConnectionId client, std::string_view reason) {
  ++stats_.failed;
  outbox_.push(
      LegacyText{client, legacy::encode(legacy::AuthFailure{std::string(reason), wall_ms(now)})});
}

void LegacyAuthentication::make_room(Instant now) {
  if (challenges_.size() < options_.challenges_max) return;
  for (auto place = challenges_.begin(); place != challenges_.end();) {
    place = place->second.until <= now ? challenges_.erase(place) : std::next(place);
  }
  if (challenges_.size() < options_.challenges_max) return;
  const auto until = [](const auto& entry) { return entry.second.until; };
  challenges_.erase(std::ranges::min_element(challenges_, {}, until));
}

}  // namespace trestle::node
