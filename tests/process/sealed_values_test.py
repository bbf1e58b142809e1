"""Values sealed for an audience, from one program to another; what of them anybody could see."""

import base64
import datetime
import json
import pathlib
import secrets
import signal
import time
import unittest

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from native_peer import NETWORK, NativePeer, Stored, id_of, transcript
from process_case import ProcessCase, wait_until

SEALED = 3


def needle():
    """Text that chance puts nowhere."""
    return secrets.token_hex(16)


def date_in(days):
    return (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=days)).strftime("%Y-%m-%dT%H:%M:%SZ")


def network_secrets(path):
    """The secrets in a file of network keys, by docs/protocol.md: the newest first."""
    text = pathlib.Path(path).read_text().strip().removeprefix("trestle-network-key:")
    data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))[:-4]
    return [data[2 + 36 * index + 4:2 + 36 * (index + 1)] for index in range(data[1])]


def derived(secret, label, context):
    info = transcript(label, (context,))
    return HKDF(hashes.SHA256(), 32, b"trestle key derivation v1", info).derive(secret)


def opened(secret, stored):
    """The plain bytes of a value for the network, by docs/protocol.md. Raises unless it is genuine."""
    label = b"trestle value for the network v1"
    head, nonce, sealed = stored.value[:10], stored.value[11:23], stored.value[23:]
    context = transcript(b"trestle value v1", (NETWORK.encode(), stored.key, stored.author,
                                               stored.version.to_bytes(8, "big"), head))
    return AESGCM(derived(secret, label, context)).decrypt(nonce, sealed, transcript(label, (b"\1", context)))


