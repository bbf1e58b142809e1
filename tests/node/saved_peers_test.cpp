// What a member keeps of its peers from one run to the next.

#include <algorithm>
#include <string>
#include <vector>

#include "catch.hpp"
#include "dht/contacts.hpp"
#include "node/driven_node.hpp"

using namespace trestle;
using test::DrivenNode;
using test::kNodeStart;
using test::NodeKind;
using namespace std::chrono_literals;

namespace {

wire::Contacts strangers(std::uint64_t seed, std::size_t count) {
  Rng rng(seed);
  wire::Contacts contacts;
  while (contacts.size() < count)
    contacts.push_back(dht::test::dialable(dht::test::random_id(rng)));
  return contacts;
}

/// What the node orders until `until`, its timers fired on time.
std::vector<node::Effect> effects_until(DrivenNode& node, Instant now, Instant until) {
  std::vector<node::Effect> all;
  while (true) {
    for (node::Effect& effect : node.drain(now)) all.push_back(std::move(effect));
    const Instant due = node->next_deadline();
    if (due > until) return all;
    now = std::max(now, due);
    node->on_deadline(now);
  }
}

std::vector<std::string> dialled(const std::vector<node::Effect>& effects) {
  std::vector<std::string> urls;
  for (const node::Effect& effect : effects) {
    if (const auto* dial = std::get_if<link::Dial>(&effect)) urls.push_back(dial->url);
  }
  return urls;
}

}  // namespace

TEST_CASE("The peers of the last run are dialled at once, the bootstrap node soon after") {
  DrivenNode node(NodeKind::dht, 1);
  const wire::Contacts before = strangers(1, 5);
  node->restore(kNodeStart, {.records = {}, .peers = before});
  node->start(kNodeStart);
  auto urls = dialled(effects_until(node, kNodeStart, kNodeStart + 200ms));
  for (const wire::Contact& peer : before) {
    CHECK(std::count(urls.begin(), urls.end(), peer.address) == 1);
  }
  for (std::string& url : dialled(effects_until(node, kNodeStart + 200ms, kNodeStart + 20s))) {
    urls.push_back(std::move(url));
  }
  CHECK(std::count(urls.begin(), urls.end(), "ws://bootstrap") == 1);
}

TEST_CASE("However many were remembered, no more than eight dials are under way") {
  DrivenNode node(NodeKind::dht, 2);
  node->restore(kNodeStart, {.records = {}, .peers = strangers(2, 500)});
  node->start(kNodeStart);
  const auto urls = dialled(effects_until(node, kNodeStart, kNodeStart + 5s));
  CHECK(urls.size() <= 9);  // the bootstrap node beside them
}

TEST_CASE("Peers are saved within the first minutes and at shutdown, never an empty list") {
  for (const bool has_some : {true, false}) {
    DrivenNode node(NodeKind::dht, 3);
    const wire::Contacts before = strangers(3, 3);
    if (has_some) node->restore(kNodeStart, {.records = {}, .peers = before});
    node->start(kNodeStart);
    std::size_t saved = 0;
    const auto look = [&](const std::vector<node::Effect>& effects) {
      for (const node::Effect& effect : effects) {
        const auto* save = std::get_if<node::SavePeers>(&effect);
        if (save == nullptr) continue;
        CHECK(save->peers == before);
        ++saved;
      }
    };
    look(effects_until(node, kNodeStart, kNodeStart + 2min));
    CHECK(saved == (has_some ? 1 : 0));
    node->begin_shutdown(kNodeStart + 2min);
    look(node.drain(kNodeStart + 2min));
    CHECK(saved == (has_some ? 2 : 0));
  }
}
