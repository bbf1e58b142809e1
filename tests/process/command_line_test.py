"""The words and exit codes that scripts and people rely on: 0 done, 1 failed, 2 wrong usage, 3 bad settings, 4 cannot
listen, 5 cannot use the data folder."""

import datetime
import pathlib
import re
import socket
import subprocess
import tempfile
import unittest

from process_case import ProcessCase, programs_folder, url_of, wait_until

PROGRAMS = ("bootstrap-node", "bridge-node", "dht-node")
SENTENCE = r"\w+ \w+ \w+"


class CommandLineTest(ProcessCase):

    def setUp(self):
        self.network = self.prepare_network()
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))

    def run_program(self, program, *words):
        return self.network.command(program, *words)

    def expect(self, code, program, *words):
        """The program ends with that code, and unless it is 0, says why on standard error."""
        got, out, err = self.run_program(program, *words)
        self.assertEqual(got, code, f"{program} {' '.join(map(str, words))}\n{out}{err}")
        if code != 0:
            self.assertRegex(err, SENTENCE, f"{program} {' '.join(map(str, words))}")
            self.assertNotRegex(err, r"terminate called|assertion failed")
        return out + err

    def test_help_names_every_command(self):
        for program in PROGRAMS:
            said = self.expect(0, program, "--help")
            for word in ("run", "check", "keygen", "version"):
                self.assertRegex(said, rf"\b{word}\b", program)
            said = self.expect(0, program, "run", "--help")
            for option in ("--config", "--listen", "--advertise", "--data", "--log"):
                self.assertIn(option, said, program)
        for word in ("put", "get", "find", "status"):
            self.assertRegex(self.expect(0, "dht-node", "--help"), rf"\b{word}\b")

    def test_version(self):
        version = re.search(r"project\(trestle VERSION (\S+)", (self.root() / "CMakeLists.txt").read_text()).group(1)
        for program in PROGRAMS:
            self.assertIn(version, self.expect(0, program, "version"))

    def root(self):
        return pathlib.Path(__file__).resolve().parents[2]

    def test_keygen_makes_an_identity_that_only_its_owner_reads(self):
        data = self.folder / "data"
        said = self.expect(0, "dht-node", "keygen", "--data", data)
        self.assertRegex(said, r"\b[0-9a-f]{40}\b")
        for path in (path for path in data.rglob("*") if path.is_file()):
            self.assertEqual(path.stat().st_mode & 0o077, 0, path)

    def test_check_approves_settings_without_running(self):
        said = self.expect(0, "dht-node", "check", "--data", self.folder / "data", "--listen", "127.0.0.1:0",
                           *self.nobody())
        self.assertIn(self.nobody()[1], said, "the settings in force")
        self.assertFalse((self.folder / "data" / "admin.sock").exists())

    def test_wrong_usage_is_2(self):
        for program in PROGRAMS:
            self.expect(2, program)
            self.expect(2, program, "dance")
            self.expect(2, program, "run", "--no-such-option")
            self.expect(2, program, "run", "--listen")
        self.expect(2, "dht-node", "put", "only-a-key", "--data", self.folder)
        self.expect(2, "dht-node", "get", "--data", self.folder)
        for words in (("get", "key", "--paths", "9"), ("get", "key", "--paths", "many"), ("get", "key", "--lookup", "recursive"),
                      ("find", "00" * 20, "--lookup", "somehow"), ("put", "key", "value", "--paths", "3")):
            self.expect(2, "dht-node", *words, "--data", self.folder)

    def test_what_another_program_does_is_2_with_a_sentence(self):
        for program, command in (("dht-node", "invite"), ("bridge-node", "revoke")):
            said = self.expect(2, program, command)
            self.assertIn(command, said)
            self.assertIn("bootstrap-node", said)

    def test_bad_settings_are_3(self):
        broken = self.folder / "broken.toml"
        broken.write_text("listen = [\n")
        unknown = self.folder / "unknown.toml"
        unknown.write_text('no_such_setting = "x"\n')
        for program in PROGRAMS:
            for config in (broken, unknown, self.folder / "absent.toml"):
                for command in ("run", "check"):
                    said = self.expect(3, program, command, "--data", self.folder / "data", "--config", config)
                    self.assertIn(config.name, said)
        self.expect(3, "bridge-node", "run", "--listen", "127.0.0.1:0", "--data", self.folder / "data",
                    "--bridge-secret-file", self.folder / "absent", *self.nobody())
        self.expect(3, "dht-node", "run", "--data", self.folder / "data", "--listen", "127.0.0.1:0",
                    "--bootstrap", "http://127.0.0.1:1")
        self.expect(3, "dht-node", "run", "--data", self.folder / "data", "--listen", "nonsense", *self.nobody())

    def test_a_member_without_a_bootstrap_is_a_bad_setting(self):
        for program in ("bridge-node", "dht-node"):
            secret = self.needed(program)[:-2]
            said = self.expect(3, program, "run", "--listen", "127.0.0.1:0", "--data", self.folder / program, *secret)
            self.assertIn("bootstrap", said)

    def test_a_port_in_use_is_4(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            for program in PROGRAMS:
                said = self.expect(4, program, "run", "--data", self.folder / program, "--listen", address,
                                   *self.needed(program))
                self.assertIn(address, said)

    def needed(self, program):
        """The options without which that program does not run."""
        secret = () if program == "dht-node" else ("--bridge-secret-file", self.network.secret_file)
        return secret if program == "bootstrap-node" else (*secret, *self.nobody())

    def test_a_data_folder_that_cannot_be_used_is_5(self):
        in_the_way = self.folder / "file"
        in_the_way.write_text("")
        for program in PROGRAMS:
            for data in (in_the_way, in_the_way / "below"):
                said = self.expect(5, program, "run", "--listen", "127.0.0.1:0", "--data", data, *self.needed(program))
                self.assertIn(str(data), said)

    def nobody(self):
        """The option that names a bootstrap where nothing listens."""
        return "--admission", "open", "--bootstrap", url_of(self.network.bootstrap_port)

    def start_alone(self, name):
        """A node whose bootstrap does not answer."""
        return self.network.start_program("dht-node", name, "--listen", "127.0.0.1:0", *self.nobody())

    def test_a_data_folder_has_one_program(self):
        node = self.start_alone("first")
        self.expect(5, "dht-node", "run", "--listen", "127.0.0.1:0", "--data", node.data, *self.nobody())
        self.assertTrue(node.is_running)
        self.assertEqual(node.status()["id"], node.id)

    def test_weaker_modes_are_shown_and_end(self):
        date_in = lambda days: (datetime.date.today() + datetime.timedelta(days=days)).isoformat()  # noqa: E731
        node = self.network.start_program("dht-node", "weaker", "--listen", "127.0.0.1:0", *self.nobody(),
                                          "--weaker-until", date_in(30))
        self.assertEqual(node.status()["weaker_modes"], [{"mode": "legacy", "until": date_in(30)},
                                                         {"mode": "open-admission", "until": date_in(30)}])
        for mode in ("--legacy on", "--admission open"):
            node.wait_event("host.settings", where=lambda event, mode=mode: mode in event["detail"])
        for program in PROGRAMS:
            over = ("--weaker-until", date_in(-2), "--data", self.folder / "unused", *self.needed(program))
            for command in ("run", "check"):
                self.assertIn("is over", self.expect(3, program, command, *over))
            self.expect(3, program, "check", *self.needed(program), "--weaker-until", "tomorrow")

    def test_an_identity_outlives_the_program_and_a_kill(self):
        first = self.start_alone("phoenix")
        first.kill()  # leaves its admin socket behind
        second = self.start_alone("phoenix")
        self.assertEqual(second.id, first.id)
        self.assertEqual(second.status()["id"], first.id)

    def test_asking_where_nothing_runs_is_1(self):
        for words in (("put", "key", "value"), ("get", "key"), ("find", "0" * 40), ("peers",), ("status",)):
            self.expect(1, "dht-node", *words, "--data", self.folder)

    def test_users_commands_on_a_running_node(self):
        network = self.start_network(nodes=2)
        node, other = network.nodes
        self.assert_put(network, node, "key", "value")
        self.assert_get(network, other, "key", "value")
        self.expect(1, "dht-node", "get", "no-such-key", "--data", node.data)
        self.assertIn(other.id, self.expect(0, "dht-node", "find", other.id, "--data", node.data))
        self.expect(2, "dht-node", "find", "not-an-id", "--data", node.data)
        self.assertIn(other.id, self.expect(0, "dht-node", "peers", "--data", node.data))
        self.assertIn(node.id, self.expect(0, "dht-node", "status", "--data", node.data))
        self.assertIn('"peers"', self.expect(0, "dht-node", "status", "--json", "--data", node.data))
        # Data through a bridge is refused (P-CR-12).
        self.expect(1, "dht-node", "put", "key", "value", "--data", network.bridges[0].data)

    def test_the_admin_socket_is_private_and_goes_away(self):
        node = self.start_alone("private")
        self.assertEqual((node.data / "admin.sock").stat().st_mode & 0o077, 0)
        self.assert_stops(node)
        self.assertFalse((node.data / "admin.sock").exists())

    def test_text_logs_are_for_people(self):
        command = [programs_folder() / "dht-node", "run", "--listen", "127.0.0.1:0", "--data", self.folder / "data",
                   "--log", "text", *self.nobody()]
        with open(self.folder / "log", "w+", encoding="utf-8") as log, \
                subprocess.Popen(command, stdout=log, stderr=log) as process:
            wait_until(lambda: "ready " in (self.folder / "log").read_text(), 15)
            process.terminate()
            self.assertEqual(process.wait(10), 0)
        said = (self.folder / "log").read_text()
        self.assertNotIn('{"', said)
        self.assertNotIn("\x1b", said, "no colours into a file")


if __name__ == "__main__":
    unittest.main()
