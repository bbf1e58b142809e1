#pragma once

#include <cstdint>
#include <vector>

#include "plain_node.hpp"
#include "trestle/link/channel_set.hpp"
#include "trestle/link/local_peer.hpp"

namespace trestle::bench {

/// What one source of a crowd does.
struct SourceOptions {
  /// Requests a second, whatever becomes of them. Zero: `in_flight` at a time instead.
  double per_second = 0;
  std::size_t in_flight = 0;
};

/// Several bootstrap nodes at once, without the care that a bridge set takes: each source has a
/// connection of its own and goes on asking while it is told that the bridge is busy.
class CrowdSide final : public PlainNode {
 public:
  /// How requests of one source ended, with the nanoseconds each took.
  struct Outcome {
    std::vector<std::uint32_t> answered;
    std::vector<std::uint32_t> busy;
    std::uint64_t failed = 0;
    /// Not asked at all: the connection's own table was full.
    std::uint64_t withheld = 0;
  };

  /// `local` and `suite` must outlive it.
  CrowdSide(std::string url, const std::vector<SourceOptions>& sources,
            const link::LocalPeer& local, crypto::Suite& suite, Rng rng);

  void start(Instant now) override;
  /// Asks what is due by now; to be called every millisecond or so.
  void ask_due(Instant now);
  void begin_counting();
  const Outcome& outcome(std::size_t source) const { return sources_[source].outcome; }
  std::size_t sources() const { return sources_.size(); }

  link::ConnectionId on_accepted(Instant, const link::Accepted&) override { return {}; }
  void on_dialled(Instant now, link::ConnectionId connection) override;
  void on_dial_failed(Instant now, link::ConnectionId connection, ErrorCode code,
                      std::string_view reason) override;
  void on_frame(Instant now, link::ConnectionId connection, link::FrameKind kind,
                ByteSpan bytes) override;
  void on_drained(Instant now, link::ConnectionId connection, std::size_t bytes) override;
  void on_closed(Instant now, link::ConnectionId connection, std::uint16_t status,
                 std::string_view reason) override;
  void on_signed(Instant now, link::ConnectionId connection, link::Ticket ticket,
                 const wire::Signature& signature) override;
  void on_verified(Instant now, link::ConnectionId connection, link::Ticket ticket,
                   bool valid) override;
  Instant next_deadline() const override { return channels_.next_deadline(); }
  void on_deadline(Instant now) override { channels_.on_deadline(now); }
  std::optional<node::Effect> poll_effect(Instant now) override;

 private:
  struct Source {
    SourceOptions options;
    link::ConnectionId connection;
    bool is_open = false;
    Instant asked_until{};
    double owed = 0;
    std::size_t under_way = 0;
    Outcome outcome;
  };

  bool ask(Instant now, std::size_t source);
  void on_news(Instant now, link::ChannelSet::News&& news);
  void on_ended(link::Channel::Token token, const wire::Message* answer);

  std::string url_;
  link::ChannelSet channels_;
  std::vector<Source> sources_;
  std::uint64_t asked_ = 0;
  std::vector<std::uint64_t> began_;
};

}  // namespace trestle::bench
