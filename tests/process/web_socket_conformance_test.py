"""Every row of the table of the WebSocket protocol (web_socket_cases.py), on the listeners of two programs."""

import json
import os
import pathlib
import re
import socket
import time
import unittest

from native_peer import FAILURE, PONG as ANSWERED, NativePeer, record, records
from native_peer import PING as ASK
from process_case import HOST, ProcessCase
from web_socket import BINARY, CLOSE, PONG, TEXT, WebSocket, frame
from web_socket_cases import ACCEPT, CASES, DEVIATIONS, HTTP, KEY, NATIVE, TABLE

DOCUMENT = pathlib.Path(__file__).resolve().parents[2] / "docs" / "conformance.md"
CASES_MIN = 100
MARKER = 9999
DECIDED_WITHIN_S = 1.5
ENDS_WITHIN_S = 3.0    # after a close frame


class Conversation:
    """A raw connection, and what came of it so far, in the words of the table."""

    def __init__(self, connection, pings=()):
        self.socket = connection
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.pings = pings          # payloads a pong may have
        self.buffer = b""
        self.happened = []
        self.is_over = False

    def say(self, pieces):
        for piece in pieces:
            try:
                self.socket.sendall(piece)
            except OSError:
                return
            if len(pieces) > 1 and len(pieces) < 20:
                time.sleep(0.005)   # a packet of its own

    def listen(self, within_s, words=None):
        """Reads until the end, the marker's answer, so many words in all if their number is given, or the time."""
        deadline = time.monotonic() + within_s
        while not self.is_over and (words is None or len(self.happened) < words):
            if self.take_frame():
                continue
            self.socket.settimeout(max(0.01, deadline - time.monotonic()))
            try:
                more = self.socket.recv(65536)
            except TimeoutError:
                self.over("silent")
                return
            except OSError:
                more = b""
            if not more:
                self.over("gone")
                return
            self.buffer += more

    def over(self, word):
        # Whoever said how it ends has ended.
        self.happened.append(word)
        self.is_over = True

    def take_frame(self):
        """Notes one frame of the other side. A server masks nothing and keeps its frames whole."""
        if len(self.buffer) < 2:
            return False
        first, length, at = self.buffer[0], self.buffer[1], 2
        if length & 0x80 or first & 0x70 or not first & 0x80:
            self.over(f"a frame that begins {self.buffer[:2].hex()}")
            return False
        if length >= 126:
            at = 4 if length == 126 else 10
            length = int.from_bytes(self.buffer[2:at], "big")
        if len(self.buffer) < at + length:
            return False
        payload, self.buffer = self.buffer[at:at + length], self.buffer[at + length:]
        self.note(first & 0x0F, payload)
        return True

    def note(self, opcode, payload):
        if opcode == PONG:
            self.happened.append(f"pong {len(payload)}" if payload in self.pings else f"a wrong pong {payload!r}")
        elif opcode == CLOSE:
            self.close_of(int.from_bytes(payload[:2], "big") if len(payload) > 1 else 1005)
        elif opcode == BINARY:
            for found in records(payload):
                if found.kind in (ANSWERED, FAILURE):
                    self.answered(found.request_id)
        elif opcode == TEXT:
            content = json.loads(payload)
            if content["type"] == "pong":
                self.answered(int(content["requestId"]))

    def answered(self, number):
        if number == MARKER:
            self.over("alive")
        else:
            self.happened.append(f"answer {number}")

    def close_of(self, code):
        """Who gets a close answers it; then the server hangs up, without another word (section 7.1.1)."""
        self.over(f"close {code}")
        self.say((frame(CLOSE, b"\x03\xe8"),))
        self.socket.settimeout(ENDS_WITHIN_S)
        try:
            self.socket.shutdown(socket.SHUT_WR)
            if more := self.socket.recv(65536):
                self.happened.append(f"more after the close: {more[:32].hex(' ')}")
        except TimeoutError:
            self.happened.append("stays")
        except OSError:
            pass

    @property
    def outcome(self):
        return ", ".join(self.happened)


def pings_of(case):
    """The payloads of the pings of a case. They arrive as sent, so a pong is right if its payload is one of them."""
    if "pong" not in str(case.expected):
        return set()
    return {b"p" * size for size in range(126)} | {b"ping", b"early", bytes(range(100)), b"\xff\xfe"}


