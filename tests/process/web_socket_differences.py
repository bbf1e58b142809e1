"""Where other implementations of WebSocket do otherwise than RFC 6455, or than we where it leaves a choice.

docs/conformance.md tells the same. web_socket_peers_test.py fails if there is a difference that is not here, and if one that is
here is none any more.
"""

import dataclasses
import fnmatch


@dataclasses.dataclass(frozen=True)
class Difference:
    """One reason. `rows` are names of rows; `outcomes` says who does what instead. Both may have wildcards.

    A key of `outcomes` is the name of a peer, or that and the role in which it does so.
    """

    what: str
    rfc: str
    rows: tuple
    outcomes: dict

    def outcome(self, peer, role, row):
        """What that peer does with that row instead; None if this is not about them."""
        if not any(fnmatch.fnmatchcase(row, pattern) for pattern in self.rows):
            return None
        return self.outcomes.get(f"{peer} {role}", self.outcomes.get(peer))


DIFFERENCES = (
    Difference(
        "Lengths that are not minimal are taken, or refused as an error of one's own",
        "5.2: in all cases, the minimal number of bytes MUST be used to encode the length",
        ("* bytes, said in 16 bits", "* bytes, said in 64 bits"),
        {"ws": "binary *, alive", "websocketpp": "close 1011"}),
    Difference(
        "A length with its highest bit set is merely too large",
        "5.2: the most significant bit MUST be 0",
        ("a length with its highest bit set, *",),
        {"ws": "close 1009", "websocketpp": "close 1009"}),
    Difference(
        "Text is looked at when all of it is there",
        "8.1: when an endpoint is to interpret a byte stream as UTF-8 but finds that it is not, it MUST fail the connection",
        ("half a frame that can become no UTF-8",),
        {"ws": "silent"}),
    Difference(
        "Text is looked at when all of it is there: what comes between is refused first",
        "8.1, as above",
        ("a fragment that can become no UTF-8",),
        {"ws": "close 1002"}),
    Difference(
        "A text in fragments may end inside a character",
        "8.1, as above",
        ("not UTF-8, in the last fragment: a first byte alone", "not UTF-8, in the last fragment: * of * bytes",
         "not UTF-8, in the last fragment: cut behind much ASCII"),
        {"websocketpp": "text *, alive"}),
    Difference(
        "A reason that is no UTF-8 is an error of the protocol",
        "7.4.1: 1007 indicates that an endpoint has received data that was not consistent with the type of the message",
        ("a close whose reason is no UTF-8", "a close whose reason ends inside a character"),
        {"websocketpp": "close 1002"}),
    Difference(
        "A close without a status is answered with one",
        "5.5.1: when sending a Close frame in response, the endpoint typically echos the status code it received",
        ("a close without a status",),
        {"websocketpp": "close 1000"}),
    Difference(
        "What lies behind a close is read, and ends the connection before the answer",
        "1.4: after receiving a control frame indicating the connection should be closed, a peer discards any further data",
        ("a close inside a *", "nonsense behind a close"),
        {"websocketpp": "gone"}),
    Difference(
        "Bounds are other ones than ours: fragments of a message, control frames at once",
        "10.4: implementations that have limitations MUST protect themselves against exceeding those limits",
        ("one ping more", "pongs count as well", "a * in one fragment more"),
        {"ws": "*alive*", "websocketpp": "*alive*"}),
    Difference(
        "Whom we dialled may send control frames as it likes",
        "10.4, as above: the bound is for callers",
        ("one ping more", "pongs count as well"),
        {"raw client": "alive*"}),
)
