"""What a stranger gets for what it says: never twice as many bytes, never more messages (T11)."""

import json
import time
import unittest

from native_peer import (CANCEL, FAILURE, FIND_NODE, FIND_VALUE, GOODBYE, JOIN, PING, PONG, PROVE, READY, STORE,
                         WELCOME, NativePeer, old_stored, record, text, varint)
from process_case import ProcessCase
from web_socket import BINARY, CLOSE, PING as SOCKET_PING, TEXT, Closed, WebSocket

CLOSE_WITHIN_S = 14.0  # ten seconds for the first message, and for the rest of the opening
RATIO_MAX = 2.0
AN_ID = bytes(range(20))
A_CONTACT = AN_ID + b"\3\1" + text("ws://127.0.0.1:1/") + text("")

# Every type of docs/protocol.md with fields of its shape, and some that are none.
RECORDS = {
    "welcome": record(WELCOME, 0, varint(1) + b"\3" + bytes(96) + text("main") + text("") + bytes(64)),
    "prove": record(PROVE, 0, bytes(64) + b"\0"),
    "ready": record(READY, 0, b"\0"),
    "goodbye": record(GOODBYE, 0, b"\0\0" + text("")),
    "ping": record(PING, 1),
    "pong": record(PONG, 1),
    "failure": record(FAILURE, 1, b"\3\0" + text("")),
    "cancel": record(CANCEL, 1),
    "credentials": record(10, 0, text("") * 3 + bytes(8)),
    "certify": record(11, 0, text("")),
    "revocations": record(12, 0, text("")),
    "join": record(JOIN, 1, varint(20) + b"\0"),
    "join_response": record(17, 1, b"\1" + varint(0) + bytes(20)),
    "introduce": record(18, 1, A_CONTACT + varint(20) + varint(1000)),
    "introduce_response": record(19, 1, varint(0) * 2),
    "redeem": record(20, 1, text("") * 4),
    "redeem_response": record(21, 1, text("") * 3),
    "find_node": record(FIND_NODE, 1, AN_ID),
    "find_node_response": record(33, 1, varint(0)),
    "find_value": record(FIND_VALUE, 1, text("key")),
    "find_value_response": record(35, 1, b"\0" + varint(0)),
    "store": record(STORE, 1, old_stored("key", '"value"')),
    "store_response": record(37, 1, b"\1"),
    "replica_offer": record(38, 1, varint(0) + b"\0"),
    "replica_answer": record(39, 1, varint(0)),
    "route": record(40, 1, AN_ID * 2 + varint(20) + text(record(FIND_NODE, 1, AN_ID))),
    "route_response": record(41, 1, text("")),
    "find_recursive": record(42, 1, AN_ID * 2 + varint(1)),
    "find_recursive_response": record(43, 1, varint(0) + varint(1)),
    "announce": record(44, 0, A_CONTACT),
    "a type that there is not": record(99, 1),
    "one byte": b"\0",
    "no byte": b"",
    "half a record": record(PING, 1)[:-1],
    "forty questions in a frame": record(FIND_NODE, 1, AN_ID) * 40,
}


class CountedSocket:
    """Counts what passes, on its way to and from a socket."""

    def __init__(self, inner):
        self.inner = inner
        self.sent = self.received = 0

    def sendall(self, data):
        self.sent += len(data)
        self.inner.sendall(data)

    def recv(self, size):
        data = self.inner.recv(size)
        self.received += len(data)
        return data

    def __getattr__(self, name):
        return getattr(self.inner, name)


class CountedWebSocket(WebSocket):
    """A WebSocket that knows what was said on it: its messages, and every byte below them."""

    def _upgrade(self):
        self.socket = CountedSocket(self.socket)
        self.messages_sent = self.payload_sent = self.messages_received = self.payload_received = 0
        super()._upgrade()

    def send(self, opcode, payload, **how):
        if opcode in (BINARY, TEXT):
            self.messages_sent += 1
            self.payload_sent += len(payload)
        return super().send(opcode, payload, **how)

    def receive(self, timeout_s=None):
        got = super().receive(timeout_s)
        if not isinstance(got, Closed):
            self.messages_received += 1
            self.payload_received += len(got.payload)
        return got


