"""A peer of the native protocol written from docs/protocol.md alone: it shares no code with the programs."""

import dataclasses
import hashlib
import os
import struct

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from web_socket import BINARY, Closed, WebSocket

VERSION = 1
NETWORK = "main"
ROLES = {"bootstrap": 1, "bridge": 2, "node": 3, "observer": 4}
CURVE_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # n of P-256
HELLO, WELCOME, PROVE, READY, GOODBYE, PING, PONG, FAILURE, CANCEL = range(1, 10)
JOIN, JOIN_RESPONSE, INTRODUCE, INTRODUCE_RESPONSE = range(16, 20)
FIND_NODE, FIND_NODE_RESPONSE, FIND_VALUE, FIND_VALUE_RESPONSE, STORE, STORE_RESPONSE = range(32, 38)
VALUE, TOMBSTONE = 1, 2
STORED, REFRESHED = 1, 2
OUTCOMES = {1: "introduced", 2: "genesis", 3: "emergency", 4: "bridge"}
CODES = ("NONE RATE_LIMITED ALREADY_PROCESSED INVALID_REQUEST TIMEOUT REFUSED UNREACHABLE BRIDGE_UNAVAILABLE "
         "BOOTSTRAP_FAILED INVALID_TOKEN UNAUTHORIZED BUSY NOT_FOUND TOO_LARGE PROTOCOL_ERROR VERSION_MISMATCH "
         "WRONG_NETWORK DUPLICATE_CONNECTION SLOW_READER SHUTTING_DOWN CANCELLED CONNECTION_LOST DATA_REFUSED IDLE "
         "STORE_FULL UNSUPPORTED OUTDATED STORAGE_FAILED").split()
# The status with which a connection closes after a goodbye with that code; 4000 for every other.
CLOSE_STATUS = {"NONE": 1000, "IDLE": 1000, "SHUTTING_DOWN": 1001, "PROTOCOL_ERROR": 1002, "TOO_LARGE": 1009,
                "VERSION_MISMATCH": 4001}


# ---- bytes ----

def varint(number):
    """Unsigned LEB128, minimal."""
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def text(value):
    """A varint length and the bytes."""
    value = value.encode() if isinstance(value, str) else value
    return varint(len(value)) + value


def record(kind, request_id, fields=b""):
    """One record of a frame."""
    body = bytes([kind]) + varint(request_id) + fields
    return varint(len(body)) + body


def old_stored(key, json, left_ms=3_600_000):
    """A `record` field as an old peer's value travels: JSON text, unsigned."""
    return text(key) + text(json) + bytes([VALUE]) + varint(0) + varint(left_ms) + b"\1"


def transcript(context, items):
    """What is signed: every item behind its length."""
    return b"".join(struct.pack("!I", len(item)) + item for item in (context, *items))


@dataclasses.dataclass(frozen=True)
class Stored:
    """A record of section 9, signed by its author."""

    key: bytes
    value: bytes
    kind: int
    ttl_ms: int
    left_ms: int
    version: int
    author: bytes
    signature: bytes

    @classmethod
    def sign(cls, writer, key, value, version=1, kind=None, ttl_ms=3_600_000, left_ms=None, network=NETWORK):
        """`writer` is a private key. Without a value it is a tombstone, unless `kind` says otherwise."""
        key = key.encode() if isinstance(key, str) else key
        kind = kind or (VALUE if value else TOMBSTONE)
        made = cls(key, value, kind, ttl_ms, ttl_ms if left_ms is None else left_ms, version, point(writer), b"")
        return dataclasses.replace(made, signature=sign(writer, made.transcript(network)))

    @classmethod
    def read(cls, reader):
        key, value, kind, ttl_ms, left_ms, legacy = (reader.text(), reader.text(), reader.u8(), reader.varint(),
                                                     reader.varint(), reader.u8())
        if legacy:
            return cls(key, value, kind, ttl_ms, left_ms, 0, b"", b"")
        return cls(key, value, kind, ttl_ms, left_ms, reader.varint(), reader.take(64), reader.take(64))

    def transcript(self, network=NETWORK):
        numbers = (bytes([self.kind]), struct.pack("!Q", self.version), struct.pack("!Q", self.ttl_ms))
        return transcript(b"trestle record v1",
                          (network.encode(), self.key, *numbers, self.author, hashlib.sha256(self.value).digest()))

    def verify(self, network=NETWORK):
        """Raises if its author did not sign it."""
        verify(self.author, self.signature, self.transcript(network))

    @property
    def fields(self):
        return (text(self.key) + text(self.value) + bytes([self.kind]) + varint(self.ttl_ms) + varint(self.left_ms)
                + b"\0" + varint(self.version) + self.author + self.signature)


