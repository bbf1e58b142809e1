#include "trestle/link/pinned_url.hpp"

#include <string>
#include <string_view>

#include "catch.hpp"
#include "support/wire_pair.hpp"

using namespace trestle;
using link::Channel;
using test::End;
using test::kStart;
using test::WirePair;

namespace {

/// Carries a dial of that address to its end.
WirePair dial(End& from, End& to, const std::string& url,
              wire::Dialect dialect = wire::Dialect::native) {
  WirePair pair(from, to);
  pair.dialled = from.channels->dial(kStart, url, dialect);
  pair.settle(kStart);
  return pair;
}

}  // namespace

TEST_CASE("an id behind the # is who must answer, and what is no id lets nobody in") {
  const std::string id(40, 'a');
  CHECK(link::parse_pinned_url("ws://a:1/x").url == "ws://a:1/x");
  CHECK_FALSE(link::parse_pinned_url("ws://a:1/x").id);
  const link::PinnedUrl pinned = link::parse_pinned_url("wss://a:1/x?y#" + id);
  CHECK(pinned.url == "wss://a:1/x?y");
  CHECK(pinned.id == NodeId::from_hex(id));
  for (const std::string& mistyped : {std::string(), id.substr(1), id + "a", "#" + id, id + "#"}) {
    CAPTURE(mistyped);
    const auto nobody = link::parse_pinned_url("ws://a:1#" + mistyped).id;
    REQUIRE(nobody);
    CHECK(nobody->is_zero());
  }
}

TEST_CASE("T5: who answers with another id than the address names is refused before it is told") {
  End bootstrap(1, wire::Role::bootstrap, {}, "the secret");
  End bridge(2, wire::Role::bridge, {}, "the secret");
  End impostor(3, wire::Role::bridge, {}, "the secret");
  const std::string url = "ws://bridge/path#" + bridge.id().to_hex();
  dial(bootstrap, bridge, url);
  REQUIRE(bootstrap.all<Channel::Opened>().size() == 1);
  CHECK(bootstrap.all<Channel::Opened>()[0].peer.id == bridge.id());
  CHECK(bootstrap.channels->refusals().unexpected == 0);

  // It knows the secret, and proves an id: another one.
  bootstrap.news.clear();
  const WirePair pair = dial(bootstrap, impostor, url);
  CHECK(bootstrap.all<Channel::Opened>().empty());
  CHECK(impostor.all<Channel::Opened>().empty());
  REQUIRE(bootstrap.all<Channel::Closed>().size() == 1);
  const auto closed = bootstrap.all<Channel::Closed>()[0];
  CHECK(closed.code == ErrorCode::unauthorized);
  CHECK(closed.text.find(bridge.id().to_hex()) != std::string::npos);
  CHECK(closed.text.find(impostor.id().to_hex()) != std::string::npos);
  CHECK(bootstrap.channels->refusals().unexpected == 1);
  // The hello and the goodbye: no proof of ours, and nothing that shows that we know the secret.
  CHECK(pair.frames_to_acceptor == 2);
  REQUIRE(impostor.all<Channel::Closed>().size() == 1);
  CHECK(impostor.all<Channel::Closed>()[0].code == ErrorCode::unauthorized);
}

TEST_CASE("T5: a node lets no other bootstrap node in than the one that its address names") {
  for (std::uint64_t seed = 10; seed < 30; ++seed) {
    End node(1, wire::Role::node);
    End expected(2, wire::Role::bootstrap);
    End other(seed, wire::Role::bootstrap);
    dial(node, other, "ws://bootstrap#" + expected.id().to_hex());
    CHECK(node.all<Channel::Opened>().empty());
    dial(node, expected, "ws://bootstrap#" + expected.id().to_hex());
    CHECK(node.all<Channel::Opened>().size() == 1);
    // A pin that was mistyped is not one that was left out.
    dial(node, expected, "ws://bootstrap#" + expected.id().to_hex().substr(1));
    CHECK(node.all<Channel::Opened>().size() == 1);
    CHECK(node.channels->refusals().unexpected == 2);
  }
}

TEST_CASE("what stands behind the # is neither dialled nor told") {
  End node(1, wire::Role::node);
  node.channels->dial(kStart, "ws://bootstrap:1/ws#" + std::string(40, 'a'));
  auto effect = node.channels->poll_effect();
  REQUIRE(effect);
  const auto& dialled = std::get<link::Dial>(std::get<link::TransportOrder>(*effect));
  CHECK(dialled.url == "ws://bootstrap:1/ws");
  node.channels->on_dialled(kStart, dialled.connection);
  while ((effect = node.channels->poll_effect())) {
    const auto* order = std::get_if<link::TransportOrder>(&*effect);
    const auto* frame = order == nullptr ? nullptr : std::get_if<link::SendFrame>(order);
    if (frame == nullptr) continue;
    const std::string_view bytes = as_text(frame->bytes);
    CHECK(bytes.find("ws://bootstrap:1/ws") != std::string_view::npos);
    CHECK(bytes.find("/ws#") == std::string_view::npos);
    CHECK(bytes.find("aaaaaaaa") == std::string_view::npos);
  }
}

TEST_CASE("the old dialect proves no id: it is not spoken where one is expected") {
  const std::string url = "ws://bootstrap#" + std::string(40, 'a');
  for (const bool as_client : {false, true}) {
    End node(1, wire::Role::node);
    End old(2, wire::Role::bootstrap);
    WirePair pair(node, old);
    pair.dialled = as_client ? node.channels->dial_as_old_client(kStart, url)
                             : node.channels->dial(kStart, url, wire::Dialect::legacy);
    pair.settle(kStart);
    CHECK(pair.frames_to_acceptor == 0);
    REQUIRE(node.all<Channel::Closed>().size() == 1);
    CHECK(node.all<Channel::Closed>()[0].code == ErrorCode::unauthorized);
    CHECK(node.channels->refusals().unexpected == 1);
  }
}
