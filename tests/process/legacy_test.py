"""The old dialect over real sockets: recorded conversations replayed against the programs, and a JavaScript peer that
joins through them."""

import base64
import hashlib
import json
import unittest

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils

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

    # ---- recordings of a client at the bootstrap ----

    def sent_in(self, flow):
        """Per connection of a recording: what the client sent, and what it got; (sent, got, close or None)."""
        connections = {}
        for entry in recordings.events(flow):
            sent, got, ends = connections.setdefault(entry["conn"], ([], [], []))
            if "frame" in entry:
                (sent if entry["to"] == "bootstrap" else got).append(entry["frame"])
            elif entry.get("event", {}).get("kind") == "closed":
                ends.append(entry["event"])
        return connections

    def assert_version_replay(self, bootstrap, sent, got, ends):
        conversation = Conversation(self, bootstrap.url)
        conversation.say(sent[0])
        answer = conversation.hear(got[0]["type"])
        self.assert_like_recorded(got[0], answer)
        for name in ("clientVersion", "clientBuildId", "message", "nodeId"):
            self.assertEqual(answer.get(name), got[0].get(name))
        if got[0]["type"] == "version_mismatch":
            closed, _ = conversation.socket.wait_closed()
            self.assertEqual((closed.code, closed.reason), (ends[0]["code"], ends[0]["reason"]))

    def test_versions(self):
        network = self.start_network(nodes=0)
        refused = 0
        for sent, got, ends in self.sent_in("version-mismatch").values():
            with self.subTest(sent[0].get("protocolVersion")):
                self.assert_version_replay(network.bootstrap, sent, got, ends)
                refused += got[0]["type"] == "version_mismatch"
        self.assertGreater(refused, 0)

    def test_builds_are_compared_only_where_both_have_one(self):
        network = self.start_network(nodes=0)
        for sent, got, ends in self.sent_in("build-mismatch").values():
            with self.subTest(sent[0].get("buildId")):
                # Ours is no bundle, so what the recorded server refused for its build is welcome here.
                if got[0]["type"] == "version_mismatch":
                    conversation = Conversation(self, network.bootstrap.url)
                    conversation.say(sent[0])
                    self.assertEqual(conversation.hear("registered")["nodeId"], sent[0]["nodeId"])
                else:
                    self.assert_version_replay(network.bootstrap, sent, got, ends)

    def test_errors_and_single_frames(self):
        network = self.start_network(nodes=1)
        for kind, reason in (("raw", "Invalid JSON"), ("frame", "Missing nodeId")):
            recorded = next(entry for entry in recordings.events("bootstrap-errors-and-misc") if kind in entry)
            with WebSocket(network.bootstrap.url) as connection:
                connection.send_text(recorded["raw"] if kind == "raw" else json.dumps(recorded["frame"]))
                closed, messages = connection.wait_closed()
            self.assertEqual((closed, messages), (Closed(1002, reason), []))

        sent, got, _ = next(one for name, one in self.sent_in("bootstrap-errors-and-misc").items() if "misc" in name)
        conversation = Conversation(self, network.bootstrap.url)
        unanswered = []
        intended = {"ice_coordinate_error": "ice_coordinate_pending", "ice_restart_error": "ice_restart_pending"}
        answers = iter(got)
        answered_by = {"register": ("registered", "error"), "ping": ("pong",),
                       "get_connected_clients": ("connected_clients_response",), "join_peer": ("join_error",),
                       "signal": ("signal_error",), "forward_signal": ("error", "signal"),
                       "ice_coordinate": ("ice_coordinate_error",), "ice_restart_coordinate": ("ice_restart_error",),
                       "send_invitation": ("response",)}
        for request in sent:
            conversation.say(request)
            kind = request.get("type")
            if kind not in answered_by:
                unanswered.append(kind)
                continue
            like = next(answers)
            self.assertIn(like["type"], answered_by[kind])
            # Where the recorded server fails for its own mistake, the conversation goes on as it was meant to.
            answer = conversation.hear(intended.get(like["type"], like["type"]))
            if like["type"] in intended:
                self.assertEqual((answer["sessionId"], type(answer["timestamp"])), (request["sessionId"], int))
            elif like["type"] == "connected_clients_response":
                like["clients"] = like["clients"][-1:]  # a node, as ours are here
                self.assert_like_recorded(like, answer)
            else:
                self.assert_like_recorded(like, answer)
                for name in ("error", "message", "requestId", "fromPeer", "toPeer", "signal"):
                    self.assertEqual(answer.get(name), like.get(name))
            if kind == "forward_signal" and like["type"] == "signal":
                self.assert_like_recorded(next(answers), conversation.hear("response"))
        self.assertIn("announce_independent", unanswered)
        # Whatever was not answered did no harm, and drew no answer that was not recorded.
        got = conversation.ask({"type": "ping", "requestId": "last", "timestamp": 1})
        self.assertEqual(got["requestId"], "last")
        self.assertLessEqual({frame["type"] for frame in conversation.unasked}, {"relay_ack"})
        counters = network.bootstrap.status()["counters"]
        self.assertEqual(counters["legacy.outcomes_succeeded_total"], 1)

    def test_invitation_token(self):
        network = self.start_network(nodes=0)
        entries = recordings.conversation("invitation-token")
        ends = {}
        for name in ("node1", "node2"):
            frame = next(entry["frame"] for entry in entries if entry["frame"]["type"] == "websocket_peer_metadata"
                         and entry["to"] != name)
            peer = frame.get("targetPeer") or frame["fromPeer"]
            metadata = frame.get("targetPeerMetadata") or frame["fromPeerMetadata"]
            ends[name] = Conversation(self, network.bootstrap.url)
            ends[name].say({"type": "register", "nodeId": peer, "protocolVersion": "1.0.0", "buildId": "node_1",
                            "timestamp": 1, "metadata": metadata})
            ends[name].hear("registered")
        for entry in entries:
            if entry["to"] == "bootstrap":
                ends[entry["from"]].say(entry["frame"])
                continue
            got = ends[entry["to"]].hear(entry["frame"]["type"])
            self.assert_like_recorded(entry["frame"], got)
            got.pop("invitationId", None)
            self.assertEqual(got, {name: value for name, value in entry["frame"].items() if name != "invitationId"})
            self.assertEqual(json.dumps(got.get("invitationToken")),  # signed in its own order
                             json.dumps(entry["frame"].get("invitationToken")))

    def test_reconnect_with_token(self):
        network = self.start_network(nodes=2)
        for sent, got, _ in self.sent_in("reconnect-with-token").values():
            conversation = Conversation(self, network.bootstrap.url)
            for request, like in zip(sent, got):
                conversation.say(request)
                answer = conversation.hear(like["type"], like.get("requestId"))
                self.assert_like_recorded(like, answer)
                if like["type"] == "response":
                    data = answer["data"]
                    self.assertEqual((data["isGenesis"], data["reconnecting"], data["status"]),
                                     (False, True, "reconnection_peers"))
                    self.assertTrue({peer["nodeId"] for peer in data["peers"]} <= {node.id for node in network.nodes})
                    self.assertTrue(data["peers"])

    def test_a_token_without_a_holder_ends_nobody(self):
        network = self.start_network(nodes=1)
        register = next(entry["frame"] for entry in recordings.conversation("bootstrap-crash-on-bad-token")
                        if entry["frame"]["type"] == "register")
        conversation = Conversation(self, network.bootstrap.url)
        conversation.say(register)
        self.assertIsInstance(conversation.hear("reconnection_result")["success"], bool)
        self.assertEqual(conversation.ask({"type": "ping", "requestId": "p", "timestamp": 1})["requestId"], "p")
        self.assertEqual([slot["state"] for slot in network.bootstrap.status()["bridges"]], ["connected"] * 2)

    def test_relay_bootstrap(self):
        network = self.start_network(nodes=0)
        entries = recordings.conversation("relay-bootstrap")
        ends = {}
        for entry in entries:
            if entry["frame"]["type"] == "register":
                ends[entry["conn"]] = Conversation(self, network.bootstrap.url)
                ends[entry["conn"]].say(entry["frame"])
                ends[entry["conn"]].hear("registered")
        sender = next(entry["conn"] for entry in entries if entry["frame"]["type"] == "relay_request")
        other = next(name for name in ends if name != sender)
        request, forward = (next(entry["frame"] for entry in entries if entry["frame"]["type"] == kind)
                            for kind in ("relay_request", "relay_forward"))
        ends[sender].say(request)
        ack = ends[sender].hear("relay_ack")  # the recorded server never sends it
        self.assertEqual((ack["sessionId"], ack["success"]), (request["sessionId"], True))
        ends[sender].say(forward)
        got = ends[other].hear("relay_forward")
        like = next(entry["frame"] for entry in entries if entry["frame"]["type"] == "relay_forward"
                    and entry["from"] == "bootstrap")
        self.assert_like_recorded(like, got)
        self.assertEqual(got["payload"], forward["payload"])
        self.assertRegex(got["from"], "^[0-9a-f]{40}$")

    def test_ec_authentication(self):
        network = self.start_network(nodes=0)
        connections = list(self.sent_in("ec-authentication").values())
        recorded = {}
        for _, got, _ in connections:
            for frame in got:
                recorded.setdefault(frame["type"], frame)
        # A key of our own, since nobody has the recorded one: everything else is as recorded.
        key = ec.generate_private_key(ec.SECP256R1())
        numbers = key.public_key().public_numbers()
        raw = numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")
        def coordinate(number):
            return base64.urlsafe_b64encode(number.to_bytes(32, "big")).decode().rstrip("=")
        register = json.loads(json.dumps(connections[0][0][0]))
        register["nodeId"] = hashlib.sha256(raw).hexdigest()[:40]
        register["metadata"]["publicKey"] |= {"x": coordinate(numbers.x), "y": coordinate(numbers.y)}

        def sign(challenge):
            text = f"{challenge['nonce']}:{challenge['timestamp']}".encode()
            r, s = utils.decode_dss_signature(key.sign(text, ec.ECDSA(hashes.SHA256())))
            return (r.to_bytes(32, "big") + s.to_bytes(32, "big")).hex()
        for _ in range(4):  # half of all signatures have the high s
            conversation = Conversation(self, network.bootstrap.url)
            conversation.ask(register)
            challenge = conversation.hear("auth_challenge")
            self.assert_like_recorded(recorded["auth_challenge"], challenge)
            self.assertRegex(challenge["nonce"], "^[0-9a-f]{64}$")
            response = {"type": "auth_response", "nodeId": register["nodeId"], "signature": sign(challenge),
                        "timestamp": 1}
            conversation.say(response)
            success = conversation.hear("auth_success")
            self.assert_like_recorded(recorded["auth_success"], success)
        conversation.say(response)
        self.assertEqual(conversation.hear("auth_failure")["reason"], "No pending authentication challenge")
        del response["signature"]
        conversation.say(response)
        failure = conversation.hear("auth_failure")
        self.assert_like_recorded(recorded["auth_failure"], failure)
        self.assertEqual(failure["reason"], "Missing required authentication fields")
        # The recorded failures of the other connections, with the recorded frames themselves.
        for sent, got, _ in connections[1:]:
            conversation = Conversation(self, network.bootstrap.url)
            conversation.ask(sent[0])
            for request in sent[1:]:
                conversation.hear("auth_challenge")
                conversation.say(request)
            self.assertEqual(conversation.hear("auth_failure")["reason"], got[-1]["reason"])

    def test_two_clients_begin_ice_together_or_hear_that_the_other_did_not(self):
        network = self.start_network(nodes=0)
        ids = ["ab" * 20, "cd" * 20]
        ends = [Conversation(self, network.bootstrap.url) for _ in ids]
        for end, peer in zip(ends, ids):
            end.ask({"type": "register", "nodeId": peer, "protocolVersion": "1.0.0", "buildId": "node_1", "timestamp": 1,
                     "metadata": {"nodeType": "browser", "canAcceptConnections": False}})
        candidates = [{"candidate": "c", "sdpMLineIndex": 0, "sdpMid": "0"}]
        for end, peer in ((ends[0], ids[1]), (ends[1], ids[0])):
            end.say({"type": "ice_coordinate", "target": peer, "candidates": candidates, "profile": {"natType": "hard"},
                     "sessionId": "s"})
            if end is ends[0]:
                end.hear("ice_coordinate_pending")
        starts = [end.hear("ice_start") for end in ends]
        self.assertEqual(starts[0]["timestamp"], starts[1]["timestamp"])
        self.assertEqual([start["peer"] for start in starts], ids[::-1])
        self.assertEqual([start["peerCandidates"] for start in starts], [candidates] * 2)
        ends[0].say({"type": "ice_coordinate", "target": ids[1], "candidates": [], "profile": {}, "sessionId": "alone"})
        ends[0].hear("ice_coordinate_pending")
        self.assertEqual(ends[0].hear("ice_coordinate_timeout", timeout_s=13)["sessionId"], "alone")

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
