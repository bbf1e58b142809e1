"""A whole network behind the distribution's nginx: programs speak plain WebSocket, everybody dials wss through the proxy.

The programs stand on a ground: loopback, or one network namespace each. Behind one proxy, or behind one each site.
"""

import dataclasses

from nginx import Nginx, adapted
from process_case import Issuer, Network, free_port
from program import Program

HOST = "127.0.0.1"


@dataclasses.dataclass(frozen=True)
class Place:
    """Where a program runs: its address, a free port there, and what its command begins with."""

    host: str
    port: int
    around: tuple = ()


class Loopback:
    """Everything on one address, told apart by ports."""

    def place(self, _name):
        return Place(HOST, free_port())

    def close(self):
        pass


class ProxiedNetwork(Network):
    """A Network of which nothing but the proxies can be reached. `sites` maps each path (`ws`, `bridge1`, `node1`) to the number
    of the site it belongs to; by default there is one."""

    def __init__(self, programs, bridges=2, nodes=4, ground=None, site_of=lambda path: 0, replace=(), **how):
        super().__init__(programs, bridges=bridges, **how)
        self.ground = ground or Loopback()
        self.paths = ["ws", *(f"bridge{number + 1}" for number in range(bridges)), *(f"node{number + 1}" for number in range(nodes))]
        self.site_of = site_of
        self.places = {path: self.ground.place(path) for path in self.paths}
        self.edges = {}
        self.proxies = {}
        self.replace = replace
        self._prepare_proxies()

    def _prepare_proxies(self):
        sites = sorted({self.site_of(path) for path in self.paths})
        self.edges = {site: self.ground.place(f"proxy{site}") for site in sites}
        self.proxy_issuer = Issuer(self.folder, "proxy-issuer")
        for site, edge in self.edges.items():
            certificate, key = self.proxy_issuer.issue(f"proxy{site}", (f"IP:{edge.host}", "DNS:localhost"), days=90)
            inside = {path: f"{place.host}:{place.port}" for path, place in self.places.items() if self.site_of(path) == site}
            configuration = adapted(f"{edge.host}:{edge.port}", certificate, key, inside, replace=self.replace)
            self.proxies[site] = Nginx(self.folder / f"nginx{site}", configuration, edge.around)

    def __exit__(self, *unused):
        super().__exit__(*unused)
        for proxy in self.proxies.values():
            proxy.stop()
        self.ground.close()

    @property
    def proxy(self):
        """The only one."""
        (proxy,) = self.proxies.values()
        return proxy

    def external(self, path):
        """The URL that everybody dials for what stands at that path."""
        edge = self.edges[self.site_of(path)]
        return f"wss://{edge.host}:{edge.port}/{path}"

    @property
    def externals(self):
        return {self.external(path) for path in self.paths}

    # ---- starting ----

    def start_proxies(self):
        for proxy in self.proxies.values():
            proxy.start()

    def launch_at(self, path, program, name, *options):
        """Starts a program in its place, reachable at its path only."""
        place = self.places[path]
        edge = self.edges[self.site_of(path)]
        data = self.folder / name.replace(" ", "-")
        command = [*place.around, self.programs / program, "run", "--data", data, "--log", "json",
                   "--listen", f"{place.host}:{place.port}", "--advertise", self.external(path),
                   "--admission", "open", "--tls-ca", self.proxy_issuer.certificate, "--trusted-proxy", edge.host, *options]
        started = Program(name, command, data, self.on_event)
        self._started.append(started)
        return started

    def start_bootstrap(self, *options):
        bridges = [word for path in self.paths if path.startswith("bridge") for word in ("--bridge", self.external(path))]
        self.bootstrap = self.launch_at("ws", "bootstrap-node", "bootstrap", *bridges, *self.secret_options(),
                                        *self.bootstrap_options, *options).wait_ready()
        return self.bootstrap

    def start_bridge(self, index, secret_file=None):
        bridge = self.launch_at(f"bridge{index + 1}", "bridge-node", f"bridge {index + 1}",
                                "--bootstrap", self.external("ws"), *self.secret_options(secret_file)).wait_ready()
        self.bridges[index:index + 1] = [bridge]
        return bridge

    def launch_node(self, *options):
        number = len(self.nodes) + 1
        node = self.launch_at(f"node{number}", "dht-node", f"node {number}", "--bootstrap", self.external("ws"), *options)
        self.nodes.append(node)
        return node

    def relaunch_node(self, index, *options):
        """The same node once more, after it ended."""
        node = self.launch_at(f"node{index + 1}", "dht-node", f"node {index + 1}", "--bootstrap", self.external("ws"), *options)
        self.nodes[index] = node
        return node

    def start(self, nodes):
        self.start_proxies()
        return super().start(nodes)
