#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "trestle/base/time.hpp"
#include "trestle/sim/disk.hpp"
#include "trestle/sim/latency.hpp"

namespace trestle::sim {

class LineCipherSource;

/// In what a stream between two nodes carries what they say.
enum class Carriage : std::uint8_t {
  frames,  ///< Whole ones: fast, and what golden runs are made of.
  bytes,   ///< Those of the codec, upgrade and closing included, cut into random segments.
};

/// The simulated network: TCP under WebSocket, seen frame by frame.
struct NetworkOptions {
  LatencyLaw latency;
  /// Bytes a second in one direction of one connection; 0: no limit. Default: a 10 Mbit/s line.
  std::uint64_t bandwidth = 1'250'000;
  /// What the kernel takes over before it has been acknowledged. Linux starts a socket with 85 KiB
  /// or so.
  std::size_t send_buffer_bytes = 64 * 1024;
  /// A frame travels as 1..segments_max segments; it is complete when the slowest has arrived.
  std::uint32_t segments_max = 3;
  /// Per million frames: the frame needs a retransmission. TCP does not lose, it stalls.
  std::uint32_t loss_per_million = 0;
  /// First retransmission timeout; doubles with each further loss of the same frame (RFC 6298,
  /// Linux's minimum).
  Duration retransmission = std::chrono::milliseconds(200);
  /// After so many losses of one frame the connection is reset. 8 doublings of 200 ms: 51 s.
  std::uint32_t retransmissions_max = 8;
  /// Per million frames: the connection is reset under way (a middlebox forgot it).
  std::uint32_t reset_per_million = 0;
  /// Per million dials: the listener is slow, by up to `slow_dial_max`.
  std::uint32_t slow_dial_per_million = 0;
  Duration slow_dial_max =
      std::chrono::seconds(15);  ///< Beyond the usual bound of 10 s for a dial.
  /// Per million dials: nothing ever comes back.
  std::uint32_t lost_dial_per_million = 0;
  /// First repetition of an opening packet that found no way; doubles (RFC 6298: 1 s).
  Duration opening_retry = std::chrono::seconds(1);
  /// A sender whose bytes stay unacknowledged this long gives the connection up (TCP user timeout).
  Duration stall_max = std::chrono::seconds(60);
  /// Between handing over a frame and hearing that the kernel took it: one turn of an event loop.
  Duration drain_delay = std::chrono::microseconds(20);
  /// With bytes, what is said above of a frame holds for a segment, and `send_buffer_bytes` is a
  /// window: to the byte what may be under way.
  Carriage carriage = Carriage::frames;
  /// Between the codec and the line; must outlive the world. Null: nothing.
  LineCipherSource* ciphers = nullptr;
};

struct WorldOptions {
  std::uint64_t seed = 0;
  NetworkOptions network;
  DiskOptions disk;
  /// Orders to sign or verify are answered after up to this long, out of order.
  Duration crypto_delay_max = std::chrono::milliseconds(5);
  /// Each node's calendar is off by up to this much, either way.
  Duration wall_skew_max = std::chrono::minutes(5);
  /// Lines kept for a report.
  std::size_t trace_lines = 200;
  /// Kept of the nodes' news; older ones are forgotten and counted.
  std::size_t news_max = 4096;
  /// Printed in a report: what this run is and how to have it again.
  std::string plan;
  std::string replay;
};

}  // namespace trestle::sim
