"""One socket to a store: a head by one system call, a piece of a body by one more.

A plain socket blocks, and the kernel keeps its timeouts: Python's own would ask `poll` before each
call and wake up for each packet, and every call gives the interpreter up and must get it back.
"""

from __future__ import annotations

import contextlib
import select
import socket
import ssl
import struct
import time

from movement.stores.protocol import Body, Bytes

CONNECT_SECONDS = 5.0
IO_SECONDS = 30.0
"""How long one read or one write of a piece may stall."""
_HURRY_SECONDS = 0.5
_HEAD_BYTES_MAX = 65_536
_JOINED_BYTES_MAX = 65_536
"""Up to here a body is sent in one call with its head."""
_SURELY_OPEN_SECONDS = 0.1
"""A connection that carried an answer so recently is not asked whether it is still open."""
STALLED = (BlockingIOError, TimeoutError)
"""What a plain socket and one of TLS raise when that time is over."""
_TURNS = 6
"""Into so many a write's time is cut: a stall is told of at most one of them too late."""
_MORE = int(getattr(socket, "MSG_MORE", 0))


class Stream:
    """A connection used by one thread at a time. All methods raise OSError."""

    def __init__(self, host: str, port: int, tls: ssl.SSLContext | None) -> None:
        plain = socket.create_connection((host, port), CONNECT_SECONDS)
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = plain
        self._fill_flags = self._more = 0
        if tls is None:
            plain.settimeout(None)
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _seconds(IO_SECONDS))
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _seconds(IO_SECONDS / _TURNS))
            self._fill_flags, self._more = int(socket.MSG_WAITALL), _MORE
        else:
            self._socket = tls.wrap_socket(plain, server_hostname=host)
            self._socket.settimeout(IO_SECONDS)
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN)
        self._buffer = bytearray(_HEAD_BYTES_MAX)
        self._view = memoryview(self._buffer)
        self._start = self._end = 0
        self.idle_since = 0.0

    def is_fresh(self, idle_seconds: float) -> bool:
        """Say whether it may carry a request: not idle for long, nothing to read, not closed."""
        idle = time.monotonic() - self.idle_since
        if idle < _SURELY_OPEN_SECONDS:
            return True
        return idle < idle_seconds and not self._poll.poll(0)

    def send(self, head: bytes, body: Body) -> int:
        """Send a request and return how many bytes of body there were."""
        if isinstance(body.pieces, tuple) and body.bytes <= _JOINED_BYTES_MAX:
            self._send(b"".join((head, *body.pieces)))
            return sum(map(len, body.pieces))
        self._send(head, self._more)
        sent = 0
        for piece in body.pieces:
            self._send(piece)
            sent += len(piece)
        return sent

    def _send(self, data: Bytes, flags: int = 0) -> None:
        """Send all, as long as some of it goes on in `IO_SECONDS`.

        A call that sent a part does not tell when: it may have waited for the rest ever since.
        """
        rest, quiet = memoryview(data), 0
        while len(rest):
            try:
                rest, quiet = rest[self._socket.send(rest, flags) :], 0
            except BlockingIOError:
                quiet += 1
                if quiet == _TURNS:
                    raise

    def read_head(self) -> bytes:
        """Return all up to an empty line, without it."""
        return self._read_until(b"\r\n\r\n")

    def read_line(self) -> bytes:
        return self._read_until(b"\r\n")

    def _read_until(self, mark: bytes) -> bytes:
        while (found := self._buffer.find(mark, self._start, self._end)) < 0:
            self._fill()
        read = bytes(self._view[self._start : found])
        self._start = found + len(mark)
        return read

    def _fill(self) -> None:
        kept = self._end - self._start
        if kept == len(self._buffer):
            raise ConnectionError("it sends lines without an end")
        self._view[:kept] = bytes(self._view[self._start : self._end])
        self._start, self._end = 0, kept
        count = self._socket.recv_into(self._view[kept:])
        if not count:
            raise ConnectionError("it closed the connection")
        self._end += count

    def readinto(self, view: memoryview) -> int:
        """Fill `view`; less than that only when a read stalls or the stream ends."""
        filled = min(len(view), self._end - self._start)
        if filled:
            view[:filled] = self._view[self._start : self._start + filled]
            self._start += filled
        while filled < len(view):
            rest = view[filled:]
            count = self._socket.recv_into(rest, len(rest), self._fill_flags)
            if not count:
                break
            filled += count
            if self._fill_flags:
                break
        return filled

    def hurry(self) -> None:
        """From here on wait for nothing that is not as good as there."""
        if isinstance(self._socket, ssl.SSLSocket):
            self._socket.settimeout(_HURRY_SECONDS)
        else:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _seconds(_HURRY_SECONDS))

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.close()


def _seconds(seconds: float) -> bytes:
    """Return a time as the kernel takes it."""
    return struct.pack("@ll", int(seconds), int(seconds % 1 * 1e6))
