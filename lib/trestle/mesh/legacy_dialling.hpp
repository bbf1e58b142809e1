#pragma once

#include "trestle/base/rng.hpp"
#include "trestle/base/time.hpp"

namespace trestle::mesh {

struct LegacyDiallingOptions {
  /// After an introduction the JavaScript side dials within 100 ms; we leave it this long plus a
  /// draw from `inbound_jitter` (protocol of the old dialect, section 4.3 b).
  Duration inbound_wait = std::chrono::seconds(1);
  Duration inbound_jitter = std::chrono::seconds(1);
  /// Where both sockets died, both sides would meet again at once; a random wait in these bounds
  /// parts them (section 4.3 d).
  Duration redial_min = std::chrono::seconds(2);
  Duration redial_max = std::chrono::seconds(10);
};

/// When to dial peers of the old dialect, whose tie-break does not work (two sockets between the
/// same peers often end in none). A policy of its own, so that its oddities stay out of the mesh.
class LegacyDialling {
 public:
  LegacyDialling(const LegacyDiallingOptions& options, Rng rng) : options_(options), rng_(rng) {}

  /// The wait before the first dial after we were told of each other.
  Duration draw_first_wait() {
    return options_.inbound_wait + rng_.between(Duration::zero(), options_.inbound_jitter);
  }
  /// The wait before dialling again after the link was lost.
  Duration draw_redial_wait() { return rng_.between(options_.redial_min, options_.redial_max); }

 private:
  LegacyDiallingOptions options_;
  Rng rng_;
};

}  // namespace trestle::mesh
