"""Crowds of callers who prove nothing: C10 connection storm, C11 held connections, C12 slowloris, C15 garbage instead of TLS,
C17 no descriptors left. Whoever has proven itself must not notice."""

import itertools
import os
import time
import unittest

from chaos_case import CALM_S, HOST, LONG, ChaosCase, Issuer, cpu_s, descriptors, free_port, sized, wait_until
from crowd import at_once
from native_peer import PING, NativePeer, Refused, record
from swarm import Swarm
from web_socket import BINARY, frame

UPGRADE = (b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
CLIENT_HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(200))
LATE_S = 4.5          # how much later than its deadline it may end: the close handshake takes three, and machines are busy
DRIP_S = sized(10.0, 1.0)


def drip(data, before=b"", answer=b""):
    """A script: says `before` at once, waits for an answer to it, then a byte and a pause, over and over."""
    def script(caller):
        if before:
            caller.send(before)
            yield from caller.wait_for(answer)
        for byte in itertools.cycle(data):
            caller.send(bytes([byte]))
            yield DRIP_S
    return script


class StrangersTest(ChaosCase):

    def start_bootstrap(self, *options):
        """A bootstrap-node with users who measure it."""
        network = self.prepare_network(bridges=0)
        return network, network.start_program("bootstrap-node", "bootstrap", "--listen", f"{HOST}:{free_port()}", "--genesis",
                                              *options)

    def wait_gone(self, program, before, within_s=15.0):
        """Every descriptor that the attack took is free again."""
        wait_until(lambda: descriptors(program) <= before, within_s,
                   lambda: f"{descriptors(program)} descriptors, {before} before\n{program.story()}")

    def test_c10_a_storm_of_connections(self):
        storm, storm_s, after_a_s, after_s = sized((10_000, 5.0, 500, 20.0), (1500, 1.5, 100, 2.0))
        # Callers of this machine come as they like, unless it is told to take them for any others.
        _, program = self.start_bootstrap("--limit", "loopback-exempt=0")
        with self.users_of(program) as users:
            # Users who are there before; then calm, storm, drizzle.
            before = descriptors(program)
            begun = time.monotonic()
            time.sleep(CALM_S)
            storm_at = time.monotonic()

            def knock(caller):
                caller.send(UPGRADE)
                yield from caller.wait_for(b"\r\n\r\n", 5.0)
                yield 1.0

            with Swarm(program.port) as swarm:
                swarm.call(knock, storm, storm_s)
                swarm.call(knock, int(after_a_s * after_s), after_s)
                swarm.run(max(storm_s, after_s) + 2.0)
                let_in = sum(b" 101 " in caller.received for caller in swarm.callers)
                ends = swarm.ends()
            end = time.monotonic()
            self.wait_gone(program, before)
            calm_and_storm = users.waits(begun, storm_at), users.waits(storm_at, end)
        counters = program.status()["counters"]
        self.say("C10 connection storm", f"{storm} dials in {storm_s:g} s, then {after_a_s} a second for {after_s:g} s: "
                 f"{let_in} let in, {counters['host.refused_total']} refused, ends {ends}; no descriptor left behind", *calm_and_storm)
        with NativePeer(program.url) as newcomer:
            newcomer.handshake()

    def test_c11_held_connections(self):
        # A program takes connections for half of its descriptors: 10,000 where it may have 20,000, the users among them.
        held, held_s = sized((9_900, 600.0), (400, 6.0))
        _, program = self.start_bootstrap("--connections-max", "12000")
        silence = record(PING, 7)

        def keep(caller):
            while True:
                yield sized(30.0, 2.0)
                caller.send(frame(BINARY, silence))

        with self.users_of(program) as users, Swarm(program.port) as swarm:
            begun = time.monotonic()
            time.sleep(CALM_S)
            connecting_at = time.monotonic()
            memory_kib = program.resident_kib()
            peers = []
            for number in range(held):
                peers.append(swarm.adopt(self.patient_peer(program, number), keep))
                if number % 50 == 0:
                    swarm.run(0.001)   # those that are there already keep their links
            held_at = time.monotonic()
            each_kib = (program.resident_kib() - memory_kib) / held
            swarm.run(held_s)
            end = time.monotonic()
            early, late = program.resident_kib(), descriptors(program)
            lost = sum(not caller.lives for caller in peers)
            heard = min(caller.received_bytes for caller in peers)
            calm, under = users.waits(begun, connecting_at), users.waits(held_at, end)
        self.say("C11 held connections", f"{held} proven connections for {held_s:g} s, pinged: {lost} closed, "
                 f"{each_kib:.1f} KiB each, {early // 1024} MiB in all, {late} descriptors", calm, under)
        self.assertEqual(lost, 0)
        self.assertGreater(heard, 0, "pings were answered")
        self.assertLess(each_kib, 64)

    def patient_peer(self, program, number):
        """The socket of a proven link."""
        until = time.monotonic() + 30
        while True:
            try:
                peer = NativePeer(program.url, role="observer", source=f"127.0.{2 + number // 200}.{1 + number % 200}").handshake()
                return peer.socket.socket
            except (OSError, Refused):
                if time.monotonic() > until:
                    raise
                time.sleep(0.1)

    def test_c12_slowloris(self):
        sockets = sized(2000, 150)
        network, program = self.start_bootstrap()
        issuer = Issuer(network.folder)
        certificate, key = issuer.issue("slow")
        secure = network.start_program("bootstrap-node", "secure", "--listen", f"{HOST}:{free_port()}", "--genesis",
                                       "--tls-cert", certificate, "--tls-key", key)
        phases = (("TLS", secure, drip(CLIENT_HELLO), 5.0),
                  ("request", program, drip(UPGRADE[:-4] + b"\r\nX: "), 5.0),
                  ("frame", program, drip(frame(BINARY, bytes(60_000)), UPGRADE, b"\r\n\r\n"), 10.0))
        with self.users_of(program) as users:
            begun = time.monotonic()
            time.sleep(CALM_S)
            # One phase after the other where the figures count; all at once where time does.
            at_once(1 if LONG else len(phases), lambda number: [self.hold_back(sockets, *phase) for phase in
                                                                (phases if LONG else phases[number:number + 1])])
            calm, under = users.waits(begun, begun + CALM_S), users.waits(begun + CALM_S)
        self.say("C12 slowloris", "meanwhile", calm, under, factor=1.5)

    def hold_back(self, sockets, phase, target, script, cut_s):
        with Swarm(target.port) as swarm:
            swarm.call(script, sockets, 1.0)
            swarm.run(cut_s + LATE_S + 1.0, until=lambda: not swarm.living())
            lives = sorted(caller.life_s for caller in swarm.callers)
            # Who is still dialling holds nothing of the program's.
            self.assertEqual([caller for caller in swarm.living() if caller.connected_at], [], f"{phase}: {swarm.ends()}")
        turned_away = sum(life < 1.0 for life in lives)
        self.assertLess(lives[-1], cut_s + LATE_S)
        self.say("C12 slowloris", f"{phase}, {sockets} sockets: {turned_away} turned away at once, the others cut after "
                 f"{lives[turned_away] if turned_away < sockets else 0:.1f} to {lives[-1]:.1f} s (deadline {cut_s:g} s)")

    @unittest.skipUnless(LONG, "waits half a minute")
    def test_c12_a_message_that_trickles_in_on_a_proven_link(self):
        sockets = sized(2000, 60)
        _, program = self.start_bootstrap()
        self.needs(program, "host.slow_messages_total")
        whole = frame(BINARY, bytes(30_000))

        def trickle(caller):
            # What has no more than the head of a frame holds no buffer, and is cut as any peer that answers no ping.
            caller.send(whole[:100])
            yield DRIP_S
            yield from drip(whole[100:])(caller)

        with self.users_of(program) as users, Swarm(program.port) as swarm:
            begun = time.monotonic()
            time.sleep(CALM_S)
            attack_at = time.monotonic()
            for number in range(sockets):
                swarm.adopt(self.patient_peer(program, number), trickle)
            swarm.run(30.0 + 2 * LATE_S, until=lambda: not swarm.living())
            lives = [caller.life_s for caller in swarm.callers]
            ends = swarm.ends()
            calm, under = users.waits(begun, attack_at), users.waits(attack_at)
        self.assertNotIn("open", ends)
        self.assertLess(max(lives), 30.0 + 2 * LATE_S)
        self.say("C12 slowloris", f"payload on {sockets} proven links: cut after {min(lives):.1f} to {max(lives):.1f} s "
                 "(deadline 30 s)", calm, under, factor=1.5)

    def test_c15_garbage_instead_of_tls(self):
        each = sized(500, 20)
        network = self.prepare_network(bridges=0)
        issuer = Issuer(network.folder)
        certificate, key = issuer.issue("garbled")
        program = network.start_program("bootstrap-node", "garbled", "--listen", f"{HOST}:{free_port()}", "--genesis",
                                        "--tls-cert", certificate, "--tls-key", key)
        kinds = {
            "random bytes": os.urandom(3000),
            "plain HTTP": UPGRADE,
            "SSL 2": b"\x80\x2e\x01\x00\x02" + bytes(40),
            "TLS 1.0": b"\x16\x03\x01\x00\x2f\x01\x00\x00\x2b\x03\x01" + os.urandom(32) + b"\x00\x00\x04\x00\x2f\x00\x35\x01\x00",
            "a record of 2^14 + 2048 bytes and more": b"\x16\x03\x01\x48\x01" + bytes(20_000),
            "a hello that claims 16 MiB": b"\x16\x03\x01\x40\x00\x01\xff\xff\xff\x03\x03" + bytes(16_384 - 6),
            "half a hello": CLIENT_HELLO[:100],
        }
        lines, spent = len(program.events), cpu_s(program)
        slowest = {}

        def annoy(number):
            kind, data = list(kinds.items())[number]

            def script(caller):
                caller.send(data)
                yield 60.0

            with Swarm(program.port) as swarm:
                swarm.call(script, each, 0.5)
                swarm.run(5.0 + LATE_S, until=lambda: not swarm.living())
                self.assertEqual(len(swarm.living()), 0, kind)
                slowest[kind] = max(caller.life_s for caller in swarm.callers)
        at_once(len(kinds), annoy)
        each_ms = (cpu_s(program) - spent) * 1000 / (each * len(kinds))
        logged = len(program.events) - lines
        self.say("C15 garbage instead of TLS", f"{len(kinds)} kinds, {each} of each: closed after at most {max(slowest.values()):.1f} s "
                 f"({max(slowest, key=slowest.get)}), {each_ms:.2f} ms of CPU each, {logged} lines of log")
        self.assertLess(max(slowest.values()), 5.0 + LATE_S)
        self.assertLess(each_ms, 1.0)
        self.assertLess(logged, 20 + each)

    def test_c17_no_descriptors_left(self):
        """The limit is 256; twice as many call and stay."""
        network = self.prepare_network(bridges=1)
        network.start_bridge(0)
        network.start_bootstrap()
        network.start_first_node()
        # From the start: what is kept for disk and operators is a part of what there is.
        limited = network.folder / "limited-dht-node"
        limited.write_text(f'#!/bin/sh\nulimit -n 256\nexec {network.programs / "dht-node"} "$@"\n')
        limited.chmod(0o755)
        node = network.launch(limited, "limited", "--listen", f"{HOST}:0", "--bootstrap",
                              network.url_of(network.bootstrap_port)).wait_ready()
        network.nodes.append(node)
        network.wait_joined(network.nodes)
        self.assert_put(network, node, "before", "kept")
        callers = sized(4000, 400)

        def stay(caller):
            caller.send(UPGRADE)
            while True:
                yield 10.0

        with self.users_of(node, count=5) as users:
            begun = time.monotonic()
            time.sleep(CALM_S)
            attack_at = time.monotonic()
            with Swarm(node.port) as swarm:
                swarm.call(stay, callers, 2.0)
                swarm.run(sized(9.0, 4.0))
                most = descriptors(node)
                ends = swarm.ends()
                self.assert_put(network, node, "meanwhile", "kept too")
                self.assert_get(network, network.nodes[0], "meanwhile", "kept too")
                self.assertTrue(node.status()["program"])
            calm, under = users.waits(begun, attack_at), users.waits(attack_at)
        begun = time.monotonic()
        wait_until(lambda: descriptors(node) < 60, 20.0, node.story)
        with NativePeer(node.url) as newcomer:
            newcomer.handshake()
        self.say("C17 no descriptors", f"limit 256, {callers} dials that stay: at most {most} open, ends {ends}; a put and a get "
                 f"went on; newcomers again {time.monotonic() - begun:.1f} s after it", calm, under)


if __name__ == "__main__":
    unittest.main()
