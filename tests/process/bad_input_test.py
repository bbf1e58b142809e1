"""Bytes that no honest peer sends: refused with a code or a close, while everybody else goes on as before."""

import json
import os
import socket
import threading
import time
import unittest

from native_peer import (CANCEL, FAILURE, FIND_NODE, FIND_NODE_RESPONSE, FIND_VALUE, HELLO, PING, PONG, PROVE,
                         STORE, WELCOME, NativePeer, Refusal, old_stored, record, text, varint)
from process_case import ProcessCase
from web_socket import BINARY, CLOSE, CONTINUATION, PING as SOCKET_PING, Closed, TEXT, WebSocket, frame, tcp

CLOSE_WITHIN_S = 12.0            # the longest: 10 s without a first message
MEGABYTE = 1 << 20
GROWTH_KIB_MAX = 4 * 1024        # what an allocator may keep after the second and third round
ROUNDS = 3
PATIENCE_S = 15.0                # new connections of one address are limited; an honest client waits and asks again
REFUSALS = (1002, 1003, 1006, 1007, 1008, 1009, 4000, 4001)


def patiently(connect):
    """Connects, again after a moment when there are too many connections."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            return connect()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.25)


def web_socket(url):
    return patiently(lambda: WebSocket(url))


def native_peer(url, **how):
    """An open native link."""
    return patiently(lambda: NativePeer(url, **how)).handshake()


def text_bomb(depth):
    return '{"type":' + "[" * depth + "]" * depth + "}"


HELLO_OF_A_STRANGER = {"type": "dht_peer_hello", "peerId": "ab" * 20,
                       "metadata": {"nodeType": "nodejs", "isBridgeNode": False}}

# Native frames that are refused as the first thing on a connection.
FIRST_FRAMES = {
    "a length without a record": b"\x05",
    "a record that reaches beyond the frame": varint(900) + bytes([HELLO, 0]),
    "a length of zero": b"\0",
    "a length that is not minimal": b"\x80\x00",
    "a length of eleven bytes": b"\xff" * 10 + b"\x01",
    "a length near 2^64": varint(2**64 - 1) + b"\x01",
    "a hello cut short": record(HELLO, 0, varint(1) + b"\x03" + b"k" * 20),
    "a hello with a role that does not exist": record(HELLO, 0, varint(1) + b"\x09" + bytes(64 + 32) + b"\0\0\0"),
    "a hello with an address that claims 2^60 bytes": record(HELLO, 0, varint(1) + b"\x03" + bytes(96) + varint(2**60)),
    "a hello with a request id": record(HELLO, 7, varint(1) + b"\x03" + bytes(96) + b"\0\0\0"),
    "a request before the hello": record(FIND_NODE, 1, bytes(20)),
    "a welcome first": record(WELCOME, 0, varint(1) + b"\x03" + bytes(96) + b"\0\0" + bytes(64)),
    "a frame over 4 KiB before ready": record(PING, 1, bytes(5000)),
    "random bytes": bytes(range(7, 256, 3)),
}

# Native frames that are refused on an open link.
LATER_FRAMES = {
    "a second hello": record(HELLO, 0, varint(1) + b"\x03" + bytes(96) + b"\0\0\0"),
    "a second prove": record(PROVE, 0, bytes(64) + b"\0"),
    "an id of 19 bytes": record(FIND_NODE, 1, bytes(19)),
    "a request with the id 0": record(FIND_NODE, 0, bytes(20)),
    "a key of 2 KiB": record(FIND_VALUE, 1, text("k" * 2048)),
    "a value of 200 KiB": record(STORE, 1, old_stored("key", bytes(200 * 1024))),
    "a value that claims 2^62 bytes": record(STORE, 1, text("key") + varint(2**62)),
    "a flag of 2": record(STORE, 1, text("key") + text("v") + b"\1" + varint(0) + varint(1000) + b"\2"),
    "more records than a frame may hold": record(CANCEL, 1) * 30_000,
    "a record that ends in the middle": record(PING, 1)[:-1],
}

# Text frames; None: nothing needs to be said, the connection may stay.
FIRST_TEXTS = {
    "bad JSON": "{",
    "no JSON": "hello?",
    "half a string": '{"type":"dht_peer_hello","peerId":"ab',
    "JSON that is no object": "[1,2,3]",
    "no type": '{"peerId":"' + "ab" * 20 + '"}',
    "a type that is a number": '{"type":5}',
    "an id of 39 digits": json.dumps(HELLO_OF_A_STRANGER | {"peerId": "a" * 39}),
    "an id of 41 digits": json.dumps(HELLO_OF_A_STRANGER | {"peerId": "a" * 41}),
    "an id that is not hexadecimal": json.dumps(HELLO_OF_A_STRANGER | {"peerId": "x" * 40}),
    "an id that is an object": json.dumps(HELLO_OF_A_STRANGER | {"peerId": {}}),
    "a thousand brackets": text_bomb(1000),
    "a million brackets": text_bomb(1_000_000),
    "a control character": '{"type":"dht_peer_hello\u0001"}',
}

# What may follow a good hello of the old dialect without hurting: answered, ignored or refused.
LATER_TEXTS = ('{"type":"find_node","requestId":"a","target":"xyz"}', '{"type":"find_node","requestId":"b"}',
               '{"type":"find_value","requestId":"c"}', '{"type":"store","requestId":"d","key":5}', '{"type":"ping"}',
               '{"type":"no_such_type","requestId":"e"}', "{}", "[]", "null", "{", '{"type":null}', text_bomb(2000),
               '{"type":"pong","requestId":"never asked","timestamp":-9223372036854775808}',
               '{"type":"ping","requestId":"f","timestamp":1e400}', '{"type":"ping","requestId":"\\ud800"}',
               '{"type":"find_node_response","requestId":"g","nodes":[{"id":"zz"}]}')


class Bystander(threading.Thread):
    """An honest user of two nodes that are not attacked themselves: writes and reads, all along."""

    SLOW_S = 5.0

    def __init__(self, network):
        super().__init__(daemon=True)
        self.network = network
        self.rounds = 0
        self.complaints = []
        self._ended = threading.Event()

    def run(self):
        writer, reader = self.network.nodes[1], self.network.nodes[2]
        while not self._ended.wait(0.1):
            self.rounds += 1
            asked = time.monotonic()
            value = f"round {self.rounds}"
            stored = self.network.put(writer, "bystander", value)
            read = self.network.get(reader, "bystander")
            took = time.monotonic() - asked
            if stored[0] != 0 or read[1].strip() != value or took > self.SLOW_S:
                self.complaints.append((stored, read, took))

    def end(self):
        self._ended.set()
        self.join()


class BadInputTest(ProcessCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        case = cls("assert_alive")
        cls.addClassCleanup(case.doCleanups)
        cls.network = case.start_network(nodes=3)
        cls.targets = (cls.network.nodes[0], cls.network.bootstrap, cls.network.bridges[0])
        cls.put_number = 0
        cls.bystander = Bystander(cls.network)
        cls.bystander.start()

    @classmethod
    def tearDownClass(cls):
        cls.bystander.end()
        assert cls.bystander.rounds > 10, "nobody looked"
        assert not cls.bystander.complaints, cls.bystander.complaints[:10]

    def assert_alive(self):
        """The others notice nothing: a value is written at the node under attack and read elsewhere."""
        node, other = self.network.nodes[0], self.network.nodes[1]
        type(self).put_number += 1
        value = f"value {self.put_number}"
        self.assert_put(self.network, node, "key", value)
        self.assert_get(self.network, other, "key", value)
        for program in self.network.running():
            self.assertTrue(program.status()["healthy"], program.story())
        self.assertEqual(len(self.network.running()), 6)

    def assert_refused(self, connection, what):
        """The other side closes, in time and with a code that says it was not an ordinary end."""
        closed, _ = connection.wait_closed(CLOSE_WITHIN_S)
        self.assertIn(closed.code, REFUSALS, f"{what}: {closed}")

    def test_native_frames_that_are_no_hello(self):
        for program in self.targets:
            for what, data in FIRST_FRAMES.items():
                with self.subTest(what, program=program.name), web_socket(program.url) as connection:
                    connection.send_binary(data)
                    self.assert_refused(connection, what)
        self.assert_alive()

    def test_a_refused_record_is_answered_by_a_goodbye(self):
        for program in self.targets:
            peer = patiently(lambda url=program.url: NativePeer(url))
            with self.subTest(program.name), peer:
                peer.send(FIRST_FRAMES["a hello cut short"])
                refusal, closed = peer.end(CLOSE_WITHIN_S)
                self.assertEqual((refusal.code, closed.code), ("PROTOCOL_ERROR", 1002))

    def test_records_that_an_open_link_refuses(self):
        for program in self.targets:
            for what, data in LATER_FRAMES.items():
                with self.subTest(what, program=program.name), native_peer(program.url) as peer:
                    peer.send(data)
                    refusal, _ = peer.end(CLOSE_WITHIN_S)
                    self.assertIn(refusal and refusal.code, ("PROTOCOL_ERROR", "TOO_LARGE"), what)
        self.assert_alive()

    def test_a_link_survives_what_it_can_skip(self):
        with native_peer(self.network.nodes[0].url) as peer:
            peer.send(record(200, 5, b"who knows") + record(13, 0) + record(PONG, 999) + record(CANCEL, 888)
                      + record(FIND_NODE_RESPONSE, 777, b"\0") + b"" + record(PING, 3))
            self.assertEqual(peer.expect(PONG, 3).request_id, 3)
            peer.send(record(FIND_NODE, 4, bytes(20) + b"a field of a later revision"))
            self.assertEqual(peer.expect(FIND_NODE_RESPONSE, 4).request_id, 4)

    def test_an_oversized_request_names_its_code(self):
        with native_peer(self.network.nodes[0].url) as peer:
            peer.send(record(STORE, 1, old_stored("key", bytes(60 * 1024))))
            got = peer.next_record(5)
            while got.kind == PING:
                got = peer.next_record(5)
            if got.kind == FAILURE:
                self.assertEqual(Refusal.read(got.fields).code, "TOO_LARGE")
            peer.send(record(PING, 2))
            peer.expect(PONG, 2)

    def test_a_wrong_proof_another_network_and_another_version(self):
        for program in self.targets:
            with self.subTest(program.name):
                with patiently(lambda url=program.url: NativePeer(url, network="elsewhere")) as peer:
                    peer.send(peer.hello())
                    refusal, closed = peer.end(CLOSE_WITHIN_S)
                    self.assertEqual((refusal.code, closed.code), ("WRONG_NETWORK", 4000))
                with patiently(lambda url=program.url: NativePeer(url)) as peer:
                    peer.hello_items[0] = b"\0\0"
                    peer.send(peer.hello())
                    refusal, closed = peer.end(CLOSE_WITHIN_S)
                    self.assertEqual((refusal.code, closed.code), ("VERSION_MISMATCH", 4001))
                for key_on_no_curve in (False, True):
                    with patiently(lambda url=program.url: NativePeer(url)) as peer:
                        if key_on_no_curve:
                            peer.hello_items[2] = b"\xff" * 64
                        peer.send(peer.hello())
                        peer.expect(WELCOME)
                        peer.send(record(PROVE, 0, os.urandom(64) + b"\0"))
                        refusal, closed = peer.end(CLOSE_WITHIN_S)
                        self.assertEqual((refusal.code, closed.code), ("UNAUTHORIZED", 4000))
                with patiently(lambda url=program.url: NativePeer(url)) as peer:
                    peer.send(peer.hello())
                    peer.expect(WELCOME)
                    peer.send(peer.hello())
                    refusal, closed = peer.end(CLOSE_WITHIN_S)
                    self.assertEqual((refusal.code, closed.code), ("PROTOCOL_ERROR", 1002))

    def test_one_dialect_per_connection(self):
        with native_peer(self.network.nodes[0].url) as peer:
            peer.socket.send_text('{"type":"ping"}')
            self.assert_refused(peer.socket, "text on a native link")
        with web_socket(self.network.nodes[0].url) as connection:
            connection.send_text(json.dumps(HELLO_OF_A_STRANGER))
            connection.receive()
            connection.send_binary(record(PING, 1))
            self.assert_refused(connection, "binary on a link of the old dialect")
        self.assert_alive()

    def test_texts_that_are_no_hello(self):
        for what, content in FIRST_TEXTS.items():
            for program in self.targets:
                with self.subTest(what, program=program.name), web_socket(program.url) as connection:
                    connection.send_text(content)
                    # A bootstrap ignores what has no type, as the old one did; it may keep the connection for a while.
                    if program is self.network.bootstrap:
                        self.assert_no_answer_but_refusal(connection)
                    else:
                        closed, _ = connection.wait_closed(CLOSE_WITHIN_S)
                        self.assertIsInstance(closed, Closed)
        self.assert_alive()

    def assert_no_answer_but_refusal(self, connection):
        try:
            got = connection.receive(0.5)
        except TimeoutError:
            return
        if not isinstance(got, Closed):
            self.assertIn(json.loads(got.payload)["type"], ("error", "response"))

    def test_texts_after_a_good_hello(self):
        node = self.network.nodes[0]
        for content in LATER_TEXTS:
            with self.subTest(content[:60]), web_socket(node.url) as connection:
                connection.send_text(json.dumps(HELLO_OF_A_STRANGER | {"peerId": os.urandom(20).hex()}))
                connection.receive()
                connection.send_text(content)
                self.drain(connection)
        self.assert_alive()

    def drain(self, connection, seconds=0.2):
        try:
            while not isinstance(connection.receive(seconds), Closed):
                pass
        except TimeoutError:
            pass

    def test_frames_that_break_the_web_socket(self):
        broken = {
            "a frame of 10 MB": frame(BINARY, bytes(10 * MEGABYTE)),
            "a text of 10 MB": frame(TEXT, b"[" * (10 * MEGABYTE)),
            "a frame that claims 2^62 bytes": frame(BINARY, b"x" * 100, claimed_length=2**62),
            "a ping of 126 bytes": frame(SOCKET_PING, bytes(126)),
            "a reserved opcode": frame(0x3, b"x"),
            "a continuation of nothing": frame(CONTINUATION, b"x"),
            "10 MB in fragments": frame(BINARY, bytes(4000), fin=False)
                                  + frame(CONTINUATION, bytes(4000), fin=False) * 2600,
        }
        for program in self.targets:
            for what, data in broken.items():
                with self.subTest(what, program=program.name), web_socket(program.url) as connection:
                    connection.send_bytes(data)
                    self.assert_refused(connection, what)
        self.assert_alive()

    def test_clients_that_hang_up_in_the_middle(self):
        for program in self.targets:
            for data in (b"", frame(BINARY, bytes(100))[:7], frame(CLOSE, b""), frame(CLOSE, b"\x03\xe8bye")):
                with web_socket(program.url) as connection:
                    connection.send_bytes(data)
            with patiently(lambda url=program.url: NativePeer(url)) as peer:
                peer.send(peer.hello())  # and gone before the welcome
        self.assert_alive()

    def test_garbage_instead_of_http(self):
        garbage = (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + os.urandom(200), os.urandom(5000), b"\r\n" * 500,
                   b"GET / HTTP/9.9\r\n\r\n", b"GET " + b"/" * 20000 + b" HTTP/1.1\r\n\r\n",
                   b"GET / HTTP/1.1\r\nHost: x\r\n" + b"A: b\r\n" * 2000 + b"\r\n",
                   b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
                   b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\nabc", b"\0" * 1000)
        for program in self.targets:
            for data in garbage:
                with self.subTest(data[:40], program=program.name), patiently(lambda url=program.url: tcp(url)) as raw:
                    answer = self.exchange(raw, data)
                    self.assertNotIn(b" 101 ", answer.split(b"\r\n")[0])
        self.assert_alive()

    def exchange(self, raw, data):
        """Sends, then reads to the close or for a moment."""
        answer = b""
        raw.settimeout(1.0)
        try:
            raw.sendall(data)
            raw.shutdown(socket.SHUT_WR)
            while more := raw.recv(65536):
                answer += more
        except OSError:
            pass
        return answer

    def test_health_is_public_and_the_rest_is_not(self):
        for program in self.targets:
            # Bridges and nodes answer the old system's monitoring, which named them; nobody else's figures are told.
            names_itself = program is not self.network.bootstrap
            for path, found in ((b"/health", True), (b"/status", names_itself), (b"/peers", False), (b"/put", False),
                                (b"/get?key=k", False), (b"/../../etc/passwd", False), (b"/peers?" + b"q" * 6000, False)):
                with patiently(lambda url=program.url: tcp(url)) as raw:
                    answer = self.exchange(raw, b"GET " + path + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                self.assertEqual(b" 200 " in answer.split(b"\r\n")[0], found, (program.name, path, answer[:200]))
                if path != b"/status":
                    self.assertNotIn(program.id.encode(), answer, "an id for strangers")

    def test_memory_comes_back(self):
        resident = []
        for _ in range(ROUNDS):
            for program in self.targets:
                for data in (frame(BINARY, bytes(10 * MEGABYTE)), frame(TEXT, text_bomb(1_000_000).encode()),
                             frame(BINARY, FIRST_FRAMES["a length near 2^64"]),
                             frame(BINARY, bytes(4000), fin=False) * 500):
                    for _ in range(5):
                        with web_socket(program.url) as connection:
                            connection.send_bytes(data)
                            self.drain(connection, 1.0)
            resident.append([program.resident_kib() for program in self.targets])
        self.assert_alive()
        # The first round warms buffers and pools; after it nothing may pile up.
        for program, first, last in zip(self.targets, resident[0], resident[-1]):
            self.assert_memory_grew_less(last - first, GROWTH_KIB_MAX, f"{program.name}: {resident} KiB")

    def test_a_flood_leaves_others_alone(self):
        node = self.network.nodes[0]
        with native_peer(node.url) as peer:
            stop_at = time.monotonic() + 3
            number = 0
            peer.socket.socket.settimeout(0.5)
            while time.monotonic() < stop_at:
                number += 1
                if not peer.send(b"".join(record(FIND_NODE, number * 100 + i, os.urandom(20)) for i in range(100))):
                    break  # cut off, as it should be, or slowed down
                if number % 10 == 0:
                    self.assert_get_quickly(node)
        self.assert_alive()

    def assert_get_quickly(self, node):
        asked = time.monotonic()
        code, _, err = self.network.get(self.network.nodes[1], "no-such-key")
        self.assertIn("NOT_FOUND", err.upper().replace(" ", "_"), (code, err))
        self.assertLess(time.monotonic() - asked, 5.0, node.story())


if __name__ == "__main__":
    unittest.main()
