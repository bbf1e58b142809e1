"""What operators do with identities and invitations on the command line: keys at rest, moved and replaced; who is let in."""

import base64
import hashlib
import os
import pathlib
import tempfile
import unittest

from process_case import ProcessCase

PHRASE = "correct horse battery"


def content_of(text, kind):
    """The bytes of a text; its checksum is looked at."""
    prefix = f"trestle-{kind}:"
    assert text.startswith(prefix), text
    digits = text[len(prefix):]
    whole = base64.urlsafe_b64decode(digits + "=" * (-len(digits) % 4))
    assert hashlib.sha256(prefix.encode() + whole[:-4]).digest()[:4] == whole[-4:]
    return whole[:-4]


class IdentityTest(ProcessCase):

    def setUp(self):
        self.network = self.prepare_network()
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.phrase = self.private("phrase", PHRASE + "\n")

    def private(self, name, text):
        path = self.folder / name
        path.touch(mode=0o600)
        path.write_text(text)
        return path

    def expect(self, code, program, *words):
        """Standard output of a program that ends with that code; of one that fails, its sentence."""
        got, out, err = self.network.command(program, *words)
        self.assertEqual(got, code, f"{program} {' '.join(map(str, words))}\n{out}{err}")
        self.assertNotRegex(err, r"terminate called|assertion failed")
        return out.strip() if code == 0 else err

    def node(self, code, command, data="node", *words, phrase=True):
        options = ("--identity-passphrase-file", self.phrase) if phrase else ()
        return self.expect(code, "dht-node", command, *words, "--data", self.folder / data, *options)

    def files_of(self, data):
        return {path.name: path.read_bytes() for path in (self.folder / data).iterdir() if path.is_file()}

    def test_an_identity_under_a_passphrase_is_used_moved_and_replaced(self):
        own_id = self.node(0, "keygen")
        self.assertRegex(own_id, r"^[0-9a-f]{40}$")
        self.assertEqual(self.files_of("node")["identity"][0], 2)
        self.assertIn("passphrase", self.node(5, "identity", phrase=False))
        card = content_of(self.node(0, "identity"), "identity")
        self.assertEqual(hashlib.sha256(card[1:65]).hexdigest()[:40], own_id, "the id is made of the first key")

        sealed = self.node(0, "export")
        self.assertIn("passphrase", self.node(3, "export", phrase=False))
        moved = self.private("moved", f"\n{sealed}\n")
        self.assertEqual(self.node(0, "import", "other", moved), own_id)
        self.assertEqual(content_of(self.node(0, "identity", "other"), "identity")[:129], card[:129], "the same three keys")
        self.node(5, "import", "other", moved)  # never over an identity that is there
        mistyped = self.private("mistyped", sealed[:-9] + ("A" if sealed[-9] != "A" else "B") + sealed[-8:])
        self.assertIn("damaged", self.node(1, "import", "third", mistyped))
        moved.chmod(0o644)
        self.assertIn("chmod 600", self.node(1, "import", "third", moved))

        rotation = content_of(self.node(0, "rotate"), "rotation")
        self.assertEqual(rotation[1:65], card[1:65], "the old key")
        successor = content_of(self.node(0, "identity"), "identity")
        self.assertEqual(rotation[65:65 + 129], successor[:129], "the new keys")
        self.assertNotEqual(successor[1:65], card[1:65])
        files = self.files_of("node")
        self.assertEqual(files[f"identity.{own_id}"][0], 2)
        self.assertTrue(files[f"rotation.{own_id}"].decode().startswith("trestle-rotation:"))
        for path in (self.folder / "node").iterdir():
            self.assertEqual(path.stat().st_mode & 0o077, 0, path)

    def test_a_node_runs_under_its_passphrase_and_not_without(self):
        own_id = self.node(0, "keygen")
        run = ("run", "--listen", "127.0.0.1:0", "--bootstrap", "ws://127.0.0.1:1", "--data", self.folder / "node")
        self.assertIn("passphrase", self.expect(5, "dht-node", *run))
        wrong = self.private("wrong", "another phrase\n")
        self.assertIn("does not open", self.expect(5, "dht-node", *run, "--identity-passphrase-file", wrong))
        os.environ["TRESTLE_IDENTITY_PASSPHRASE_FILE"] = str(self.phrase)
        self.addCleanup(os.environ.pop, "TRESTLE_IDENTITY_PASSPHRASE_FILE")
        card = content_of(self.node(0, "identity", phrase=False), "identity")
        self.assertEqual(hashlib.sha256(card[1:65]).hexdigest()[:40], own_id, "the variable names the file, too")

    def test_an_invitation_names_network_inviter_and_invitee_and_can_be_taken_back(self):
        founder = self.folder / "founder"
        self.expect(0, "bootstrap-node", "keygen", "--data", founder)
        founder_card = content_of(self.expect(0, "bootstrap-node", "identity", "--data", founder), "identity")
        guest_id = self.node(0, "keygen", phrase=False)
        card_text = self.node(0, "identity", phrase=False)
        card = content_of(card_text, "identity")

        text = self.expect(0, "bootstrap-node", "invite", card_text, "--data", founder)
        token = content_of(text, "invitation")
        self.assertEqual(len(token), 225)
        self.assertEqual(token[33:65], founder_card[65:97], "signed by the founder's Ed25519 key")
        self.assertEqual(token[65:129], card[1:65], "for the guest's P-256 key")
        issued, expires = (int.from_bytes(token[at:at + 8], "big") for at in (145, 153))
        self.assertEqual(expires - issued, 24 * 3600 * 1000)
        short = content_of(self.expect(0, "bootstrap-node", "invite", card_text, "--life", "90s", "--data", founder),
                           "invitation")
        self.assertEqual(int.from_bytes(short[153:161], "big") - int.from_bytes(short[145:153], "big"), 90_000)
        self.assertNotEqual(short[129:145], token[129:145], "a nonce of its own")
        lines = (founder / "invitations").read_text().splitlines()
        self.assertEqual([line.split()[2:] for line in lines], [[t[129:145].hex(), guest_id] for t in (token, short)])

        damaged = card_text[:-5] + ("A" if card_text[-5] != "A" else "B") + card_text[-4:]
        for words in ((damaged,), (guest_id,), (card_text, "--life", "31d"), (card_text, "--life", "soon")):
            self.expect(2, "bootstrap-node", "invite", *words, "--data", founder)
        self.assertEqual(len((founder / "invitations").read_text().splitlines()), 2)

        first = content_of(self.expect(0, "bootstrap-node", "revoke", text, "--data", founder), "revocation")
        self.assertEqual(int.from_bytes(first[65:73], "big"), 1)
        self.assertIn(token[129:145], first)
        second = content_of(self.expect(0, "bootstrap-node", "revoke", guest_id, "--branch", "--data", founder),
                            "revocation")
        self.assertEqual(int.from_bytes(second[65:73], "big"), 2)
        self.assertIn(token[129:145], second, "a list is whole")
        self.assertIn(bytes.fromhex(guest_id) + b"\x01", second)
        self.assertEqual((founder / "revocations").read_bytes(), second)
        self.expect(2, "bootstrap-node", "revoke", "nonsense", "--data", founder)
        self.expect(2, "bootstrap-node", "revoke", card_text, "--data", founder)
        for path in founder.iterdir():
            self.assertEqual(path.stat().st_mode & 0o077, 0, path)


if __name__ == "__main__":
    unittest.main()