class Reader:
    """Takes fields off a byte string."""

    def __init__(self, data):
        self.data = data
        self.at = 0

    def take(self, count):
        if self.at + count > len(self.data):
            raise ValueError("truncated")
        self.at += count
        return self.data[self.at - count:self.at]

    def u8(self):
        return self.take(1)[0]

    def varint(self):
        number = shift = 0
        while True:
            byte = self.u8()
            number |= (byte & 0x7F) << shift
            shift += 7
            if not byte & 0x80:
                return number

    def text(self):
        return self.take(self.varint())

    def contacts(self):
        """A list of (id in hex, role number, address)."""
        found = []
        for _ in range(self.varint()):
            node_id, role, _ = self.take(20).hex(), self.u8(), self.u8()
            address, _ = self.text().decode(), self.text()
            found.append((node_id, role, address))
        return found

    @property
    def done(self):
        return self.at == len(self.data)


@dataclasses.dataclass(frozen=True)
class Record:
    """A record as received: its type, its request id, its fields unread."""

    kind: int
    request_id: int
    fields: bytes


def records(frame):
    """The records of a frame."""
    reader = Reader(frame)
    found = []
    while not reader.done:
        body = Reader(reader.text())
        found.append(Record(body.u8(), body.varint(), body.data[body.at:]))
    return found


@dataclasses.dataclass(frozen=True)
class Refusal:
    """A `failure` or `goodbye`."""

    code: str
    retry_after_ms: int
    text: str

    @classmethod
    def read(cls, fields):
        reader = Reader(fields)
        return cls(CODES[reader.u8()], reader.varint(), reader.text().decode())


# ---- the peer ----

class Refused(Exception):
    """The other side said goodbye, answered `failure`, or closed."""

    def __init__(self, refusal, closed=None):
        super().__init__(f"{refusal} {closed or ''}")
        self.refusal = refusal
        self.closed = closed


