#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "many_peers.hpp"

namespace trestle::bench {

/// So many newcomers, each with an identity and a connection of its own, that ask one bootstrap
/// node for peers: some at a time, or all at once.
class JoinSide final : public ManyPeers {
 public:
  /// `suite` must outlive it. At most `kPeersMax` newcomers.
  JoinSide(std::string url, std::size_t newcomers, std::size_t at_once, crypto::Suite& suite,
           Rng rng);
  ~JoinSide() override;

  void start(Instant now) override { begin_more(now); }

  std::size_t joined() const { return joined_; }
  std::size_t failed() const { return failed_; }
  bool is_done() const { return joined_ + failed_ == has_ended_.size(); }

 private:
  void begin_more(Instant now);
  void on_news(Instant now, std::size_t index, link::ChannelSet::News&& news) override;
  void end(std::size_t index, bool has_joined);

  std::string url_;
  std::size_t at_once_;
  std::vector<bool> has_ended_;
  std::size_t begun_ = 0;
  std::size_t joined_ = 0;
  std::size_t failed_ = 0;
};

}  // namespace trestle::bench
