"""Bridges of both systems side by side: JavaScript bridges at our bootstrap node, and our bridge at a JavaScript
bootstrap. The JavaScript sides are written after the recordings and share no code with ours."""

import concurrent.futures
import json
import threading
import time
import unittest

import recordings
from legacy_bootstrap import LegacyBootstrap
from legacy_bridge import HARMLESS, ANSWERS, LegacyBridge
from legacy_peer import LegacyPeer
from process_case import ProcessCase, url_of, wait_until
from legacy_test import Conversation
from web_socket import Closed

MIXED_NEWCOMERS = 6


class JavaScriptBridges(ProcessCase):
    """A JavaScript-style bridge at our bootstrap node."""

    def network_with(self, nodes=1, bridges=1, **how):
        network = self.start_network(nodes, bridges=bridges, **how)
        network.secret = network.legacy_secret_file.read_text().strip()
        return network

    def bridge_at(self, network, members=1, secret=None, **how):
        """A JavaScript bridge that is attached and linked to members."""
        bridge = self.enterContext(LegacyBridge(network.bootstrap.url, secret or network.secret, **how))
        wait_until(lambda: len(bridge.node_links()) >= members, 15,
                   lambda: f"links of the bridge: {bridge.links}\n{bridge.frames}\n{network.bootstrap.story()}")
        return bridge

    def assert_unharmed(self, *bridges):
        """No frame that kills a JavaScript bridge was written to it, nor any that it has no business getting."""
        for bridge in bridges:
            self.assertIsNone(bridge.killed_by)
            self.assertEqual(bridge.surprises, [])
            kinds = {frame["type"] for who, frame in list(bridge.frames) if who == "bootstrap"}
            self.assertLessEqual(kinds, HARMLESS | ANSWERS)

    def joins(self, network, newcomers):
        """Lets so many native and JavaScript newcomers join in turn; all of them are linked in the end."""
        peers = []
        for index in range(newcomers):
            if index % 2:
                peers.append(self.enterContext(LegacyPeer(network.bootstrap.url)))
                wait_until(peers[-1].node_links, 25, lambda: f"{peers[-1].frames}\n{network.bootstrap.story()}")
            else:
                node = network.start_node()
                wait_until(lambda: node.peer_count() >= 1, 25, node.story)
        return peers

    def test_native_and_javascript_newcomers_join_through_bridges_of_both_kinds(self):
        network = self.network_with(nodes=2, bridges=1)
        bridges = [self.bridge_at(network), self.bridge_at(network)]
        wait_until(lambda: sum(slot["state"] == "connected" for slot in network.bootstrap.status()["bridges"]) == 3, 10,
                   lambda: str(network.bootstrap.status()["bridges"]))
        peers = self.joins(network, MIXED_NEWCOMERS)
        # One rotation: each of the three was asked.
        for bridge in bridges:
            self.assertTrue(bridge.asked, f"{[len(one.asked) for one in bridges]}\n{network.bootstrap.story()}")
        slots = network.bootstrap.status()["bridges"]
        self.assertEqual(sum(slot["requests"] > 0 for slot in slots), 3, slots)
        writer, reader = network.nodes[0], network.nodes[-1]
        self.assert_put(network, writer, "among-all", "a value")
        self.assert_get(network, reader, "among-all", "a value")
        wait_until(lambda: any(peer.get("among-all") == "a value" for peer in peers), 15, lambda: str(peers))
        self.assert_unharmed(*bridges)

    def test_a_bridge_gives_its_token_to_a_javascript_newcomer_as_it_came(self):
        network = self.network_with(nodes=1, bridges=0)
        bridge = self.bridge_at(network)
        with LegacyPeer(network.bootstrap.url) as peer:
            wait_until(peer.node_links, 20, lambda: f"{peer.frames}\n{network.bootstrap.story()}")
            offer = peer.received("response")[0]["data"]
            token = bridge.tokens[peer.id]
            self.assertEqual(json.dumps(offer["membershipToken"]), json.dumps(token))  # in the bridge's own order
            self.assertEqual((offer["status"], offer["isGenesis"]), ("peer_found", False))
            self.assertEqual([entry["nodeId"] for entry in offer["peers"]], [network.nodes[0].id])
            question = next(frame for frame in bridge.asked if frame["newNodeId"] == peer.id)
            recorded = next(entry["frame"] for entry in recordings.conversation("open-network-onboarding")
                            if entry["frame"]["type"] == "get_onboarding_peer")
            self.assertEqual(recordings.differences(recorded, question), [])
            self.assertEqual(*recordings.order_of_members(recorded, question))
        self.assert_unharmed(bridge)

    def test_a_bridge_that_knows_nobody_names_other_ways_in(self):
        network = self.network_with(nodes=2, bridges=0)
        bridge = self.bridge_at(network, manner="refusing")
        with LegacyPeer(network.bootstrap.url) as peer:
            wait_until(peer.node_links, 20, lambda: f"{peer.frames}\n{network.bootstrap.story()}")
            offer = peer.received("response")[0]["data"]
            self.assertIs(offer["emergencyMode"], True)
            self.assertTrue(offer["peers"])
        self.assertTrue(bridge.asked)
        self.assert_unharmed(bridge)

    def test_silent_mistaken_and_senseless_answers_keep_nobody_out(self):
        def join_past(manner):
            network = self.network_with(nodes=2, bridges=0)
            bridge = self.bridge_at(network, manner=manner)
            began = time.monotonic()
            with LegacyPeer(network.bootstrap.url) as peer:
                wait_until(lambda: peer.node_links() and peer.received("response"), 25,
                           lambda: f"{peer.frames}\n{network.bootstrap.story()}")
                took = time.monotonic() - began
                self.assertIs(peer.received("response")[0]["data"]["emergencyMode"], True)
            self.assertTrue(bridge.asked)
            self.assertLess(took, 14.0)
            self.assert_unharmed(bridge)

        # Three networks side by side: each spends ten seconds on waiting for its bridge.
        manners = ("silent", "mistaken", "senseless")
        with concurrent.futures.ThreadPoolExecutor(len(manners)) as threads:
            stories = {manner: threads.submit(join_past, manner) for manner in manners}
        for manner, story in stories.items():
            with self.subTest(manner):
                story.result()

    def test_a_slow_bridge_has_ten_seconds(self):
        network = self.network_with(nodes=1, bridges=0)
        bridge = self.bridge_at(network, delay_s=7.0)
        node = network.start_node()  # both kinds wait for it at the same time
        with LegacyPeer(network.bootstrap.url) as peer:
            wait_until(lambda: peer.received("response"), 15, lambda: f"{peer.frames}\n{network.bootstrap.story()}")
            self.assertEqual(peer.received("response")[0]["data"]["status"], "peer_found")
        wait_until(lambda: node.peer_count() >= 1, 25, node.story)
        self.assertEqual(network.admission(node)["outcome"], "introduced")
        self.assert_unharmed(bridge)

    def test_a_bridge_that_is_lost_in_the_middle_is_replaced(self):
        network = self.network_with(nodes=2, bridges=1)
        lost = self.bridge_at(network, manner="silent")
        joined = []

        def join():
            for _ in range(2):
                with LegacyPeer(network.bootstrap.url) as peer:
                    wait_until(peer.node_links, 25, lambda: str(peer.frames))
                    joined.append(peer.received("response")[0]["data"].get("status"))
        thread = threading.Thread(target=join)
        thread.start()
        wait_until(lambda: lost.asked, 25, network.bootstrap.story)
        lost.lose_bootstrap()
        thread.join(60)
        self.assertEqual(joined, ["peer_found", "peer_found"], network.bootstrap.story())
        network.bootstrap.wait_event("bridge.detached")
        self.assert_unharmed(lost)

    def test_nobody_is_a_bridge_without_the_secret(self):
        network = self.network_with(nodes=2, bridges=1)
        secrets = ("not-the-secret", network.secret_file.read_text().strip(), None)
        strangers = [self.enterContext(LegacyBridge(network.bootstrap.url, secret)) for secret in secrets]
        for stranger in strangers:
            wait_until(lambda stranger=stranger: stranger.received("registered"), 10, network.bootstrap.story)
        peers = [self.enterContext(LegacyPeer(network.bootstrap.url)) for _ in secrets]
        for peer in peers:
            wait_until(peer.node_links, 20, lambda peer=peer: str(peer.frames))
        for stranger in strangers:
            self.assertEqual(stranger.asked, [])
            self.assert_unharmed(stranger)
        refused = network.bootstrap.wait_event("legacy.bridge_refused")
        self.assertIn("legacy-bridge-secret-file", refused["detail"])

    def test_what_kills_a_bridge_is_never_written_to_it(self):
        network = self.network_with(nodes=1, bridges=0)
        bridge = self.bridge_at(network)
        frames = [entry["frame"] for flow in ("bridge-crash-on-invitation", "bootstrap-crash-on-bad-token")
                  for entry in recordings.conversation(flow)
                  if entry["to"] == "bootstrap" and entry["frame"]["type"] not in ("bridge_health_update",)]
        victims = {frame["targetPeerId"] for frame in frames if frame["type"] == "send_invitation"}
        conversations = {}  # by id: a client keeps its own as long as its connection
        for frame in frames:
            frame = recordings.replaced(frame, {victim: bridge.id for victim in victims})
            if frame["type"] == "register":
                if frame["nodeId"] not in conversations:
                    conversations[frame["nodeId"]] = Conversation(self, network.bootstrap.url)
                conversation = conversations[frame["nodeId"]]
            if frame["type"] in ("register", "get_connected_clients", "send_invitation"):
                conversation.say(frame)
            if frame["type"] == "send_invitation":
                invited, inviter = frame, conversation
        answer = inviter.hear("response", invited["requestId"])
        self.assertEqual(answer["data"], {"message": "Invitation sent to bridge node successfully",
                                          "targetPeer": bridge.id})
        for frame in ({"type": "signal", "fromPeer": "ab" * 20, "toPeer": bridge.id, "signal": {}},
                      {"type": "join_peer", "targetPeer": bridge.id},
                      {"type": "relay_request", "targetPeerId": bridge.id, "sessionId": "s"}):
            conversation.say(frame)
        conversation.say({"type": "forward_signal", "fromPeer": "ab" * 20, "toPeer": bridge.id, "signal": {},
                          "requestId": "f"})
        self.assertEqual(conversation.hear("error")["error"], "Target peer not available")
        node = network.start_node()
        wait_until(lambda: node.peer_count() >= 1, 20, node.story)
        self.assertTrue(bridge.asked)
        self.assert_unharmed(bridge)

    def test_after_a_restart_without_bridges_the_connected_clients_are_offered(self):
        network = self.network_with(nodes=1, bridges=0)
        bridge = self.bridge_at(network)
        with LegacyPeer(network.bootstrap.url) as settled:
            wait_until(settled.node_links, 20, lambda: str(settled.frames))
            network.bootstrap.kill()
            network.start_bootstrap()
            # The JavaScript bridge has peers and stays away; a peer that lost its connection registers again.
            settled.call(settled.reconnect())
            with LegacyPeer(network.bootstrap.url) as peer:
                wait_until(peer.node_links, 20, lambda: f"{peer.frames}\n{network.bootstrap.story()}")
                recorded = [entry["frame"] for entry in recordings.conversation("bootstrap-restart-no-bridges-fallback")
                            if entry["frame"]["type"] == "response" and entry["frame"]["data"].get("emergencyMode")]
                answer = next(frame for frame in peer.received("response") if frame["data"]["peers"])
                self.assertEqual(recordings.differences(recorded[0], answer), [])
                self.assertIs(answer["data"]["emergencyMode"], True)
        self.assert_unharmed(bridge)


