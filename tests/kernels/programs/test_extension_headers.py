"""Headers for load_inline programs: made when a second program asks, found from then on, ended on closing."""

import subprocess
import sys
from pathlib import Path

import pytest

from kernelevo.backends import extension_header
from kernelevo.kernels.programs.extension_headers import ExtensionHeaders

PLAIN, FAST = "load_inline(name='a')", "load_inline(name='b', extra_cflags=['-O3'])"


@pytest.fixture
def headers(tmp_path, monkeypatch):
    made = ExtensionHeaders(tmp_path)
    made.started = []

    def start(flags):
        made.started.append(flags)
        waits = [sys.executable, "-c", "import time; time.sleep(60)"]
        return subprocess.Popen(waits, start_new_session=True)

    monkeypatch.setattr(made, "start", start)
    yield made
    made.close()


def test_a_header_is_made_once_when_a_second_program_needs_it(headers):
    assert headers.environment("x = 1") == {} and headers.environment(PLAIN) == {}
    assert headers.started == []
    headers.environment(FAST)
    headers.environment(PLAIN)
    headers.environment(PLAIN)
    assert headers.started == [()]


def test_one_that_is_there_is_named(headers, monkeypatch):
    monkeypatch.setattr(
        extension_header, "find", lambda flags, root: Path("/cache/o3") if flags == ("-O3",) else None
    )
    assert headers.environment(FAST) == {"CPATH": "/cache/o3"}
    assert headers.environment(f"{PLAIN}\n{FAST}") == {"CPATH": "/cache/o3"}
    assert headers.started == []


def test_closing_ends_what_is_being_made(headers):
    headers.environment(PLAIN)
    headers.environment(PLAIN)
    (process,) = headers._making.values()
    headers.close()
    assert process.poll() is not None
    headers.close()
