"""The examples of docs/protocol.md, made by the peer that these tests speak with: it follows the document."""

import pathlib
import re
import unittest

from native_peer import (FAILURE, FIND_NODE, FIND_NODE_RESPONSE, GOODBYE, PING, PONG, STORE, Reader, Refusal,
                         old_stored, record, records, text, varint)

DOCUMENT = pathlib.Path(__file__).resolve().parents[2] / "docs" / "protocol.md"


class ProtocolExamplesTest(unittest.TestCase):

    @classmethod
    def setUpClass(cls):
        chapter = re.search(r"### Examples\n(.*?)\n## ", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL).group(1)
        blocks = re.findall(r"```\n(.*?)\n```", chapter, re.DOTALL)
        cls.examples = {bytes.fromhex(line.replace(" ", "")) for block in blocks for line in block.splitlines()}

    def test_every_record_we_make_stands_in_the_document(self):
        contact = b"\xff" * 20 + b"\x03\x01" + text("ws://10.0.0.7:4000/") + text("")
        for made in (record(PING, 1), record(PONG, 1), record(FIND_NODE, 300, bytes(range(20))),
                     record(FIND_NODE_RESPONSE, 300, varint(1) + contact),
                     record(FAILURE, 7, b"\x0b" + varint(1500) + text("queue full")),
                     record(GOODBYE, 0, b"\x13" + varint(5000) + text("")),
                     record(STORE, 2, old_stored("greeting", b'"hi"')),
                     record(PING, 1) + record(0xFE, 0, b"\xab\xcd") + record(PING, 2)):
            self.assertIn(made, self.examples, made.hex(" "))

    def test_what_the_document_shows_is_read(self):
        read = [found for example in self.examples for found in records(example)]
        self.assertIn(Refusal("BUSY", 1500, "queue full"),
                      [Refusal.read(found.fields) for found in read if found.kind == FAILURE])
        contacts = [Reader(found.fields).contacts() for found in read if found.kind == FIND_NODE_RESPONSE]
        self.assertEqual(contacts, [[("ff" * 20, 3, "ws://10.0.0.7:4000/")]])


if __name__ == "__main__":
    unittest.main()
