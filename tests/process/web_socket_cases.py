"""The WebSocket protocol (RFC 6455) as a table: what is sent, and what may come of it.

A case is sent on a fresh connection, then a marker: a question that any live connection answers. What became of the
connection is told in words:

    alive         the marker was answered
    close 1002    a close frame with that status came, and the connection ended
    gone          the connection ended without a close frame
    silent        neither: what was sent swallowed the marker, and more is waited for
    http 101      the status of the answer to a request (`no answer`: the connection ended without one)
    pong 5        a pong came whose payload is that of the ping, five bytes long
    answer 1      the native request 1 was answered: its message arrived whole

`wants` is what the RFC permits. Where the library does otherwise (`--transport library`), DEVIATIONS at the end says what, and why it may stay so;
docs/conformance.md tells the same.
"""

import dataclasses
import itertools
import os
import struct

from native_peer import PING as ASK, record
from web_socket import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, frame

NATIVE, OLD, HTTP = "a native link", "a link of the old dialect", "a request"
REFUSED = ("http 400", "http 403", "http 404", "http 405", "http 413", "http 426", "http 431", "http 505", "no answer")
MESSAGE_BYTES_MAX = 256 * 1024
FRAGMENTS_MAX = 64


@dataclasses.dataclass(frozen=True)
class Case:
    """One row."""

    name: str
    on: str
    pieces: tuple          # sent one by one
    wants: tuple           # outcomes that the RFC permits

    @property
    def does(self):
        """What happens instead, always; empty if it is as the RFC wants it."""
        return DEVIATIONS[self.name][0] if self.name in DEVIATIONS else ""

    @property
    def expected(self):
        return (self.does,) if self.does else self.wants


def ask(number=1):
    """A native request that is answered."""
    return record(ASK, number)


def ask_of(size):
    """A native request whose frame has exactly that payload, by trailing bytes that a reader skips."""
    for fields in range(max(0, size - 12), size):
        made = record(ASK, 1, bytes(fields))
        if len(made) == size:
            return made
    raise ValueError(f"no record of {size} bytes")


def say(note=b""):
    """A text of the old dialect that is answered, with bytes of ours in a field that nobody reads."""
    return b'{"type":"ping","requestId":"1","note":"' + note + b'"}'


def cut(data, at):
    """In two packets."""
    return data[:at], data[at:]


def parts(opcode, *payloads):
    """A message in fragments."""
    last = len(payloads) - 1
    return tuple(frame(CONTINUATION if index else opcode, payload, fin=index == last)
                 for index, payload in enumerate(payloads))


def native(name, *pieces, wants="alive"):
    return Case(name, NATIVE, pieces, (wants,) if isinstance(wants, str) else wants)


def old(name, *pieces, wants="answer 1, alive"):
    return Case(name, OLD, pieces, (wants,) if isinstance(wants, str) else wants)


# ---- 1. the request for an upgrade (RFC 6455, section 4.2) ----

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="  # section 1.3
LINES = {"Host": "127.0.0.1", "Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Key": KEY,
         "Sec-WebSocket-Version": "13"}


def request(changes=(), line="GET / HTTP/1.1", end="\r\n", more=()):
    """A right request with some header lines changed (None: left out) and some added."""
    lines = LINES | dict(changes)
    headers = [f"{name}: {value}" for name, value in lines.items() if value is not None]
    return (end.join([line, *headers, *more]) + end * 2).encode("latin-1")


def http(name, *pieces, wants="http 101"):
    return Case(name, HTTP, pieces, (wants,) if isinstance(wants, str) else wants)


