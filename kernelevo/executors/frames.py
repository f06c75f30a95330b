"""Frames: trusted Python objects over a socket between our own processes, length first, then pickle."""

from __future__ import annotations

import pickle
import socket
import struct
from typing import Any

HEADER = struct.Struct("!Q")
LIMIT = 1 << 30  # a length beyond this is noise on the line, not a message


def encode(message: Any) -> bytes:
    """Return a message as bytes; pickle only ever carries what our own processes wrote."""
    body = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    return HEADER.pack(len(body)) + body


def length(header: bytes) -> int:
    """Return the length of the body.

    Raises:
        EOFError: if it cannot be the length of a message.
    """
    (size,) = HEADER.unpack(header)
    if size > LIMIT:
        raise EOFError(f"a message of {size} bytes: the line is broken")
    return int(size)


def loads(body: bytes) -> Any:
    """Return the message of a body that one of our own processes wrote."""
    return pickle.loads(body)


def receive(connection: socket.socket) -> Any:
    """Wait for the next message.

    Raises:
        EOFError: if the other side is gone.
    """
    return loads(_exactly(connection, length(_exactly(connection, HEADER.size))))


def _exactly(connection: socket.socket, size: int) -> bytes:
    parts = bytearray()
    while len(parts) < size:
        try:
            part = connection.recv(min(size - len(parts), 1 << 20))
        except OSError as error:
            raise EOFError(str(error)) from error
        if not part:
            raise EOFError("the other side is gone")
        parts += part
    return bytes(parts)
