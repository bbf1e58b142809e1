"""One running program: started, listened to, stopped."""

import collections
import json
import os
import pathlib
import re
import shlex
import signal
import subprocess
import threading
import time

from admin import Admin, AdminError

READY_LINE = re.compile(r"ready (?P<id>[0-9a-f]{40}) (?P<url>wss?://\S+)$")
LINES_KEPT = 5000
# The kernel watches the thread that started the program, not the process: start programs from the main thread.
DIE_WITH_PARENT = ("setpriv", "--pdeathsig", "KILL")


def tcp_admin(command):
    """The address of its admin listener, if the command line gives it one on TCP."""
    after = dict(zip(command, command[1:]))
    address = after.get("--admin", "")
    return None if address.startswith("unix:") else address or None


def with_transport(command):
    """The same command; with the transport and the threads that all programs of this run are told to use, if
    TRESTLE_TRANSPORT and TRESTLE_THREADS say so and the command does not."""
    told = [*command]
    for option in "--transport", "--threads":
        value = os.environ.get(f"TRESTLE_{option[2:].upper()}")
        if value and option not in told:
            told += option, value
    return told


class ProgramError(Exception):
    """A program did not do what it was started for."""


class Program:
    """A program that runs on a data folder of its own and logs JSON.

    `on_event(program, event)` is called with each log line as a dictionary, from a thread of this object.
    """

    READY_WITHIN_S = 15.0

    def __init__(self, name, command, data, on_event=None):
        self.name = name
        self.command = [str(word) for word in with_transport(command)]
        self.data = pathlib.Path(data)
        self.admin = Admin(data, tcp=tcp_admin(self.command))
        self.id = self.url = None
        self.ready_after_s = None
        self.events = collections.deque(maxlen=LINES_KEPT)
        self.other_lines = collections.deque(maxlen=LINES_KEPT)
        self._on_event = on_event
        self._changed = threading.Condition()
        self._started = time.monotonic()
        # A session of its own, so that Ctrl-C in a terminal reaches the one who started it and nobody else. Should that one
        # be killed, the program is too: none is ever left behind.
        self.process = subprocess.Popen([*DIE_WITH_PARENT, *self.command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, errors="replace", start_new_session=True)
        self._readers = [threading.Thread(target=self._read_output, daemon=True),
                         threading.Thread(target=self._read_log, daemon=True)]
        for reader in self._readers:
            reader.start()

    # ---- what it says ----

    def _read_output(self):
        with self.process.stdout as lines:
            for line in lines:
                with self._changed:
                    if found := READY_LINE.match(line.strip()):
                        self.id, self.url = found["id"], found["url"]
                        self.ready_after_s = time.monotonic() - self._started
                    else:
                        self.other_lines.append(line.rstrip())
                    self._changed.notify_all()
        with self._changed:
            self._changed.notify_all()

    def _read_log(self):
        with self.process.stderr as lines:
            for line in lines:
                self._note(line)

    def _note(self, line):
        try:
            event = json.loads(line)
        except ValueError:
            event = None
        with self._changed:
            if isinstance(event, dict):
                self.events.append(event)
            else:
                self.other_lines.append(line.rstrip())
            self._changed.notify_all()
        if isinstance(event, dict) and self._on_event:
            self._on_event(self, event)

    def wait_for(self, condition, timeout_s, what):
        """Waits until `condition()` is true, looking again at every line the program prints."""
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while not condition():
                left = deadline - time.monotonic()
                if left <= 0:
                    raise ProgramError(f"{self.name}: no {what} within {timeout_s:g} s\n{self.story()}")
                self._changed.wait(min(left, 0.2))

    def wait_ready(self):
        """Waits for the line that says where it listens."""
        self.wait_for(lambda: self.id or self.process.poll() is not None, self.READY_WITHIN_S, "ready line")
        if not self.id:
            raise ProgramError(f"{self.name} exits {self.process.wait()} before it listens\n{self.story()}")
        return self

    def events_named(self, *names):
        """The log lines with one of these event names, so far."""
        with self._changed:
            return [event for event in self.events if event.get("event") in names]

    def wait_event(self, name, timeout_s=15.0, where=lambda event: True):
        """The first log line with that event name (and that property)."""
        def found():
            return [event for event in self.events if event.get("event") == name and where(event)]
        self.wait_for(found, timeout_s, f"log event {name}")
        return found()[0]

    def story(self):
        """What it printed last, for a failure report."""
        with self._changed:
            lines = [json.dumps(event) for event in list(self.events)[-30:]] + list(self.other_lines)[-30:]
        return "\n".join([f"$ {shlex.join(self.command)}", *lines])

    # ---- how it is ----

    def status(self):
        return self.admin.status()

    def peer_count(self):
        """How many peers it is linked to, a bootstrap not counted; 0 while it does not answer."""
        try:
            return sum(peer["role"] != "bootstrap" for peer in self.status()["peers"])
        except AdminError:
            return 0

    def resident_kib(self):
        """Memory in use, as the operating system sees it."""
        for line in pathlib.Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1])
        raise ProgramError(f"{self.name} has no memory")

    @property
    def port(self):
        return int(re.search(r":(\d+)(?:/|$)", self.url).group(1))

    @property
    def is_running(self):
        return self.process.poll() is None

    # ---- its end ----

    def stop(self, number=signal.SIGTERM, timeout_s=10.0):
        """Sends a signal and waits for the end. (exit code, seconds); a killed one has the code -9."""
        asked = time.monotonic()
        if self.is_running:
            self.process.send_signal(number)
        try:
            code = self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        took = time.monotonic() - asked
        for reader in self._readers:
            reader.join(timeout=5)
        return code, took

    def kill(self):
        """Ends it without a chance to say goodbye."""
        return self.stop(signal.SIGKILL)