class NativePeer:
    """One connection with an identity of its own. `handshake` opens it; the raw socket stays within reach."""

    def __init__(self, url, role="node", address="", network=NETWORK, timeout_s=5.0, key=None, web_socket=WebSocket, **how):
        self.key = key or ec.generate_private_key(ec.SECP256R1())
        self.socket = web_socket(url, timeout_s, **how)
        self.hello_items = [struct.pack("!H", VERSION), bytes([ROLES[role]]), point(self.key), os.urandom(32),
                            url.encode(), network.encode(), address.encode()]
        self.peer_id = None
        self._next_request = 0
        self._waiting = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.socket.close()

    @property
    def id(self):
        return id_of(point(self.key))

    def hello(self):
        """The first record."""
        version, role, key, nonce, url, network, address = self.hello_items
        return record(HELLO, 0, varint(int.from_bytes(version, "big")) + role + key + nonce
                      + text(url) + text(network) + text(address))

    def handshake(self):
        """hello, welcome, prove, ready. Checks the acceptor's proof as any peer must."""
        self.socket.send_binary(self.hello())
        welcome = Reader(self.expect(WELCOME).fields)
        version, role, key, nonce = welcome.varint(), welcome.u8(), welcome.take(64), welcome.take(32)
        items = [struct.pack("!H", version), bytes([role]), key, nonce, welcome.text(), welcome.text()]
        verify(key, welcome.take(64), self._transcript(2, items))
        self.peer_id = id_of(key)
        self.socket.send_binary(record(PROVE, 0, sign(self.key, self._transcript(1, items)) + b"\0"))
        self.expect(READY)
        return self

    def _transcript(self, side, welcome_items):
        return transcript(b"trestle link proof v1", (bytes([side]), *self.hello_items, *welcome_items))

    def send(self, data):
        return self.socket.send_binary(data)

    def request(self, kind, fields=b"", timeout_s=None):
        """Sends a request and waits for its answer. Refused when it is refused."""
        self._next_request += 1
        self.send(record(kind, self._next_request, fields))
        return self.expect(kind + 1, self._next_request, timeout_s)

    def join(self, contacts_max=20, timeout_s=None):
        """Asks a bootstrap for peers: (outcome, contacts)."""
        answer = Reader(self.request(JOIN, varint(contacts_max) + b"\0", timeout_s).fields)
        return OUTCOMES[answer.u8()], answer.contacts()

    def store(self, fields, timeout_s=None):
        """Stores a `record` field: STORED or REFRESHED. Refused when it is refused."""
        return Reader(self.request(STORE, fields, timeout_s).fields).u8()

    def find_value(self, key, timeout_s=None):
        """The record under that key, or nothing."""
        answer = Reader(self.request(FIND_VALUE, text(key), timeout_s).fields)
        return Stored.read(answer) if answer.u8() else None

    def expect(self, kind, request_id=0, timeout_s=None):
        """The next record of that type and id; our own pings are answered, other requests are left unanswered."""
        while True:
            got = self.next_record(timeout_s)
            if isinstance(got, Closed):
                raise Refused(None, got)
            if got.kind == GOODBYE or (got.kind == FAILURE and got.request_id == request_id):
                raise Refused(Refusal.read(got.fields))
            if got.kind == PING:
                self.send(record(PONG, got.request_id))
            elif got.kind == kind and got.request_id == request_id:
                return got

    def next_record(self, timeout_s=None):
        """The next record, or Closed."""
        while not self._waiting:
            message = self.socket.receive(timeout_s)
            if isinstance(message, Closed):
                return message
            if message.opcode != BINARY:
                raise ValueError(f"a text frame in the native dialect: {message.payload!r}")
            self._waiting = records(message.payload)
        return self._waiting.pop(0)

    def end(self, timeout_s=None):
        """Reads to the end: (the Refusal of the goodbye or None, Closed). Both must say the same."""
        refusal = None
        while True:
            got = self.next_record(timeout_s)
            if isinstance(got, Closed):
                if refusal and got.code != CLOSE_STATUS.get(refusal.code, 4000):
                    raise ValueError(f"{refusal} and then {got}")
                return refusal, got
            if got.kind == GOODBYE:
                refusal = Refusal.read(got.fields)


def point(key):
    """x then y of a private key's point."""
    numbers = key.public_key().public_numbers()
    return numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")


def id_of(public):
    return hashlib.sha256(public).digest()[:20].hex()


def sign(key, message):
    """r and s. Of both possible s the low one: the other is refused, so that one signature has one encoding."""
    r, s = decode_dss_signature(key.sign(message, ec.ECDSA(hashes.SHA256())))
    s = min(s, CURVE_ORDER - s)
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def verify(public, signature, message):
    """Raises if the signature is not right."""
    key = ec.EllipticCurvePublicNumbers(int.from_bytes(public[:32], "big"), int.from_bytes(public[32:], "big"),
                                        ec.SECP256R1()).public_key()
    key.verify(encode_dss_signature(int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")),
               message, ec.ECDSA(hashes.SHA256()))
