"""Implementations of WebSocket beside and against each other: ours, and those of others.

A peer is a program (tests/peers) with these manners, whatever it is made of:

    PEER serve ...    prints `ready PORT`, and takes connections there until its standard input ends
    PEER dial ...     prints `ready 0`, and makes a connection for each line `PORT` of its standard input

The first message of a connection is its name, whoever accepted or dialled. To the text `the marker` the answer is `alive`. All
other messages are noted, and when the connection has ended a line tells of it, its parts between tabs: the name, the status
of the peer's close, and the messages in the words of tests/wire/websocket/frames.hpp.

Where the name begins with `talk`, messages come back as they are, and `close STATUS` is an order. A line `PORT NAME SIZE...` makes
a dialler the one who talks: it says its name, a text and a binary message of each size, and closes when all have come back.

Here a peer is played the rows of the conformance table, as a client or as a server would write them. What comes of it:

    text 'a', alive > pong 'p'      what was noted; the marker was answered; pongs and close frames that came back
    text 'a' > close 1002           the connection ended with a close frame
    text 'a', gone                  it ended without one
    silent                          neither: more is waited for
"""

import asyncio
import base64
import dataclasses
import functools
import hashlib
import json
import random
import re
import subprocess

from process_case import HOST, programs_folder
from program import DIE_WITH_PARENT
from web_socket import CLOSE, PONG, TEXT

MARKER = b"the marker"
AT_ONCE = 24                # conversations with one peer
QUIET_S = 0.3               # then it is asked whether it has had its turn
ENDS_WITHIN_S = 20.0        # what should end and does not is a failure, however slow the machine
PROBES = 3                  # turns of its loop in which a peer would have answered
ACCEPT_SALT = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


@dataclasses.dataclass(frozen=True)
class Row:
    """One of the conformance table, and what the RFC and our bounds want of it."""

    name: str
    expects: str
    client: bytes
    server: bytes


@dataclasses.dataclass(frozen=True)
class Request:
    """A row of the table of requests: what is sent, and what of them is asked for, or why not."""

    name: str
    expects: str
    stream: bytes

    @property
    def is_sound(self):
        return self.expects.startswith("upgrade ")


class Table:
    """What tests/peers/conformance_table_program.cpp prints."""

    def __init__(self):
        program = subprocess.run([programs_folder() / "conformance_table_program"], capture_output=True, text=True, check=True)
        limits, *rows = [json.loads(line) for line in program.stdout.splitlines()]
        self.message_bytes_max = limits["message_bytes_max"]
        self.fragments_max = limits["fragments_max"]
        self.controls_max = limits["controls_max"]
        self.rows = [Row(row["name"], seen_outside(row["expects"]), bytes.fromhex(row["client"]), bytes.fromhex(row["server"]))
                     for row in rows if "client" in row]
        self.requests = [Request(row["name"], row["expects"], bytes.fromhex(row["request"])) for row in rows if "request" in row]


def seen_outside(expects):
    """Of what a row expects of a codec that which its owner hears and the other side sees."""
    effects, _, replies = expects.partition(" > ")
    effects = effects.split(", ")
    heard = [word for word in effects if word.startswith(("text ", "binary "))]
    end = ["alive"] if "alive" in effects else []
    return told(heard, end, [word for word in replies.split(", ") if word])


def told(heard, end, replies):
    if not end and not any(word.startswith("close ") for word in replies):
        end = ["silent"]
    return " > ".join(part for part in (", ".join([*heard, *end]), ", ".join(replies)) if part)


@functools.lru_cache(maxsize=4096)
def shown(content):
    """As in tests/wire/websocket/frames.hpp."""
    if re.fullmatch(rb"[ -+\--~]{0,24}", content):
        return f"'{content.decode()}'"
    total = 2166136261
    for byte in content:
        total = (total ^ byte) * 16777619 & 0xFFFFFFFF
    return f"{len(content)}#{total}"


def frame(opcode, payload, masked):
    """Under a mask of zeros, unlike `web_socket.frame`: where a row ends within a frame, these bytes are read as the rest of it,
    and what comes of that must be the same in every run."""
    assert len(payload) < 126
    head = bytes([0x80 | opcode, len(payload) | (0x80 if masked else 0)])
    return head + (bytes(4) if masked else b"") + payload


