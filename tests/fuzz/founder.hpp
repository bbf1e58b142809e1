#pragma once

#include <chrono>
#include <utility>

#include "support/wire_pair.hpp"
#include "trestle/crypto/identity_record.hpp"
#include "trestle/crypto/network_key.hpp"
#include "trestle/crypto/revocation_list.hpp"
#include "trestle/crypto/token.hpp"
#include "trestle/node/admission_options.hpp"

namespace trestle::fuzz {

/// Hands out the papers of a network that one enters by invitation.
class Founder {
 public:
  Founder(crypto::Suite& suite, const crypto::KeyPair& pair, WallTime today)
      : suite_(&suite),
        keys_(crypto::identity_keys(suite, pair)),
        network_(crypto::network_hash(suite, "main")),
        today_(today) {
    network_keys_.renew(suite);
  }

  const crypto::NetworkKeys& network_keys() const { return network_keys_; }

  node::AdmissionOptions admission(const crypto::KeyPair& own) const {
    node::AdmissionOptions options;
    options.mode = node::Admission::invitation;
    options.founders = {keys_.message.key};
    options.identity = identity_of(own);
    return options;
  }

  Bytes identity_of(const crypto::KeyPair& own) const {
    return crypto::encode(
        crypto::make_identity_record(*suite_, crypto::identity_keys(*suite_, own)));
  }

  Bytes invitation_for(const crypto::PublicKey& invitee) {
    crypto::Invitation token;
    token.network = network_;
    token.invitee = invitee;
    token.nonce[0] = ++nonces_;
    token.issued = today_;
    token.expires = today_ + crypto::kInvitationLife;
    return crypto::encode(crypto::sign(token, keys_.message));
  }

  Bytes membership_for(const crypto::KeyPair& own) {
    crypto::Membership token;
    token.network = network_;
    token.member = own.key;
    token.message_key = crypto::identity_keys(*suite_, own).message.key;
    token.inviter = keys_.message.key;
    token.nonce[0] = ++nonces_;
    token.issued = today_;
    token.expires = today_ + crypto::kMembershipLife;
    return crypto::encode(crypto::sign(token, keys_.message));
  }

  wire::Credentials credentials_of(const crypto::KeyPair& own) {
    return {identity_of(own), membership_for(own), {}, {}};
  }

  /// What a bridge says to whoever redeems or renews.
  wire::RedeemResponse admit(const crypto::KeyPair& own) {
    return {membership_for(own), {}, wrapped_for(crypto::identity_keys(*suite_, own).sealing.key)};
  }

  Bytes wrapped_for(const crypto::X25519Key& recipient) {
    return crypto::wrap_network_keys(*suite_, sealer_, network_, recipient, network_keys_)
        .value_or(Bytes{});
  }

  /// A higher number each time.
  Bytes revoke(const crypto::RevokedMember& member) {
    crypto::RevocationList list;
    list.network = network_;
    list.number = ++lists_;
    list.issued = today_;
    (void)crypto::revoke(list, member);
    return crypto::encode(crypto::sign(std::move(list), keys_.message));
  }

 private:
  crypto::Suite* suite_;
  crypto::Sealer sealer_;
  crypto::IdentityKeys keys_;
  crypto::NetworkHash network_;
  WallTime today_;
  crypto::NetworkKeys network_keys_;
  std::uint8_t nonces_ = 0;
  std::uint64_t lists_ = 0;
};

}  // namespace trestle::fuzz