REQUESTS = (
    http("a right request", request()),
    http("names of headers in small letters", request().lower().replace(KEY.lower().encode(), KEY.encode())
         .replace(b"get / http", b"GET / HTTP")),
    http("Upgrade: WebSocket, in other letters", request({"Upgrade": "WebSocket"})),
    http("Connection: keep-alive, Upgrade", request({"Connection": "keep-alive, Upgrade"})),
    http("white space behind the version", request({"Sec-WebSocket-Version": "13\t"})),
    http("white space behind the key", request({"Sec-WebSocket-Key": KEY + " "})),
    http("byte by byte", *(bytes([byte]) for byte in request())),
    http("an extension is offered and not taken", request(more=["Sec-WebSocket-Extensions: permessage-deflate"])),
    http("a path with a query", request(line="GET /a/b?c=d&e HTTP/1.1")),
    http("no Upgrade", request({"Upgrade": None}), wants=REFUSED),
    http("no Connection", request({"Connection": None}), wants=REFUSED),
    http("Upgrade: h2c", request({"Upgrade": "h2c"}), wants=REFUSED),
    http("Upgrade: websockets", request({"Upgrade": "websockets"}), wants=REFUSED),
    http("Connection: close", request({"Connection": "close"}), wants=REFUSED),
    http("no Sec-WebSocket-Key", request({"Sec-WebSocket-Key": None}), wants=REFUSED),
    http("an empty key", request({"Sec-WebSocket-Key": ""}), wants=REFUSED),
    http("a key of fifteen bytes", request({"Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAA"}), wants=REFUSED),
    http("a key that is no base64", request({"Sec-WebSocket-Key": "!" * 24}), wants=REFUSED),
    http("a key of two hundred bytes", request({"Sec-WebSocket-Key": "A" * 200}), wants=REFUSED),
    http("no version", request({"Sec-WebSocket-Version": None}), wants=REFUSED),
    http("version 8", request({"Sec-WebSocket-Version": "8"}), wants=REFUSED),
    http("version 14", request({"Sec-WebSocket-Version": "14"}), wants=REFUSED),
    http("version x", request({"Sec-WebSocket-Version": "x"}), wants=REFUSED),
    http("no Host", request({"Host": None}), wants=REFUSED),
    http("HTTP/1.0", request(line="GET / HTTP/1.0"), wants=REFUSED),
    http("HTTP/9.9", request(line="GET / HTTP/9.9"), wants=REFUSED),
    http("POST", request(line="POST / HTTP/1.1", more=["Content-Length: 0"]), wants=REFUSED),
    http("PUT", request(line="PUT / HTTP/1.1", more=["Content-Length: 0"]), wants=REFUSED),
    http("a method that does not exist", request(line="FETCH / HTTP/1.1"), wants=REFUSED),
    http("a method in small letters", request(line="get / HTTP/1.1"), wants=REFUSED),
    http("a space before the colon", request({"Upgrade": None}, more=["Upgrade : websocket"]), wants=REFUSED),
    http("a line without a colon", request(more=["nonsense"]), wants=(*REFUSED, "http 101")),
    http("a folded line", request(more=["X-Long: a", "\tb"]), wants=(*REFUSED, "http 101")),
    http("twenty kilobytes of path", request(line="GET /" + "a" * 20_000 + " HTTP/1.1"), wants=REFUSED),
    http("a header of twenty kilobytes", request(more=["X-Long: " + "a" * 20_000]), wants=(*REFUSED, "http 101")),
    http("two thousand headers", request(more=[f"X-{number}: a" for number in range(2000)]), wants=(*REFUSED, "http 101")),
    http("a subprotocol that nobody knows", request(more=["Sec-WebSocket-Protocol: chat"])),
    http("frames in the same packet as the request", request() + frame(PING, b"early"), wants="http 101, pong 5"),
)


# ---- 2. lengths and pieces (5.2) ----

LENGTHS = (
    *(native(f"a message of {size} bytes", frame(BINARY, ask_of(size)), wants="answer 1, alive")
      for size in (3, 125, 126, 127, 128, 1000, 4096, 65535, 65536, 65537)),
    native("an empty binary message", frame(BINARY, b"")),
    native("the largest message", frame(BINARY, ask_of(MESSAGE_BYTES_MAX)), wants="answer 1, alive"),
    native("one byte more than the largest", frame(BINARY, bytes(MESSAGE_BYTES_MAX + 1)), wants="close 1009"),
    native("a frame that claims 2^31 bytes", b"\x82\xff" + struct.pack("!Q", 2**31) + b"kkkk" + b"x" * 9,
           wants="close 1009"),
    native("a frame that claims 2^62 bytes", b"\x82\xff" + struct.pack("!Q", 2**62) + b"kkkk" + b"x" * 9,
           wants=("close 1009", "close 1002")),
    native("a length with its highest bit set", b"\x82\xff" + struct.pack("!Q", 2**63 + 3) + b"kkkk" + b"x" * 9,
           wants=("close 1002", "close 1009", "gone")),
    native("3 bytes, said in 16 bits", b"\x82\xfe\0\x03" + frame(BINARY, ask())[2:], wants=("close 1002", "gone")),
    native("3 bytes, said in 64 bits", b"\x82\xff" + struct.pack("!Q", 3) + frame(BINARY, ask())[2:],
           wants=("close 1002", "gone")),
    native("a frame byte by byte", *(bytes([byte]) for byte in frame(BINARY, ask_of(130))), wants="answer 1, alive"),
    native("a head cut inside its length", *cut(frame(BINARY, ask_of(300)), 3), wants="answer 1, alive"),
    native("a hundred frames in one packet", b"".join(frame(BINARY, ask(number)) for number in range(1, 101)),
           wants=", ".join(f"answer {number}" for number in range(1, 101)) + ", alive"),
    native("half a frame, and then nothing", frame(BINARY, bytes(100))[:50], wants="silent"),
)