class Peer:
    """A peer that runs, and what it has told so far."""

    def __init__(self, process):
        self.process = process
        self.port = 0
        self.reports = {}       # name -> future of (status, heard)

    @classmethod
    async def start(cls, *command):
        peer = cls(await asyncio.create_subprocess_exec(
            *DIE_WITH_PARENT, *map(str, command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, limit=1 << 20))
        ready = await peer.process.stdout.readline()
        if not ready.startswith(b"ready "):
            raise RuntimeError(f"{command} does not start: {ready!r}")
        peer.port = int(ready.split()[1])
        peer.reader = asyncio.create_task(peer.read_reports())
        return peer

    async def stop(self):
        self.process.stdin.close()
        await asyncio.wait_for(self.process.wait(), ENDS_WITHIN_S)
        await self.reader
        return self.process.returncode

    async def read_reports(self):
        async for line in self.process.stdout:
            name, status, heard = line.decode().rstrip("\n").split("\t")
            if not self.report(name).done():
                self.report(name).set_result((int(status), [word for word in heard.split(", ") if word]))

    def report(self, name):
        return self.reports.setdefault(name, asyncio.get_running_loop().create_future())

    def order(self, line):
        self.process.stdin.write(f"{line}\n".encode())


class Conversation:
    """A connection to a peer, byte by byte. What comes is read strictly: the peer's own frames have to be right, too."""

    def __init__(self, reader, writer, is_client):
        self.reader = reader
        self.writer = writer
        self.is_client = is_client      # whether this side is
        self.buffer = b""
        self.replies = []
        self.end = []

    # ---- the opening

    async def ask(self, port):
        self.writer.write(f"GET / HTTP/1.1\r\nHost: {HOST}:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode())
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        if not head.startswith("HTTP/1.1 101 ") or "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" not in head:
            raise RuntimeError(f"no WebSocket: {head}")

    async def answer(self):
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        lines = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
        key = re.search(r"(?im)^sec-websocket-key: *(\S+)", head).group(1)
        is_right = (re.match(r"GET / HTTP/1\.1\r\n", head) and lines["upgrade"] == "websocket"
                    and "upgrade" in lines["connection"] and lines["sec-websocket-version"] == "13"
                    and lines["host"].startswith(HOST) and len(base64.b64decode(key, validate=True)) == 16)
        if not is_right:
            raise RuntimeError(f"no right request: {head}")
        accept = base64.b64encode(hashlib.sha1(key.encode() + ACCEPT_SALT).digest()).decode()
        self.writer.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                          f"Sec-WebSocket-Accept: {accept}\r\n\r\n".encode())

    # ---- frames

    def say(self, opcode, payload):
        self.writer.write(frame(opcode, payload, masked=self.is_client))

    async def read_some(self, within_s):
        """False if nothing came within that time; at the end of the connection `end` is told."""
        try:
            more = await asyncio.wait_for(self.reader.read(1 << 17), within_s)
        except asyncio.TimeoutError:
            return False
        except OSError:
            more = b""
        self.buffer += more
        while self.take_frame():
            pass
        if not more and not self.end:
            self.end = ["gone"]
        return True

    def take_frame(self):
        """Notes one frame."""
        if len(self.buffer) < 2 or self.end:
            return False
        first, length, at = self.buffer[0], self.buffer[1] & 0x7F, 2
        if length >= 126:
            at = 4 if length == 126 else 10
            length = int.from_bytes(self.buffer[2:at].ljust(at - 2, b"\0"), "big")
        is_masked = self.buffer[1] >= 0x80
        begins = at + 4 * is_masked
        if len(self.buffer) < begins + length:
            return False
        payload = self.buffer[begins:begins + length]
        if is_masked:
            mask = self.buffer[at:begins]
            payload = bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))
        self.buffer = self.buffer[begins + length:]
        if is_masked == self.is_client or first & 0xF0 != 0x80 or (first >= 0x88 and length > 125):
            self.end = [f"a wrong frame {first:02x}"]
        else:
            self.note(first & 0x0F, payload)
        return True

    def note(self, opcode, payload):
        if opcode == PONG:
            self.replies.append(f"pong {shown(payload)}")
        elif opcode == CLOSE:
            status = int.from_bytes(payload[:2], "big") if payload else 1005
            is_text = payload[2:].decode(errors="replace").encode() == payload[2:]
            self.replies.append(f"close {status}" if is_text else f"close {status} and no UTF-8")
            self.end = ["closed"]
        elif opcode == TEXT and payload == b"alive":
            self.end = ["alive"]
        else:
            self.end = [f"an unasked {opcode:x}"]

    async def see_it_end(self):
        """Who gets a close answers it; behind a close nothing may come (section 5.5.1)."""
        if self.end == ["closed"]:
            self.end = []
            self.say(CLOSE, b"\x03\xe8")
            try:
                self.writer.write_eof()
                if more := self.buffer + await asyncio.wait_for(self.reader.read(-1), ENDS_WITHIN_S):
                    self.replies.append(f"more behind the close: {more[:32].hex(' ')}")
            except OSError:
                pass
        self.writer.transport.abort()


