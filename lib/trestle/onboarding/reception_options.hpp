#pragma once

#include <cstddef>
#include <cstdint>

#include "trestle/base/rate_account.hpp"
#include "trestle/base/rotating_subset.hpp"
#include "trestle/base/time.hpp"

namespace trestle::onboarding {

/// Who may join.
enum class Admission : std::uint8_t {
  open,
  /// Only whoever holds an invitation. Joins of nodes without one are answered UNAUTHORIZED.
  invitation,
};

/// Whether this bootstrap may declare an asker the first node of a new network (BOOT-08: under the
/// operator's control).
enum class Genesis : std::uint8_t {
  refused,
  /// When a connected bridge knows nobody.
  allowed,
  /// Also when no bridge is connected: the first node then starts with no peers at all.
  allowed_without_bridges,
};

struct ReceptionOptions {
  Admission admission = Admission::open;
  Genesis genesis = Genesis::refused;
  /// Registered clients (reliability section 10: 10,000 connections).
  std::size_t clients_max = 10'000;
  /// Joins under way (X8: 500 at the bootstrap).
  std::size_t joins_max = 500;
  /// Every join is answered within this time. The asker hears within 5 s (P-CC-1); the rest is for
  /// the way there and back.
  Duration answer_within = std::chrono::milliseconds(4500);
  /// The same while a connected bridge speaks the old dialect. Such a bridge looks for a helper
  /// first, typically 3 s, and may take 10 s (section 5.1 of its protocol): with 4.5 s its answers
  /// would be asked for and thrown away. The half second is for the way there and back.
  Duration answer_within_old_bridge = std::chrono::milliseconds(10'500);
  /// The question to a bridge carries a budget shorter than ours by this much, so that its answer
  /// arrives before we stop waiting for it.
  Duration ask_margin = std::chrono::milliseconds(250);
  /// Bridges asked one after the other while they know nobody: one that has just started must not
  /// make an old network look empty. Two is the reference network; four keeps within 5 s.
  unsigned asks_max = 4;
  /// Contacts in one answer (find_node's k), also for askers that want more.
  std::size_t contacts_max = 20;
  /// Live nodes named to one asker, whatever it asks and however often, before they are others
  /// (T27).
  RotatingSubsetOptions named{};
  /// Answers with peers to one identity. Whoever found too few links asks every ten seconds or more
  /// rarely (CCd), and is never refused; who comes back again and again, for its links go, or its
  /// program, has ten attempts before it must wait as long.
  Pace answers = {.every = std::chrono::seconds(10), .at_once = 10};
  /// An answer with no more peers than these costs nothing. Whoever has so few asks every two
  /// seconds (BOOT-07), and there is nothing to find out.
  std::size_t free_contacts_max = 2;
  /// Identities whose answers are counted: as many as can be registered.
  std::size_t counted_max = 10'000;
  /// Bounds of the wait stated with our own BUSY and BRIDGE_UNAVAILABLE (BOOT-07: 2 s), drawn
  /// between them so that the refused do not return together (RECOV-05).
  Duration retry_after_min = std::chrono::milliseconds(1500);
  Duration retry_after_max = std::chrono::milliseconds(2500);
};

}  // namespace trestle::onboarding
