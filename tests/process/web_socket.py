"""A WebSocket client that can also do everything wrong: the other side of the programs, byte by byte."""

import base64
import dataclasses
import os
import re
import socket
import ssl
import struct
import time

TEXT, BINARY, CLOSE, PING, PONG = 0x1, 0x2, 0x8, 0x9, 0xA
CONTINUATION = 0x0
READ_BYTES = 65536


@dataclasses.dataclass(frozen=True)
class Closed:
    """How the connection ended: the peer's close code, or 1006 without one."""

    code: int
    reason: str = ""


@dataclasses.dataclass(frozen=True)
class Message:
    """One whole message, fragments joined."""

    opcode: int
    payload: bytes


def host_and_port(url):
    found = re.fullmatch(r"wss?://([^:/]+):(\d+)(?:/.*)?", url)
    return found.group(1), int(found.group(2))


def tcp(url, timeout_s=5.0, source=None):
    """A plain TCP connection to a WebSocket URL, from an address of ours."""
    return socket.create_connection(host_and_port(url), timeout_s, source and (source, 0))


def transport(url, timeout_s=5.0, source=None, issuer=None):
    """What the URL asks for: a TCP connection, or TLS on one. `issuer` is the file of whom to trust."""
    connection = tcp(url, timeout_s, source)
    if not url.startswith("wss:"):
        return connection
    context = ssl.create_default_context(cafile=issuer)
    return context.wrap_socket(connection, server_hostname=host_and_port(url)[0])


def frame(opcode, payload, *, fin=True, masked=True, claimed_length=None):
    """The bytes of one frame. `claimed_length` may lie."""
    length = len(payload) if claimed_length is None else claimed_length
    head = bytes([(0x80 if fin else 0) | opcode])
    mask_bit = 0x80 if masked else 0
    if length < 126:
        head += bytes([mask_bit | length])
    elif length < 1 << 16:
        head += struct.pack("!BH", mask_bit | 126, length)
    else:
        head += struct.pack("!BQ", mask_bit | 127, length)
    return head + (mask(payload) if masked else payload)


def mask(payload):
    """A random mask key and the payload under it."""
    key = os.urandom(4)
    repeated = (key * (len(payload) // 4 + 1))[:len(payload)]
    mixed = int.from_bytes(payload, "big") ^ int.from_bytes(repeated, "big")
    return key + mixed.to_bytes(len(payload), "big")


class WebSocket:
    """An open WebSocket. Receiving answers pings, as every library does."""

    def __init__(self, url, timeout_s=5.0, headers=(), **how):
        self.url = url
        self.timeout_s = timeout_s
        self.headers = headers  # further lines of the request: (name, value)
        self.socket = transport(url, timeout_s, **how)
        self._buffer = b""
        self._parts = []
        self.closed = None
        try:
            self._upgrade()
        except BaseException:
            self.socket.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def _upgrade(self):
        host, port = host_and_port(self.url)
        key = base64.b64encode(os.urandom(16)).decode()
        path = re.sub(r"^wss?://[^/]*", "", self.url) or "/"
        self.socket.sendall((f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\n"
                             f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
                             "Sec-WebSocket-Version: 13\r\n"
                             + "".join(f"{name}: {value}\r\n" for name, value in self.headers) + "\r\n").encode())
        while b"\r\n\r\n" not in self._buffer:
            more = self.socket.recv(READ_BYTES)
            if not more:
                raise ConnectionError(f"no upgrade at {self.url}: {self._buffer!r}")
            self._buffer += more
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 101"):
            raise ConnectionError(f"no upgrade at {self.url}: {head!r}")

    # ---- sending ----

    def send_bytes(self, data):
        """Raw bytes. True if they could be handed over: a peer that refuses may have hung up already."""
        try:
            self.socket.sendall(data)
            return True
        except OSError:
            return False

    def send(self, opcode, payload, **how):
        return self.send_bytes(frame(opcode, payload, **how))

    def send_text(self, text):
        return self.send(TEXT, text.encode())

    def send_binary(self, payload):
        return self.send(BINARY, payload)

    def close(self, code=1000):
        self.send(CLOSE, struct.pack("!H", code))
        self.socket.close()

    # ---- receiving ----

    def receive(self, timeout_s=None):
        """The next Message, or Closed at the end. TimeoutError when nothing comes."""
        deadline = time.monotonic() + (self.timeout_s if timeout_s is None else timeout_s)
        while True:
            if self.closed:
                return self.closed
            found = self._next_frame()
            if found is None:
                self._read(deadline)
                continue
            fin, opcode, payload = found
            if opcode == PING:
                self.send(PONG, payload)
            elif opcode == CLOSE:
                code = struct.unpack("!H", payload[:2])[0] if len(payload) >= 2 else 1005
                self.closed = Closed(code, payload[2:].decode(errors="replace"))
            elif opcode != PONG:
                self._parts.append((opcode, payload))
                if fin:
                    message = Message(self._parts[0][0], b"".join(part for _, part in self._parts))
                    self._parts = []
                    return message

    def wait_closed(self, timeout_s=None):
        """Reads on until the peer closes; (Closed, the messages before it)."""
        deadline = time.monotonic() + (self.timeout_s if timeout_s is None else timeout_s)
        messages = []
        while True:
            got = self.receive(max(0.01, deadline - time.monotonic()))
            if isinstance(got, Closed):
                return got, messages
            messages.append(got)

    def _read(self, deadline):
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError(f"nothing from {self.url}")
        self.socket.settimeout(left)
        try:
            more = self.socket.recv(READ_BYTES)
        except TimeoutError:
            raise
        except OSError:
            more = b""
        if not more:
            self.closed = Closed(1006)
        self._buffer += more

    def _next_frame(self):
        """(fin, opcode, payload) if the buffer holds a whole frame."""
        buffer = self._buffer
        if len(buffer) < 2:
            return None
        length, at = buffer[1] & 0x7F, 2
        if length == 126:
            length, at = int.from_bytes(buffer[2:4], "big"), 4
        elif length == 127:
            length, at = int.from_bytes(buffer[2:10], "big"), 10
        if len(buffer) < at + length or (at > 2 and len(buffer) < at):
            return None
        self._buffer = buffer[at + length:]
        return bool(buffer[0] & 0x80), buffer[0] & 0x0F, buffer[at:at + length]