class Player:
    """Plays rows to one peer that serves or dials."""

    def __init__(self, peer, serves):
        self.peer = peer
        self.serves = serves
        self.probe_lock = asyncio.Lock()
        self.waiting = asyncio.Queue()
        self.limit = asyncio.Semaphore(AT_ONCE)

    async def begin(self):
        if not self.serves:
            self.listener = await asyncio.start_server(lambda *pair: self.waiting.put_nowait(pair), HOST, 0)
            self.peer.port = self.listener.sockets[0].getsockname()[1]
        self.probe = await self.connect("probe")
        return self

    async def finish(self):
        self.probe.writer.close()
        code = await self.peer.stop()
        if not self.serves:
            self.listener.close()
        return code

    async def connect(self, name):
        if self.serves:
            conversation = Conversation(*await asyncio.open_connection(HOST, self.peer.port, limit=1 << 17), is_client=True)
            await conversation.ask(self.peer.port)
        else:
            self.peer.order(self.peer.port)
            conversation = Conversation(*await self.waiting.get(), is_client=False)
            await conversation.answer()
        conversation.say(TEXT, name.encode())
        return conversation

    async def greet(self, conversation):
        """Until the peer has answered a marker: nothing of what follows lies in one packet with the opening."""
        conversation.say(TEXT, MARKER)
        while not conversation.end:
            if not await conversation.read_some(ENDS_WITHIN_S):
                conversation.end = ["nothing"]
        if conversation.end != ["alive"]:
            raise RuntimeError(f"the peer does not answer: {conversation.end}")
        conversation.end = []

    async def play(self, row, name, cuts=None):
        """What comes of a row. With `cuts` it follows the opening at once, and its bytes are cut at these places."""
        async with self.limit:
            conversation = await self.connect(name)
            if cuts is None:
                await self.greet(conversation)
            data = (row.client if self.serves else row.server) + frame(TEXT, MARKER, masked=self.serves)
            for begin, end in zip((0, *(cuts or ())), (*(cuts or ()), len(data))):
                conversation.writer.write(data[begin:end])
                await asyncio.sleep(0)
            while not conversation.end:
                if not await conversation.read_some(QUIET_S) and await self.has_had_its_turn(conversation):
                    conversation.end = ["silent"]
            await conversation.see_it_end()
            _, heard = await asyncio.wait_for(self.peer.report(name), ENDS_WITHIN_S)
            return told(heard, conversation.end, conversation.replies)

    async def has_had_its_turn(self, conversation):
        """Whether the peer, a loop of one thread, has looked at all that was sent, and still says nothing.

        A peer that is asked elsewhere and answers has been through its loop; how long that takes does not matter.
        """
        if conversation.writer.transport.get_write_buffer_size() > 0:
            return False
        async with self.probe_lock:
            for _ in range(PROBES):
                await self.greet(self.probe)
        return not await conversation.read_some(0.01)


async def outcomes(peer, serves, rows, pieces=None):
    """Row -> what comes of it at that peer. `pieces`: a seed; rows are cut, into single bytes or at random."""
    player = await Player(peer, serves).begin()
    rng = random.Random(pieces)
    cuts = [None if pieces is None else random_cuts(rng, len(row.client if serves else row.server)) for row in rows]
    results = await asyncio.gather(*(player.play(row, str(number), cut)
                                     for number, (row, cut) in enumerate(zip(rows, cuts))))
    code = await player.finish()
    if code != 0:
        raise RuntimeError(f"the peer ends with {code}")
    return dict(zip((row.name for row in rows), results))


async def answers(peer, requests):
    """Row -> the status that is answered by a peer that serves; 0 if it hangs up."""
    limit = asyncio.Semaphore(AT_ONCE)

    async def ask(request):
        async with limit:
            reader, writer = await asyncio.open_connection(HOST, peer.port)
            writer.write(request.stream)
            try:
                line = await asyncio.wait_for(reader.readline(), ENDS_WITHIN_S)
            except OSError:
                line = b""
            writer.transport.abort()
            found = re.match(rb"HTTP/1\.1 (\d{3}) ", line)
            return int(found.group(1)) if found else 0

    results = await asyncio.gather(*map(ask, requests))
    await peer.stop()
    return dict(zip((request.name for request in requests), results))


def random_cuts(rng, size):
    """A few places within the first bytes of what is sent, where the heads are, or all of them."""
    near = min(size, 300)
    return tuple(range(1, near)) if rng.random() < 0.25 else tuple(sorted(rng.sample(range(1, near + 1), min(near, 4))))
