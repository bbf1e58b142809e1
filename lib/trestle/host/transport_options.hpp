#pragma once

#include <cstddef>
#include <cstdint>

#include "trestle/base/time.hpp"
#include "trestle/host/arrival_rates.hpp"
#include "trestle/host/name_resolver.hpp"
#include "trestle/host/page_gate.hpp"
#include "trestle/host/side_traffic.hpp"
#include "trestle/host/trusted_proxies.hpp"

namespace trestle::host {

/// Who speaks WebSocket on the sockets, which are libwebsockets' in either case.
enum class TransportKind : std::uint8_t {
  library,  ///< libwebsockets itself: the reference that the other one is compared with.
  raw,      ///< Our own codec (`wire/websocket`), on bytes, and `tls::Engine`.
};

struct TransportOptions {
  TransportKind kind = TransportKind::raw;
  /// One WebSocket message at most, its fragments together: the absolute bound of the protocol
  /// (reliability.md section 10). Narrower bounds, by class of peer, are the core's.
  std::size_t frame_bytes_max = 256 * 1024;
  /// The same before a caller can have shown who it is: the largest opening there is.
  std::size_t frame_bytes_max_before_identity = 4 * 1024;
  /// Fragments of one message; more is a way to keep us busy with nothing.
  std::size_t fragments_max = 64;
  std::size_t fragments_max_before_identity = 16;
  /// A message that has begun to arrive and is not whole after this must have come at this rate at
  /// least: whoever lets it trickle holds a buffer of ours.
  Duration message_grace = std::chrono::seconds(30);
  std::size_t message_bytes_per_second_min = 100;
  SideTrafficOptions side_traffic;
  /// How often every connection is looked at, for these two and for the traffic beside messages,
  /// which costs two system calls and has its turn every `side_looks`th time.
  Duration look_every = std::chrono::seconds(1);
  std::uint32_t side_looks = 5;
  /// Ordered but not yet written, per connection. The core stops at 1 MiB; this is the fuse behind
  /// it.
  std::size_t queue_bytes_max = 4 * 1024 * 1024;
  /// Frames handed to the kernel before other sockets get their turn.
  unsigned frames_per_turn_max = 16;
  /// From the accepted socket to its upgrade or its whole HTTP request, the TLS handshake included;
  /// slower callers only hold a descriptor.
  Duration request_within = std::chrono::seconds(5);
  /// A closing connection gets this long to send what was ordered before.
  Duration close_within = std::chrono::seconds(2);
  /// WebSockets accepted at the same time.
  std::size_t connections_max = 10'000;
  /// Of these from one address (of IPv6: from one /64), loopback excepted. Zero: no such bound.
  std::size_t connections_per_address_max = 32;
  /// Of these from one network (of IPv4: a /24, of IPv6: a /48), loopback excepted.
  std::size_t connections_per_network_max = 128;
  /// Sockets of all kinds, dialled ones included: what the descriptors allow, less those that disk
  /// and operators need (reliability.md section 10).
  std::size_t sockets_max = SIZE_MAX;
  ArrivalRateOptions arrivals;
  /// Whether bounds per address and network, and the rates of arrivals, leave loopback alone: it
  /// says nothing about who is behind it, and whole networks are tried out on one machine.
  bool exempts_loopback = true;
  /// Accepted sockets that have not sent a whole request yet, on top of these.
  std::size_t pending_max = 256;
  /// Of these from one address, loopback excepted: one caller must not take the place of all
  /// (reliability.md section 10).
  std::size_t pending_per_address_max = 8;
  /// Callers behind these are counted by the address that the proxy states.
  TrustedProxies trusted_proxies;
  /// Pages whose browsers may come; programs always may.
  PageGate pages;
  NameResolverOptions names;
};

}  // namespace trestle::host
