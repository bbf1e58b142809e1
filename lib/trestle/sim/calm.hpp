#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "trestle/sim/world.hpp"

namespace trestle::sim {

/// Where nothing goes wrong nothing fails (I16): what a network without losses, faults, churn and
/// lies has to show for itself once everybody has come, read from the figures of its nodes and from
/// what they logged. And where nobody writes, nobody copies (L7).
class Calm {
 public:
  /// What must not grow.
  enum class Figures : std::uint8_t {
    failures,  ///< What fails, is refused, is late, or is done a second time for it.
    copies,    ///< Records that are sent to keep others whole: where nobody writes all are.
  };
  /// Whose figures count: those that begin like one of the rooms, as `pool.`; all if there is none.
  explicit Calm(Figures figures, std::vector<std::string_view> rooms = {})
      : figures_(figures), rooms_(std::move(rooms)) {}

  bool has_begun() const { return since_ != kNever; }
  /// From now on. What failed before, while some nodes were not there yet, is nobody's fault.
  void begin(const World& world);
  /// A line for each figure that has grown since and should not have, with the node that has it.
  std::vector<std::string> failures(const World& world) const;

 private:
  using Figure = std::pair<NodeIndex, std::string>;

  bool counts(std::string_view name) const;
  bool is_one_of_them(std::string_view name) const;
  std::map<Figure, std::uint64_t> read(const World& world) const;

  Figures figures_;
  std::vector<std::string_view> rooms_;
  Instant since_ = kNever;
  std::map<Figure, std::uint64_t> before_;
};

}  // namespace trestle::sim
