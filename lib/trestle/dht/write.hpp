#pragma once

#include <cstdint>
#include <optional>

#include "trestle/dht/spread.hpp"
#include "trestle/wire/message/record.hpp"

namespace trestle::dht {

/// What a put, a refresh or a deletion keeps beside its lookup: a value.
///
///   put      [seal ->] sign || find_node -> spread
///   refresh  [find_value ->] find_node -> spread            (somebody's record, signed already)
///   remove   [find_value ->] sign || find_node -> spread    (find_value: unless it is kept here)
///
/// Whoever answers OUTDATED is asked for what it has, and believed if that is newer: then
/// everything from the signing on is done once again, at the same targets, with a version above it.
struct Write {
  enum class Stage : std::uint8_t {
    reading,    ///< What there is of the key is looked for.
    preparing,  ///< The nearest are looked for, the signature is awaited.
    spreading,  ///< Copies are on their way.
  };

  wire::Record record;
  Stage stage = Stage::preparing;
  bool is_signed = false;
  /// The nearest to the place, once they are known; ourselves left out.
  std::optional<wire::Contacts> targets{};
  /// Whether we are one of the nearest.
  bool belongs_here = false;
  /// R.
  std::uint32_t holders = 0;
  std::optional<Spread> spread{};
  /// Counts the spreads: answers to an earlier one say nothing of this one.
  std::uint32_t attempt = 0;
  /// Somebody was asked for the newer record that it claims to have.
  bool is_learning = false;
  /// The user has been told; the rest of the copies goes on.
  bool is_told = false;
};

}  // namespace trestle::dht
