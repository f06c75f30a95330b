"""Channel: JSON messages over a Unix socket pair, written for a peer that may be hostile."""

from __future__ import annotations

import json
import os
import select
import socket
import struct
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from kernelevo.errors import KernelEvoError

HEADER = struct.Struct("<IB")  # length of the body in bytes, number of file descriptors that belong to it
MESSAGE_LIMIT = 16 << 20
MAX_FDS = 64
_CHUNK = 1 << 16


class PeerFault(KernelEvoError):
    """The process at the other end did something that ends the conversation; data for a verdict."""


class PeerClosed(PeerFault):
    """The other end is gone."""


class PeerTimeout(PeerFault):
    """The other end did not answer, or did not read, in time."""


class PeerMalformed(PeerFault):
    """The other end sent something that is not a message of ours."""


class Channel:
    """One end of a conversation in length-prefixed JSON; nothing is ever unpickled.

    The plain path uses ``read`` and ``write`` only, so it works where a sandbox refuses ``sendmsg``, and
    descriptors a hostile peer attaches are dropped by the kernel. Only ``recv_fds`` accepts descriptors.

    Args:
        fd: an open Unix stream socket; the channel owns it from now on.
        limit: largest message in bytes, either way.
        drain: called while we wait, whenever ``drain_fd`` is readable (the peer's output pipe).
        drain_fd: descriptor to watch beside the socket; -1 for none.
    """

    def __init__(
        self,
        fd: int,
        *,
        limit: int = MESSAGE_LIMIT,
        drain: Callable[[], bool] | None = None,
        drain_fd: int = -1,
    ) -> None:
        self._fd = fd
        self._limit = limit
        self._drain = drain
        self._drain_fd = drain_fd
        self._buffer = bytearray()
        self._fds: deque[int] = deque()
        self._broken: PeerFault | None = None
        os.set_blocking(fd, False)

    @classmethod
    def pair(cls, *, limit: int = MESSAGE_LIMIT) -> tuple[Channel, Channel]:
        """Return both ends of a new socket pair."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        return cls(ours.detach(), limit=limit), cls(theirs.detach(), limit=limit)

    def fileno(self) -> int:
        """Return the socket's descriptor; -1 once closed."""
        return self._fd

    def send(self, obj: Any, fds: Sequence[int] = (), *, timeout: float | None = 30.0) -> None:
        """Send one message.

        Args:
            obj: anything JSON can hold.
            fds: descriptors to pass along (the peer gets duplicates); it must use ``recv_fds``.
            timeout: seconds to wait for the peer to read; None for ever.

        Raises:
            ValueError: if the message is too large, not JSON, or carries too many descriptors.
            PeerClosed, PeerTimeout: as their names say; after a timeout the channel is unusable.
        """
        body = json.dumps(obj, separators=(",", ":")).encode()
        if len(body) > self._limit or len(fds) > MAX_FDS:
            raise ValueError(f"message of {len(body)} bytes with {len(fds)} descriptors is over the limit")
        data = memoryview(HEADER.pack(len(body), len(fds)) + body)
        deadline = _deadline(timeout)
        pending = list(fds)
        while data:
            self._check()
            try:
                if pending:
                    # the descriptors travel with the first byte, so they are sent exactly once
                    with socket.socket(fileno=os.dup(self._fd)) as sock:
                        sent = socket.send_fds(sock, [data], pending)
                    pending = []
                else:
                    sent = os.write(self._fd, data)
                data = data[sent:]
            except BlockingIOError:
                if not self._wait(select.POLLOUT, deadline):
                    raise self._break(PeerTimeout("the other end does not read its messages")) from None
            except (BrokenPipeError, ConnectionResetError):
                raise self._break(PeerClosed("the other end closed the channel")) from None

    def recv(self, timeout: float | None = None) -> Any:
        """Return the next message.

        Args:
            timeout: seconds to wait for the whole message; None for ever.

        Raises:
            PeerClosed: the peer closed its end or died.
            PeerTimeout: no complete message in time (a later call may still get it).
            PeerMalformed: oversized, not JSON, or with descriptors attached; the channel is then unusable.
        """
        return self._receive(timeout, accept_fds=False)[0]

    def recv_fds(self, timeout: float | None = None) -> tuple[Any, list[int]]:
        """Return the next message and the descriptors that came with it; only for a trusted peer."""
        return self._receive(timeout, accept_fds=True)

    def close(self) -> None:
        """Close our end; may be called twice."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)
        while self._fds:
            os.close(self._fds.popleft())

    def __enter__(self) -> Channel:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _receive(self, timeout: float | None, *, accept_fds: bool) -> tuple[Any, list[int]]:
        deadline = _deadline(timeout)
        while True:
            self._check()
            found = self._parse(accept_fds=accept_fds)
            if found is not None:
                return found
            try:
                chunk = self._read_chunk(accept_fds)
            except BlockingIOError:
                if not self._wait(select.POLLIN, deadline):
                    why = f"{len(self._buffer)} bytes of a message came" if self._buffer else ""
                    raise PeerTimeout(f"no message within {timeout:g} s", why=why) from None
                continue
            except ConnectionResetError:
                chunk = b""
            if not chunk:
                raise self._break(PeerClosed("the other end closed the channel"))
            self._buffer += chunk

    def _read_chunk(self, accept_fds: bool) -> bytes:
        if not accept_fds:
            return os.read(self._fd, _CHUNK)
        with socket.socket(fileno=os.dup(self._fd)) as sock:
            chunk, fds, _flags, _address = socket.recv_fds(sock, _CHUNK, MAX_FDS, socket.MSG_CMSG_CLOEXEC)
        self._fds.extend(fds)
        return chunk

    def _parse(self, *, accept_fds: bool) -> tuple[Any, list[int]] | None:
        """Return the message at the head of the buffer, or None if it is not complete."""
        if len(self._buffer) < HEADER.size:
            return None
        length, count = HEADER.unpack_from(self._buffer)
        if length > self._limit:
            raise self._break(PeerMalformed(f"a message of {length} bytes is over the limit"))
        if count and (not accept_fds or count > MAX_FDS):
            raise self._break(PeerMalformed("a message came with file descriptors"))
        end = HEADER.size + length
        if len(self._buffer) < end:
            return None
        body = bytes(memoryview(self._buffer)[HEADER.size : end])
        del self._buffer[:end]
        if count > len(self._fds):
            raise self._break(PeerMalformed("descriptors of a message are missing"))
        fds = [self._fds.popleft() for _ in range(count)]
        try:
            return json.loads(body), fds
        except (ValueError, RecursionError) as error:
            raise self._break(PeerMalformed("a message is not JSON", why=str(error)[:200])) from None

    def _wait(self, event: int, deadline: float | None) -> bool:
        """Wait until the socket is ready; drain the side pipe meanwhile. False at the deadline."""
        while True:
            poller = select.poll()
            poller.register(self._fd, event)
            if self._drain is not None and self._drain_fd >= 0:
                poller.register(self._drain_fd, select.POLLIN)
            left = None if deadline is None else max(0.0, deadline - time.monotonic()) * 1e3
            ready = dict(poller.poll(left))
            if self._drain is not None and self._drain_fd in ready and not self._drain():
                self._drain_fd = -1
            if self._fd in ready:
                return True
            if deadline is not None and time.monotonic() >= deadline:
                return False

    def _check(self) -> None:
        if self._fd < 0:
            raise PeerClosed("this channel is closed")
        if self._broken is not None:
            raise type(self._broken)(self._broken.what, why=self._broken.why)

    def _break(self, fault: PeerFault) -> PeerFault:
        """Remember a fault after which the byte stream cannot be trusted any more."""
        self._broken = fault
        return fault


def _deadline(timeout: float | None) -> float | None:
    return None if timeout is None else time.monotonic() + timeout
