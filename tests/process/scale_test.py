"""A crowd arrives: 400 newcomers onboard side by side, then 200 join in the same moment while a bridge is killed, all over
TLS and through two bridges. Nobody is turned away, and the bootstrap never opens a second connection to a bridge."""

import threading
import time
import unittest

from crowd import Tally, at_once, connect
from process_case import ProcessCase
from socket_table import ConnectionWatch

ONBOARDINGS = 400
JOINS = 200
KILL_AFTER_S = 0.02


class ScaleTest(ProcessCase):

    def test_a_crowd_joins_through_two_bridges_and_one_is_killed_in_the_middle(self):
        network = self.start_network(nodes=4, tls=True)
        pid = network.bootstrap.process.pid
        with ConnectionWatch(pid, network.bridge_ports) as watch:
            self.assertTrue(watch.wait_for(2, 15))

            onboarding = Tally()
            began = time.monotonic()
            newcomers = [None] * ONBOARDINGS

            def onboard(number):
                newcomers[number] = connect(network, number)
                newcomers[number].join(onboarding)

            at_once(ONBOARDINGS, onboard)
            print(f"{ONBOARDINGS} onboardings in {time.monotonic() - began:.1f} s: {onboarding}")
            self.assertEqual((onboarding.joins, onboarding.broken), (ONBOARDINGS, []), onboarding)

            joining = Tally()
            together = threading.Barrier(JOINS + 1)

            def join(number):
                together.wait()
                newcomers[number].join(joining)

            def kill_a_bridge():
                together.wait()
                time.sleep(KILL_AFTER_S)
                network.bridges[0].process.kill()

            killer = threading.Thread(target=kill_a_bridge)
            killer.start()
            at_once(JOINS, join)
            killer.join()
            network.bridges[0].kill()
            print(f"{JOINS} joins with a bridge killed: {joining}")
            self.assertEqual((joining.joins, joining.broken), (JOINS, []), joining)
            for newcomer in newcomers:
                newcomer.close()
            counters = network.bootstrap.status()["counters"]
        self.assertEqual(set(watch.most_by_port.values()), {1}, watch.most_by_port)
        self.assertGreaterEqual(counters["host.tls_handshakes_total"], ONBOARDINGS)
        self.assert_stops(network.bootstrap)


if __name__ == "__main__":
    unittest.main()
