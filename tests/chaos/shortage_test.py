"""What a machine may lack or lie about: C20 memory, C21 the time, C22 names; and C30, who asks the admin listener."""

import email.utils
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import time
import unittest

from chaos_case import HOST, LONG, ChaosCase, free_port, sized, wait_until  # first: it says where the others are
import name_server
import namespaces
from cryptography.hazmat.primitives.asymmetric import ec
from durability_test import get, is_acknowledged, is_joined, put
from native_peer import NativePeer, Refused, Stored
from process_case import programs_folder
from program import Program
from scattered import ScatteredNetwork
from strangers_test import UPGRADE

FAKE_TIME = pathlib.Path("/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1")
MEMORY_GROUPS = pathlib.Path("/sys/fs/cgroup/memory")
MEMORY_BYTES = 128 << 20
RECONNECT_WITHIN_S = 35.0
WHY_NOT = namespaces.why_not()


class MemoryTest(ChaosCase):

    def setUp(self):
        self.group = MEMORY_GROUPS / f"trestle-chaos-{os.getpid()}"
        try:
            self.group.mkdir()
        except OSError as error:
            self.skipTest(f"no memory group: {error}")
        self.addCleanup(self.remove_group)
        (self.group / "memory.limit_in_bytes").write_text(str(MEMORY_BYTES))

    def remove_group(self):
        wait_until(lambda: not (self.group / "cgroup.procs").read_text(), 10)
        self.group.rmdir()

    @unittest.skipUnless(LONG, "fills more than 100 MiB")
    def test_c20_a_group_of_128_mib(self):
        """Many authors fill a node; it refuses or evicts nothing acknowledged, and stays below its limit."""
        network = self.start_network(nodes=1, bridges=1)
        node = network.start_node("--alert-memory-mb", "100")
        (self.group / "cgroup.procs").write_text(str(node.process.pid))
        most_kib, stored, codes, number = 0, 0, {}, 0
        until = time.monotonic() + 120
        while time.monotonic() < until and codes.get("STORE_FULL", 0) < 50:
            writer = ec.generate_private_key(ec.SECP256R1())
            with NativePeer(node.url, role="observer") as peer:
                peer.handshake()
                for _ in range(400):
                    number += 1
                    try:
                        peer.store(Stored.sign(writer, f"key {number}", os.urandom(9000), time.time_ns() // 1_000_000).fields)
                        stored += 1
                    except Refused as refused:
                        code = refused.refusal.code if refused.refusal else "cut"
                        codes[code] = codes.get(code, 0) + 1
                        if code in ("STORE_FULL", "cut"):
                            break
            most_kib = max(most_kib, node.resident_kib())
            self.assertTrue(node.is_running, f"killed after {stored} records, {most_kib} KiB\n{node.story()}")
        self.say("C20 memory", f"limit 128 MiB: {stored} records of 9,000 bytes stored, refused {codes}, at most "
                 f"{most_kib // 1024} MiB resident, alive")
        self.assert_put(network, network.nodes[0], "key", "value")


@unittest.skipUnless(FAKE_TIME.exists(), "libfaketime is not installed")
class CalendarTest(ChaosCase):

    def calendar_of(self, node):
        """What it says of the time when it answers an upgrade."""
        with socket.create_connection((HOST, node.port), 5) as connection:
            connection.sendall(UPGRADE)
            (date,) = re.findall(r"(?im)^date: (.*?)\r$", connection.recv(4096).decode("latin-1"))
        return email.utils.parsedate_to_datetime(date).timestamp()

    def test_c21_the_calendar_jumps(self):
        """An hour forth, an hour back: nothing expires, links hold, writes go on."""
        network = self.start_network(nodes=2, bridges=1)
        clock = network.folder / "clock"
        clock.write_text("+0\n")
        data = network.folder / "jumping"
        fake = ("env", f"LD_PRELOAD={FAKE_TIME}", f"FAKETIME_TIMESTAMP_FILE={clock}", "FAKETIME_NO_CACHE=1",
                "DONT_FAKE_MONOTONIC=1")
        node = Program("jumping", [*fake, network.programs / "dht-node", "run", "--data", data, "--log", "json", "--listen",
                                   f"{HOST}:0", "--bootstrap", network.url_of(network.bootstrap_port),
                                   *network.admission_options("dht-node")], data)
        self.addCleanup(node.kill)
        network.nodes.append(node)
        node.wait_ready()
        wait_until(lambda: is_joined(node), 20.0, node.story)
        wait_until(lambda: is_acknowledged(put(node, "before", "value")), 20.0, node.story)
        dialled = node.status()["counters"]["host.dialled_total"]
        for turn, offset in enumerate(("+3600", "+0", "-3600", "+0")):
            clock.write_text(f"{offset}\n")
            time.sleep(sized(10.0, 1.0))
            self.assertAlmostEqual(self.calendar_of(node) - time.time(), int(offset), delta=30)
            self.assertEqual([get(each, "before") for each in network.nodes], ["value"] * 3, offset)
            self.assertTrue(is_acknowledged(put(node, f"during-{turn}", "value")), offset)
            self.assertEqual(get(network.nodes[0], f"during-{turn}"), "value")
        again = node.status()["counters"]["host.dialled_total"] - dialled
        self.say("C21 the calendar jumps", f"+1 h, -1 h, -1 h, +1 h: nothing expired, 4 puts acknowledged and read, {again} dials")
        self.assertLess(again, 10)
        self.assert_stops(node)


@unittest.skipIf(WHY_NOT, WHY_NOT)
class NamesTest(ChaosCase):

    def test_c22_names_that_lie_change_and_fall_silent(self):
        ground = self.enterContext(namespaces.Namespaces())
        network = self.enterContext(ScatteredNetwork(programs_folder(), ground, bridges=1))
        place, bridge = network.place("bootstrap"), network.place("bridge 1")
        space = place.around[-1]
        etc = pathlib.Path("/etc/netns") / space
        etc.mkdir(parents=True)
        self.addCleanup(shutil.rmtree, etc)
        (etc / "resolv.conf").write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
        names = subprocess.Popen([*place.around, "setpriv", "--pdeathsig", "KILL", sys.executable, "-B", name_server.__file__, "53"],
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(names.communicate)
        self.assertEqual(names.stdout.readline().strip(), "ready")

        def answer(address):
            names.stdin.write(f"{address}\n")
            names.stdin.flush()
        network.bridge_urls = [f"ws://bridge.example:{bridge.port}"]
        bootstrap = network.start_bootstrap()
        # No answer at all, then a wrong one.
        silent = bootstrap.wait_event("bridge.dial_failed", 15.0)
        answer(place.host)
        wrong = bootstrap.wait_event("bridge.dial_failed", 40.0, where=lambda event: event["time"] != silent["time"]
                                     and event["code"] not in (silent["code"],))
        network.start_bridge(0)
        answer(bridge.host)
        begun = time.monotonic()
        wait_until(lambda: bootstrap.status()["bridges"][0]["state"] == "connected", RECONNECT_WITHIN_S, bootstrap.story)
        self.say("C22 names", f"no answer: {silent['code']}; a wrong address: {wrong['code']}; changed: connected "
                 f"{time.monotonic() - begun:.1f} s later")
        self.assertIn("[name", silent["detail"])


class AdminTest(ChaosCase):

    def test_c30_who_asks_the_admin_listener(self):
        """Only this machine, by its name, in order; a path is a path of ours or none."""
        port = free_port()
        network = self.prepare_network(bridges=0, bootstrap_options=("--genesis", "--admin", f"{HOST}:{port}"))
        bootstrap = network.start_bootstrap()

        def ask(head, host=HOST):
            with socket.create_connection((host, port), 3) as connection:
                connection.sendall(head)
                connection.settimeout(3)
                answer = b""
                try:
                    while more := connection.recv(65536):
                        answer += more
                except OSError:
                    pass
                return answer
        own = f"Host: {HOST}:{port}\r\nConnection: close\r\n\r\n".encode()
        self.assertIn(b" 200 ", ask(b"GET /status HTTP/1.1\r\n" + own).split(b"\r\n")[0] + b" ")
        refused = 0
        for line in ("GET /../../etc/passwd", "GET /..%2f..%2fetc/passwd", "GET //etc/passwd", "GET /status/../../etc/passwd",
                     "GET /" + "a" * 20_000, "GET /find?id=" + "f" * 20_000, "GET /get?" + "k=v&" * 3000, "POST /status",
                     "GET /put?key=a&value=b", "DELETE /status", "CONNECT example:443"):
            answer = ask(f"{line} HTTP/1.1\r\n".encode() + own)
            self.assertNotIn(b" 200 ", answer.split(b"\r\n")[0], line)
            self.assertNotIn(b"root:", answer)
            refused += 1
        for host in ("rebound.example", "10.0.0.1", "127.0.0.1.example", "[::2]"):
            answer = ask(f"GET /status HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            self.assertIn(b" 403 ", answer.split(b"\r\n")[0], host)
            self.assertNotIn(bootstrap.id.encode(), answer)
            refused += 1
        # From elsewhere there is nothing to connect to.
        for foreign in ("127.0.0.2", "::1"):
            with self.assertRaises(OSError):
                socket.create_connection((foreign, port), 1).close()
            refused += 1
        self.say("C30 the admin listener", f"{refused} ways in, none open; {bootstrap.name} still answers its operator")
        self.assertEqual(bootstrap.status()["program"], "bootstrap-node")


if __name__ == "__main__":
    unittest.main()
