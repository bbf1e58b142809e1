"""How a lookup went, told on demand and in the log (OBS-08)."""

import json
import re
import unittest

from process_case import ProcessCase

# When it was asked, whom, whether there was a link, why, what came of it, and where the name came from.
STEP = re.compile(r"^ +[\d.]+ ms  [0-9a-f]{40}  (not )?linked +(nearest|connected|quicker|hedge|stand-in) +"
                  r"(\d+ contacts after [\d.]+ ms|[A-Z_]+ after [\d.]+ ms|no answer before the end); hop \d+")


class TraceTest(ProcessCase):

    def test_trace_prints_every_step_of_a_lookup(self):
        network = self.start_network(3)
        node, other = network.nodes[0], network.nodes[2]
        for of in (other.id, "some key"):
            code, out, err = network.command("dht-node", "trace", of, "--data", node.data)
            self.assertEqual(code, 0, err)
            steps, _, nearest = out.partition("nearest that answered\n")
            self.assertTrue(steps)
            for line in steps.splitlines():
                self.assertRegex(line, STEP)
            self.assertIn(other.id, nearest)
        code, out, err = network.command("dht-node", "trace", other.id, "--json", "--data", node.data)
        self.assertEqual(code, 0, err)
        told = json.loads(out)
        self.assertEqual(told["code"], "NONE")
        asked = [step["peer"] for step in told["steps"]]
        self.assertEqual(len(asked), len(set(asked)), "nobody is asked twice")
        self.assertIn(other.id, asked)
        for step in told["steps"]:
            self.assertEqual(step["code"], "NONE", step)
            self.assertGreaterEqual(step["took_ms"], 0)
        self.assertEqual(told["contacts"][0]["id"], other.id, "nearest first")

    def test_several_paths_and_searches_that_the_network_hands_on(self):
        """LOOK-05, LOOK-08, X29: one search at a time, or all searches of a node by its setting."""
        network = self.start_network(4)
        node, other = network.nodes[0], network.nodes[3]
        network.put(node, "key", "value")
        asked = lambda one: one.status()["counters"]["dht.asks_recursive_total"]  # noqa: E731
        for words in (("get", "key", "--paths", "3"), ("find", other.id, "--paths", "2"), ("find", other.id)):
            code, out, err = network.command("dht-node", *words, "--data", node.data)
            self.assertEqual(code, 0, err)
            self.assertIn("value" if words[0] == "get" else other.id, out)
        self.assertEqual(asked(node), 0)
        for word in ("find", "trace"):
            code, out, err = network.command("dht-node", word, other.id, "--lookup", "recursive", "--data", node.data)
            self.assertEqual(code, 0, err)
            self.assertIn(other.id, out)
        self.assertGreater(asked(node), 0)
        status, body = node.admin.request("GET", "/find?id=" + other.id + "&lookup=somehow")
        self.assertEqual((status, json.loads(body)["code"]), (400, "INVALID_REQUEST"))

        always = network.start_node("--lookup", "recursive", "--proximity", "on")
        network.wait_joined(network.nodes)
        before = asked(always)
        code, out, err = network.command("dht-node", "find", other.id, "--data", always.data)
        self.assertEqual(code, 0, err)
        self.assertIn(other.id, out)
        self.assertGreaterEqual(asked(always), before)
        self.assertGreater(asked(always), 0)

    def test_the_finest_log_has_a_line_for_every_question(self):
        network = self.prepare_network(bridges=1)
        network.start(1)
        quiet = network.nodes[0]
        loud = network.start_node("--log-level", "debug")
        network.wait_joined(network.nodes)
        network.command("dht-node", "find", quiet.id, "--data", loud.data)
        event = loud.wait_event("dht.question", where=lambda one: one.get("peer") == quiet.id)
        self.assertRegex(event["detail"], r"operation \d+, \S+, hop \d+.*, took [\d.]+ ms, \d+ contacts")
        self.assertFalse(quiet.events_named("dht.question"))


if __name__ == "__main__":
    unittest.main()