# ---- 3. masks, reserved bits, opcodes (5.1, 5.2) ----

def with_bits(bits, opcode, payload=b"x", fin=True):
    """A frame with reserved bits."""
    made = frame(opcode, payload, fin=fin)
    return bytes([made[0] | bits]) + made[1:]


HEADS = (
    native("a message without a mask", frame(BINARY, ask(), masked=False), wants=("close 1002", "gone")),
    native("a ping without a mask", frame(PING, b"ping", masked=False), wants=("close 1002", "gone")),
    native("a close without a mask", frame(CLOSE, b"\x03\xe8", masked=False), wants=("close 1002", "gone")),
    native("a mask of zeros", b"\x82" + bytes([0x80 | len(ask())]) + bytes(4) + ask(), wants="answer 1, alive"),
    *(native(f"reserved bit {number} on {what}", with_bits(bit, opcode, payload), wants=("close 1002", "gone"))
      for number, bit in ((1, 0x40), (2, 0x20), (3, 0x10))
      for what, opcode, payload in (("a binary message", BINARY, ask()), ("a ping", PING, b"p"),
                                    ("a close", CLOSE, b"\x03\xe8"))),
    *(native(f"reserved bit {number} on a continuation", frame(BINARY, ask()[:1], fin=False),
             with_bits(bit, CONTINUATION, ask()[1:]), wants=("close 1002", "gone"))
      for number, bit in ((1, 0x40), (2, 0x20), (3, 0x10))),
    *(native(f"opcode {opcode:X}", frame(opcode, b"x"), wants=("close 1002", "gone"))
      for opcode in (3, 4, 5, 6, 7, 0xB, 0xC, 0xD, 0xE, 0xF)),
    native("opcode 3 without payload", frame(3, b""), wants=("close 1002", "gone")),
    native("opcode B without payload", frame(0xB, b""), wants=("close 1002", "gone")),
)


# ---- 4. control frames (5.5) ----

CONTROLS = (
    *(native(f"a ping of {size} bytes", frame(PING, b"p" * size), wants=f"pong {size}, alive") for size in (0, 1, 124, 125)),
    native("a ping of 126 bytes", frame(PING, b"p" * 126), wants=("close 1002", "gone")),
    native("a ping of 65536 bytes", frame(PING, b"p" * 65536), wants=("close 1002", "close 1009", "gone")),
    native("a ping in pieces", *(bytes([byte]) for byte in frame(PING, b"p" * 20)), wants="pong 20, alive"),
    native("a ping of binary bytes", frame(PING, bytes(range(100))), wants="pong 100, alive"),
    native("a ping in fragments", frame(PING, b"p", fin=False), frame(CONTINUATION, b"p"), wants=("close 1002", "gone")),
    native("a pong in fragments", frame(PONG, b"p", fin=False), frame(CONTINUATION, b"p"), wants=("close 1002", "gone")),
    native("a close in fragments", frame(CLOSE, b"\x03", fin=False), frame(CONTINUATION, b"\xe8"),
           wants=("close 1002", "gone")),
    native("a pong that nobody asked for", frame(PONG, b"")),
    native("a pong of 125 bytes that nobody asked for", frame(PONG, b"p" * 125)),
    native("a pong of 126 bytes", frame(PONG, b"p" * 126), wants=("close 1002", "gone")),
    # Section 5.5.3: the last of several may be answered for all.
    native("ten pings in ten packets", *(frame(PING, b"p" * size) for size in range(1, 11)),
           wants=tuple(", ".join(f"pong {size}" for size in (*answered, 10)) + ", alive"
                       for count in range(10) for answered in itertools.combinations(range(1, 10), count))),
    native("a ping between fragments", frame(BINARY, ask()[:1], fin=False), frame(PING, b"ping"),
           frame(CONTINUATION, ask()[1:]), wants="pong 4, answer 1, alive"),
    native("a pong between fragments", frame(BINARY, ask()[:1], fin=False), frame(PONG, b"pong"),
           frame(CONTINUATION, ask()[1:]), wants="answer 1, alive"),
)


