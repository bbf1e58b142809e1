"""What the scenarios share: a network to attack, users who are measured meanwhile, and one line of figures for each.

A scenario knows the wire and the admin surface and nothing else of the programs. It runs in two sizes: a short one in
`make test`, and with TRESTLE_LONG=1 (`make chaos`) the one that docs/chaos.md tells of.
"""

import os
import pathlib
import resource
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "process"))

from process_case import HOST, Issuer, ProcessCase, free_port, url_of, wait_until  # noqa: E402,F401
from users import Users  # noqa: E402

LONG = os.environ.get("TRESTLE_LONG") == "1"
# Below it a ratio of two waiting times says nothing: so much the scheduler adds by itself. In `make test` other suites run beside
# this one, and all that can be asked is that nobody waits for long.
P99_FLOOR_S = 0.020 if LONG else 1.0
CALM_S = 10.0 if LONG else 1.5
DESCRIPTORS_WANTED = 20_000


def sized(full, short):
    """The size of this run."""
    return full if LONG else short


def descriptors(program):
    return len(list(pathlib.Path(f"/proc/{program.process.pid}/fd").iterdir()))


def cpu_s(program):
    """What the program has computed so far."""
    fields = pathlib.Path(f"/proc/{program.process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class ChaosCase(ProcessCase):

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, DESCRIPTORS_WANTED), most))

    def say(self, scenario, figures, calm=None, under=None, factor=2.0):
        """The line of figures of a scenario: `C12 slowloris: ...`. With the waits of users in calm and under attack it ends with
        these, and is a failure if they lost anything, or waited more than so many times as long."""
        if calm:
            figures += (f"; p99 of others {under.p99 * 1000:.1f} ms, {under.p99 / calm.p99:.1f}x of calm ({under.count} requests, "
                        f"{len(under.lost) or 'none'} lost)")
        print(f"{scenario}: {figures}", flush=True)
        if calm:
            self.assertEqual(under.lost, [], scenario)
            self.assertGreater(under.count, 20, f"{scenario}: nobody asked")
            self.assertLess(under.p99, max(factor * calm.p99, P99_FLOOR_S), f"{scenario}: calm {calm}, under attack {under}")

    def users_of(self, program, **how):
        """Proven users that ask this program all the time, from another process. A context; `how`: see Users."""
        return Users(program.url, **how)

    def needs(self, program, figure):
        """Skips a scenario whose limit this build does not have: `figure` counts what the limit turned away."""
        if figure not in program.status()["counters"]:
            self.skipTest(f"{program.name} does not count {figure}")