class SealedValuesTest(ProcessCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.story = cls()
        cls.logs = []
        cls.network = cls.enterClassContext(cls.story.prepare_network(
            bridges=1, on_event=lambda program, event: cls.logs.append(json.dumps(event))))
        cls.key_file = cls.network.make_network_key()
        cls.network.start(0)
        cls.members = [cls.network.start_node("--network-key-file", cls.key_file) for _ in range(2)]
        # What it says to others and hears from them stands in its log.
        cls.members.append(cls.network.start_node("--network-key-file", cls.key_file, "--trace-frames"))
        cls.outsider = cls.network.start_node()
        cls.network.wait_joined(cls.network.nodes)

    def runTest(self):
        """Only so that the class can be made for its network."""

    def put(self, node, key, value, *words):
        code, out, err = self.network.command("dht-node", "put", key, value, *words, "--json", "--data", node.data)
        self.assertEqual(code, 0, f"put {key}: {out}{err}\n{node.story()}")
        return json.loads(out)

    def get(self, node, key):
        code, out, _ = self.network.command("dht-node", "get", key, "--json", "--data", node.data)
        return code, json.loads(out)

    def assert_reads(self, node, key, value, audience):
        code, got = self.get(node, key)
        self.assertEqual((code, got.get("value")), (0, value), f"{key} at {node.name}: {got}")
        self.assertEqual((got["sealed"], got["audience"]), (True, audience))

    def assert_refused(self, node, key, code, words):
        status, got = self.get(node, key)
        self.assertEqual((status, got["code"]), (1, code), f"{key} at {node.name}: {got}")
        self.assertNotIn("value", got)
        self.assertIn(words, got["detail"])
        _, _, err = self.network.command("dht-node", "get", key, "--data", node.data)
        self.assertIn(words, err)

    def identity_of(self, node):
        code, out, err = self.network.command("dht-node", "identity", "--data", node.data)
        self.assertEqual(code, 0, err)
        return out.strip()

    # ---- audiences ----

    def test_each_audience_reads_what_is_for_it_and_nobody_sees_it_anywhere(self):
        """ENC-01, ENC-02, T15: from the user's words to disks and logs."""
        author, reader, member = self.members
        readers = "readers=" + self.identity_of(reader)
        words = {"network": (), "self": ("--audience", "self"), "readers": ("--audience", readers),
                 "public": ("--audience", "public")}
        values = {audience: needle() for audience in words}
        for audience, value in values.items():
            told = self.put(author, audience, value, *words[audience])
            self.assertEqual(told["audience"], audience)
        allowed = {"network": (author, reader, member), "self": (author,), "readers": (author, reader),
                   "public": (author, reader, member, self.outsider)}
        for audience, who in allowed.items():
            for node in self.network.nodes:
                if node in who:
                    self.assert_reads(node, audience, values[audience], audience)
                else:
                    self.assert_refused(node, audience, "UNAUTHORIZED", "sealed for others")
        seen = b"".join(path.read_bytes() for program in self.network.running()
                        for path in sorted(program.data.rglob("*")) if path.is_file())
        logs = "\n".join(self.logs)
        self.assertIn('"kind":"sealed"', logs.replace("\\", "").replace(" ", ""), "frames are in the logs")
        for audience, value in values.items():
            found = value.encode() in seen or value in logs or value.encode().hex() in logs
            self.assertEqual(found, audience == "public", f"a value for {audience} is found by a search of disks and logs")

    def test_what_is_sent_is_as_the_protocol_says(self):
        """The value of a record, opened by code that shares none with the programs."""
        value = needle()
        self.put(self.members[0], "spoken", value)
        with NativePeer(self.outsider.url, role="observer") as peer:
            stored = peer.handshake().find_value("spoken")
        if stored is None:
            with NativePeer(self.members[0].url, role="observer") as peer:
                stored = peer.handshake().find_value("spoken")
        stored.verify()
        self.assertEqual((stored.kind, stored.value[:2]), (SEALED, b"\1\1"))
        self.assertEqual(id_of(stored.author), self.members[0].id)
        secret = network_secrets(self.key_file)[0]
        self.assertEqual(opened(secret, stored).decode(), value)
        self.assertEqual(len(stored.value), len(value) + 39)
        with self.assertRaises(InvalidTag):
            opened(secrets.token_bytes(32), stored)

    def test_words_that_make_no_audience(self):
        node = self.members[0]
        for audience in ("everybody", "readers", "readers=", "self=x"):
            code, _, err = self.network.command("dht-node", "put", "k", "v", "--audience", audience, "--data", node.data)
            self.assertNotEqual(code, 0, audience)
            self.assertTrue(err)
        code, _, err = self.network.command("dht-node", "put", "k", "v", "--audience",
                                            "readers=" + self.identity_of(node)[:-1] + "0", "--data", node.data)
        self.assertEqual(code, 1)
        self.assertIn("identity", err)

    def test_a_reader_is_named_by_the_id_that_it_published(self):
        author, reader, member = self.members
        words = ("put", "named", "for you", "--audience", "readers=" + reader.id, "--data", author.data)
        code, _, err = self.network.command("dht-node", *words)
        self.assertEqual(code, 1)
        self.assertIn("published no identity", err)
        code, out, err = self.network.command("dht-node", "publish", "--data", reader.data)
        self.assertEqual(code, 0, err)
        self.assertIn("published at", out)
        published = self.get(author, f"@{reader.id}/identity")[1]
        self.assertTrue(published["value"].startswith("trestle-identity:"), published)
        code, _, err = self.network.command("dht-node", *words)
        self.assertEqual(code, 0, err)
        self.assert_reads(reader, "named", "for you", "readers")
        self.assert_reads(author, "named", "for you", "readers")
        self.assert_refused(member, "named", "UNAUTHORIZED", "sealed for others")

    # ---- plain values ----

    def test_plain_values_are_read_only_while_a_switch_that_expires_is_on(self):
        """ENC-05, X46."""
        stored = Stored.sign(ec.generate_private_key(ec.SECP256R1()), "plain", b"as it is", time.time_ns() // 1_000_000)
        with NativePeer(self.members[0].url, role="observer") as peer:
            peer.handshake().store(stored.fields)
        self.assert_refused(self.members[0], "plain", "REFUSED", "not sealed")
        self.assertEqual(self.get(self.outsider, "plain")[1]["sealed"], False)
        mover = self.network.start_node("--network-key-file", self.key_file, "--accept-plaintext-until", date_in(1))
        wait_until(lambda: mover.peer_count() >= 3, 15.0, mover.story)
        code, got = self.get(mover, "plain")
        self.assertEqual((code, got["value"], got["sealed"]), (0, "as it is", False))
        self.assertEqual(mover.status()["counters"]["values.plain_read_total"], 1)
        self.assertEqual(len([one for one in mover.events_named("values.read") if "plain" in one["detail"]]), 1)
        self.assert_stops(mover)
        self.network.nodes.remove(mover)

    def test_a_switch_that_has_expired_or_does_not_expire_stops_the_start(self):
        for days, words in ((-1, "is over"), (400, "more than a year")):
            for command in ("run", "check"):
                code, _, err = self.network.command(
                    "dht-node", command, "--data", self.network.folder / "unused", "--bootstrap", "ws://127.0.0.1:1",
                    "--accept-plaintext-until", date_in(days))
                self.assertEqual(code, 3, err)
                self.assertIn(words, err)
        for date in ("tomorrow", "2027-02-30", "2027-01-01T25:00:00Z", "2027-01-01 "):
            code, _, err = self.network.command("dht-node", "check", "--bootstrap", "ws://127.0.0.1:1",
                                                "--accept-plaintext-until", date)
            self.assertEqual(code, 3, err)
            self.assertIn("is no date", err)

    # ---- the key file ----

    def test_a_network_key_is_its_owners_and_is_renewed_while_everything_runs(self):
        own_file = self.network.folder / "renewed-key"
        command = lambda *words: self.network.command("bootstrap-node", "network-key", own_file, *words)  # noqa: E731
        self.assertEqual(command("--renew")[0], 1, "there is nothing to renew")
        own_file.write_bytes(self.key_file.read_bytes())
        self.assertEqual(command()[0], 1, "what is there is never replaced by accident")
        own_file.chmod(0o644)
        code, _, err = command("--renew")
        self.assertEqual(code, 1)
        self.assertIn("chmod 600", err)
        own_file.chmod(0o600)
        node = self.network.start_node("--network-key-file", own_file)
        wait_until(lambda: node.peer_count() >= 3, 15.0, node.story)
        self.put(node, "before", "old key")
        code, out, err = command("--renew")
        self.assertEqual((code, len(network_secrets(own_file))), (0, 2), err)
        self.assertEqual(own_file.stat().st_mode & 0o777, 0o600)
        node.process.send_signal(signal.SIGHUP)
        node.wait_event("host.reload", where=lambda event: "the network key" in event["detail"])
        self.put(node, "after", "new key")
        self.assert_reads(node, "before", "old key", "network")
        self.assert_reads(node, "after", "new key", "network")
        self.assert_reads(self.members[0], "before", "old key", "network")
        self.assert_refused(self.members[0], "after", "UNAUTHORIZED", "sealed for others")
        self.assert_stops(node)
        self.network.nodes.remove(node)


if __name__ == "__main__":
    unittest.main()
