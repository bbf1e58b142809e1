#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "trestle/crypto/suite/suite.hpp"
#include "trestle/node/bootstrap/legacy_reception.hpp"
#include "trestle/wire/legacy/codec.hpp"

namespace trestle::test {

/// A bootstrap node's half of the old dialect, alone, with its effects sorted by kind.
struct LegacyDesk {
  explicit LegacyDesk(std::string_view secret = "the-secret") {
    local.legacy_bridge_secret = to_bytes(as_bytes(secret));
    local.wall_clock = {Instant{}, WallTime(std::chrono::milliseconds(1'795'000'000'000))};
  }

  void drain() {
    while (auto effect = reception.poll_effect()) {
      // Everybody reads here: what is forwarded arrives.
      if (auto* forward = std::get_if<node::LegacyForward>(&*effect)) {
        effects.push_back(node::LegacyText{forward->target, std::move(forward->text)});
        if (forward->if_sent.empty()) continue;
        effects.push_back(node::LegacyText{forward->sender, std::move(forward->if_sent)});
      } else {
        effects.push_back(std::move(*effect));
      }
    }
  }
  template <typename Kind>
  std::vector<Kind> all() {
    drain();
    std::vector<Kind> found;
    for (const auto& effect : effects) {
      if (const auto* match = std::get_if<Kind>(&effect)) found.push_back(*match);
    }
    return found;
  }
  /// Frames of that kind that were sent to one client.
  template <typename Frame>
  std::vector<Frame> sent(link::ConnectionId client) {
    std::vector<Frame> frames;
    for (const auto& text : all<node::LegacyText>()) {
      if (text.client != client) continue;
      const auto frame = wire::legacy::decode(text.text);
      if (const auto* match = frame ? std::get_if<Frame>(&*frame) : nullptr) {
        frames.push_back(*match);
      }
    }
    return frames;
  }
  void hear(Instant now, link::ConnectionId client, std::string_view text) {
    auto frame = wire::legacy::decode(text);
    if (frame) {
      reception.on_frame(now, client, wire::legacy::box(std::move(*frame)));
    } else {
      reception.on_refused(now, client, frame.error());
    }
  }
  void enter(Instant now, link::ConnectionId client, const NodeId& id,
             const std::string& metadata) {
    hear(now, client,
         R"({"type":"register","nodeId":")" + id.to_hex() +
             R"(","protocolVersion":"1.0.0","buildId":"node_1","timestamp":1,"metadata":)" +
             metadata + "}");
  }

  link::LocalPeer local;
  crypto::Suite suite{1};
  node::LegacyReception reception{{}, local, suite};
  std::vector<node::LegacyReception::Effect> effects;
};

inline const std::string kNodeMetadata =
    R"({"nodeType":"nodejs","listeningAddress":"ws://127.0.0.1:1000","canAcceptConnections":true})";
inline const std::string kBrowserMetadata =
    R"({"nodeType":"browser","canAcceptConnections":false})";
inline const std::string kBridgeMetadata =
    R"({"nodeType":"bridge","isBridgeNode":true,"listeningAddress":"ws://127.0.0.1:2000",)"
    R"("bridgeAuthToken":"the-secret"})";

}  // namespace trestle::test