class WebSocketConformanceTest(ProcessCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        case = cls("test_the_table_is_sound")
        cls.addClassCleanup(case.doCleanups)
        cls.network = case.start_network(nodes=1, bridges=1)
        cls.programs = (cls.network.nodes[0], cls.network.bridges[0])

    def outcome(self, program, case):
        if case.on == HTTP:
            return self.outcome_of_request(program, case)
        if case.on == NATIVE:
            with NativePeer(program.url, role="observer") as peer:
                peer.handshake()
                return self.outcome_on(peer.socket.socket, case, frame(BINARY, record(ASK, MARKER)))
        with WebSocket(program.url) as opened:
            opened.send_text(json.dumps({"type": "dht_peer_hello", "peerId": os.urandom(20).hex(),
                                         "metadata": {"nodeType": "nodejs", "isBridgeNode": False}}))
            opened.receive()
            return self.outcome_on(opened.socket, case, frame(TEXT, b'{"type":"ping","requestId":"%d"}' % MARKER))

    def outcome_on(self, connection, case, marker):
        talk = Conversation(connection, pings_of(case))
        talk.say((*case.pieces, marker))
        talk.listen(DECIDED_WITHIN_S)
        return talk.outcome

    def outcome_of_request(self, program, case):
        with socket.create_connection((HOST, program.port), 5) as connection:
            talk = Conversation(connection, pings_of(case))
            talk.say(case.pieces)
            connection.settimeout(DECIDED_WITHIN_S)
            head = b""
            try:
                while b"\r\n\r\n" not in head and (more := connection.recv(65536)):
                    head += more
            except TimeoutError:
                return "silent"
            except OSError:
                pass
            found = re.match(rb"HTTP/1\.[01] (\d+)", head)
            if not found:
                return "no answer"
            talk.happened.append(f"http {found.group(1).decode()}")
            if found.group(1) == b"101":
                if KEY.encode() in b"".join(case.pieces):
                    self.assert_upgraded(head)
                talk.buffer = head.partition(b"\r\n\r\n")[2]
                if any("," in outcome for outcome in case.expected):
                    # A ping that is followed by a close need not be answered any more (section 5.5.2).
                    talk.listen(DECIDED_WITHIN_S, words=case.expected[0].count(",") + 1)
                    talk.say((frame(CLOSE, b"\x03\xe8"),))
                    talk.listen(DECIDED_WITHIN_S)
                    talk.happened.remove("close 1000")
            return talk.outcome

    def assert_upgraded(self, head):
        """Section 4.2.2."""
        lines = dict(line.lower().split(": ", 1) for line in head.decode("latin-1").split("\r\n")[1:] if ": " in line)
        self.assertEqual(lines["sec-websocket-accept"], ACCEPT.lower())
        self.assertEqual(lines["upgrade"], "websocket")
        self.assertIn("upgrade", lines["connection"])
        self.assertNotIn("sec-websocket-extensions", lines)

    def test_every_row(self):
        for title, cases in TABLE.items():
            for case in cases:
                for program in self.programs:
                    with self.subTest(f"{title}: {case.name}", program=program.name):
                        self.assertIn(self.outcome(program, case), case.expected)
        deviations = sum(bool(case.does) for case in CASES)
        print(f"\n{len(CASES)} cases on {len(self.programs)} listeners, {deviations} deviations")
        for program in self.programs:
            self.assertTrue(program.is_running, program.story())

    def test_the_table_is_sound(self):
        self.assertGreaterEqual(len(CASES), CASES_MIN)
        self.assertEqual(len({case.name for case in CASES}), len(CASES))
        self.assertEqual(DEVIATIONS.keys() - {case.name for case in CASES}, set())
        for case in CASES:
            self.assertNotIn(case.does, case.wants, "no deviation any more")

    @unittest.skipIf(os.environ.get("TRESTLE_TRANSPORT") != "library", "the document is the library's")
    def test_the_document_lists_every_deviation_and_no_other(self):
        rows = re.findall(r"^\| (.+?) \| (.+?) \| (.+?) \| (.+?) \|$", DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE)
        listed = {row[0]: row[2] for row in rows if row[0] not in ("Case", "---")}
        self.assertEqual(listed, {case.name: case.does for case in CASES if case.does})


if __name__ == "__main__":
    unittest.main()
