"""A wire between the platform and a store that can be slow, cut and watched."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

_PIECE = 64 * 1024
_MOMENT = 0.3
"""Seconds; a connection in use passes a piece several times as often, however slow the wire."""
_HEAD = re.compile(rb"(GET|HEAD|PUT|POST|DELETE) (\S+) HTTP/1\.1\r\n")
_PART = re.compile(r"partNumber=(\d+)")


class Relay:
    """Passes TCP connections on to `upstream`, which is asked at each connection.

    While it raises OSError nobody is there, and what connects is cut.
    `rate` holds for the bytes of all connections together, either way; None is no limit.
    """

    def __init__(self, upstream: Callable[[], str]) -> None:
        self._upstream = upstream
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._moved: dict[int, float] = {}
        self._due = 0.0
        self._listener: socket.socket | None = None
        self._port = 0
        self.rate: float | None = None
        self.requests: list[tuple[str, str]] = []
        """Method and target of every request that passed, in order."""
        self.bytes_read = 0
        """What passed from the store to the platform."""
        self.bytes_written = 0
        """What passed from the platform to the store."""
        self.up()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def up(self) -> None:
        """Listen, at the same port as before."""
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self._port))
        listener.listen(64)
        self._listener, self._port = listener, listener.getsockname()[1]
        self._start(self._accept, listener)

    def down(self) -> None:
        """Refuse connections, and cut those that are there."""
        with self._lock:
            listener, self._listener = self._listener, None
            for one in self._open:
                _cut(one)
        if listener is not None:
            listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
            listener.close()

    def close(self) -> None:
        """End for good; return when every thread has ended."""
        self.down()
        for thread in tuple(self._threads):
            thread.join()

    def parts_put(self, since: int) -> list[int]:
        """Return the part numbers sent since the request of that index."""
        targets = [target for method, target in self.requests[since:] if method == "PUT"]
        return [int(found[1]) for target in targets if (found := _PART.search(target))]

    def files_read(self, below: str, since: int) -> set[str]:
        """Return what was read since the request of that index, with `below` in its address."""
        asked = self.requests[since:]
        return {target for method, target in asked if method == "GET" and below in target}

    def user_among(self, pids: Iterable[int]) -> int | None:
        """Return which of the processes has most connections in use just now, if any has one.

        A connection alone tells nothing: processes keep theirs for the next request.
        """
        sockets = self._sockets_in_use()
        held: Counter[int] = Counter()
        for pid in pids:
            with contextlib.suppress(OSError):
                for fd in Path(f"/proc/{pid}/fd").iterdir():
                    with contextlib.suppress(OSError):
                        held[pid] += os.readlink(fd) in sockets
        most = held.most_common(1)
        return most[0][0] if most and most[0][1] else None

    def _sockets_in_use(self) -> set[str]:
        """Return the clients' sockets that passed bytes, either way, a moment ago."""
        since = time.monotonic() - _MOMENT
        with self._lock:
            ports = {port for port, moved in self._moved.items() if moved > since}
        found = set()
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
            fields = line.split()
            here, there = (int(field.rpartition(":")[2], 16) for field in fields[1:3])
            if there == self._port and here in ports:
                found.add(f"socket:[{fields[9]}]")
        return found

    def _start(self, work: Callable[..., None], *arguments: Any) -> threading.Thread:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        with self._lock:
            self._threads.append(thread)
        thread.start()
        return thread

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            self._start(self._serve, client, listener)

    def _serve(self, client: socket.socket, listener: socket.socket) -> None:
        with client, contextlib.suppress(OSError), self._connect() as server:
            with self._lock:
                if self._listener is not listener:
                    return  # the wire was cut before this was known to be one of its connections
                self._open |= {client, server}
            port = client.getpeername()[1]
            asking = self._start(self._ask, client, server, port)
            self._answer(server, client, port)
            asking.join()
            with self._lock:
                self._open -= {client, server}

    def _connect(self) -> socket.socket:
        parts = urlsplit(self._upstream())
        return socket.create_connection((parts.hostname, parts.port or 80))

    def _ask(self, client: socket.socket, server: socket.socket, port: int) -> None:
        for data in self._passed(client, server):
            with self._lock:
                self._moved[port] = time.monotonic()
                self.bytes_written += len(data)
            heads = _HEAD.findall(data)
            self.requests += [(method.decode(), target.decode()) for method, target in heads]

    def _answer(self, server: socket.socket, client: socket.socket, port: int) -> None:
        for data in self._passed(server, client):
            with self._lock:
                self._moved[port] = time.monotonic()
                self.bytes_read += len(data)

    def _passed(self, source: socket.socket, target: socket.socket) -> Iterator[bytes]:
        """Yield each piece before it is sent on, until either end is cut; then cut both."""
        try:
            while data := source.recv(_PIECE):
                yield data
                self._wait_for(len(data))
                target.sendall(data)
        except OSError:
            pass  # cut, by either end or by `down`
        finally:
            _cut(source)
            _cut(target)

    def _wait_for(self, count: int) -> None:
        rate = self.rate
        if rate is None:
            return
        with self._lock:
            now = time.monotonic()
            self._due = max(now, self._due) + count / rate
            pause = self._due - now
        time.sleep(pause)


def _cut(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
