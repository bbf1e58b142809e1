"""Peers that mean no good: C13 slow readers, C14 oversized, C16 floods, C29 a million malformed inputs."""

import json
import os
import pathlib
import random
import subprocess
import sys
import threading
import time
import unittest

from chaos_case import CALM_S, LONG, ChaosCase, sized  # first: it says where the others are
from cryptography.hazmat.primitives.asymmetric import ec
from native_peer import CANCEL, FIND_NODE, FIND_VALUE, NativePeer, Stored, record, text
from strangers_test import UPGRADE
from swarm import Swarm
from web_socket import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, WebSocket, frame

# What comes beside messages is looked at every five seconds, and compared from the second look on.
CUT_WITHIN_S = 12.0
WORKER = pathlib.Path(__file__).with_name("hostile_peer.py")
OUTBOUND_BYTES_MAX = 1 << 20
MEMORY_EACH_KIB_MAX = 256


class HostileTest(ChaosCase):

    def setUp(self):
        self.network = self.start_network(nodes=3, bridges=1)
        self.node = self.network.nodes[0]

    def assert_network_lives(self):
        """What is written at the node under attack is read elsewhere."""
        self.assert_put(self.network, self.node, "key", "value")
        self.assert_get(self.network, self.network.nodes[1], "key", "value")
        for program in self.network.running():
            self.assertTrue(program.status()["program"], program.story())
        self.assertEqual(len(self.network.running()), 5)

    def open_link(self):
        return NativePeer(self.node.url, role="observer").handshake()

    def test_c13_slow_readers(self):
        readers = sized(100, 10)
        writer = ec.generate_private_key(ec.SECP256R1())
        with self.open_link() as peer:
            peer.store(Stored.sign(writer, "long", os.urandom(9000), time.time_ns() // 1_000_000).fields)
        questions = frame(BINARY, b"".join(record(FIND_VALUE, number, text("long")) for number in range(1, 200)))
        memory_kib = self.node.resident_kib()

        def read_nothing(caller):
            caller.reads = False
            while True:
                caller.send(questions)
                yield 0.1

        def read_a_byte_a_second(caller):
            caller.reads = False
            at = 0.0
            while True:
                caller.send(questions)
                at += 0.1
                if at >= 1.0:
                    at = 0.0
                    try:
                        caller.socket.recv(1)
                    except BlockingIOError:
                        pass
                yield 0.1

        with self.users_of(self.node) as users:
            begun = time.monotonic()
            time.sleep(CALM_S)
            attack_at = time.monotonic()
            with Swarm(self.node.port) as swarm:
                for number in range(readers):
                    swarm.adopt(self.open_link().socket.socket, read_a_byte_a_second if number % 2 else read_nothing)
                before = self.node.status()["counters"]["host.connections"]
                peak = [0]

                def are_cut():
                    peak[0] = max(peak[0], self.node.resident_kib())
                    return False
                swarm.run(sized(30.0, 6.0), until=are_cut)
                after = self.node.status()["counters"]["host.connections"]
            calm, under = users.waits(begun, attack_at), users.waits(attack_at)
        self.say("C13 slow readers", f"{readers} that read nothing or a byte a second: {before - after} cut, memory grew by at most "
                 f"{(peak[0] - memory_kib) / readers:.0f} KiB each", calm, under)
        self.assertGreaterEqual(before - after, readers)
        # What may lie unsent, what came in meanwhile, and a margin for the allocator.
        self.assertLess((peak[0] - memory_kib) / readers, 2 * OUTBOUND_BYTES_MAX / 1024)
        self.assert_network_lives()

    def test_c14_oversized(self):
        each = sized(50, 10)
        kinds = {
            "2^63 bytes": b"\x82\xff\x80" + bytes(7) + b"mask" + bytes(1000),
            "2^62 bytes": b"\x82\xff\x40" + bytes(7) + b"mask" + bytes(1000),
            "1 MiB and one": frame(BINARY, bytes((1 << 20) + 1)),
            "1 MiB and one of text": frame(TEXT, b"[" * ((1 << 20) + 1)),
            "ten thousand fragments": frame(BINARY, b"f", fin=False) + frame(CONTINUATION, b"f", fin=False) * 9999,
            "ten thousand empty fragments": frame(BINARY, b"", fin=False) + frame(CONTINUATION, b"", fin=False) * 9999,
            "a ping of 126 bytes": frame(PING, bytes(126)),
        }
        grown, codes = {}, {}
        for kind, data in kinds.items():
            memory_kib, peak = self.node.resident_kib(), 0
            opened = [WebSocket(self.node.url) for _ in range(each)]
            for socket in opened:
                threading.Thread(target=socket.send_bytes, args=(data,), daemon=True).start()
            for _ in range(10):
                peak = max(peak, self.node.resident_kib())
                time.sleep(0.02)
            codes[kind] = {socket.wait_closed(10.0)[0].code for socket in opened}
            grown[kind] = (peak - memory_kib) / each
            for socket in opened:
                socket.socket.close()
            self.assertLess(grown[kind], MEMORY_EACH_KIB_MAX, kind)
            # 1006: reset while we still sent.
            self.assertTrue(codes[kind] <= {1002, 1009, 1006}, (kind, codes[kind]))
        worst = max(grown, key=grown.get)
        self.say("C14 oversized", f"{len(kinds)} kinds, {each} of each: closed with {sorted(set().union(*codes.values()))}, "
                 f"memory grew by at most {grown[worst]:.0f} KiB a connection ({worst})")
        self.assert_network_lives()

    def flood(self, data, within_s):
        """(how long until it was cut, None if it was not; how many frames were sent). On a proven link, reading meanwhile."""
        with self.open_link() as peer:
            connected = peer.socket.socket
            connected.settimeout(0.2)
            over = threading.Event()

            def read():
                try:
                    while connected.recv(1 << 16):
                        pass
                except TimeoutError:
                    return read()
                except OSError:
                    pass
                over.set()

            begun, frames = time.monotonic(), 0
            threading.Thread(target=read, daemon=True).start()
            while not over.is_set() and time.monotonic() - begun < within_s:
                try:
                    connected.sendall(data())
                    frames += 100
                except TimeoutError:
                    continue
                except OSError:
                    over.wait(1.0)
                    over.set()
                time.sleep(0.005)
            return (time.monotonic() - begun if over.is_set() else None), frames

    def floods(self):
        """Each gives a hundred frames."""
        numbers = iter(range(1, 1 << 40))

        def opened_and_withdrawn():
            return b"".join(frame(BINARY, record(FIND_NODE, number, os.urandom(20)) + record(CANCEL, number))
                            for number in (next(numbers) for _ in range(100)))
        return {"pings": lambda: frame(PING, b"flood") * 100, "pongs": lambda: frame(PONG, b"flood") * 100,
                "requests, withdrawn at once": opened_and_withdrawn}

    def test_c16_floods_harm_nobody_else(self):
        flooders, flood_s = sized(10, 2), sized(20.0, 2.0)
        for what, data in self.floods().items():
            with self.users_of(self.node) as users:
                begun = time.monotonic()
                time.sleep(CALM_S)
                attack_at = time.monotonic()
                results = []
                threads = [threading.Thread(target=lambda data=data: results.append(self.flood(data, flood_s)))
                           for _ in range(flooders)]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
                # Who is cut at once leaves too few answers to judge by: what the flood would have lasted is looked at.
                time.sleep(max(0.0, attack_at + flood_s - time.monotonic()))
                calm, under = users.waits(begun, attack_at), users.waits(attack_at)
            cut = [after for after, _ in results if after is not None]
            self.say("C16 floods", f"{what} by {flooders} peers, {sum(frames for _, frames in results)} frames: {len(cut)} cut"
                     + (f" after at most {max(cut):.1f} s" if cut else ""), calm, under)
        self.assert_network_lives()

    def test_c16_floods_are_cut_and_kept_out_for_a_while(self):
        self.needs(self.node, "host.side_floods_total")
        for what, data in self.floods().items():
            with self.subTest(what):
                after, _ = self.flood(data, 2 * CUT_WITHIN_S)
                self.assertIsNotNone(after, "not cut")
                self.assertLess(after, CUT_WITHIN_S)

    def test_c16_opening_and_closing(self):
        """Close floods and reset floods: connections that end as soon as they are there."""
        count = sized(20_000, 800)

        def open_and_close(caller):
            caller.send(UPGRADE)
            yield from caller.wait_for(b"\r\n\r\n", 5.0)
            caller.send(frame(CLOSE, b"\x03\xe8"))
            yield 1.0
            swarm.hang_up(caller)

        def open_and_vanish(caller):
            caller.send(UPGRADE)
            yield 0.01
            swarm.hang_up(caller)

        with self.users_of(self.node) as users:
            begun = time.monotonic()
            time.sleep(CALM_S)
            attack_at = time.monotonic()
            with Swarm(self.node.port) as swarm:
                swarm.call(open_and_close, count // 2, count / 2000)
                swarm.call(open_and_vanish, count // 2, count / 2000)
                swarm.run(count / 2000 + 2.0)
            calm, under = users.waits(begun, attack_at), users.waits(attack_at)
        self.say("C16 floods", f"{count} connections that close at once", calm, under)
        self.assert_network_lives()

    def test_c29_malformed_inputs(self):
        inputs, workers = sized(1_000_000, 4000), sized(2, 1)
        memory_kib = self.node.resident_kib()
        seed = random.SystemRandom().randrange(1 << 30) if LONG else 29
        with self.users_of(self.node) as users:
            begun = time.monotonic()
            time.sleep(CALM_S)
            attack_at = time.monotonic()
            attackers = [subprocess.Popen(["setpriv", "--pdeathsig", "KILL", "nice", "-n", "10", sys.executable, "-B", WORKER,
                                           self.node.url, str(seed + number), str(inputs // workers)],
                                          stdout=subprocess.PIPE, text=True) for number in range(workers)]
            told = [json.loads(attacker.communicate(timeout=3600)[0]) for attacker in attackers]
            took = time.monotonic() - attack_at
            calm, under = users.waits(begun, attack_at), users.waits(attack_at)
        taken = sum(sum(one["inputs"].values()) for one in told)
        cuts = sum(sum(one["cuts"].values()) for one in told)
        codes = {code: sum(one["refusals"].get(code, 0) for one in told) for one in told for code in one["refusals"]}
        self.say("C29 malformed inputs", f"{taken} in {took:.0f} s (seed {seed}): {cuts} links cut, refused {codes}, memory grew by "
                 f"{self.node.resident_kib() - memory_kib} KiB", calm, under)
        self.assertGreaterEqual(taken, inputs // workers * workers)
        self.assertLess(self.node.resident_kib() - memory_kib, 32 * 1024)
        self.assert_network_lives()


if __name__ == "__main__":
    unittest.main()
