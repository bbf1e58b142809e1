"""The distribution's nginx, with the configuration that docs/deploy hands to operators."""

import pathlib
import re
import shutil
import subprocess

from process_case import wait_until
from program import DIE_WITH_PARENT
from socket_table import listens

GIVEN = pathlib.Path(__file__).resolve().parents[2] / "docs/deploy/nginx.conf"
PROGRAM = shutil.which("nginx", path="/usr/sbin:/usr/bin:/sbin:/bin")
# What stands around a file of /etc/nginx/conf.d, as small as nginx takes it. One process: it stops when it is told to.
AROUND = """\
daemon off;
master_process on;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log info;
events {{ worker_connections 4096; }}
http {{
    access_log {folder}/access.log;
    client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
    uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
    include {folder}/trestle.conf;
}}
"""


def paths_of(text):
    """Every path that the configuration gives to a program."""
    return re.findall(r"location = /(\w+) ", text)


def adapted(listen, certificate, key, programs, name="network.example", replace=()):
    """The given configuration for other addresses: `programs` maps a path (`ws`, `bridge1`) to HOST:PORT. Nodes beyond those in
    the file get the lines of node1. `replace` are further (old, new); each old text must be there."""
    text = GIVEN.read_text(encoding="utf-8")
    given = paths_of(text)
    upstream = {path: "trestle_bootstrap" if path == "ws" else f"trestle_{path}" for path in (*given, *programs)}

    def lines_of(path):
        return rf"(?m)^upstream {upstream[path]} .*\n|^ *location = /{path} .*\n|^ *location /{path}/ .*\n"

    servers, *locations = re.findall(lines_of("node1"), text)
    for path in programs:
        if path not in given:  # beside node1, in its form
            for line in (servers, *locations):
                text = text.replace(line, line + line.replace("node1", path))
    for path in given:
        if path not in programs:  # one that does not run here
            text = re.sub(lines_of(path), "", text)
    for path, address in programs.items():
        text, count = re.subn(rf"(upstream {upstream[path]} +{{ server )\S+", rf"\g<1>{address}", text)
        assert count == 1, path
    assert sorted(paths_of(text)) == sorted(programs)
    old_new = [("listen 443 ssl;", f"listen {listen} ssl;"), ("    listen [::]:443 ssl;\n", ""),
               ("server_name network.example;", f"server_name {name};"),
               ("/etc/ssl/trestle/fullchain.pem", str(certificate)), ("/etc/ssl/trestle/privkey.pem", str(key)), *replace]
    for old, new in old_new:
        assert text.count(old) >= 1, old
        text = text.replace(old, new)
    return text


def with_resolver(configuration, path, resolver, name):
    """The same with the form that the file keeps for programs that move: `path` leads to whatever `name` (HOST:PORT) stands for at
    the moment, as the name server `resolver` (HOST:PORT) says."""
    block = GIVEN.read_text(encoding="utf-8").split("    # With a resolver, ")[1].split("\n    #\n")[1].split("\n\n")[0]
    block = re.sub(r"(?m)^    #   ", "    ", block)
    for old, new in (("<your name server>", f"{resolver} ipv6=off"), ("valid=10s", "valid=1s"),
                     ("bridge1.internal:8083", name), ("bridge1", path)):
        assert old in block, old
        block = block.replace(old, new)
    configuration, count = re.subn(rf"(?m)^ *location (= )?/{path}/? .*\n", "", configuration)
    assert count == 2, path
    fixed = "    location / { return 404; }"
    assert fixed in configuration
    return configuration.replace(fixed, f"{block}\n{fixed}")


class Nginx:
    """One nginx in a folder of its own. A context. `around` is put in front of its command, for a namespace."""

    def __init__(self, folder, configuration, around=()):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(exist_ok=True)
        self.around = tuple(around)
        self.process = None
        self.configure(configuration)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def configure(self, configuration):
        """For the next start or reload."""
        (self.folder / "nginx.conf").write_text(AROUND.format(folder=self.folder), encoding="utf-8")
        (self.folder / "trestle.conf").write_text(configuration, encoding="utf-8")

    def _command(self, *words):
        return [*self.around, PROGRAM, "-e", str(self.folder / "error.log"), "-p", str(self.folder),
                "-c", str(self.folder / "nginx.conf"), *words]

    def check(self):
        """`nginx -t`: what it says if it is not content."""
        ended = subprocess.run(self._command("-t"), capture_output=True, text=True, check=False)
        return "" if ended.returncode == 0 else ended.stderr

    def start(self):
        complaint = self.check()
        assert not complaint, complaint
        self.process = subprocess.Popen([*DIE_WITH_PARENT, *self._command()], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        # `nginx -t` leaves an empty one; the number is written once the sockets are open.
        pid = self.folder / "nginx.pid"
        wait_until(lambda: pid.exists() and pid.read_text().strip() == str(self.process.pid), 10, self.story)
        return self

    def reload(self):
        """New workers with the new configuration; the old ones keep their connections until those end. Returns when no new
        connection can reach an old one: the master is answered before its workers have let go of the listeners."""
        master = (self.folder / "nginx.pid").read_text().strip()
        workers = pathlib.Path(f"/proc/{master}/task/{master}/children").read_text().split()
        subprocess.run(self._command("-s", "reload"), check=True, capture_output=True)
        wait_until(lambda: not any(map(listens, workers)), 10, self.story)

    def stop(self):
        """At once: every connection through it is cut."""
        if self.process is None:
            return
        self.process.terminate()
        self.process.wait(10)
        self.process = None

    def story(self):
        """The end of its error log."""
        log = self.folder / "error.log"
        return "\n".join(log.read_text(errors="replace").splitlines()[-30:]) if log.exists() else "no log"
