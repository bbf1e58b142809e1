// JavaScript peers sort their find_node answers by the hash of the id's text (protocol of the old
// dialect, section 0.3). To us such an answer is "some peers", in no order.
#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "catch.hpp"
#include "dht/lookup_bench.hpp"
#include "legacy/transcript.hpp"
#include "trestle/wire/legacy/codec.hpp"
#include "trestle/wire/legacy/metadata.hpp"

namespace trestle::dht {
namespace {

using namespace std::chrono_literals;
using test::at;
using test::dialable;
using test::random_id;

namespace legacy = wire::legacy;

/// A recorded question with its answer.
struct Asked {
  NodeId target{};
  wire::Contacts answer;
};

std::vector<Asked> recorded_answers() {
  std::vector<Asked> asked;
  for (const char* name : {"find-node", "genesis-connects-bridges", "open-network-onboarding",
                           "peer-handshake-and-ping", "peer-misc-probe"}) {
    std::map<std::string, NodeId> targets;
    for (const trestle::test::Recorded& recorded : trestle::test::read_transcript(name)) {
      if (!recorded.is_json) continue;
      const auto frame = legacy::decode(recorded.text);
      if (!frame) continue;
      if (const auto* question = std::get_if<legacy::FindNode>(&*frame)) {
        const auto target = NodeId::from_hex(question->target.value_or(""));
        if (target) targets[question->request_id] = *target;
      }
      const auto* found = std::get_if<legacy::FindNodeResponse>(&*frame);
      if (found == nullptr || !targets.contains(found->request_id)) continue;
      Asked one{targets[found->request_id], {}};
      for (const legacy::FoundNode& node : found->nodes) {
        one.answer.push_back(legacy::to_contact(node.id, node.metadata));
      }
      asked.push_back(std::move(one));
    }
  }
  return asked;
}

bool is_sorted_by_distance(const NodeId& target, const wire::Contacts& contacts) {
  return std::is_sorted(contacts.begin(), contacts.end(),
                        [&](const wire::Contact& left, const wire::Contact& right) {
                          return closer(target, left.id, right.id);
                        });
}

}  // namespace

TEST_CASE("Recorded text-hashed find_node answers do no harm: the true distance decides") {
  const std::vector<Asked> recordings = recorded_answers();
  REQUIRE(recordings.size() >= 10);
  std::size_t out_of_order = 0;
  for (const Asked& asked : recordings) {
    if (!is_sorted_by_distance(asked.target, asked.answer)) ++out_of_order;
    LookupOptions options;
    options.parallel_max = 1;
    options.steps = StepReport::told;
    const wire::Contact answerer = dialable(NodeId(~0ull, ~0ull, ~0u));
    Lookup lookup(NodeId(1, 2, 3), LookupKind::find_node, asked.target, "", options);
    lookup.add_seed({.contact = answerer, .connected = true});
    lookup.start(at(0s));
    std::vector<Candidate> named;
    std::set<NodeId> dialable_ones;
    for (const wire::Contact& contact : asked.answer) {
      named.push_back({.contact = contact});
      if (!contact.address.empty()) dialable_ones.insert(contact.id);
    }
    lookup.on_contacts(at(1ms), answerer.id, named);
    std::vector<NodeId> order;
    std::optional<LookupEnded> ended;
    while (auto effect = lookup.poll_effect()) {
      if (auto* end = std::get_if<LookupEnded>(&*effect)) {
        ended = std::move(*end);
        continue;
      }
      const NodeId peer = std::get<LookupAsk>(*effect).peer.id;
      if (peer == answerer.id) continue;
      order.push_back(peer);
      lookup.on_contacts(at(2ms), peer, {});
    }
    REQUIRE(ended);
    CHECK(order.size() == dialable_ones.size());
    for (std::size_t index = 1; index < order.size(); ++index) {
      CHECK(common_prefix_bits(asked.target, order[index - 1]) >=
            common_prefix_bits(asked.target, order[index]));
    }
    CHECK(is_sorted_by_distance(asked.target, ended->answered));
  }
  // The recordings show the disorder that this test is about.
  CHECK(out_of_order >= 1);
}

TEST_CASE("Among old peers that sort by text-hash a lookup finds the true neighbours of a key") {
  crypto::Suite suite(5);
  // Within what one answer holds everybody is named, whatever the order. Beyond that the honest
  // peers of our own dialect, here one in four, show the way.
  for (const std::size_t size : {12u, 20u, 80u}) {
    std::size_t found = 0;
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
      Rng rng(seed);
      std::vector<NodeId> ids;
      while (ids.size() < size) ids.push_back(random_id(rng));
      const NodeId target = random_id(rng);
      const auto by_text_hash = [&](const NodeId& id) {
        return distance(NodeId::from_bytes(suite.sha1(as_bytes(id.to_hex()))),
                        NodeId::from_bytes(suite.sha1(as_bytes(target.to_hex()))));
      };
      std::map<NodeId, NodeId> text_distance;
      for (const NodeId& id : ids) text_distance[id] = by_text_hash(id);
      Lookup lookup(NodeId(1, 2, 3), LookupKind::find_node, target, "", {});
      lookup.add_seed({.contact = dialable(ids[0]), .connected = true});
      lookup.start(at(0s));
      NodeId nearest_found{};
      while (auto effect = lookup.poll_effect()) {
        if (auto* ended = std::get_if<LookupEnded>(&*effect)) {
          nearest_found = ended->answered.front().id;
          break;
        }
        const NodeId peer = std::get<LookupAsk>(*effect).peer.id;
        const bool native = peer.low() % 4 == 0;
        std::vector<NodeId> known = ids;
        std::sort(known.begin(), known.end(), [&](const NodeId& left, const NodeId& right) {
          if (native) return closer(target, left, right);
          return text_distance[left] < text_distance[right];
        });
        known.resize(std::min<std::size_t>(known.size(), 20));
        std::vector<Candidate> named;
        for (const NodeId& id : known) named.push_back({.contact = dialable(id)});
        lookup.on_contacts(at(1ms), peer, named);
      }
      const NodeId truth = *std::min_element(
          ids.begin(), ids.end(),
          [&](const NodeId& left, const NodeId& right) { return closer(target, left, right); });
      if (nearest_found == truth) ++found;
    }
    CAPTURE(size);
    CHECK(found == 40);
  }
}

}  // namespace trestle::dht
