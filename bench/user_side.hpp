#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "many_peers.hpp"

namespace trestle::bench {

struct UserSideOptions {
  /// Of each user: it dials its own.
  std::vector<std::string> urls;
  /// Questions of each that are under way at any time.
  std::size_t gets_in_flight = 4;
  /// Records of its own that each has stored a second: less than one peer is granted.
  double stores_per_second = 40;
};

/// Polite users of one member: each with a link of its own, on which it asks for the values of all,
/// one after the other, and stores new ones. Figures may be read by any thread.
class UserSide final : public ManyPeers {
 public:
  UserSide(UserSideOptions options, crypto::Suite& suite, Rng rng);
  ~UserSide() override;

  void start(Instant now) override;
  /// Asks and stores what is due; every few milliseconds.
  void tick(Instant now);

  /// Values found and records stored.
  std::uint64_t answered() const { return answered_; }
  /// Anything else that came of a request.
  std::uint64_t failed() const { return failed_; }
  bool is_busy() const { return is_busy_; }

 private:
  enum class Kind : std::uint8_t { get, store };
  struct User {
    link::ConnectionId connection;
    bool is_open = false;
    std::size_t gets = 0;
    double stores_owed = 0;
    std::uint64_t version = 0;
  };

  void on_news(Instant now, std::size_t index, link::ChannelSet::News&& news) override;
  void on_ended(Instant now, std::size_t index, Kind kind, bool is_good);
  void get(Instant now, std::size_t index);
  void store(Instant now, std::size_t index);

  UserSideOptions options_;
  Rng rng_;
  std::vector<User> users_;
  std::uint64_t stored_ = 0;
  Instant ticked_{};
  std::atomic<std::uint64_t> answered_ = 0;
  std::atomic<std::uint64_t> failed_ = 0;
  std::atomic<bool> is_busy_ = false;
};

}  // namespace trestle::bench
