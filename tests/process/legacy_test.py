"""The old dialect over real sockets: recorded conversations replayed against the programs, and a JavaScript peer that
joins through them."""

import hashlib
import json
import unittest

import recordings
from legacy_peer import LegacyPeer
from process_case import ProcessCase, url_of, wait_until
from web_socket import TEXT, Closed, WebSocket

ANSWERS = {"get_peers_or_genesis": "response", "register": "registered", "ping": "pong",
           "find_node": "find_node_response", "find_value": "find_value_response", "store": "store_response"}


class Conversation:
    """A text link on which requests are matched with answers, as a JavaScript peer does it."""

    def __init__(self, case, url):
        self.case = case
        self.socket = case.enterContext(WebSocket(url))
        self.unasked = []

    def say(self, frame):
        self.case.assertTrue(self.socket.send_text(json.dumps(frame, separators=(",", ":"))))

    def ask(self, frame):
        """Sends a recorded request and returns the answer that belongs to it."""
        self.say(frame)
        return self.hear(ANSWERS[frame["type"]], frame.get("requestId"))

    def hear(self, kind, request_id=None, timeout_s=10.0):
        """The next frame of that type (and request). Pings of the other side are answered, the rest is kept."""
        while True:
            got = self.socket.receive(timeout_s)
            if isinstance(got, Closed):
                self.case.fail(f"closed with {got} while waiting for {kind}")
            frame = json.loads(got.payload)
            if frame["type"] == kind and (request_id is None or frame.get("requestId") == request_id):
                return frame
            if frame["type"] == "ping":
                self.say({"type": "pong", "requestId": frame["requestId"], "originalTimestamp": frame["timestamp"],
                          "timestamp": frame["timestamp"]})
            self.unasked.append(frame)


