"""Network namespaces, one for each program, joined by a router: where packets can be dropped between any two of them."""

import itertools
import os
import re
import subprocess

from proxied_network import Place

# Everybody has an address of its own, so everybody can have the same port.
PORT = 8443
_numbers = itertools.count(1)


def run(*words, stdin=None):
    """Runs a command; its complaints become an exception."""
    ended = subprocess.run([str(word) for word in words], input=stdin, capture_output=True, text=True, check=False)
    if ended.returncode != 0:
        raise OSError(f"{' '.join(map(str, words))}: {ended.stderr.strip()}")
    return ended.stdout


def why_not():
    """Why there can be no namespaces here; empty if there can."""
    if os.geteuid() != 0:
        return "namespaces need root"
    try:
        with Namespaces() as ground:
            ground.place("trial")
            ground.cut()
            ground.heal()
    except OSError as error:
        return str(error)
    return ""


class Namespaces:
    """A router, and for each place a namespace behind it. A context; leaving it removes everything, and the kernel ends no program:
    those are their starter's business.

    `cut` drops every packet between two sites, in both directions or in one, and without a word; `reject` answers each with a
    reset; `lose` drops a share of all packets. `heal` lets them through again.
    """

    def __init__(self, site_of=lambda name: 0, block=213):
        # Nobody outside sees these addresses, so any private ones will do.
        self.site_of = site_of
        self.sites = f"10.{block}.{{site}}"
        self.router_address = f"10.{block}.255.254"
        self.prefix = f"tr{os.getpid() % 100000}x{next(_numbers)}"
        self.router = f"{self.prefix}r"
        self._places = {}
        run("ip", "netns", "add", self.router)
        try:
            run("ip", "-n", self.router, "link", "set", "lo", "up")
            run("ip", "-n", self.router, "addr", "add", f"{self.router_address}/32", "dev", "lo")
            self._in_router("sysctl", "-qw", "net.ipv4.ip_forward=1")
        except OSError:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        for name in [*self._places, self.router]:
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
        self._places = {}

    def _in_router(self, *words, **how):
        return run("ip", "netns", "exec", self.router, *words, **how)

    def place(self, name):
        """A namespace with one address of the site that `name` belongs to."""
        number = len(self._places) + 1
        site = self.site_of(name) + 1
        address = f"{self.sites.format(site=site)}.{number}"
        space, link = f"{self.prefix}n{number}", f"v{number}"
        run("ip", "netns", "add", space)
        self._places[space] = address
        run("ip", "-n", self.router, "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", space)
        run("ip", "-n", self.router, "link", "set", link, "up")
        run("ip", "-n", space, "link", "set", "lo", "up")
        run("ip", "-n", space, "addr", "add", f"{address}/32", "dev", "eth0")
        run("ip", "-n", space, "link", "set", "eth0", "up")
        run("ip", "-n", space, "route", "add", "default", "via", self.router_address, "dev", "eth0", "onlink")
        run("ip", "-n", self.router, "route", "add", f"{address}/32", "dev", link)
        return Place(address, PORT, ("ip", "netns", "exec", space))

    def site_network(self, site):
        return f"{self.sites.format(site=site + 1)}.0/24"

    def filter(self, *rules):
        """Rules for packets that pass the router, beside those there are."""
        lines = "\n".join(f"    {rule}" for rule in rules)
        self._in_router("nft", "-f", "-", stdin=f"""
table ip trestle {{
  chain cut {{
    type filter hook forward priority 0; policy accept;
{lines}
  }}
}}
""")

    def cut(self, one=0, other=1, both_ways=True):
        """Between two sites; one way, nothing gets from the first to the second."""
        here, there = self.site_network(one), self.site_network(other)
        self.filter(f"ip saddr {here} ip daddr {there} counter drop",
                    *([f"ip saddr {there} ip daddr {here} counter drop"] if both_ways else []))

    def reject(self, site):
        """Whoever dials into that site is answered with a reset."""
        self.filter(f"ip daddr {self.site_network(site)} meta l4proto tcp counter reject with tcp reset")

    def lose(self, percent):
        """So many of all packets."""
        self.filter(f"numgen random mod 100 < {percent} counter drop")

    def heal(self):
        self._in_router("nft", "delete", "table", "ip", "trestle")

    def dropped(self):
        """Packets that the cut has swallowed so far."""
        listed = self._in_router("nft", "list", "table", "ip", "trestle")
        return sum(int(count) for count in re.findall(r"counter packets (\d+)", listed))
