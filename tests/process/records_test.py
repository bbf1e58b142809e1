"""Records on the wire and in the hands of users: signatures, versions, deletions, receipts."""

import concurrent.futures
import json
import time
import unittest

from cryptography.hazmat.primitives.asymmetric import ec
from native_peer import (FIND_NODE, FIND_NODE_RESPONSE, FIND_VALUE, FIND_VALUE_RESPONSE, PING, PONG, REFRESHED, STORED,
                         TOMBSTONE, NativePeer, Refused, Stored, id_of, old_stored, point, record, varint)
from process_case import ProcessCase, free_port, url_of, wait_until

NODES = 3


def calendar_ms():
    return time.time_ns() // 1_000_000


class RecordsTest(ProcessCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.story = cls()
        cls.network = cls.enterClassContext(cls.story.prepare_network(bridges=1))
        cls.network.start(NODES)
        cls.writer = ec.generate_private_key(ec.SECP256R1())

    def runTest(self):
        """Only so that the class can be made for its network."""

    def peer(self, role="observer"):
        return self.enterContext(NativePeer(self.network.nodes[0].url, role=role).__enter__()).handshake()

    def command(self, word, *words, node=None):
        node = node or self.network.nodes[0]
        return self.network.command("dht-node", word, *words, "--data", node.data)

    def answer(self, word, *words, node=None):
        code, out, _ = self.command(word, *words, "--json", node=node)
        return code, json.loads(out)

    def assert_refused(self, code, peer, fields):
        with self.assertRaises(Refused) as refused:
            peer.store(fields)
        self.assertEqual(refused.exception.refusal.code, code)

    # ---- on the wire ----

    def test_only_what_its_author_signed_is_kept(self):
        made = Stored.sign(self.writer, "signed", b"value", calendar_ms())
        for changed in ({"value": b"valuf"}, {"version": made.version + 1}, {"key": b"other"}, {"kind": TOMBSTONE},
                        {"ttl_ms": made.ttl_ms + 1}, {"signature": bytes(64)}):
            with self.subTest(changed):
                # A peer of its own for each: who forges three times is cut, and stays out for a while.
                self.assert_refused("UNAUTHORIZED", self.peer(), Stored(**{**vars(made), **changed}).fields)
        peer = self.peer()
        self.assert_refused("UNAUTHORIZED", peer,
                            Stored.sign(self.writer, "signed", b"value", calendar_ms(), network="elsewhere").fields)
        self.assertIsNone(peer.find_value("signed"))
        self.assertEqual(peer.store(made.fields), STORED)
        self.assertEqual(peer.find_value("signed").signature, made.signature)
        counters = self.network.nodes[0].status()["counters"]
        self.assertGreaterEqual(counters["verify.forged_total"], 7)

    def test_the_higher_version_stays_and_an_equal_one_refreshes(self):
        peer = self.peer()
        now = calendar_ms()
        first = Stored.sign(self.writer, "versions", b"first", now, left_ms=60_000)
        self.assertEqual(peer.store(first.fields), STORED)
        self.assert_refused("OUTDATED", peer, Stored.sign(self.writer, "versions", b"old", now - 1).fields)
        self.assertLessEqual(peer.find_value("versions").left_ms, 60_000)
        again = Stored(**{**vars(first), "left_ms": first.ttl_ms})
        self.assertEqual(peer.store(again.fields), REFRESHED)
        self.assertGreater(peer.find_value("versions").left_ms, 3_500_000)
        self.assert_refused("OUTDATED", peer, old_stored("versions", b'"old"'))
        deleted = Stored.sign(self.writer, "versions", b"", now + 1)
        self.assertEqual(peer.store(deleted.fields), STORED)
        self.assertEqual(peer.find_value("versions").kind, TOMBSTONE)
        self.assert_refused("OUTDATED", peer, first.fields)
        self.assertEqual(self.command("get", "versions")[0], 1)
        day = 24 * 3600 * 1000
        self.assert_refused("INVALID_REQUEST", peer,
                            Stored.sign(self.writer, "versions", b"far", calendar_ms() + 2 * day).fields)

    def test_a_key_of_a_node_is_its_own(self):
        peer = self.peer()
        own = f"@{id_of(point(self.writer))}/profile"
        stranger = ec.generate_private_key(ec.SECP256R1())
        self.assert_refused("UNAUTHORIZED", peer, Stored.sign(stranger, own, b"value", calendar_ms()).fields)
        self.assert_refused("UNAUTHORIZED", peer, old_stored(own, b'"value"'))
        self.assertEqual(peer.store(Stored.sign(self.writer, own, b"value", calendar_ms()).fields), STORED)
        code, out, err = self.command("put", own, "value")
        self.assertEqual((code, out), (1, ""))
        self.assertIn("UNAUTHORIZED", err)

    def test_a_forged_answer_is_not_believed(self):
        """A node that lies to readers: its record is refused, and the search goes on without it."""
        forged = Stored.sign(self.writer, "contested", b"true", calendar_ms())
        forged = Stored(**{**vars(forged), "value": b"false"})
        before = self.network.nodes[0].status()["counters"]["verify.forged_total"]
        liar = self.peer(role="node")
        reader = concurrent.futures.ThreadPoolExecutor(1).submit(self.command, "get", "contested", "--json")
        lied = False
        while not reader.done():
            try:
                asked = liar.next_record(0.2)
            except TimeoutError:
                continue
            if asked.kind == PING:
                liar.send(record(PONG, asked.request_id))
            elif asked.kind == FIND_NODE:
                liar.send(record(FIND_NODE_RESPONSE, asked.request_id, varint(0)))
            elif asked.kind == FIND_VALUE:
                lied = True
                liar.send(record(FIND_VALUE_RESPONSE, asked.request_id, b"\1" + forged.fields))
        self.assertTrue(lied)
        code, out, _ = reader.result()
        self.assertEqual((code, json.loads(out)["code"]), (1, "NOT_FOUND"))
        self.assertGreater(self.network.nodes[0].status()["counters"]["verify.forged_total"], before)

    # ---- users ----

    def test_receipts_for_people_and_for_programs(self):
        code, out, _ = self.command("put", "receipt", "value", "--ttl", "30m")
        self.assertEqual(code, 0)
        self.assertRegex(out, r"^stored at [234] nodes \([23] wanted\)\n$")
        code, receipt = self.answer("put", "receipt", "another value")
        self.assertEqual((code, receipt["code"], receipt["weak"]), (0, "NONE", False))
        self.assertGreaterEqual(receipt["replicas"], receipt["replicas_wanted"])
        self.assertAlmostEqual(receipt["version"], calendar_ms(), delta=60_000)
        for node in self.network.nodes:
            wait_until(lambda node=node: self.answer("get", "receipt", node=node)[1].get("value") == "another value", 5)
        self.assertEqual(self.command("put", "receipt", "value", "--ttl", "soon")[0], 2)

    def test_refresh_and_delete(self):
        reader, writer = self.network.nodes[0], self.network.nodes[1]
        self.assertEqual(self.command("put", "short", "value", "--ttl", "2m", node=writer)[0], 0)
        time.sleep(1)
        left = self.answer("get", "short", node=reader)[1]["left_ms"]
        self.assertLess(left, 119_500)
        code, out, _ = self.command("refresh", "short", node=reader)
        self.assertEqual(code, 0)
        self.assertRegex(out, r"^refreshed at [234] nodes \([23] wanted\)\n$")
        self.assertGreater(self.answer("get", "short", node=reader)[1]["left_ms"], left)
        code, out, _ = self.command("delete", "short", node=reader)
        self.assertEqual(code, 0)
        self.assertRegex(out, r"^deleted at [234] nodes \([23] wanted\)\n$")
        for node in self.network.nodes:
            wait_until(lambda node=node: self.answer("get", "short", node=node)[1]["code"] == "NOT_FOUND", 5)
        for word in ("refresh", "delete"):
            self.assertEqual(self.answer(word, "short", node=reader)[1]["code"], "NOT_FOUND")
        self.assertEqual(self.command("put", "short", "again", node=writer)[0], 0)
        self.assert_get(self.network, writer, "short", "again")

    def test_one_node_alone_says_that_its_receipt_is_weak(self):
        nobody = url_of(free_port())
        alone = self.network.start_program("dht-node", "alone", "--listen", "127.0.0.1:0", "--bootstrap", nobody)
        code, out, _ = self.command("put", "key", "value", node=alone)
        self.assertEqual(code, 0)
        self.assertEqual(out, "WEAK: stored at 1 node only (2 wanted); it may be lost with them\n")
        self.assertTrue(self.answer("put", "key", "value", node=alone)[1]["weak"])

    def test_what_users_write_is_what_the_document_says(self):
        self.assert_put(self.network, self.network.nodes[0], "document", "value")
        found = self.peer().find_value("document")
        found.verify()
        self.assertEqual(id_of(found.author), self.network.nodes[0].id)
        self.assertEqual((found.value, found.ttl_ms), (b"value", 3_600_000))


if __name__ == "__main__":
    unittest.main()
