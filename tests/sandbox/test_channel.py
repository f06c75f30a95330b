"""The channel keeps messages whole and survives a hostile peer."""

import json
import os
import socket
import threading
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernelevo.sandbox.channel import HEADER, Channel, PeerClosed, PeerMalformed, PeerTimeout

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def raw_pair(limit: int = 1 << 20) -> tuple[socket.socket, Channel]:
    theirs, ours = socket.socketpair()
    return theirs, Channel(ours.detach(), limit=limit)


@settings(max_examples=60, deadline=None)
@given(st.lists(values, min_size=1, max_size=5))
def test_messages_arrive_in_order_and_whole(messages):
    a, b = Channel.pair()
    with a, b:
        for message in messages:
            a.send(message)
        assert [b.recv(1.0) for _ in messages] == messages


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_give_a_message_or_a_named_fault(garbage):
    theirs, ours = raw_pair(limit=1000)
    with ours, theirs:
        theirs.sendall(garbage)
        theirs.shutdown(socket.SHUT_WR)
        with pytest.raises((PeerMalformed, PeerClosed)):
            while True:
                ours.recv(1.0)


@settings(max_examples=30, deadline=None)
@given(values, st.integers(1, 40))
def test_a_message_in_pieces_is_put_together(message, step):
    theirs, ours = raw_pair()
    body = json.dumps(message).encode()
    data = HEADER.pack(len(body), 0) + body

    def send():
        for i in range(0, len(data), step):
            theirs.sendall(data[i : i + step])

    with ours, theirs:
        thread = threading.Thread(target=send)  # many small pieces fill the socket before they are read
        thread.start()
        assert ours.recv(10.0) == message
        thread.join()


def test_a_large_message_needs_a_reader_and_gets_through():
    a, b = Channel.pair()
    text = "x" * (4 << 20)
    with a, b:
        thread = threading.Thread(target=a.send, args=(text,))
        thread.start()
        assert b.recv(10.0) == text
        thread.join()


def test_oversized_is_refused_before_it_is_read():
    theirs, ours = raw_pair(limit=100)
    with ours, theirs:
        theirs.sendall(HEADER.pack(1 << 31, 0))
        for _ in range(2):  # and the channel stays broken
            with pytest.raises(PeerMalformed):
                ours.recv(1.0)
        with pytest.raises(ValueError, match="limit"):
            ours.send("x" * 200)


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b"[" * 100_000, b"9" * 10_000, b""])
def test_not_json_is_malformed(body):
    theirs, ours = raw_pair()
    with ours, theirs:
        thread = threading.Thread(target=theirs.sendall, args=(HEADER.pack(len(body), 0) + body,))
        thread.start()
        with pytest.raises(PeerMalformed):
            ours.recv(5.0)
        thread.join()


def test_a_partial_message_times_out_and_may_still_come():
    theirs, ours = raw_pair()
    with ours, theirs:
        data = HEADER.pack(2, 0) + b"{}"
        theirs.sendall(data[:-1])
        start = time.monotonic()
        with pytest.raises(PeerTimeout):
            ours.recv(0.05)
        assert time.monotonic() - start < 2
        theirs.sendall(data[-1:])
        assert ours.recv(1.0) == {}


def test_a_peer_that_does_not_read_times_out():
    theirs, ours = raw_pair(limit=8 << 20)
    with ours, theirs, pytest.raises(PeerTimeout):
        ours.send("x" * (4 << 20), timeout=0.05)


def test_closed_peer_and_closed_self():
    a, b = Channel.pair()
    b.close()
    with pytest.raises(PeerClosed):
        a.recv(1.0)
    with pytest.raises(PeerClosed):
        a.send(1)
    a.close()
    a.close()
    with pytest.raises(PeerClosed):
        a.recv(1.0)


def test_descriptors_travel_only_where_they_are_wanted():
    a, b = Channel.pair()
    read_end, write_end = os.pipe()
    with a, b:
        a.send("one")
        a.send("two", [write_end])
        os.close(write_end)
        assert b.recv_fds(1.0) == ("one", [])
        message, fds = b.recv_fds(1.0)
        assert message == "two"
        os.write(fds[0], b"through")
        assert os.read(read_end, 10) == b"through"
        os.close(fds[0])
        a.send("three", [read_end])
        with pytest.raises(PeerMalformed):
            b.recv(1.0)
    os.close(read_end)


def test_a_lie_about_descriptors_is_malformed():
    theirs, ours = raw_pair()
    with ours, theirs:
        theirs.sendall(HEADER.pack(2, 1) + b"{}")
        with pytest.raises(PeerMalformed):
            ours.recv_fds(1.0)
