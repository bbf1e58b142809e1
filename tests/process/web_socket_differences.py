"""Where other implementations of WebSocket do otherwise than RFC 6455, or than we where it leaves a choice.

docs/conformance.md tells the same. web_socket_peers_test.py fails if there is a difference that is not here, and if one that is
here is none any more.
"""

import dataclasses
import fnmatch


@dataclasses.dataclass(frozen=True)
class Difference:
    """One reason. `rows` are names of rows; `outcomes` says who does what instead. Both may have wildcards.

    A key of `outcomes` is the name of a peer, or that and the role in which it does so; outcomes are divided by `|`.
    """

    what: str
    rfc: str
    rows: tuple
    outcomes: dict

    def outcome(self, peer, role, row):
        """What that peer does with that row instead: patterns; none if this is not about them."""
        if not any(fnmatch.fnmatchcase(row, pattern) for pattern in self.rows):
            return ()
        found = self.outcomes.get(f"{peer} {role}", self.outcomes.get(peer))
        return tuple(found.split("|")) if found else ()


DIFFERENCES = (
    Difference(
        "Lengths that are not minimal are taken, or refused as an error of one's own",
        "5.2: in all cases, the minimal number of bytes MUST be used to encode the length",
        ("* bytes, said in 16 bits", "* bytes, said in 64 bits"),
        {"ws": "binary *, alive", "websocketpp": "close 1011", "library": "binary *, alive"}),
    Difference(
        "A length with its highest bit set is merely too large, or ends the connection without a word",
        "5.2: the most significant bit MUST be 0",
        ("a length with its highest bit set, *",),
        {"ws": "close 1009", "websocketpp": "close 1009", "library": "gone"}),
    Difference(
        "What is too large is refused when some of it is there",
        "10.4: implementations that have limitations MUST protect themselves against exceeding those limits",
        ("a frame that claims *", "fragments that claim to be longer", "fragments whose lengths overflow together"),
        {"library client": "silent"}),
    Difference(
        "Nobody looks at the mask bit: masks are taken off all frames, or off none",
        "5.1: a server MUST close the connection upon receiving a frame that is not masked, a client if it detects a masked frame",
        ("the wrong mask bit on *", "what is right before what is wrong"),
        {"library server": "*alive*|close 1000", "library client": "*alive*|*close 1007|gone"}),
    Difference(
        "A control frame that is too long ends the connection without a close frame",
        "7.1.7: an endpoint SHOULD send a Close frame with an appropriate status code before closing",
        ("control * of * bytes", "control *, 3 bytes said in 16 bits"),
        {"library": "gone"}),
    Difference(
        "So does any flaw of a head",
        "7.1.7, as above",
        ("*reserved bit*", "opcode *", "what is right behind what is wrong", "control * in fragments", "a new * inside a *",
         "another beginning inside a *", "a * that is not ended", "a continuation of nothing*", "an empty continuation of nothing",
         "a continuation behind a whole message", "a continuation behind a fragmented message"),
        {"library client": "*gone"}),
    Difference(
        "So does a close whose status nobody may send, or whose payload is broken",
        "7.1.7, as above",
        ("close 5000, *", "close 9999, *", "close 65535, *", "a close with half a status", "a close with a reason too long",
         "a close whose reason is no UTF-8", "a close whose reason ends inside a character", "a bad status and a bad reason"),
        {"library": "gone"}),
    Difference(
        "Statuses that were defined later are not known",
        "7.4.2: 1000-2999 are for this protocol, its future revisions, and extensions",
        ("close 1012*", "close 1013*", "close 1014*"),
        {"library": "close 1002"}),
    Difference(
        "Of several pings the first is answered",
        "5.5.3: an endpoint MAY send a Pong for only the most recently processed Ping",
        ("three pings", "pings between many fragments", "as many pings as may be", "one ping more"),
        {"library": "*alive > pong '*'"}),
    Difference(
        "A pong that has not gone when the connection ends is lost",
        "5.5.2: a Pong is sent in response, unless a Close frame was received",
        ("a ping before a close", "a continuation behind a ping"),
        {"library server": "close 100?", "library client": "close 1001|gone"}),
    Difference(
        "Text is looked at when all of it is there, or a buffer of it",
        "8.1: when an endpoint is to interpret a byte stream as UTF-8 but finds that it is not, it MUST fail the connection",
        ("half a frame that can become no UTF-8",),
        {"ws": "silent", "library client": "silent"}),
    Difference(
        "What follows such text in the same packet is refused first",
        "8.1, as above",
        ("a fragment that can become no UTF-8",),
        {"ws": "close 1002", "library server": "close 1002"}),
    Difference(
        "A text in fragments may end inside a character",
        "8.1, as above",
        ("not UTF-8, in the last fragment: a first byte alone", "not UTF-8, in the last fragment: two of three bytes",
         "not UTF-8, in the last fragment: three of four bytes", "not UTF-8, in the last fragment: cut behind much ASCII"),
        {"websocketpp": "text *, alive"}),
    Difference(
        "A reason that is no UTF-8 is an error of the protocol",
        "7.4.1: 1007 indicates data within a message that was not consistent with the type of the message",
        ("a close whose reason is no UTF-8", "a close whose reason ends inside a character"),
        {"websocketpp": "close 1002"}),
    Difference(
        "A close without a status is answered with one",
        "5.5.1: in response, the endpoint typically echos the status code it received",
        ("a close without a status",),
        {"websocketpp": "close 1000"}),
    Difference(
        "What lies behind a close is read, and ends the connection before the answer",
        "1.4: upon receiving a close, a peer discards any further data received",
        ("a close inside a *", "nonsense behind a close"),
        {"websocketpp": "gone", "library": "gone"}),
    Difference(
        "Of two closes the second is answered",
        "1.4, as above",
        ("a close and another",),
        {"library client": "close 1001"}),
    Difference(
        "Fragments of a message are not counted",
        "10.4, as above: the bound is ours",
        ("a * in one fragment more",),
        {"ws": "* '123456789', alive", "websocketpp": "* '123456789', alive"}),
    Difference(
        "Pings are not counted, by ours where it has dialled",
        "10.4, as above: the bound is ours, for callers",
        ("one ping more",),
        {"ws": "alive > pong '', *", "websocketpp": "alive > pong '', *", "raw client": "alive > pong '', *"}),
    Difference(
        "Pongs are not counted, by ours where it has dialled; at libwebsockets the bytes of all control frames are, every few seconds",
        "10.4, as above: the bound is ours, for callers",
        ("pongs count as well",),
        {"ws": "alive", "websocketpp": "alive", "library": "alive", "raw client": "alive"}),
)
