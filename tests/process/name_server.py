"""A name server that says what it is told to: one answer to every question, or none.

name_server.py PORT: as a program, on 127.0.0.1 (of its own network namespace, say); each line of its input is the next answer, an
address or the word `silent`.
"""

import socket
import sys
import threading

BELIEVED_S = 1
SILENT = "silent"


class NameServer:
    """Answers every question for an IPv4 address with `address`, to be believed for a second. A context."""

    def __init__(self, address, port=0):
        self.address = address
        self.asked = 0
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", port))
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", ("127.0.0.1", self.port))
        self._thread.join()
        self._socket.close()

    def _run(self):
        while True:
            question, client = self._socket.recvfrom(512)
            if not question:
                return
            self.asked += 1
            if self.address == SILENT:
                continue
            # The head, the question as it came, and one answer that points back at its name.
            head = question[:2] + b"\x81\x80\0\1\0\1\0\0\0\0"
            name_and_kind = question[12:question.index(b"\0", 12) + 5]
            answer = b"\xc0\x0c\0\1\0\1" + BELIEVED_S.to_bytes(4, "big") + b"\0\4" + socket.inet_aton(self.address)
            self._socket.sendto(head + name_and_kind + answer, client)


def main():
    with NameServer(SILENT, int(sys.argv[1])) as server:
        print("ready", flush=True)
        for line in sys.stdin:
            server.address = line.strip()


if __name__ == "__main__":
    main()
