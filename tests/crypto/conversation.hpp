#pragma once

#include "trestle/wire/message/connection.hpp"

namespace trestle::test {

/// The two records that a proof covers.
struct Conversation {
  wire::Hello hello;
  wire::Welcome welcome;
};

/// A node dials a bridge. Keys and nonces are fixed patterns, so that its transcript can be written
/// down.
inline Conversation example_conversation() {
  Conversation conversation;
  conversation.hello.version = 1;
  conversation.hello.role = wire::Role::node;
  conversation.hello.key.fill(0x11);
  conversation.hello.nonce.fill(0x22);
  conversation.hello.dialled_url = "wss://bridge.example:443/";
  conversation.hello.network = "trestle";
  conversation.welcome.version = 1;
  conversation.welcome.role = wire::Role::bridge;
  conversation.welcome.key.fill(0x33);
  conversation.welcome.nonce.fill(0x44);
  conversation.welcome.network = "trestle";
  conversation.welcome.address = "wss://bridge.example:443/";
  return conversation;
}

}  // namespace trestle::test