class OurBridge(ProcessCase):
    """Our bridge-node and dht-node at a JavaScript-style bootstrap."""

    def setUp(self):
        self.network = self.prepare_network(bridges=1)
        self.secret = self.network.legacy_secret_file.read_text().strip()
        self.bootstrap = self.enterContext(LegacyBootstrap(self.network.bootstrap_port, self.secret))

    def start_bridge(self):
        bridge = self.network.start_bridge(0)
        wait_until(lambda: bridge.id in self.bootstrap.clients, 15, bridge.story)
        return bridge

    def story(self):
        return f"{self.bootstrap.frames}\n" + "\n".join(p.story() for p in self.network.running())

    def test_a_bridge_registers_as_the_old_bootstrap_expects(self):
        bridge = self.start_bridge()
        recorded = [entry["frame"] for entry in recordings.conversation("bridge-register")]
        asked, registered = self.bootstrap.received("get_peers_or_genesis")[0], self.bootstrap.received("register")[0]
        kinds = [frame["type"] for _, frame in self.bootstrap.frames][:2]
        self.assertEqual(kinds, ["get_peers_or_genesis", "register"])
        for frame, like in ((asked, recorded[0]), (registered, recorded[2])):
            self.assertEqual(recordings.differences(like, frame), [])
            self.assertEqual(list(frame), [name for name in like if name in frame])
            metadata = frame["metadata"]
            self.assertEqual((metadata["isBridgeNode"], metadata["nodeType"], metadata["listeningAddress"]),
                             (True, "bridge", bridge.url))
            self.assertRegex(frame.get("buildId", "node_"), "^node_")
        self.assertNotIn(self.secret, "".join(map(str, self.bootstrap.texts)), "the shared secret was told in clear")
        self.assertTrue(self.bootstrap.ping(bridge.id))
        wait_until(lambda: bridge.id in self.bootstrap.authorised, 10, self.story)

    def test_newcomers_of_both_kinds_join_through_it(self):
        bridge = self.start_bridge()
        nobody = self.bootstrap.introduce("ab" * 20, {"nodeType": "nodejs"})
        self.assertIs(nobody[1]["success"], False)
        self.assertIs(nobody[1]["data"]["emergencyMode"], True)
        self.assertEqual(nobody[1]["data"]["networkState"]["bridgeNodeId"], bridge.id)

        with LegacyPeer(self.bootstrap.url) as first:
            wait_until(lambda: bridge.id in first.links, 15, self.story)
            with LegacyPeer(self.bootstrap.url) as second:
                wait_until(lambda: second.received("response"), 15, self.story)
                answer = self.bootstrap.introductions[-1]
                recorded = next(entry["frame"] for entry in recordings.conversation("open-network-onboarding")
                                if entry["frame"]["type"] == "onboarding_peer_response")
                self.assertEqual(recordings.differences(recorded, answer[1]), [])
                self.assertEqual(*recordings.order_of_members(recorded, answer[1]))
                self.assertEqual(answer[1]["data"]["inviterPeerId"], first.id)
                self.assertLess(answer[2], 10.0)
                # The helper was told whom to invite, as a JavaScript bridge tells it.
                wait_until(lambda: first.received("create_invitation_for_peer"), 5, self.story)
                told = first.received("create_invitation_for_peer")[0]
                like = next(entry["frame"] for entry in recordings.conversation("open-network-onboarding")
                            if entry["frame"]["type"] == "create_invitation_for_peer")
                self.assertEqual(recordings.differences(like, told), [])
                self.assertEqual(told["targetNodeId"], second.id)

                node = self.network.start_node()
                wait_until(lambda: node.peer_count() >= 1, 25, lambda: node.story() + self.story())
                self.assertIn(node.id, self.bootstrap.clients)
                self.assert_put(self.network, node, "from-native", "a value")
                wait_until(lambda: first.get("from-native") == "a value" or second.get("from-native") == "a value", 15,
                           self.story)
                other = self.network.start_node()
                wait_until(lambda: other.peer_count() >= 1, 25, lambda: other.story() + self.story())
                self.assert_get(self.network, other, "from-native", "a value")
                self.assertFalse({bridge.id, node.id, other.id} & set(first.destroyed + second.destroyed))

    def test_the_first_node_of_an_old_network_may_be_native(self):
        bridge = self.start_bridge()
        node = self.network.start_node()
        wait_until(lambda: node.peer_count() >= 1, 25, lambda: node.story() + self.story())
        self.assertEqual(self.bootstrap.genesis, node.id)
        with LegacyPeer(self.bootstrap.url) as peer:
            wait_until(lambda: node.id in peer.links, 20, self.story)
            self.assertEqual(self.bootstrap.introductions[-1][0], bridge.id)

    def test_a_lost_registration_is_made_again(self):
        bridge = self.start_bridge()
        with LegacyPeer(self.bootstrap.url) as peer:
            wait_until(lambda: bridge.id in peer.links, 15, self.story)
            # With members it has no need to ask, and still comes back: only there it is asked for introductions.
            for _ in range(2):
                self.bootstrap.drop(bridge.id)
                wait_until(lambda: bridge.id not in self.bootstrap.clients, 5, self.story)
                wait_until(lambda: bridge.id in self.bootstrap.clients, 15, self.story)
            self.assertIs(self.bootstrap.introduce("cd" * 20, {"nodeType": "nodejs"})[1]["success"], True)
            self.bootstrap.stop()
            with LegacyBootstrap(self.network.bootstrap_port, self.secret) as again:
                wait_until(lambda: bridge.id in again.clients, 40, bridge.story)
                self.assertIs(again.introduce("ef" * 20, {"nodeType": "nodejs"})[1]["success"], True)
                wait_until(lambda: again.received("bridge_health_update"), 10, bridge.story)
                like = next(entry["frame"] for entry in recordings.conversation("bridge-keepalive-and-health")
                            if entry["frame"]["type"] == "bridge_health_update")
                health = again.received("bridge_health_update")[0]
                self.assertEqual(recordings.differences(like, health), [])
                self.assertEqual(*recordings.order_of_members(like, health))

    def test_many_questions_at_once_are_answered_or_refused(self):
        bridge = self.start_bridge()
        with LegacyPeer(self.bootstrap.url) as peer:
            wait_until(lambda: bridge.id in peer.links, 15, self.story)
            answers = []
            threads = [threading.Thread(target=lambda index=index: answers.append(
                self.bootstrap.introduce(f"{index:040x}", {"nodeType": "nodejs"}))) for index in range(1, 41)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(30)
            self.assertEqual(len(answers), 40)
            self.assertTrue(all(answer is not None for answer in answers))

    # ---- the connection that a JavaScript bootstrap opens ----

    def authenticated(self, bridge, token=None):
        conversation = Conversation(self, bridge.url)
        conversation.say({"type": "bootstrap_auth", "auth_token": token or self.secret, "bootstrapServer": "probe"})
        return conversation

    def test_a_bootstrap_that_shows_the_secret_is_let_in(self):
        bridge = self.start_bridge()
        recorded = [entry["frame"] for entry in recordings.conversation("bridge-bootstrap-link-requests")
                    if entry["conn"].startswith("probe")]
        conversation = self.authenticated(bridge)
        genesis = recorded[4] if recorded[4]["type"] == "connect_genesis_peer" else \
            next(frame for frame in recorded if frame["type"] == "connect_genesis_peer")
        answers = {"auth_success": None, "pong": {"type": "ping", "requestId": "k1", "timestamp": 1795254305951},
                   "genesis_connection_result": genesis}
        for kind, request in answers.items():
            if request:
                conversation.say(request)
            got = conversation.hear(kind)
            like = next(frame for frame in recorded if frame["type"] == kind)
            opaque = ("networkFingerprint",)
            self.assertEqual(recordings.differences(like, got, opaque=opaque)
                             if kind != "genesis_connection_result" else
                             [one for one in recordings.differences(like, got) if "networkFingerprint" not in one], [])
            self.assertEqual(*recordings.order_of_members(like, got))
            self.assertEqual(got["from"], bridge.id)
        self.assertEqual(got["membershipToken"]["signature"], "bridge-issued-genesis-token")
        for request in (frame for frame in recorded if frame["type"] == "validate_reconnection"):
            conversation.say(request)
            got = conversation.hear("reconnection_result", request["requestId"])
            like = next(frame for frame in recorded if frame["type"] == "reconnection_result"
                        and frame["requestId"] == request["requestId"])
            self.assertEqual(recordings.differences(like, got), [])
            self.assertEqual(*recordings.order_of_members(like, got))
            self.assertIs(got["success"], False)
        # Left alone it stays; closed for idleness, nothing happens.
        conversation.socket.close(1000)
        self.assertTrue(self.bootstrap.ping(bridge.id))

    def test_a_member_that_comes_back_is_vouched_for_while_the_network_is_there(self):
        bridge = self.start_bridge()
        with LegacyPeer(self.bootstrap.url) as first, LegacyPeer(self.bootstrap.url) as second:
            wait_until(lambda: bridge.id in first.links, 15, self.story)
            node = self.network.start_node()
            wait_until(lambda: bridge.peer_count() >= 2, 25, self.story)
            conversation = self.authenticated(bridge)
            conversation.hear("auth_success")
            conversation.say({"type": "validate_reconnection", "nodeId": second.id, "membershipToken": {
                "holder": second.id, "issuer": first.id, "signature": "00"}, "requestId": "v3", "timestamp": 1})
            got = conversation.hear("reconnection_result", "v3")
            self.assertIs(got["success"], True, got)
            self.assertGreaterEqual(got["activePeerCount"], 2)
            self.assertIn(got["selectedActiveMember"]["nodeId"], [first.id, node.id])

    def test_a_bootstrap_with_another_secret_is_sent_away(self):
        bridge = self.start_bridge()
        for secret in ("wrong", self.network.secret_file.read_text().strip()):
            closed, messages = self.authenticated(bridge, secret).socket.wait_closed()
            self.assertEqual((closed, messages), (Closed(1000, "Unauthorized - invalid bridge auth token"), []))
        node = self.network.start_node()
        closed, messages = self.authenticated(node).socket.wait_closed()
        self.assertEqual(messages, [])
        self.assertNotEqual(closed.code, 1005)

    def test_with_the_dialect_off_the_old_bootstrap_is_of_no_use(self):
        node = self.network.start_program("dht-node", "strict", "--listen", "127.0.0.1:0", "--legacy", "off",
                                          "--bootstrap", url_of(self.network.bootstrap_port))
        node.wait_event("join.bootstrap_failed")
        self.assertEqual(self.bootstrap.clients, {})
        self.assertGreater(self.bootstrap.invalid, 0)


if __name__ == "__main__":
    unittest.main()
