// Which addresses a network tells whom, where inside and outside have names of their own.

#include <algorithm>
#include <functional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "catch.hpp"
#include "hand_made.hpp"
#include "seeds.hpp"
#include "trestle/sim/wholeness.hpp"

namespace trestle::sim::test {
namespace {

using namespace std::chrono_literals;

std::string external_of(NodeIndex node) {
  return "ws://n" + std::to_string(node) + ".example:443/";
}
std::string internal_of(NodeIndex node) {
  return "ws://n" + std::to_string(node) + ".inside:9000/";
}

/// Reads every frame that is sent and finds the addresses in it, whatever record they stand in: an
/// address is text, also on the wire.
class AddressScanner : public Observer {
 public:
  explicit AddressScanner(std::set<std::string> externals) : externals_(std::move(externals)) {}

  void observe(World& world, const Happening& happening) override {
    if (happening.kind == HappeningKind::dial_ordered && happening.peer != kNoNode &&
        happening.text.find("inside") != happening.text.npos) {
      ++dialled_inside;
    }
    if (happening.kind != HappeningKind::frame_ordered) return;
    const std::string_view text(reinterpret_cast<const char*>(happening.bytes.data()),
                                happening.bytes.size());
    const bool is_hello = std::ranges::any_of(
        happening.records, [](const RecordHead& record) { return record.name == "hello"; });
    constexpr std::string_view kScheme = "ws://";
    std::size_t own = 0;
    for (std::size_t at = text.find(kScheme); at != text.npos; at = text.find(kScheme, at + 1)) {
      const std::string_view url = text.substr(at);
      const bool is_external = std::ranges::any_of(
          externals_, [&](const std::string& external) { return url.starts_with(external); });
      // A hello says to a listener under which of its own names it was dialled.
      const bool is_own = is_hello && url.starts_with(world.url(happening.peer));
      if (is_external) {
        ++told;
      } else if (is_own) {
        ++own;
      } else {
        world.report_violation("P-CR-14", "told: " + std::string(url.substr(0, 40)));
      }
    }
    std::size_t inside = 0;
    for (std::size_t at = text.find("inside"); at != text.npos; at = text.find("inside", at + 1)) {
      ++inside;
    }
    if (own > 1 || inside != own) {
      world.report_violation("P-CR-14", "an internal name in a frame");
    }
  }

  std::uint64_t told = 0;
  std::uint64_t dialled_inside = 0;  ///< Dials that reached a node under its internal name.

 private:
  std::set<std::string> externals_;
};

/// Which nodes are dialled under an internal name by those inside, and what everybody is told.
struct Layout {
  std::vector<bool> is_inside;
  std::uint32_t bridges = 0;

  NodeIndex size() const { return static_cast<NodeIndex>(is_inside.size()); }
  /// Where the node listens: the simulated network has one name for each.
  std::string listening(NodeIndex node) const {
    return is_inside[node] ? internal_of(node) : external_of(node);
  }
  std::set<std::string> externals() const {
    std::set<std::string> all;
    for (NodeIndex node = 0; node < size(); ++node) all.insert(external_of(node));
    return all;
  }
};

Layout draw_layout(Rng& rng) {
  Layout layout;
  layout.bridges = static_cast<std::uint32_t>(1 + rng.below(3));
  const std::uint64_t members = 3 + rng.below(6);
  for (std::uint64_t node = 0; node < 1 + layout.bridges + members; ++node) {
    // Members lie outside: whoever dials them knows what they advertise and nothing else.
    layout.is_inside.push_back(node <= layout.bridges && rng.chance(1, 2));
  }
  return layout;
}

void build(World& world, const Layout& layout) {
  add_bootstrap(world, layout.listening(0), [layout] {
    node::BootstrapOptions options;
    options.common.address = external_of(0);
    options.genesis = true;
    for (NodeIndex bridge = 1; bridge <= layout.bridges; ++bridge) {
      options.bridges.push_back({{internal_of(bridge), external_of(bridge)}});
    }
    return options;
  });
  for (NodeIndex node = 1; node < layout.size(); ++node) {
    const std::string bootstrap = layout.listening(0);
    if (node <= layout.bridges) {
      add_bridge(world, layout.listening(node), [node, bootstrap] {
        node::BridgeOptions options;
        options.common.address = external_of(node);
        options.bootstrap_urls = {bootstrap};
        return options;
      });
    } else {
      add_member(world, layout.listening(node), [node, bootstrap] {
        node::NodeOptions options;
        options.common.address = external_of(node);
        options.bootstrap_urls = {bootstrap};
        return options;
      });
    }
  }
}

TEST_CASE("P-CR-14: whatever is dialled inside, nobody is ever told an internal address") {
  std::uint64_t through_internal = 0;
  for (std::uint64_t seed = 1; seed <= seeds_or(100); ++seed) {
    CAPTURE(seed);
    Rng draws = Rng(seed).fork("layout");
    const Layout layout = draw_layout(draws);
    WorldOptions options;
    options.seed = seed;
    World world(options);
    build(world, layout);
    AddressScanner scanner(layout.externals());
    world.add_observer(scanner);
    for (NodeIndex node = 0; node < layout.size(); ++node) {
      world.schedule(Instant(100ms * node), [node](World& when) { when.start(node); });
    }
    world.run_until(Instant(45s));
    INFO(world.report());
    REQUIRE_FALSE(world.violation());
    CHECK(scanner.told > 20);
    through_internal += scanner.dialled_inside;
    std::vector<NodeIndex> members;
    for (NodeIndex node = layout.bridges + 1; node < layout.size(); ++node) members.push_back(node);
    CHECK(parts_of(world, members) == 1);
    const std::set<std::string> externals = layout.externals();
    for (NodeIndex node = 0; node < layout.size(); ++node) {
      const node::Status status = world.node(node).status(world.now());
      for (const node::PeerStatus& peer : status.peers) {
        CHECK((peer.address.empty() || externals.contains(peer.address)));
      }
    }
  }
  CHECK(through_internal > 0);  // the internal candidates were in use
}

}  // namespace
}  // namespace trestle::sim::test
