#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <utility>

#include "trestle/sim/world.hpp"

namespace trestle::sim::checkers {

struct CourtesyOptions {
  /// The longest that anybody works on a question is a join for which a bridge of the old dialect
  /// may be asked: 10.5 s. Counted anew from the end of a pause of the node's process.
  Duration answer_max = std::chrono::seconds(20);
  /// In worlds of more nodes than this only the questions of every so-manieth connection are
  /// waited for: they are remembered for as long.
  std::size_t nodes_max = 1'000;
  std::uint64_t one_in_connections = 32;
  /// All nodes have the same secret, network and version: who calls another a stranger is wrong.
  bool are_settings_equal = true;
};

/// How honest nodes treat each other, read from their frames. Nobody is accused: no question is
/// called senseless or forged, no frame broken or too large, no peer a stranger, where all run the
/// same program with the same settings. And nobody is left waiting (R3): every question that was
/// delivered is answered, unless it was withdrawn, or the connection or the process ended. Who does
/// break the protocol is told what he broke: too much, or nonsense.
class Courtesy : public Observer {
 public:
  explicit Courtesy(const CourtesyOptions& options = {}) : options_(options) {}
  void observe(World& world, const Happening& happening) override;
  void after_event(World& world) override;

  std::uint64_t answered() const { return answered_; }
  std::uint64_t waiting() const { return open_.size(); }

 private:
  /// Under which id which end of which connection was asked.
  struct Question {
    ConnectionSerial connection = 0;
    std::uint8_t asked_side = 0;
    std::uint64_t id = 0;
    friend constexpr auto operator<=>(const Question&, const Question&) = default;
  };
  struct Asked {
    NodeIndex node = kNoNode;
    std::uint32_t incarnation = 0;
    Instant at{};
    std::string_view name;
  };

  void on_ordered(World& world, const Happening& happening);
  void on_delivered(const World& world, const Happening& happening);
  void forget(ConnectionSerial connection);
  void on_broken_frame(const Happening& happening);
  void look_at_answer_to_it(World& world, const Happening& happening);
  void look_for_accusation(World& world, const Happening& happening, std::size_t place);

  CourtesyOptions options_;
  std::map<Question, Asked> open_;
  std::deque<std::pair<Instant, Question>> in_order_;  ///< When to look at each of them.
  /// The last frame that did not decode: when, on which connection, and what its sender is to hear.
  Instant broken_at_{};
  ConnectionSerial broken_on_ = 0;
  link::CloseStatus broken_as_{};
  std::uint64_t answered_ = 0;
};

}  // namespace trestle::sim::checkers