class LegacyTest(ProcessCase):

    def assert_like_recorded(self, recorded, got):
        self.assertEqual(recordings.differences(recorded, got), [], f"recorded {recorded}\ngot {got}")
        self.assertEqual(*recordings.order_of_members(recorded, got))

    def answer_to(self, frames, request):
        """The recorded answer to a recorded request."""
        kind = ANSWERS[request["type"]]
        return next(entry["frame"] for entry in frames if entry["frame"]["type"] == kind
                    and entry["frame"].get("requestId") == request.get("requestId"))

    def link(self, program, peer_id):
        """A link opened by the recorded hello under that id; (conversation, answer to the hello)."""
        hello = next(entry["frame"] for entry in recordings.conversation("peer-handshake-and-ping")
                     if entry["frame"]["type"] == "dht_peer_hello")
        conversation = Conversation(self, program.url)
        conversation.say(recordings.replaced(hello, {hello["peerId"]: peer_id}))
        return conversation, conversation.hear("dht_peer_connected")

    def assert_nodes(self, nodes, target=None):
        """A list that a JavaScript lookup takes: valid ids, k at most, nearest first."""
        self.assertLessEqual(len(nodes), 20)
        ids = [node["id"] for node in nodes]
        for node_id in ids:
            self.assertRegex(node_id, r"^[0-9a-f]{40}$")
        if target is not None:
            self.assertEqual(ids, sorted(ids, key=lambda node_id: int(node_id, 16) ^ int(target, 16)))

    # ---- replayed recordings ----

    def test_peer_register_genesis(self):
        network = self.start_network(nodes=0)
        frames = recordings.conversation("peer-register-genesis")
        request, register = frames[0]["frame"], frames[2]["frame"]
        conversation = Conversation(self, network.bootstrap.url)
        answer = conversation.ask(request)  # before the registration, as every JavaScript client does
        self.assert_like_recorded(self.answer_to(frames, request), answer)
        self.assertIs(answer["success"], True)
        self.assertIs(answer["data"]["isGenesis"], True)
        self.assertEqual({peer["nodeId"]: peer["metadata"]["listeningAddress"] for peer in answer["data"]["peers"]},
                         {bridge.id: bridge.url for bridge in network.bridges})
        for peer in answer["data"]["peers"]:
            self.assertEqual((peer["metadata"]["isBridgeNode"], peer["metadata"]["nodeType"]), (True, "bridge"))

        registered = conversation.ask(register)
        self.assert_like_recorded(self.answer_to(frames, register), registered)
        self.assertEqual(registered["nodeId"], register["nodeId"])

    def test_open_network_onboarding(self):
        network = self.start_network(nodes=3)
        frames = recordings.conversation("open-network-onboarding")
        request = next(entry["frame"] for entry in frames if entry["frame"]["type"] == "get_peers_or_genesis")
        register = next(entry["frame"] for entry in frames if entry["frame"]["type"] == "register")
        conversation = Conversation(self, network.bootstrap.url)
        conversation.say(request)
        registered = conversation.ask(register)
        self.assert_like_recorded(self.answer_to(frames, register), registered)
        answer = next((frame for frame in conversation.unasked if frame["type"] == "response"), None) \
            or conversation.hear("response", request["requestId"])
        self.assertEqual(answer["requestId"], request["requestId"])
        self.assert_like_recorded(self.answer_to(frames, request), answer)
        self.assertEqual((answer["success"], answer["data"]["isGenesis"]), (True, False))
        known = {node.id: node.url for node in network.nodes}
        self.assertTrue(answer["data"]["peers"])
        for peer in answer["data"]["peers"]:
            # What a JavaScript client needs in order to dial: a valid id, an address, and a type it dials.
            self.assertEqual(peer["metadata"]["listeningAddress"], known.get(peer["nodeId"]))
            self.assertEqual(peer["metadata"]["nodeType"], "nodejs")

    def test_peer_handshake_and_ping(self):
        network = self.start_network(nodes=2)
        frames = recordings.conversation("peer-handshake-and-ping")
        peer_id = frames[0]["frame"]["peerId"]
        for program, bridge in ((network.nodes[0], False), (network.bridges[0], True)):
            with self.subTest(program.name):
                conversation, connected = self.link(program, peer_id)
                self.assert_like_recorded(frames[1]["frame"], connected)
                self.assertEqual((connected["bridgeNodeId"], connected["success"]), (program.id, True))
                self.assertEqual((connected["metadata"]["isBridgeNode"], connected["metadata"]["nodeType"]),
                                 (bridge, "bridge" if bridge else "nodejs"))
                ping = frames[2]["frame"]
                pong = conversation.ask(ping)
                recorded = next(entry["frame"] for entry in frames if entry["frame"]["type"] == "pong")
                self.assert_like_recorded(recorded, pong)
                self.assertEqual((pong["originalTimestamp"], pong["from"]), (ping["timestamp"], program.id))
                # Without a request id, which happens, the connection lives on.
                conversation.say({"type": "ping", "timestamp": 1})
                conversation.ask(ping | {"requestId": "again_1"})

    def replay(self, flow, targets):
        """Sends every recorded request of a flow to the program that stands for its receiver. For each: the
        request, the recorded answer, what we got."""
        frames = recordings.conversation(flow)
        links, exchanges = {}, []
        for entry in frames:
            request = entry["frame"]
            if request["type"] not in ("find_node", "find_value", "store", "ping"):
                continue
            role = "bridge" if entry["to"].startswith("bridge") else "peer"
            asker = request["from"]
            if (asker, role) not in links:
                links[asker, role] = self.link(targets[role], asker)[0]
            got = links[asker, role].ask(request)
            exchanges.append((request, self.answer_to(frames, request), got))
            self.assertEqual(got["requestId"], request["requestId"])
            self.assertEqual(got["from"], targets[role].id)
        self.assertTrue(exchanges)
        return exchanges

    def test_find_node(self):
        network = self.start_network(nodes=3)
        targets = {"peer": network.nodes[0], "bridge": network.bridges[0]}
        for request, recorded, got in self.replay("find-node", targets):
            self.assert_like_recorded(recorded, got)
            self.assertTrue(got["nodes"])
            self.assert_nodes(got["nodes"], request["target"])

    def test_find_value_and_store(self):
        network = self.start_network(nodes=3)
        targets = {"peer": network.nodes[0], "bridge": network.bridges[0]}
        for _, recorded, got in self.replay("store", {"peer": network.nodes[0]}):
            self.assert_like_recorded(recorded, got)
            self.assertIs(got["success"], True)
        found = 0
        for request, recorded, got in self.replay("find-value", targets):
            if got["found"]:
                found += 1
                self.assertEqual((request["key"], got["value"]), ("k1", {"v": 1}))
                self.assertNotIn("nodes", got)
            else:
                self.assert_nodes(got["nodes"], hashlib.sha1(request["key"].encode()).hexdigest())
            if got["found"] == recorded["found"]:
                self.assert_like_recorded(recorded, got)
        self.assertGreater(found, 0)

    def test_a_bridge_keeps_no_data_of_the_old_dialect_either(self):
        network = self.start_network(nodes=2)
        conversation, _ = self.link(network.bridges[0], "ab" * 20)
        got = conversation.ask({"type": "store", "requestId": "s_1", "key": "k", "value": 1, "nodeId": "ab" * 20})
        self.assertIs(got["success"], False)
        self.assertIsInstance(got["error"], str)

    def test_a_version_that_does_not_match(self):
        network = self.start_network(nodes=0)
        frames = recordings.conversation("version-mismatch")
        register = next(entry["frame"] for entry in frames if entry["frame"]["type"] == "register")
        conversation = Conversation(self, network.bootstrap.url)
        conversation.say(register | {"protocolVersion": "0.9.0"})
        got = conversation.hear("version_mismatch")
        recorded = next(entry["frame"] for entry in frames if entry["frame"]["type"] == "version_mismatch"
                        and "clientVersion" in entry["frame"])
        self.assert_like_recorded(recorded, got)
        closed, _ = conversation.socket.wait_closed()
        self.assertEqual(closed.code, 4001)

    def test_without_the_dialect_nobody_is_served(self):
        network = self.prepare_network()
        node = network.start_program("dht-node", "strict", "--listen", "127.0.0.1:0", "--legacy", "off",
                                     "--bootstrap", url_of(network.bootstrap_port))
        with WebSocket(node.url) as connection:
            connection.send_text(json.dumps({"type": "dht_peer_hello", "peerId": "ab" * 20, "metadata": None}))
            closed, messages = connection.wait_closed()
        self.assertNotIn(closed.code, (1000, 1005))  # on 1000 a JavaScript dialler sits out its handshake timer
        self.assertFalse([message for message in messages if message.opcode == TEXT], "a word in a dialect it refuses")

    # ---- a JavaScript peer among ours ----

    def test_a_javascript_peer_joins_writes_and_reads(self):
        network = self.start_network(nodes=3)
        writer, reader = network.nodes[0], network.nodes[-1]
        with LegacyPeer(network.bootstrap.url) as peer:
            wait_until(peer.node_links, 15, lambda: f"links: {peer.links}\n{peer.frames}\n{network.bootstrap.story()}")
            self.assertTrue(peer.received("registered"))

            self.assertTrue(peer.put("from-javascript", {"v": 1, "text": "grüße"}))
            code, out, err = network.get(reader, "from-javascript")
            self.assertEqual((code, json.loads(out or "null")), (0, {"v": 1, "text": "grüße"}), err)

            self.assert_put(network, writer, "from-native", "a native value")
            wait_until(lambda: peer.get("from-native") is not None, 10, lambda: f"{peer.links}\n{peer.frames[-20:]}")
            self.assertEqual(peer.get("from-native"), "a native value")

            # It stays: answered pings, one link per peer.
            self.assertTrue(peer.received("ping") or peer.received("pong"))
            self.assertIsNone(peer.get("absent"))
            self.assertIn(peer.id, [entry["id"] for node in network.nodes for entry in node.status()["peers"]])
            self.assert_never_two_connections(network, peer)
            self.assertEqual({entry["dialect"] for node in network.nodes for entry in node.status()["peers"]
                              if entry["id"] == peer.id}, {"legacy"})
        self.assert_get(network, writer, "from-native", "a native value")

    def assert_never_two_connections(self, network, peer):
        """None of ours has cost the peer both. (Two JavaScript peers do it to each other.)"""
        ours = {program.id for program in network.bridges + network.nodes}
        self.assertFalse(ours & set(peer.destroyed), network.nodes[0].story())

    def test_the_first_peer_of_a_network_may_be_a_javascript_peer(self):
        network = self.start_network(nodes=0)
        with LegacyPeer(network.bootstrap.url) as first:
            wait_until(lambda: first.links, 15, lambda: str(first.frames))
            self.assertIs(first.received("response")[0]["data"]["isGenesis"], True)
            self.assertLessEqual(set(first.links), {bridge.id for bridge in network.bridges})
            with LegacyPeer(network.bootstrap.url) as second:
                wait_until(lambda: second.node_links() or first.node_links(), 20,
                           lambda: f"{second.frames}\n{network.bootstrap.story()}")
                # Invited to each other they dial both, lose both connections, and find each other later.
                wait_until(lambda: first.put("k", {"n": 1}) or second.put("k", {"n": 1}), 20,
                           lambda: f"{first.destroyed} {second.destroyed}\n{second.frames}")
            node = network.start_node()
            wait_until(lambda: node.peer_count() >= 2, 20, node.story)
            self.assert_never_two_connections(network, first)


if __name__ == "__main__":
    unittest.main()