# ---- 5. fragments (5.4) ----

def fragments(count):
    """A question in so many of them."""
    whole = ask_of(300)
    return b"".join(parts(BINARY, *(whole[index:index + 1] for index in range(count - 1)), whole[count - 1:]))


FRAGMENTS = (
    native("two fragments", *parts(BINARY, ask()[:1], ask()[1:]), wants="answer 1, alive"),
    native("two fragments in one packet", b"".join(parts(BINARY, ask()[:1], ask()[1:])), wants="answer 1, alive"),
    native("three fragments, the middle one empty", *parts(BINARY, ask()[:1], b"", ask()[1:]), wants="answer 1, alive"),
    native("an empty first fragment", *parts(BINARY, b"", ask()), wants="answer 1, alive"),
    native("an empty last fragment", *parts(BINARY, ask(), b""), wants="answer 1, alive"),
    native("nothing but empty fragments", *parts(BINARY, b"", b"", b"")),
    native("as many fragments as are taken", fragments(FRAGMENTS_MAX), wants="answer 1, alive"),
    native("one fragment more", fragments(FRAGMENTS_MAX + 1), wants="close 1002"),
    native("ten thousand empty fragments", frame(BINARY, b"", fin=False) + frame(CONTINUATION, b"", fin=False) * 10_000,
           wants=("close 1002", "close 1009", "gone")),
    native("fragments that together are too long", *parts(BINARY, *[bytes(65536)] * 5), wants="close 1009"),
    native("a continuation of nothing", frame(CONTINUATION, ask()), wants=("close 1002", "gone")),
    native("a continuation of nothing, not the last", frame(CONTINUATION, ask(), fin=False), wants=("close 1002", "gone")),
    # Whether the answer has left by then is a matter of packets; that the message is heard, web_socket_peers_test.py sees.
    native("a continuation after a whole message", frame(BINARY, ask()), frame(CONTINUATION, b"x"),
           wants=("answer 1, close 1002", "answer 1, gone", "close 1002", "gone")),
    native("a new message inside another", frame(BINARY, ask()[:1], fin=False), frame(BINARY, ask()),
           wants=("close 1002", "gone")),
    native("a text inside a binary message", frame(BINARY, ask()[:1], fin=False), frame(TEXT, b"x"),
           wants=("close 1002", "gone")),
    native("a close between fragments", frame(BINARY, ask()[:1], fin=False), frame(CLOSE, b"\x03\xe8"), wants="close 1000"),
    old("a text in three fragments", *parts(TEXT, say()[:5], say()[5:9], say()[9:])),
)


# ---- 6. UTF-8 (8.1) ----

GOOD_TEXTS = {"two bytes": "é", "three bytes": "€", "four bytes": "😀", "the last code point": "\U0010ffff",
              "a code point that is no character": "\uffff", "the first code point of each length": "\u0080\u0800\U00010000",
              "a mark of byte order": "\ufeff", "Greek": "κόσμε"}
BAD_TEXTS = {"a continuation alone": b"\x80", "a first byte alone": b"\xc3", "a three-byte start alone": b"\xe2\x82",
             "a slash in two bytes": b"\xc0\xaf", "a slash in three bytes": b"\xe0\x80\xaf",
             "a slash in four bytes": b"\xf0\x80\x80\xaf", "C1": b"\xc1\xbf", "the first surrogate": b"\xed\xa0\x80",
             "the last surrogate": b"\xed\xbf\xbf", "above the last code point": b"\xf4\x90\x80\x80",
             "F5": b"\xf5\x80\x80\x80",
             "five bytes": b"\xf8\x88\x80\x80\x80", "FE": b"\xfe", "FF": b"\xff", "Latin-1": b"caf\xe9 noir"}

