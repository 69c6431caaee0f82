"""Listeners on loopback that count: what matters of a refused call is that nobody was connected to."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Self

MOST_HEAD_BYTES = 65536
OWN = b"COUNT"


class Listener:
    """Counts connections at one port of every loopback address, IPv6's too; answers each with `reply` and closes."""

    def __init__(self, reply: bytes = b"") -> None:
        self.reply = reply
        self.heads: list[bytes] = []
        self._socket = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True, backlog=256)
        self.port: int = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, name="listener", daemon=True)

    @property
    def connections(self) -> int:
        """Those made so far: one of our own, which is not counted, proves that all before it were seen."""
        before = len(self.heads)
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as own:
            own.sendall(OWN + b"\r\n\r\n")
            while own.recv(65536):
                pass
        own_at = next(n for n in range(before, len(self.heads)) if self.heads[n].startswith(OWN))
        del self.heads[own_at]
        return len(self.heads)

    def answer(self, head: bytes) -> bytes:
        """What a request with these headers gets."""
        return self.reply

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection, suppress(OSError):
                connection.settimeout(5)
                head = b""
                try:
                    while b"\r\n\r\n" not in head and len(head) < MOST_HEAD_BYTES and (part := connection.recv(65536)):
                        head += part
                finally:
                    self.heads.append(head)
                connection.sendall(self.answer(head) if not head.startswith(OWN) else b"")

    @contextmanager
    def running(self) -> Iterator[Self]:
        self._thread.start()
        try:
            yield self
        finally:
            self._socket.shutdown(socket.SHUT_RDWR)
            self._socket.close()
            self._thread.join(10)


def redirect_to(url: str, status: int) -> bytes:
    return f"HTTP/1.1 {status} Elsewhere\r\nLocation: {url}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode()
