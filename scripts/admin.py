"""Talks HTTP to the admin socket of a running program, as an operator's scripts would."""

import http.client
import json
import pathlib
import socket
import urllib.parse


class AdminError(Exception):
    """The program does not answer, or refuses. `status` is the HTTP status, 0 without one."""

    def __init__(self, text, status=0):
        super().__init__(text)
        self.status = status


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Admin:
    """The admin interface of the program that runs on a data folder, or that listens for operators on `tcp`."""

    def __init__(self, data, timeout=10.0, tcp=None):
        self.path = pathlib.Path(data) / "admin.sock"
        self.tcp = tcp
        self.timeout = timeout

    def _connection(self):
        if self.tcp:
            return http.client.HTTPConnection(self.tcp, timeout=self.timeout)
        return UnixConnection(self.path, self.timeout)

    def request(self, method, target, body=None, headers=None):
        """(status, body) of one request."""
        connection = self._connection()
        try:
            connection.request(method, target, body, headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise AdminError(f"{method} {target}: {error}") from error
        finally:
            connection.close()

    def get(self, target):
        """The JSON behind a path."""
        status, body = self.request("GET", target)
        if status != 200:
            raise AdminError(f"GET {target}: {status} {body.decode(errors='replace').strip()}", status)
        return json.loads(body)

    def post(self, target):
        """Orders something; the status of the answer."""
        return self.request("POST", target, "{}", {"Content-Type": "application/json"})[0]

    def status(self):
        """The snapshot of `/status`."""
        return self.get("/status")

    def find(self, node_id):
        """The nearest nodes to an id."""
        return self.get("/find?" + urllib.parse.urlencode({"id": node_id}))
