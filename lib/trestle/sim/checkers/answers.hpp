#pragma once

#include <array>
#include <cstdint>
#include <unordered_map>

#include "trestle/base/flat_map.hpp"
#include "trestle/sim/world.hpp"

namespace trestle::sim::checkers {

/// P-BR-2 (I2): a response belongs to its caller. Read from the frames themselves: every answer
/// carries the id of a request that was delivered on the same connection in the other direction,
/// and answers it for the first time; no id is used for two requests at once; every frame decodes
/// (which includes that requests and answers have an id). Between honest nodes: whoever is asked
/// twice under one id by a byzantine peer may answer twice.
class Answers : public Observer {
 public:
  Interest interest() const override {
    return Interest::in({HappeningKind::frame_ordered, HappeningKind::frame_delivered,
                         HappeningKind::closed, HappeningKind::close_ordered,
                         HappeningKind::dial_failed});
  }
  void observe(World& world, const Happening& happening) override;

  std::uint64_t requests() const { return requests_; }
  std::uint64_t answers() const { return answers_; }
  std::uint64_t withdrawals() const { return withdrawals_; }

 private:
  enum class State : std::uint8_t {
    sent,       ///< On its way.
    delivered,  ///< May be answered.
    withdrawn,  ///< Delivered and cancelled: an answer that crossed the cancel is allowed, once.
  };
  /// Requests by asking side.
  struct Asked {
    std::array<FlatMap<std::uint64_t, State>, 2> by_side;
    bool one_end_closed = false;
  };

  void on_ordered(World& world, const Happening& happening);
  void on_delivered(const Happening& happening);
  void on_answer_ordered(World& world, const Happening& happening, const RecordHead& record);
  void end_closed(ConnectionSerial connection);

  /// Only ever asked for one connection; never iterated, so its order decides nothing.
  std::unordered_map<ConnectionSerial, Asked> connections_;
  std::uint64_t requests_ = 0;
  std::uint64_t answers_ = 0;
  std::uint64_t withdrawals_ = 0;
};

}  // namespace trestle::sim::checkers
