"""A page in Chromium and our listeners: messages of all sizes, and closes that each side sees."""

import asyncio
import json
import os
import unittest
import unittest.mock

from browser import Browser
from process_case import ProcessCase, programs_folder, wait_until
from web_socket_peers import Peer, shown

TRANSPORTS = ("raw", "library")
MESSAGE_BYTES_MAX = 256 * 1024
SIZES = (0, 1, 125, 126, 127, 65535, 65536, 200_000)
STATUSES = (1000, 1001, 1002, 1008, 1009, 1011, 3000, 4000, 4999)   # a listener may say them
PAGE_STATUSES = (1000, 3000, 4999)                                  # a page may
WITHIN_S = 30.0

# Opens a WebSocket, says what is given, and writes down what comes.
PAGE = """
window.talk = (url, messages, closing) => {
  const seen = window.seen = {opened: false, heard: [], closed: null};
  const socket = new WebSocket(url);
  socket.binaryType = "arraybuffer";
  const letters = size => "abcdefghijklmnopqrstuvwxyz".repeat(size / 26 + 1).slice(0, size);
  socket.onopen = () => {
    seen.opened = true;
    for (const [kind, what] of messages) {
      const text = typeof what === "number" ? letters(what) : what;
      socket.send(kind === "text" ? text : new TextEncoder().encode(text));
    }
  };
  socket.onmessage = event => {
    const is_text = typeof event.data === "string";
    const text = is_text ? event.data : new TextDecoder().decode(event.data);
    seen.heard.push([is_text ? "text" : "binary", text.length, text === letters(text.length) ? "" : text.slice(0, 100)]);
    const counted = seen.heard.filter(([, , heard]) => closing && heard.includes(closing[2]));
    if (closing && counted.length === closing[1]) socket.close(closing[0], "the page's");
  };
  socket.onclose = event => { seen.closed = [event.code, event.reason, event.wasClean]; };
};
"""


class BrowserTest(ProcessCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.browser = Browser()
        cls.addClassCleanup(cls.browser.close)
        cls.browser.evaluate(PAGE)

    def page_sees(self, url, messages, closing=None, story=lambda: ""):
        """What a page hears and how its WebSocket ends. `closing`: it ends it with that status, after so many messages of such
        contents."""
        self.browser.evaluate(f"talk({json.dumps(url)}, {json.dumps(messages)}, {json.dumps(closing)})")
        wait_until(lambda: self.browser.evaluate("seen.closed"), WITHIN_S,
                   lambda: f"{self.browser.evaluate('JSON.stringify(seen)')[:1000]}\n{story()}")
        return self.browser.evaluate("seen")

    def with_peer(self, transport, use):
        """`use(url)` while one of our listeners serves; what the listener reports, by the names of the connections."""
        async def run():
            peer = await Peer.start(programs_folder() / "transport_peer", "serve", MESSAGE_BYTES_MAX, transport, 64, 64)
            await asyncio.to_thread(use, f"ws://127.0.0.1:{peer.port}/")
            self.assertEqual(await peer.stop(), 0)
            return {name: report.result() for name, report in peer.reports.items()}
        return asyncio.run(run())

    def test_messages_of_all_sizes_and_closes_of_both_sides(self):
        contents = [bytes(ord("a") + index % 26 for index in range(size)) for size in SIZES]
        said = [f"{kind} {shown(content)}" for content in contents for kind in ("text", "binary")]
        messages = [[kind, size] for size in SIZES for kind in ("text", "binary")]
        back = [[kind, size, ""] for kind, size in messages]

        def use(url):
            for status in PAGE_STATUSES:
                seen = self.page_sees(url, [["text", f"talk {status}"], *messages], [status, len(messages), ""])
                self.assertEqual(seen["heard"], back)
                self.assertEqual(seen["closed"][0::2], [status, True])
            for status in STATUSES:
                seen = self.page_sees(url, [["text", f"talk back {status}"], ["text", f"close {status}"]])
                self.assertEqual(seen, {"opened": True, "heard": [], "closed": [status, "as asked", True]})
            seen = self.page_sees(url, [["text", "talk too much"], ["binary", MESSAGE_BYTES_MAX + 1]])
            self.assertEqual((seen["heard"], seen["closed"][0]), ([], 1009))

        for transport in TRANSPORTS:
            with self.subTest(transport):
                reports = self.with_peer(transport, use)
                for status in PAGE_STATUSES:
                    self.assertEqual(reports[f"talk {status}"], (status, said))
                self.assertEqual(reports["talk too much"][1], [])
                print(f"Chromium and {transport}: {len(PAGE_STATUSES) * len(messages)} messages there and back, "
                      f"{len(PAGE_STATUSES)} closes of the page's, {len(STATUSES) + 1} of ours")

    def test_a_page_and_a_program(self):
        """The old dialect, which is what pages speak: each ping has its pong, whatever its size."""
        hello = json.dumps({"type": "dht_peer_hello", "peerId": "5a" * 20,
                            "metadata": {"nodeType": "browser", "isBridgeNode": False}})
        empty = json.dumps({"type": "ping", "requestId": "1", "note": ""})
        pings = [empty.replace('""', f'"{"x" * (size - len(empty))}"') for size in SIZES if size >= len(empty)]
        for transport in TRANSPORTS:
            with self.subTest(transport), unittest.mock.patch.dict(os.environ, TRESTLE_TRANSPORT=transport):
                node = self.prepare_network(bridges=0).start_node("--allow-origin", "*")
                seen = self.page_sees(node.url, [["text", hello], *(["text", ping] for ping in pings)],
                                      [1000, len(pings), '"pong"'], node.story)
                self.assertEqual(seen["closed"][0::2], [1000, True])
                seen = self.page_sees(node.url, [["text", hello], ["text", MESSAGE_BYTES_MAX + 1]], story=node.story)
                self.assertEqual(seen["closed"][0], 1009)


if __name__ == "__main__":
    unittest.main()
