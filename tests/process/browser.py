"""A real browser without a window: Chromium, driven over its DevTools protocol."""

import json
import pathlib
import shutil
import subprocess
import tempfile
import time
import urllib.request

from web_socket import WebSocket

START_WITHIN_S = 60.0
# No traffic of the browser's own, and nothing left behind: the profile is new and empty.
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
         "--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage",
         "--remote-debugging-port=0", "--window-size=1280,900")


class Browser:
    """One page of one browser. A context: leaving it ends the browser."""

    def __init__(self, *flags):
        self.profile = pathlib.Path(tempfile.mkdtemp(prefix="trestle-browser-"))
        program = shutil.which("chromium") or shutil.which("chromium-browser")
        if program is None:
            raise FileNotFoundError("no Chromium: install the package chromium")
        self._process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", program, *FLAGS, *flags, f"--user-data-dir={self.profile}", "about:blank"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._last_id = 0
        try:
            self._devtools = WebSocket(self._page_url(), timeout_s=30.0)
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._process.kill()
        self._process.wait()
        shutil.rmtree(self.profile, ignore_errors=True)

    def _page_url(self):
        """Where the page's DevTools listen. The browser writes its port into its profile."""
        port_file = self.profile / "DevToolsActivePort"
        deadline = time.monotonic() + START_WITHIN_S
        while time.monotonic() < deadline:
            try:
                port = int(port_file.read_text().split()[0])
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list", timeout=5) as answer:
                    pages = [target for target in json.load(answer) if target["type"] == "page"]
                if pages:
                    return pages[0]["webSocketDebuggerUrl"]
            except (OSError, ValueError, IndexError):
                pass
            time.sleep(0.1)
        raise TimeoutError("the browser does not start")

    def command(self, method, **parameters):
        """One command of the DevTools protocol and its result."""
        self._last_id += 1
        self._devtools.send_text(json.dumps({"id": self._last_id, "method": method, "params": parameters}))
        while True:
            answer = json.loads(self._devtools.receive().payload)
            if answer.get("id") == self._last_id:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]

    def open(self, url):
        self.command("Page.enable")
        self.command("Page.navigate", url=url)

    def evaluate(self, expression):
        """The value of a JavaScript expression in the page."""
        answer = self.command("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def text(self, selector):
        """What a person reads in that element; empty without one."""
        return self.evaluate(f"(document.querySelector({json.dumps(selector)}) || {{}}).innerText || ''")

    def screenshot(self):
        """The whole page as PNG, in base64."""
        return self.command("Page.captureScreenshot", format="png", captureBeyondViewport=True)["data"]
