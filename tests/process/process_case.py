"""What the stories of this folder share: programs of this build, ended whatever happens."""

import os
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts"))

from admin import Admin, AdminError  # noqa: E402,F401
from certificates import Issuer  # noqa: E402,F401
from network import HOST, Network, free_port, programs_folder, url_of, wait_until  # noqa: E402,F401


class ProcessCase(unittest.TestCase):
    """A test that starts programs."""

    longMessage = True

    def start_network(self, nodes, **how):
        """A network that ends with the test."""
        network = self.prepare_network(**how)
        return network.start(nodes)

    def prepare_network(self, **how):
        """The same, with nothing started yet."""
        return self.enterContext(Network(programs_folder(), **how))

    def assert_put(self, network, node, key, value):
        code, out, err = network.put(node, key, value)
        self.assertEqual(code, 0, f"put at {node.name}: {out}{err}\n{node.story()}")

    def assert_get(self, network, node, key, value):
        code, out, err = network.get(node, key)
        self.assertEqual((code, out.strip()), (0, value), f"get at {node.name}: {err}\n{node.story()}")

    def assert_memory_grew_less(self, kib, bound_kib, message=None):
        """For `Program.resident_kib`. A sanitizer keeps what was freed, so that under one memory says nothing of the program."""
        if "TRESTLE_SANITIZED" not in os.environ:
            self.assertLess(kib, bound_kib, message)

    def assert_stops(self, program, **how):
        """It ends by itself, in time, with exit 0."""
        code, took = program.stop(**how)
        self.assertEqual(code, 0, f"{program.name} after {took:.1f} s\n{program.story()}")
