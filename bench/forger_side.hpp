#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "many_peers.hpp"

namespace trestle::bench {

/// Who a forger is when it comes back after it was put out.
enum class Returning : std::uint8_t { as_before, as_somebody_else };

struct ForgerSideOptions {
  /// Of each forger: it dials its own.
  std::vector<std::string> urls;
  /// Records that each sends a second, as soon as it has a link: what it could not send meanwhile,
  /// up to a second's worth, comes at once.
  double per_second = 500;
  Returning returning = Returning::as_somebody_else;
  /// From the end of a link to the next dial.
  Duration back_after = std::chrono::milliseconds(100);
};

/// Members that send nothing but records whose signatures are wrong, and come back when they are
/// put out. A signature is another record's: it is found wrong only when it was checked to its end.
class ForgerSide final : public ManyPeers {
 public:
  struct Figures {
    std::uint64_t sent = 0;
    std::uint64_t dials = 0;
    std::uint64_t links = 0;
    /// Milliseconds from the opening of a link to its end, links that stand left out.
    std::vector<double> cut_after_ms;
  };

  ForgerSide(ForgerSideOptions options, crypto::Suite& suite, Rng rng);
  ~ForgerSide() override;

  void start(Instant) override {}
  /// Dials and sends what is due; every few milliseconds.
  void tick(Instant now);
  void begin() { is_attacking_ = true; }
  /// Closes all links.
  void end(Instant now);
  const Figures& figures() const { return figures_; }
  /// Records sent so far; any thread may ask.
  std::uint64_t sent() const { return sent_; }

 private:
  struct Forger {
    link::ConnectionId connection;
    bool is_dialled = false;
    bool is_open = false;
    Instant opened{};
    Instant dial_at{};
    double owed = 0;
    std::uint64_t number = 0;
    wire::Signature signature{};
  };

  void dial(Instant now, std::size_t index);
  bool send_one(Instant now, std::size_t index);
  void on_news(Instant now, std::size_t index, link::ChannelSet::News&& news) override;

  ForgerSideOptions options_;
  std::vector<Forger> forgers_;
  bool is_attacking_ = false;
  Instant ticked_{};
  Figures figures_;
  std::atomic<std::uint64_t> sent_ = 0;
};

}  // namespace trestle::bench
