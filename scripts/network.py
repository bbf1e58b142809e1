"""A whole network on loopback: one bootstrap node, its bridges, and nodes that join."""

import os
import pathlib
import secrets
import shutil
import signal
import subprocess
import tempfile
import time

from certificates import Issuer
from free_ports import HOST, free_port
from program import Program, ProgramError

ROOT = pathlib.Path(__file__).resolve().parent.parent


def url_of(port, scheme="ws"):
    return f"{scheme}://{HOST}:{port}"


class Network:
    """Programs of one build, with their data in a temporary folder. A context: leaving it ends everything.

    With `tls` everything speaks wss, under an issuer made for this network alone. With `invited` it is entered by
    invitation: the bootstrap node is its founder, and invites each node that is started. Else it is open.
    """

    def __init__(self, programs, bridges=2, on_event=None, bootstrap_options=("--genesis",), bridge_options=(), tls=False,
                 invited=False):
        self.programs = pathlib.Path(programs)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="trestle-"))
        self.secret_file = self.write_secret("bridge-secret")
        self.legacy_secret_file = self.write_secret("legacy-bridge-secret")
        self.issuer = Issuer(self.folder) if tls else None
        self.certificate, self.key = self.issuer.issue("programs") if tls else (None, None)
        self.bootstrap_port = free_port()
        self.bridge_ports = [free_port() for _ in range(bridges)]
        self.bootstrap_options = bootstrap_options
        self.bridge_options = bridge_options
        self.on_event = on_event
        self.invited = invited
        self._founder = None
        self.bootstrap = None
        self.bridges = []
        self.nodes = []
        self._started = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for program in self.running():
            program.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def write_secret(self, name):
        """A file with a fresh secret that only its owner reads."""
        path = self.folder / name
        path.touch(mode=0o600)
        path.write_text(secrets.token_hex(32) + "\n")
        return path

    def make_network_key(self):
        """The file of a fresh key that members seal under."""
        path = self.folder / "network-key"
        code, out, err = self.command("bootstrap-node", "network-key", path)
        if code != 0:
            raise RuntimeError(f"network-key: {out}{err}")
        return path

    def url_of(self, port):
        """How a program of this network on that port is dialled."""
        return url_of(port, "wss" if self.issuer else "ws")

    @property
    def issuer_file(self):
        """What a client of this network must trust; None without TLS."""
        return self.issuer.certificate if self.issuer else None

    def tls_options(self):
        """What every program is told about TLS."""
        if not self.issuer:
            return ()
        return "--tls-cert", self.certificate, "--tls-key", self.key, "--tls-ca", self.issuer.certificate

    def secret_options(self, secret_file=None):
        """What bootstrap and bridges are told: the secret they share, and the old system's."""
        return ("--bridge-secret-file", secret_file or self.secret_file,
                "--legacy-bridge-secret-file", self.legacy_secret_file)

    # ---- who may come in ----

    def data_of(self, name):
        """The data folder of the program of that name."""
        return self.folder / name.replace(" ", "-")

    def identity_of(self, program, name):
        """What that program's `identity` command prints; its identity is made if it has none."""
        data = self.data_of(name)
        self.command(program, "keygen", "--data", data)
        code, out, err = self.command(program, "identity", "--data", data)
        if code != 0:
            raise ProgramError(f"{program} identity: {err}")
        return out.strip()

    def founder(self):
        """The founder's public keys, which are all that a program has to be told."""
        self._founder = self._founder or self.identity_of("bootstrap-node", "bootstrap")
        return self._founder

    def invite(self, identity, *options):
        """The text of an invitation for that identity, by the founder."""
        self.founder()
        code, out, err = self.command("bootstrap-node", "invite", identity, "--data", self.data_of("bootstrap"), *options)
        if code != 0:
            raise ProgramError(f"bootstrap-node invite: {err}")
        return out.strip()

    def revoke(self, what):
        """Takes an invitation or a membership back; the running bootstrap node reads the list."""
        code, _, err = self.command("bootstrap-node", "revoke", what, "--data", self.data_of("bootstrap"))
        if code != 0:
            raise ProgramError(f"bootstrap-node revoke: {err}")
        self.bootstrap.process.send_signal(signal.SIGHUP)

    def admission_options(self, program):
        """What a program is told about who may come in."""
        if not self.invited:
            return "--admission", "open"
        return ("--founder", self.founder()) if program == "bridge-node" else ()

    # ---- starting ----

    def launch(self, program, name, *options):
        """Starts a program with a data folder of its own; the log is JSON. Does not wait for it."""
        data = self.data_of(name)
        command = [self.programs / program, "run", "--data", data, "--log", "json", *self.tls_options(),
                   *self.admission_options(program), *options]
        started = Program(name, command, data, self.on_event)
        self._started.append(started)
        return started

    def start_program(self, program, name, *options):
        """Starts a program and waits until it listens."""
        return self.launch(program, name, *options).wait_ready()

    def start_bootstrap(self):
        bridges = [word for port in self.bridge_ports for word in ("--bridge", self.url_of(port))]
        self.bootstrap = self.start_program(
            "bootstrap-node", "bootstrap", "--listen", f"{HOST}:{self.bootstrap_port}", *bridges,
            *self.secret_options(), *self.bootstrap_options)
        return self.bootstrap

    def start_bridge(self, index, secret_file=None):
        """Starts bridge `index` on its port; the second time, it is the same bridge come back."""
        bridge = self.start_program(
            "bridge-node", f"bridge {index + 1}", "--listen", f"{HOST}:{self.bridge_ports[index]}",
            "--bootstrap", self.url_of(self.bootstrap_port), *self.secret_options(secret_file), *self.bridge_options)
        self.bridges[index:index + 1] = [bridge]
        return bridge

    def launch_node(self, *options):
        name = f"node {len(self.nodes) + 1}"
        if self.invited:
            options = ("--invitation", self.invite(self.identity_of("dht-node", name)), *options)
        node = self.launch("dht-node", name, "--listen", f"{HOST}:0",
                           "--bootstrap", self.url_of(self.bootstrap_port), *options)
        self.nodes.append(node)
        return node

    def start_node(self, *options):
        return self.launch_node(*options).wait_ready()

    def start_first_node(self):
        """The node that a network begins with. Once every bridge knows it, they can introduce others."""
        node = self.start_node()
        wait_until(lambda: node.peer_count() >= len(self.bridges), 15.0, node.story)
        return node

    def start_nodes_at_once(self, count):
        """Starts so many nodes together, none waiting for another."""
        nodes = [self.launch_node() for _ in range(count)]
        return [node.wait_ready() for node in nodes]

    def start(self, nodes):
        """Everything: bridges, bootstrap, and so many nodes that have joined."""
        # The bridges first: the bootstrap's first dial finds them. One that is dialled in vain may wait half a minute for the
        # next dial, since the bootstrap is in no hurry while another one serves.
        for index in range(len(self.bridge_ports)):
            self.start_bridge(index)
        self.start_bootstrap()
        wait_until(lambda: all(slot["state"] == "connected" for slot in self.bootstrap.status()["bridges"]), 45.0,
                   lambda: f"connection to every bridge\n{self.bootstrap.story()}")
        if nodes:
            self.start_first_node()
        for _ in range(nodes - 1):
            self.start_node()
        self.wait_joined(self.nodes)
        return self

    # ---- waiting ----

    def enough_peers(self):
        """With how many peers a node counts as connected: three, or all there are."""
        return min(3, len(self.nodes) + len(self.bridges) - 1)

    def wait_joined(self, nodes, timeout_s=15.0):
        """Waits until every one of the nodes has enough peers."""
        wait_until(lambda: all(node.peer_count() >= self.enough_peers() for node in nodes), timeout_s,
                   lambda: "peers: " + ", ".join(f"{node.name} {node.peer_count()}" for node in nodes)
                   + "\n" + "\n".join(node.story() for node in nodes if node.peer_count() < self.enough_peers()))

    def admission(self, node):
        """The bootstrap's log line about that node's first admission: outcome, through whom, how long."""
        return self.bootstrap.wait_event("joined", where=lambda event: event["peer_id"] == node.id)

    # ---- using ----

    def command(self, program, *words, timeout_s=20.0):
        """Runs a program to its end: (exit code, standard output, standard error)."""
        ended = subprocess.run([str(word) for word in (self.programs / program, *words)], capture_output=True,
                               stdin=subprocess.DEVNULL, text=True, errors="replace", timeout=timeout_s, check=False)
        return ended.returncode, ended.stdout, ended.stderr

    def put(self, node, key, value):
        """Asks a running node to store; (exit code, output, errors) as a person sees them."""
        return self.command("dht-node", "put", key, value, "--data", node.data)

    def get(self, node, key):
        return self.command("dht-node", "get", key, "--data", node.data)

    # ---- stopping ----

    def running(self):
        """Everything that runs, newest first: nodes, then bridges, then the bootstrap."""
        return [program for program in reversed(self._started) if program.is_running]


def wait_until(condition, timeout_s, describe=lambda: "", period_s=0.05):
    """Waits until `condition()` is true; ProgramError with `describe()` otherwise."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise ProgramError(f"not within {timeout_s:g} s: {describe()}")
        time.sleep(period_s)


def programs_folder():
    """Where the programs of this build are: what the test runner says, else the everyday build."""
    build = pathlib.Path(os.environ.get("TRESTLE_BUILD", ROOT / "build/dev"))
    return pathlib.Path(os.environ.get("TRESTLE_BIN", build / "bin"))
