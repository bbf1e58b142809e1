"""A TCP connection with somebody in between: passes bytes on, until a test wants the line cut or dead."""

import selectors
import socket
import threading

READ_BYTES = 65536


class TcpProxy:
    """Listens on a port of its own in front of another one. A context.

    `cut` closes what goes through it, as a failing link does. `silence` stops passing anything on, in both directions and
    without a word: each side keeps an established connection whose other end is gone. `heal` ends the silence.
    """

    def __init__(self, target_port, host="127.0.0.1"):
        self.target = (host, target_port)
        self.accepted_total = 0
        self._listener = socket.create_server((host, 0))
        self.port = self._listener.getsockname()[1]
        self._other = {}  # each socket's counterpart
        self._lock = threading.Lock()
        self._silent = False
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._wake, self._woken = socket.socketpair()
        self._selector.register(self._woken, selectors.EVENT_READ)
        self._running = True
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._running = False
        self._wake.send(b"x")
        self._thread.join()
        self.cut()
        for held in (self._listener, self._wake, self._woken):
            held.close()
        self._selector.close()

    def open_connections(self):
        with self._lock:
            return len(self._other) // 2

    def cut(self):
        """Ends every connection."""
        with self._lock:
            for one in list(self._other):
                self._forget(one)

    def silence(self):
        self._silent = True
        self._wake.send(b"x")

    def heal(self):
        """From here on bytes pass again; connections that fell silent are gone for good."""
        self.cut()
        self._silent = False
        self._wake.send(b"x")

    def _forget(self, one):
        other = self._other.pop(one, None)
        if other is None:
            return
        self._other.pop(other, None)
        for each in (one, other):
            try:
                self._selector.unregister(each)
            except (KeyError, ValueError):
                pass
            each.close()

    def _accept(self):
        near, _ = self._listener.accept()
        self.accepted_total += 1
        try:
            far = socket.create_connection(self.target, 2)
        except OSError:
            near.close()
            return
        for one, other in ((near, far), (far, near)):
            one.settimeout(5)
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._other[one] = other
            self._selector.register(one, selectors.EVENT_READ)

    def _pass_on(self, one):
        other = self._other.get(one)
        if other is None:
            return
        try:
            data = one.recv(READ_BYTES)
            if data:
                other.sendall(data)
                return
        except OSError:
            pass
        self._forget(one)

    def _run(self):
        while self._running:
            for key, _ in self._selector.select(0.2):
                with self._lock:
                    if key.fileobj is self._woken:
                        self._woken.recv(READ_BYTES)
                    elif self._silent:
                        continue
                    elif key.fileobj is self._listener:
                        self._accept()
                    else:
                        self._pass_on(key.fileobj)
            if self._silent:
                # What waits to be read would wake us again at once.
                threading.Event().wait(0.05)
