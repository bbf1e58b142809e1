"""What must never be in a log: secrets of every kind, looked for in all that the programs say at their most talkative."""

import base64
import json
import unittest

from identity_test import content_of
from process_case import HOST, ProcessCase, free_port
from sealed_values_test import needle, network_secrets

TALKATIVE = ("--log-level", "debug", "--trace-frames")
# A key is a secret to the last byte; so many of them in a row are no chance.
PIECE_BYTES = 12
# Of a paper its end: the beginning says what it is, to anybody.
SIGNATURE_BYTES = 64


def spellings(secret):
    """How bytes may stand in a line."""
    pieces = [secret[at:at + PIECE_BYTES] for at in range(0, len(secret) - PIECE_BYTES + 1, 4)]
    texts = {piece.hex() for piece in pieces} | {piece.hex().upper() for piece in pieces}
    for cut in range(3):  # base64 begins anew every three bytes
        whole = secret[cut:len(secret) - (len(secret) - cut) % 3]
        texts |= {base64.b64encode(whole).decode(), base64.urlsafe_b64encode(whole).decode()}
    return texts


class LogNeedlesTest(ProcessCase):

    def setUp(self):
        self.lines = []
        self.network = self.prepare_network(
            invited=True, bridges=1, tls=True, bootstrap_options=("--genesis", *TALKATIVE),
            on_event=lambda program, event: self.lines.append(f"{program.name} {json.dumps(event)}"))
        self.key_file = self.network.make_network_key()
        self.network.bridge_options = ("--network-key-file", self.key_file, *TALKATIVE)

    def told(self):
        """Everything that was logged or printed."""
        programs = (self.network.bootstrap, *self.network.bridges, *self.network.nodes)
        return "\n".join([*self.lines, *(line for program in programs for line in program.other_lines)])

    def secrets_of(self, program):
        """What lies in a data folder and is nobody else's business."""
        identity = (program.data / "identity").read_bytes()
        self.assertEqual((identity[0], len(identity)), (1, 33))
        yield f"the key of {program.name}", identity[1:]
        for name in ("membership", "network-key-wrapped"):
            if (program.data / name).exists():
                yield f"the {name} of {program.name}", (program.data / name).read_bytes()[-SIGNATURE_BYTES:]

    def test_no_secret_is_in_any_log(self):
        """T28: keys, secrets, papers and sealed values, in an hour's worth of talk of a network that one enters by invitation."""
        network = self.network
        admin_secret = network.write_secret("admin-secret")
        network.start(0)
        papers = []
        invite = network.invite
        network.invite = lambda *words: papers.append(invite(*words)) or papers[-1]
        for _ in range(2):
            network.start_node(*TALKATIVE)
        network.start_node(*TALKATIVE, "--admin", f"{HOST}:{free_port()}", "--admin-secret-file", admin_secret)
        network.wait_joined(network.nodes[:2])
        author, reader = network.nodes[:2]
        values = {"network": needle(), "self": needle(), "public": needle()[:16]}  # short enough to be logged whole
        for audience, value in values.items():
            code, out, err = network.command("dht-node", "put", audience, value, "--audience", audience, "--data", author.data)
            self.assertEqual(code, 0, f"{out}{err}")
        for audience in ("network", "public"):
            self.assert_get(network, reader, audience, values[audience])
        # Somebody who asks with the wrong secret, and one who comes with an invitation that is not for him.
        code, _, _ = network.command("dht-node", "get", "network", "--data", network.nodes[2].data)
        papers.append(invite(network.identity_of("dht-node", "somebody else")))
        network.command("dht-node", "run", "--data", network.data_of("a thief"), "--listen", f"{HOST}:0", "--bootstrap",
                        network.url_of(network.bootstrap_port), "--invitation", papers[-1])

        secrets = {"the bridges' secret": network.secret_file.read_text().strip(),
                   "the old system's secret": network.legacy_secret_file.read_text().strip(),
                   "the admin's secret": admin_secret.read_text().strip(),
                   "a value for the network": values["network"], "a value for its author": values["self"]}
        needles = {what: {text, text.encode().hex(), base64.b64encode(text.encode()).decode().rstrip("=")[:-1]}
                   for what, text in secrets.items()}
        for program in (network.bootstrap, *network.bridges, *network.nodes):
            needles |= {what: spellings(secret) for what, secret in self.secrets_of(program)}
        for number, secret in enumerate(network_secrets(self.key_file)):
            needles[f"key {number} of the network"] = spellings(secret)
        for number, paper in enumerate(papers):
            signature = content_of(paper, "invitation")[-SIGNATURE_BYTES:]
            needles[f"invitation {number}"] = {paper, paper[-40:]} | spellings(signature)
        # The last four bytes may be shared by chance with nobody; the key of TLS is text.
        pem = [line for line in network.key.read_text().splitlines() if not line.startswith("-")]
        needles["the key of TLS"] = {line for line in pem if len(line) > 20}

        told = self.told()
        self.assertIn("frame.received", told, "frames are in the logs")
        self.assertTrue(values["public"] in told or values["public"].encode().hex() in told, "what is public is seen")
        self.assertGreater(len(needles), 15)
        found = [what for what, texts in needles.items() if any(text in told for text in texts)]
        self.assertEqual(found, [])


if __name__ == "__main__":
    unittest.main()
