#pragma once

#include "trestle/wire/native/layout.hpp"

namespace trestle::wire::native {

// The rest of layout.hpp: what is said in a network that one enters by invitation.

template <typename Archive, Of<Credentials> Item>
void describe(Archive& archive, Item& credentials) {
  archive.bytes("identity", credentials.identity, &Limits::token_bytes_max);
  archive.bytes("membership", credentials.membership, &Limits::token_bytes_max);
  archive.bytes("certificate", credentials.certificate, &Limits::token_bytes_max);
  archive.fixed("revocations", credentials.revocations);
}

template <typename Archive, Of<Certify> Item>
void describe(Archive& archive, Item& certify) {
  archive.bytes("membership", certify.membership, &Limits::token_bytes_max);
}

template <typename Archive, Of<Revocations> Item>
void describe(Archive& archive, Item& revocations) {
  archive.bytes("list", revocations.list, &Limits::revocations_bytes_max);
}

template <typename Archive, Of<RedeemRequest> Item>
void describe(Archive& archive, Item& redeem) {
  archive.bytes("identity", redeem.identity, &Limits::token_bytes_max);
  archive.bytes("invitation", redeem.invitation, &Limits::token_bytes_max);
  archive.bytes("membership", redeem.membership, &Limits::token_bytes_max);
  archive.bytes("certificate", redeem.certificate, &Limits::token_bytes_max);
}

template <typename Archive, Of<RedeemResponse> Item>
void describe(Archive& archive, Item& response) {
  archive.bytes("membership", response.membership, &Limits::token_bytes_max);
  archive.bytes("certificate", response.certificate, &Limits::token_bytes_max);
  archive.bytes("network_key", response.network_key, &Limits::token_bytes_max);
}

}  // namespace trestle::wire::native
