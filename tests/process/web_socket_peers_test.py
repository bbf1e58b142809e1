"""The conformance table of WebSocket over sockets, at our transports and at implementations of others; and all of them in talk
with each other. A browser talks with our listeners in web_socket_browser_test.py.
"""

import asyncio
import fnmatch
import os
import pathlib
import unittest

from process_case import programs_folder
from web_socket_differences import DIFFERENCES
from web_socket_peers import Peer, Table, answers, outcomes, shown

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "conformance.md"
OURS = ("raw", "library")               # the transports of the programs; the second is libwebsockets' WebSocket
OTHERS = ("ws", "websocketpp")
ROLES = {"serve": "server", "dial": "client"}
ROWS_MIN = 300
REQUESTS_MIN = 200
# Sound requests that others do not take.
REQUESTS_REFUSED = {"ws": {"Upgrade to one of two", "Upgrade with empty members", "Upgrade in two lines"}, "websocketpp": set()}
# Not for its form, but because our listener on this machine is asked for under another name.
PAGE = "the origin of a page"
SEED = 6455
MESSAGE_BYTES_MAX = 256 * 1024          # of a talk
SIZES = (0, 1, 125, 126, 127, 65535, 65536, 200_000)
TALK_WITHIN_S = 60.0


def command(peer, mode, bytes_max, fragments_max=64, controls_max=64):
    if peer == "ws":
        # Where the distribution has its modules, also for a node that is not the distribution's.
        os.environ.setdefault("NODE_PATH", "/usr/share/nodejs")
        return "node", ROOT / "tests/peers/ws_peer.js", mode, bytes_max
    if peer == "websocketpp":
        return programs_folder() / "websocketpp_peer", mode, bytes_max
    return programs_folder() / "transport_peer", mode, bytes_max, peer, fragments_max, controls_max


class TableTest(unittest.TestCase):
    """Each row at each peer, as server and as client, against what the RFC wants."""

    @classmethod
    def setUpClass(cls):
        cls.table = Table()

    def played(self, peer, mode, **how):
        async def play():
            table = self.table
            started = await Peer.start(*command(peer, mode, table.message_bytes_max, table.fragments_max, table.controls_max))
            return await outcomes(started, mode == "serve", table.rows, **how)
        return asyncio.run(play())

    def compare(self, peer, **how):
        for mode, role in ROLES.items():
            found = self.played(peer, mode, **how)
            differing = 0
            for row in self.table.rows:
                with self.subTest(row.name, peer=peer, role=role):
                    listed = self.listed(peer, role, row.name)
                    differing += bool(listed)
                    if not listed:
                        self.assertEqual(found[row.name], row.expects)
                        continue
                    self.assertNotEqual(found[row.name], row.expects, "no difference any more")
                    self.assertTrue(any(fnmatch.fnmatchcase(found[row.name], outcome) for outcome in listed),
                                    f"{found[row.name]} is not {listed}")
            print(f"{peer} as {role}{', in pieces' if how else ''}: {len(self.table.rows)} rows, {differing} differ as listed")

    def listed(self, peer, role, row):
        found = [outcomes_of_one for one in DIFFERENCES if (outcomes_of_one := one.outcome(peer, role, row))]
        self.assertLessEqual(len(found), 1, "listed twice")
        return found[0] if found else ()

    def test_every_row_at_our_own_codec(self):
        self.compare("raw")

    def test_every_row_at_our_own_codec_in_pieces(self):
        """The outcome does not depend on the packets. That it depends on no cut at all the tests of the codec show."""
        self.compare("raw", pieces=SEED)

    def test_every_row_at_libwebsockets(self):
        self.compare("library")

    def test_every_row_at_npm_ws(self):
        self.compare("ws")

    def test_every_row_at_websocketpp(self):
        self.compare("websocketpp")

    def answered(self, peer, requests):
        async def ask():
            return await answers(await Peer.start(*command(peer, "serve", self.table.message_bytes_max)), requests)
        return asyncio.run(ask())

    def test_every_request_at_our_own_codec(self):
        """What is not sound is refused with a status; rows that are not whole are left to the tests of the codec."""
        asked = [one for one in self.table.requests if one.expects != "reading" and one.name != PAGE]
        found = self.answered("raw", asked)
        for one in asked:
            with self.subTest(one.name):
                wants = (101,) if one.is_sound else (200,) if " @ " in one.expects else range(400, 506)
                self.assertIn(found[one.name], wants)
        print(f"raw as server: {len(asked)} requests, {sum(one.is_sound for one in asked)} of them sound")

    def test_every_sound_request_at_others(self):
        """What we take is what others take, too."""
        sound = [one for one in self.table.requests if one.is_sound]
        for peer, refused in REQUESTS_REFUSED.items():
            found = self.answered(peer, sound)
            self.assertEqual({name for name, status in found.items() if status != 101}, refused)
            print(f"{peer} as server: {len(sound)} sound requests, {len(refused)} refused as listed")

    def test_the_table_is_large_and_what_is_listed_is_in_it(self):
        self.assertGreaterEqual(len(self.table.rows), ROWS_MIN)
        self.assertGreaterEqual(len(self.table.requests), REQUESTS_MIN)
        names = [row.name for row in self.table.rows]
        self.assertEqual(len(set(names)), len(names))
        for one in DIFFERENCES:
            for pattern in one.rows:
                self.assertTrue(fnmatch.filter(names, pattern), pattern)

    def test_nothing_of_ours_departs_from_the_rfc(self):
        """Our own codec differs from the table in a bound of ours alone, which is for callers."""
        for one in DIFFERENCES:
            self.assertTrue(one.outcomes.keys().isdisjoint(("raw", "raw server")), one.what)
            self.assertEqual("raw client" in one.outcomes, "the bound is ours, for callers" in one.rfc, one.what)

    def test_the_document_lists_every_difference_and_no_other(self):
        lines = DOCUMENT.read_text(encoding="utf-8").splitlines()
        begin = lines.index("| What others do | What we follow | Who |") + 2
        cells = [tuple(line.strip("| ").split(" | ")) for line in lines[begin:lines.index("", begin)]]
        self.assertEqual(cells, [(one.what, one.rfc, ", ".join(one.outcomes)) for one in DIFFERENCES])


class TalkTest(unittest.TestCase):
    """Each of ours in an orderly conversation with each of all, in both directions."""

    def talk(self, dialler, listener):
        async def talked():
            server = await Peer.start(*command(listener, "serve", MESSAGE_BYTES_MAX))
            client = await Peer.start(*command(dialler, "dial", MESSAGE_BYTES_MAX))
            client.order(" ".join(map(str, (server.port, "talk", *SIZES))))
            reports = [await asyncio.wait_for(peer.report("talk"), TALK_WITHIN_S) for peer in (client, server)]
            return reports, [await peer.stop() for peer in (client, server)]
        return asyncio.run(talked())

    def test_messages_of_all_sizes_come_back_and_the_close_is_understood(self):
        contents = [bytes(ord("a") + index % 26 for index in range(size)) for size in SIZES]
        said = [f"{kind} {shown(content)}" for content in contents for kind in ("text", "binary")]
        for dialler in (*OURS, *OTHERS):
            for listener in (*OURS, *OTHERS):
                if dialler in OTHERS and listener in OTHERS:
                    continue
                with self.subTest(dialler=dialler, listener=listener):
                    reports, codes = self.talk(dialler, listener)
                    self.assertEqual(reports, [(1000, said), (1000, said)])
                    self.assertEqual(codes, [0, 0])


if __name__ == "__main__":
    unittest.main()
