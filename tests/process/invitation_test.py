#!/usr/bin/python3
"""A network that one enters by invitation, with the real programs: in, out, back, and not at all (SEC-01..04, BRIDGE-14, T10)."""

import json
import time
import unittest

from process_case import HOST, Admin, ProcessCase, wait_until

SOON_S = 20.0


class InvitationTest(ProcessCase):

    def start_invited(self, nodes, **how):
        return self.start_network(nodes=nodes, invited=True, **how)

    def without_invitation(self, network, name, *options):
        """Starts the program of that name, in its folder, with no paper in its hand."""
        return network.launch("dht-node", name, "--listen", f"{HOST}:0", "--bootstrap",
                              network.url_of(network.bootstrap_port), *options)

    def refusal(self, network, name, *options):
        """What a program says that does not start: exit 3 and a sentence."""
        code, _, err = network.command("dht-node", "run", "--data", network.data_of(name), "--listen", f"{HOST}:0",
                                       "--bootstrap", network.url_of(network.bootstrap_port), *options)
        self.assertEqual(code, 3, err)
        return err

    def test_who_is_invited_comes_in_and_comes_back_and_nobody_else(self):
        network = self.start_invited(nodes=3)
        self.assert_put(network, network.nodes[0], "key", "value")
        self.assert_get(network, network.nodes[-1], "key", "value")
        for bridge in network.bridges:
            self.assertEqual((bridge.data / "membership").stat().st_mode & 0o077, 0)

        node = network.nodes[1]
        self.assert_stops(node)
        again = self.without_invitation(network, node.name).wait_ready()
        network.nodes[1] = again
        self.assertEqual(again.id, node.id)
        wait_until(lambda: again.peer_count() >= 3, SOON_S, again.story)
        self.assert_get(network, again, "key", "value")

        stranger = self.without_invitation(network, "stranger", "--admission", "open").wait_ready()
        stranger.wait_event("join.refused", where=lambda event: event["code"] == "UNAUTHORIZED")
        self.assertEqual(stranger.peer_count(), 0)
        for program in (*network.bridges, *network.nodes):
            self.assertNotIn(stranger.id, [peer["id"] for peer in program.status()["peers"]])

        # The tree of invitations, for the audit: each member once, let in by the founder.
        tree = {}
        for bridge in network.bridges:
            for member in bridge.admin.get("/members"):
                tree[member["id"]] = member
        for member in network.nodes:
            self.assertEqual((tree[member.id]["depth"], tree[member.id]["revoked"]), (1, False))
        self.assertNotIn(stranger.id, tree)
        figures = [bridge.status()["counters"] for bridge in network.bridges]
        self.assertEqual(sum(each["members.redeemed_total"] for each in figures), len(network.nodes))

    def test_one_bridge_is_enough(self):
        network = self.start_invited(nodes=1)
        network.bridges[0].kill()
        node = network.start_node()
        wait_until(lambda: node.peer_count() >= 2, SOON_S, node.story)
        # The bridge that comes back has kept what it is, and whom it let in.
        network.start_bridge(0)
        wait_until(lambda: network.bridges[0].peer_count() >= 1, SOON_S, network.bridges[0].story)

    def test_a_revocation_reaches_who_runs(self):
        network = self.start_invited(nodes=4)
        out = network.nodes[2]
        network.revoke(out.id)
        wait_until(lambda: out.peer_count() == 0, SOON_S, out.story)
        others = [*network.bridges, *(node for node in network.nodes if node is not out)]
        for program in others:
            self.assertNotIn(out.id, [peer["id"] for peer in program.status()["peers"]])
        out.kill()
        back = self.without_invitation(network, out.name).wait_ready()
        back.wait_event("join.bootstrap_closed", where=lambda event: event["code"] == "INVALID_TOKEN")
        time.sleep(2)
        self.assertEqual(back.peer_count(), 0)
        network.wait_joined([node for node in network.nodes if node is not out])

    def test_the_key_of_the_network_comes_with_the_membership(self):
        """ENC-01: who is let in reads what members seal, without a file of his own, and after a restart."""
        network = self.prepare_network(invited=True, bridges=1)
        network.bridge_options = ("--network-key-file", network.make_network_key())
        network.start(3)
        author, reader = network.nodes[0], network.nodes[2]
        self.assert_put(network, author, "key", "what members read")
        code, told, err = network.command("dht-node", "get", "key", "--json", "--data", reader.data)
        self.assertEqual(code, 0, err)
        told = json.loads(told)
        self.assertEqual((told["value"], told["sealed"], told["audience"]), ("what members read", True, "network"))
        self.assertEqual((reader.data / "network-key-wrapped").stat().st_mode & 0o077, 0)

        self.assert_stops(reader)
        again = self.without_invitation(network, reader.name).wait_ready()
        network.nodes[2] = again
        wait_until(lambda: again.peer_count() >= 2, SOON_S, again.story)
        self.assert_get(network, again, "key", "what members read")

    def test_what_is_no_good_is_refused_with_a_sentence(self):
        network = self.start_invited(nodes=1, bridges=1)
        self.assertIn("--invitation", self.refusal(network, "nobody"))
        self.assertIn("--admission open", self.refusal(network, "nobody"))
        code, _, err = network.command("bridge-node", "run", "--data", network.data_of("a bridge"), "--listen", f"{HOST}:0",
                                       "--bootstrap", network.url_of(network.bootstrap_port), *network.secret_options())
        self.assertEqual(code, 3)
        self.assertIn("--founder", err)

        mine = network.identity_of("dht-node", "guest")
        other = network.invite(network.identity_of("dht-node", "somebody else"))
        self.assertIn("is for the identity", self.refusal(network, "guest", "--invitation", other))
        short = network.invite(mine, "--life", "1s")
        good = network.invite(mine)
        elsewhere = network.folder / "elsewhere.toml"
        elsewhere.write_text('network-name = "elsewhere"\n')
        self.assertIn("another network", self.refusal(network, "guest", "--invitation", good, "--config", elsewhere))
        mistyped = good[:-9] + ("A" if good[-9] != "A" else "B") + good[-8:]
        self.assertIn("damaged", self.refusal(network, "guest", "--invitation", mistyped))
        time.sleep(1.2)
        self.assertIn("expired", self.refusal(network, "guest", "--invitation", short))
        absent = network.folder / "absent"
        self.assertIn(str(absent), self.refusal(network, "guest", "--invitation", absent))

        # A revoked one looks good to who holds it; the bridges know better, and do not say why.
        network.revoke(good)
        network.bootstrap.wait_event("admission.revocations")
        guest = self.without_invitation(network, "guest", "--invitation", good).wait_ready()
        refused = guest.wait_event("admission.refused")
        self.assertEqual(refused["code"], "INVALID_TOKEN")
        self.assertEqual(guest.peer_count(), 0)
        self.assert_stops(guest)

        # From a file, and used at once although it is used again.
        paper = network.folder / "paper"
        paper.write_text(f"\n{network.invite(mine)}\n")
        guest = self.without_invitation(network, "guest", "--invitation", paper).wait_ready()
        wait_until(lambda: guest.peer_count() >= 1, SOON_S, guest.story)
        guest.kill()
        guest = self.without_invitation(network, "guest", "--invitation", paper).wait_ready()
        wait_until(lambda: guest.peer_count() >= 1, SOON_S, guest.story)

    def test_invitations_do_not_outlive_the_bridge_that_redeemed_them(self):
        """Whom it let in a bridge knows after a restart: the audit does not begin anew."""
        network = self.start_invited(nodes=2, bridges=1)
        bridge = network.bridges[0]
        members = lambda: {member["id"] for member in Admin(bridge.data).get("/members")}
        before = members()
        self.assertLessEqual({node.id for node in network.nodes}, before)
        self.assert_stops(bridge)
        for node in network.nodes:
            node.kill()
        network.start_bridge(0)
        self.assertEqual({node.id for node in network.nodes} - members(), set())


if __name__ == "__main__":
    unittest.main()
