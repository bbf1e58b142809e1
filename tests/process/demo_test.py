"""`make run` itself: a small network for a few seconds, and a verdict that can also be bad."""

import pathlib
import re
import signal
import subprocess
import sys
import time
import unittest

from process_case import ProcessCase, programs_folder

DEMO = pathlib.Path(__file__).resolve().parents[2] / "scripts" / "demo.py"


class DemoTest(ProcessCase):

    def start(self, *words):
        command = [sys.executable, "-u", DEMO, "--programs", programs_folder(), "--nodes", "3", *words]
        process = self.enterContext(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                                     text=True))
        self.addCleanup(process.terminate)  # it stops its programs; a context alone would wait for ever
        return process

    def until_it_works(self, process):
        """What it prints up to the first value that was read."""
        lines = []
        for line in process.stdout:
            lines.append(line)
            if 'get "greeting"' in line:
                break
        return lines

    def test_it_shows_a_network_and_says_that_it_works(self):
        process = self.start("--duration", "4")
        said, _ = process.communicate(timeout=90)
        self.assertEqual(process.returncode, 0, said)
        self.assertIn("The network works", said)
        self.assertNotIn("\x1b", said, "no colours into a pipe")
        self.assertNotIn("FAIL", said)
        for pattern in (r"node 1 +listens", r"node 3 +joined through bridge \d in [\d.]+ ms", r'put "greeting"',
                        r'get "greeting": "hello', r"bridge 1 +connected +closed +1 ", r"node 2 +stopped, exit 0"):
            self.assertRegex(said, pattern)

    def test_an_interrupt_ends_it_with_a_verdict(self):
        process = self.start()
        lines = self.until_it_works(process)
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, "".join(lines) + rest)
        self.assertIn("The network works", rest)

    def test_a_program_that_dies_is_a_failed_check(self):
        process = self.start("--duration", "8")
        lines = self.until_it_works(process)
        listening = re.search(r"bridge 1 +listens on ws://127\.0\.0\.1:(\d+)", "".join(lines)).group(1)
        subprocess.run(["/usr/bin/python3", "-c", KILL_LISTENER, listening, str(process.pid)], check=True)
        rest, _ = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 1, "".join(lines) + rest)
        self.assertIn("FAIL", rest)


# Ends the child of the demo (and no other process) that was told to listen on a port.
KILL_LISTENER = """
import os, pathlib, signal, sys
port, parent = sys.argv[1:]
for entry in pathlib.Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
    words = pathlib.Path(f"/proc/{entry}/cmdline").read_bytes().decode().split("\\0")
    if any(word.endswith("bridge-node") for word in words) and f"127.0.0.1:{port}" in words:
        os.kill(int(entry), signal.SIGKILL)
        break
else:
    sys.exit("no such child")
"""


if __name__ == "__main__":
    unittest.main()