class AmplificationTest(ProcessCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.worst = {"bytes of messages": (0.0, ""), "bytes on the connection": (0.0, ""), "messages": (0.0, "")}

    def start_programs(self):
        network = self.start_network(nodes=2, bridges=1, bootstrap_options=("--genesis", "--legacy", "off"),
                                     bridge_options=("--legacy", "off"))
        only_native = network.start_node("--legacy", "off")
        return {"bootstrap": network.bootstrap.url, "bridge": network.bridges[0].url, "node": only_native.url}

    def hear_out(self, socket):
        """Everything that the other side has to say, to its end."""
        deadline = time.monotonic() + CLOSE_WITHIN_S
        while not isinstance(socket.receive(max(0.01, deadline - time.monotonic())), Closed):
            pass
        socket.socket.close()

    def judge(self, what, socket):
        below = socket.socket
        for name, received, sent in (("bytes of messages", socket.payload_received, socket.payload_sent),
                                     ("bytes on the connection", below.received, below.sent),
                                     ("messages", socket.messages_received, socket.messages_sent)):
            limit = 1.0 if name == "messages" else RATIO_MAX
            self.assertLessEqual(received, limit * sent, f"{what}: {received} {name} for {sent}")
            ratio = received / sent if sent else 0.0
            if ratio > self.worst[name][0]:
                self.worst[name] = ratio, what

    def open(self, url, hello):
        """A stranger, who has said hello and heard the welcome if that is wanted."""
        peer = NativePeer(url, web_socket=CountedWebSocket)
        if hello:
            peer.socket.send_binary(peer.hello())
            peer.expect(WELCOME)
        return peer.socket

    def test_no_message_of_a_stranger_is_worth_its_while(self):
        urls = self.start_programs()
        connections = 0
        silent = []
        for program, url in urls.items():
            silent += [(f"{program}: nothing", self.open(url, False)), (f"{program}: a hello", self.open(url, True))]
        for program, url in urls.items():
            for hello in (False, True):
                for name, said in RECORDS.items():
                    socket = self.open(url, hello)
                    socket.send_binary(said)
                    self.hear_out_soon(socket)
                    self.judge(f"{program}: {'hello, ' if hello else ''}{name}", socket)
                    connections += 1
            for name, opcode, said in (("text", TEXT, json.dumps({"type": "dht_peer_hello", "peerId": "ab" * 20}).encode()),
                                       ("a little text", TEXT, b"{"), ("a socket's ping", SOCKET_PING, b"12345678"),
                                       ("a close", CLOSE, b"\x03\xe8")):
                socket = self.open(url, False)
                socket.send(opcode, said)
                self.hear_out_soon(socket)
                self.judge(f"{program}: {name}", socket)
                connections += 1
            for name, wrong in (("of another version", 0), ("of another network", 5)):
                peer = NativePeer(url, web_socket=CountedWebSocket)
                peer.hello_items[wrong] = b"\0\7" if wrong == 0 else b"x"
                peer.socket.send_binary(peer.hello())
                self.hear_out_soon(peer.socket)
                self.judge(f"{program}: a hello {name}", peer.socket)
                connections += 1
        for what, socket in silent:
            self.hear_out(socket)
            self.judge(what, socket)
        print(f"\n{connections + len(silent)} connections of strangers; the most for what was said: "
              + ", ".join(f"{ratio:.2f} {name} ({what})" for name, (ratio, what) in self.worst.items()), flush=True)

    def hear_out_soon(self, socket):
        """The same where what was said is refused at once, or is a message that leaves everything open: then the rest is
        as with those who are silent."""
        try:
            while not isinstance(socket.receive(0.5), Closed):
                pass
        except TimeoutError:
            pass
        socket.socket.close()


if __name__ == "__main__":
    unittest.main()
