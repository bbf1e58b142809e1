#pragma once

#include <cstddef>

#include "trestle/base/rotating_subset.hpp"
#include "trestle/base/time.hpp"

namespace trestle::bridge {

struct IntroductionDeskOptions {
  /// Requests worked on at the same time (X8: 10 in service).
  std::size_t in_service_max = 10;
  /// Requests that wait behind them (X8: 100; BR8.2 asks for 100 at once without a failure).
  std::size_t waiting_max = 100;
  /// Starts of other classes that a waiting class sits through at most (X10), and how much of the
  /// queue no more urgent class takes from it; see TurnOrderOptions.
  std::size_t overtakes_max = 8;
  std::size_t class_places_kept = 10;
  /// No request lives longer, whatever budget it states (X6: hard sweep).
  Duration sweep_after = std::chrono::seconds(30);
  /// A member heard within this time counts as alive and is named unasked (P-CC-2).
  Duration heard_fresh = std::chrono::seconds(60);
  /// A silent member has this long to show itself. Several round trips of 500 ms (P-CR-1's worst
  /// latency) would be wasted on a dead one; two fit.
  Duration probe_wait = std::chrono::seconds(1);
  /// The answer leaves this long before the asker stops waiting, so that it arrives in time.
  Duration reply_margin = std::chrono::milliseconds(250);
  /// Contacts in one answer, members and alternatives each (find_node's k).
  std::size_t contacts_max = 20;
  /// Members remembered. A bridge on the server profile holds 200 links (SMp); the rest is slack.
  std::size_t members_max = 512;
  /// Members named to one newcomer, whatever it asks and however often, before they are others
  /// (T27).
  RotatingSubsetOptions named;
  /// Bounds of the wait stated with BUSY; drawn between them, so that the refused do not return
  /// together (BRIDGE-04, T21). 110 requests drain in about this time when members must be probed.
  Duration retry_after_min = std::chrono::milliseconds(250);
  Duration retry_after_max = std::chrono::milliseconds(1500);
};

}  // namespace trestle::bridge
