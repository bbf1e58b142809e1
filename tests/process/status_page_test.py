"""The status page in a real browser, on a running network: what a person sees, and that it changes by itself."""

import base64
import os
import pathlib
import signal
import unittest

from browser import Browser
from native_peer import JOIN, NativePeer, record, varint
from process_case import ProcessCase, free_port, wait_until

LIVE_WITHIN_S = 15.0


class StatusPageTest(ProcessCase):

    def start(self):
        port = free_port()
        network = self.start_network(nodes=2, bootstrap_options=("--genesis", "--admin", f"127.0.0.1:{port}"))
        return network, f"http://127.0.0.1:{port}/"

    def wait_text(self, browser, selector, expected, timeout_s=LIVE_WITHIN_S):
        wait_until(lambda: expected(browser.text(selector)), timeout_s,
                   lambda: f"{selector} says {browser.text(selector)!r}\n{browser.text('body')}")

    def keep_screenshot(self, browser, name):
        """For a person to look at, if the environment says where."""
        if folder := os.environ.get("TRESTLE_SCREENSHOTS"):
            (pathlib.Path(folder) / f"{name}.png").write_bytes(base64.b64decode(browser.screenshot()))

    def test_a_person_sees_bridges_requests_and_joins_as_they_change(self):
        network, url = self.start()
        browser = self.enterContext(Browser())
        browser.open(url)
        self.wait_text(browser, "h1", lambda text: text == "bootstrap-node")
        self.wait_text(browser, "#state", lambda text: text.startswith("up"))
        for port in network.bridge_ports:
            self.assertIn(f"ws://127.0.0.1:{port}", browser.text("#bridges"))
        self.assertEqual(browser.text("#bridges").count("connected"), 2)
        self.assertEqual(browser.text("#alerts"), "No alerts")

        # A join appears by itself.
        joins = int(browser.text("#joins"))
        self.assertGreaterEqual(joins, 1)
        network.wait_joined([network.start_node()])
        self.wait_text(browser, "#joins", lambda text: int(text) > joins)
        self.assertEqual(browser.evaluate("document.title"), "up \u00b7 bootstrap-node")
        self.keep_screenshot(browser, "healthy")

        # Two bridges that say nothing: what was asked of them stays in flight.
        for bridge in network.bridges:
            bridge.process.send_signal(signal.SIGSTOP)
        with NativePeer(network.bootstrap.url).handshake() as peer:
            peer.send(record(JOIN, 9, varint(20) + b"\0"))
            self.wait_text(browser, "#under-way", lambda text: text.startswith("1 "))
            in_flight = "[...document.querySelectorAll('#bridges tbody tr')].map(row => Number(row.cells[2].innerText))"
            wait_until(lambda: sum(browser.evaluate(in_flight)) == 1, LIVE_WITHIN_S,
                       lambda: f"in flight: {browser.evaluate(in_flight)}")
        for bridge in network.bridges:
            bridge.process.send_signal(signal.SIGCONT)

        # A bridge that is gone, then all of them: the state, and an alert.
        network.bridges[0].kill()
        self.wait_text(browser, "#usable", lambda text: text.startswith("1"))
        network.bridges[1].kill()
        self.wait_text(browser, "#alerts", lambda text: "bridges" in text, timeout_s=30)
        self.assertTrue(browser.evaluate("document.title").startswith("(!)"))
        self.keep_screenshot(browser, "alert")

        # And the program itself: the page says that it is old.
        network.bootstrap.kill()
        self.wait_text(browser, "#silence", lambda text: "No answer" in text)

    def test_nothing_comes_from_elsewhere_and_nothing_is_refused_by_the_page_itself(self):
        _, url = self.start()
        browser = self.enterContext(Browser())
        browser.command("Log.enable")
        browser.open(url)
        self.wait_text(browser, "#state", lambda text: text.startswith("up"))
        origins = ("[...new Set(performance.getEntriesByType('resource').filter(e => !e.name.startsWith('data:'))"
                   ".map(e => new URL(e.name).origin))].join()")
        # The style, the script, and at least one look for news.
        wait_until(lambda: browser.evaluate("performance.getEntriesByType('resource').length") >= 3, LIVE_WITHIN_S)
        self.assertEqual(browser.evaluate(origins), url.rstrip("/"))
        # The policy holds: a script that somebody managed to write into the page does not run.
        browser.evaluate("{const s = document.createElement('script'); s.textContent = 'window.foreign = 1';"
                         "document.body.append(s);}")
        self.assertIsNone(browser.evaluate("window.foreign"))
        self.assertEqual(browser.evaluate("getComputedStyle(document.querySelector('.tiles')).display"), "grid")

    def test_dark_and_without_scripts(self):
        _, url = self.start()
        browser = self.enterContext(Browser())
        browser.command("Emulation.setScriptExecutionDisabled", value=True)
        browser.command("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
        browser.open(url)
        self.wait_text(browser, "#state", lambda text: text.startswith("up"))
        self.assertEqual(browser.text("#bridges").count("connected"), 2)
        ground = browser.evaluate("getComputedStyle(document.body).backgroundColor")
        self.assertLess(sum(int(part) for part in ground[4:-1].split(",")), 200, "a dark ground")
        self.keep_screenshot(browser, "dark")


if __name__ == "__main__":
    unittest.main()
