"""The chaos proxy does what it says, or the scenarios behind it say nothing."""

import os
import socket
import threading
import time
import unittest

from chaos_case import HOST
from chaos_proxy import ChaosProxy

ROUND_BYTES = 100_000


class Echo:
    """A server that sends back what it gets. A context."""

    def __enter__(self):
        self.listener = socket.create_server((HOST, 0))
        self.port = self.listener.getsockname()[1]
        self.ended = threading.Event()      # a connection ended, as this side sees it
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.listener.close()

    def _serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._echo, args=(connection,), daemon=True).start()

    def _echo(self, connection):
        with connection:
            try:
                while data := connection.recv(65536):
                    connection.sendall(data)
            except OSError:
                pass
        self.ended.set()


class ChaosProxyTest(unittest.TestCase):

    def setUp(self):
        self.echo = self.enterContext(Echo())

    def proxy(self, **faults):
        return self.enterContext(ChaosProxy(self.echo.port, **faults))

    def exchange(self, proxy, data):
        """(what came back, how long it took, in how many pieces)."""
        begun = time.monotonic()
        with socket.create_connection((HOST, proxy.port), 5) as connection:
            threading.Thread(target=connection.sendall, args=(data,), daemon=True).start()
            back, pieces = b"", 0
            while len(back) < len(data):
                more = connection.recv(65536)
                if not more:
                    break
                back, pieces = back + more, pieces + 1
        return back, time.monotonic() - begun, pieces

    def test_without_faults_it_passes_what_comes(self):
        data = os.urandom(ROUND_BYTES)
        self.assertEqual(self.exchange(self.proxy(), data)[0], data)

    def test_delay_and_jitter_keep_the_order(self):
        data = os.urandom(ROUND_BYTES)
        back, took, _ = self.exchange(self.proxy(delay_s=0.1, jitter_s=0.05, piece_bytes=10_000), data)
        self.assertEqual(back, data)
        self.assertGreater(took, 0.2)

    def test_a_narrow_line_takes_its_time(self):
        data = os.urandom(20_000)
        back, took, _ = self.exchange(self.proxy(bytes_per_s=50_000, piece_bytes=1000), data)
        self.assertEqual(back, data)
        self.assertGreater(took, 0.38)

    def test_pieces_are_small(self):
        data = os.urandom(300)
        back, _, pieces = self.exchange(self.proxy(piece_bytes=1, bytes_per_s=1500), data)
        self.assertEqual(back, data)
        self.assertGreater(pieces, 20)

    def test_corruption_turns_bits_and_loses_none(self):
        data = bytes(ROUND_BYTES)
        proxy = self.proxy(corrupt_share=0.5, piece_bytes=1000)
        back, _, _ = self.exchange(proxy, data)
        self.assertEqual(len(back), len(data))
        self.assertNotEqual(back, data)
        self.assertGreater(proxy.corrupted_total, 20)

    def test_a_stall_holds_everything_back_and_loses_nothing(self):
        proxy = self.proxy()
        with socket.create_connection((HOST, proxy.port), 5) as connection:
            proxy.faults.stalls = True
            connection.sendall(b"waiting")
            connection.settimeout(0.3)
            self.assertRaises(TimeoutError, connection.recv, 100)
            proxy.faults.stalls = False
            connection.settimeout(5)
            self.assertEqual(connection.recv(100), b"waiting")

    def test_accept_and_ignore(self):
        proxy = self.proxy(swallows=True)
        with socket.create_connection((HOST, proxy.port), 5) as connection:
            connection.sendall(b"anybody?")
            connection.settimeout(0.3)
            self.assertRaises(TimeoutError, connection.recv, 100)
        self.assertEqual(proxy.connections, 0)

    def test_a_reset_is_one(self):
        proxy = self.proxy()
        with socket.create_connection((HOST, proxy.port), 5) as connection:
            connection.sendall(b"x")
            connection.recv(10)
            proxy.reset()
            self.assertRaises(ConnectionResetError, connection.recv, 10)

    @unittest.skipIf(os.geteuid(), "needs root")
    def test_who_vanishes_tells_nobody(self):
        proxy = self.proxy()
        with socket.create_connection((HOST, proxy.port), 5) as connection:
            connection.sendall(b"x")
            connection.recv(10)
            proxy.vanish()
            connection.settimeout(0.5)
            self.assertRaises(TimeoutError, connection.recv, 10)
        self.assertFalse(self.echo.ended.is_set())


if __name__ == "__main__":
    unittest.main()
