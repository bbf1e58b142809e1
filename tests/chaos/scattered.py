"""A network whose programs stand in network namespaces of their own, or behind chaos proxies of their own."""

from chaos_case import HOST, free_port
from chaos_proxy import ChaosProxy
from network import Network
from program import Program


class ScatteredNetwork(Network):
    """Every program at a place of `ground` (see namespaces.py), told apart by address. `name` is what the ground sorts by."""

    def __init__(self, programs, ground, bridges=1, **how):
        super().__init__(programs, bridges=bridges, **how)
        self.ground = ground
        self.places = {}
        self.bridge_urls = [self.url_at(f"bridge {number + 1}") for number in range(bridges)]
        self.bootstrap_url = self.url_at("bootstrap")

    def place(self, name):
        if name not in self.places:
            self.places[name] = self.ground.place(name)
        return self.places[name]

    def url_at(self, name):
        place = self.place(name)
        return f"ws://{place.host}:{place.port}"

    def launch_at(self, name, program, *options, environment=()):
        place = self.place(name)
        data = self.folder / name.replace(" ", "-")
        command = [*place.around, *environment, self.programs / program, "run", "--data", data, "--log", "json",
                   "--listen", f"{place.host}:{place.port}", "--advertise", self.url_at(name),
                   *self.admission_options(program), *options]
        started = Program(name, command, data, self.on_event)
        self._started.append(started)
        return started

    def start_bootstrap(self, *options):
        bridges = [word for url in self.bridge_urls for word in ("--bridge", url)]
        self.bootstrap = self.launch_at("bootstrap", "bootstrap-node", *bridges, *self.secret_options(),
                                        *self.bootstrap_options, *options).wait_ready()
        return self.bootstrap

    def start_bridge(self, index, secret_file=None):
        bridge = self.launch_at(f"bridge {index + 1}", "bridge-node", "--bootstrap", self.bootstrap_url,
                                *self.secret_options(secret_file)).wait_ready()
        self.bridges[index:index + 1] = [bridge]
        return bridge

    def launch_node(self, *options):
        node = self.launch_at(f"node {len(self.nodes) + 1}", "dht-node", "--bootstrap", self.bootstrap_url, *options)
        self.nodes.append(node)
        return node


class ProxiedNodes(Network):
    """A network on loopback in which every dht-node is reached through a chaos proxy. `faults` of all lines are set at once."""

    def __init__(self, programs, **how):
        super().__init__(programs, **how)
        self.lines = []

    def __exit__(self, *unused):
        super().__exit__(*unused)
        for line in self.lines:
            line.__exit__(None, None, None)

    def launch_node(self, *options):
        number = len(self.nodes) + 1
        port = free_port()
        line = ChaosProxy(port, seed=number)
        line.__enter__()
        self.lines.append(line)
        node = self.launch("dht-node", f"node {number}", "--listen", f"{HOST}:{port}", "--advertise", f"ws://{HOST}:{line.port}",
                           "--bootstrap", self.url_of(self.bootstrap_port), *options)
        self.nodes.append(node)
        return node

    def set_faults(self, **faults):
        for line in self.lines:
            for name, value in faults.items():
                setattr(line.faults, name, value)