TEXTS = (
    old("an answerable text", frame(TEXT, say())),
    *(old(f"UTF-8: {name}", frame(TEXT, say(content.encode()))) for name, content in GOOD_TEXTS.items()),
    *(old(f"not UTF-8: {name}", frame(TEXT, say(content)), wants=("close 1007", "gone"))
      for name, content in BAD_TEXTS.items()),
    old("a character cut by a fragment", *parts(TEXT, say("€".encode())[:-3], say("€".encode())[-3:])),
    old("a character cut by a packet", *cut(frame(TEXT, say("€".encode())), -3)),
    old("a text that ends inside a character", frame(TEXT, say() + b"\xe2\x82"), wants=("close 1007", "gone")),
    old("a fragment that can become no UTF-8", frame(TEXT, say(b"\xff")[:-1], fin=False), frame(CONTINUATION, b"}"),
        wants=("close 1007", "gone")),
    native("bytes that are no UTF-8 in a binary message", frame(BINARY, record(ASK, 1, b"\xff\xfe\xc0")),
           wants="answer 1, alive"),
    native("bytes that are no UTF-8 in a ping", frame(PING, b"\xff\xfe"), wants="pong 2, alive"),
)


# ---- 7. the end (5.5.1, 7.4) ----

def closing(code, reason=b""):
    return frame(CLOSE, struct.pack("!H", code) + reason)


GOOD_CODES = (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999)
BAD_CODES = (0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535)

CLOSES = (
    *(native(f"close {code}", closing(code), wants=(f"close {code}", "close 1000")) for code in GOOD_CODES),
    *(native(f"close {code}, which nobody may send", closing(code), wants=("close 1002", "gone")) for code in BAD_CODES),
    native("a close without a status", frame(CLOSE, b""), wants=("close 1005", "close 1000")),
    native("a close with half a status", frame(CLOSE, b"\x03"), wants=("close 1002", "gone")),
    native("a close with a reason", closing(1000, b"bye"), wants="close 1000"),
    native("a close with the longest reason", closing(1000, b"r" * 123), wants="close 1000"),
    native("a close with a reason too long", closing(1000, b"r" * 124), wants=("close 1002", "gone")),
    native("a close whose reason is no UTF-8", closing(1000, b"\xff\xfe"), wants=("close 1007", "close 1002", "gone")),
    native("a question behind a close", closing(1000) + frame(BINARY, ask()), wants="close 1000"),
    native("a close and another", closing(1000) + closing(1001), wants="close 1000"),
)

TABLE = {"the request": REQUESTS, "lengths and pieces": LENGTHS, "masks, reserved bits, opcodes": HEADS,
         "control frames": CONTROLS, "fragments": FRAGMENTS, "UTF-8": TEXTS, "the end": CLOSES}
CASES = tuple(case for cases in TABLE.values() for case in cases)

AS_ABOVE = "As above."

# What libwebsockets 4.1.6 does otherwise, and why it stays so. Our own codec does nothing otherwise.
DEVIATIONS = {} if os.environ.get("TRESTLE_TRANSPORT") != "library" else {
    "a method in small letters":
        ("http 101", "The library's parser does not tell letters of a method apart. Nothing follows from it."),
    "a line without a colon":
        ("silent", "The parser waits for the line to become a header; the deadline of a request (5 s) ends it."),
    "a folded line":
        ("silent", "Folded lines are obsolete (RFC 7230, 3.2.4): the parser waits, and the deadline ends it."),
    "white space behind the key":
        ("http 400", "The library would sign the key with the white space, which no client expects: refused instead of misled. "
         "No client writes it."),
    "a subprotocol that nobody knows":
        ("no answer", "The library hangs up instead of leaving the choice to the client. No peer asks for a subprotocol."),
    "3 bytes, said in 16 bits":
        ("answer 1, alive", "Lengths need not be minimal. The bytes are counted all the same, and the bounds hold."),
    "3 bytes, said in 64 bits":
        ("answer 1, alive", AS_ABOVE),
    "a message without a mask":
        ("answer 1, alive", "The library does not show us whether a frame was masked. Masks keep a page from writing what a "
         "proxy takes for a request; every browser masks, and who is no browser can write to a proxy without us."),
    "a ping without a mask":
        ("pong 4, alive", AS_ABOVE),
    "a close without a mask":
        ("close 1000", AS_ABOVE),
}
