"""What an operator does whose key was stolen: replaces it, is invited anew, has the old one revoked, and loses nothing."""

import shutil
import time
import unittest

from process_case import HOST, ProcessCase, wait_until

SOON_S = 20.0


class RotationTest(ProcessCase):

    def test_a_stolen_key_is_replaced_and_the_thief_stays_out(self):
        """T32: the drill, with a thief who has the whole folder."""
        network = self.prepare_network(invited=True, bridges=1)
        network.bridge_options = ("--network-key-file", network.make_network_key())
        network.start(4)
        robbed, friend = network.nodes[1], network.nodes[2]
        self.assert_put(network, robbed, "before", "written by the old key")
        old_id, name = robbed.id, robbed.name
        self.assert_stops(robbed)
        shutil.copytree(robbed.data, network.data_of("thief"))

        code, word, err = network.command("dht-node", "rotate", "--data", robbed.data)
        self.assertEqual(code, 0, err)
        self.assertTrue(word.startswith("trestle-rotation:"), word)
        self.assertTrue((robbed.data / f"rotation.{old_id}").exists())
        paper = network.invite(network.identity_of("dht-node", name))
        network.revoke(old_id)
        again = self.start(network, name, "--invitation", paper)
        network.nodes[1] = again
        self.assertNotEqual(again.id, old_id)
        wait_until(lambda: again.peer_count() >= 3, SOON_S, again.story)

        # Nothing is lost: it reads what it wrote, writes it again, and the others read the new word.
        self.assert_get(network, again, "before", "written by the old key")
        self.assert_put(network, again, "before", "written by the new key")
        self.assert_get(network, friend, "before", "written by the new key")

        # The old key opens nothing any more, neither at the bootstrap node nor at a member.
        thief = self.start(network, "thief")
        self.assertEqual(thief.id, old_id)
        thief.wait_event("join.bootstrap_closed", where=lambda event: event["code"] == "INVALID_TOKEN")
        time.sleep(3)
        self.assertEqual(thief.peer_count(), 0)
        for program in (*network.bridges, *network.nodes):
            self.assertNotIn(old_id, [peer["id"] for peer in program.status()["peers"]])
        # What lay in the folder he has; what was written since he does not see, and nobody sees what he writes.
        _, told, _ = network.get(thief, "before")
        self.assertNotIn("the new key", told)
        network.put(thief, "before", "written by the thief")
        self.assert_get(network, friend, "before", "written by the new key")

    def start(self, network, name, *options):
        """The program of that name, in its folder."""
        return network.launch("dht-node", name, "--listen", f"{HOST}:0", "--bootstrap",
                              network.url_of(network.bootstrap_port), *options).wait_ready()


if __name__ == "__main__":
    unittest.main()
