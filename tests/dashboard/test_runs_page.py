"""The list of runs is read beside the page's server, which answers others meanwhile."""

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kernelevo.store import RunStore
from tests.engine import toys

ROOT = Path(__file__).resolve().parents[2]
# the list is not read before somebody lays a file `go` beside it
SERVING = """
import sys, time
from pathlib import Path
from kernelevo.dashboard import server
from kernelevo.dashboard.hub import Hub

folder, read = Path(sys.argv[1]), Hub.glances

def slowly(hub):
    (folder / "reading").touch()
    until = time.monotonic() + 20
    while not (folder / "go").exists() and time.monotonic() < until:
        time.sleep(0.01)
    return read(hub)

Hub.glances = slowly
served = server.prepare(server.open_hub(folder / "runs", None), "127.0.0.1", 0)
print(served.address, flush=True)
server.serve(served)
"""


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    RunStore.create(tmp_path / "runs" / "mine", toys.task(), {}).close()
    command = [sys.executable, "-c", SERVING, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        yield process.stdout.readline().strip()
        process.kill()


def get(address: str, seconds: float) -> str:
    until = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(address, timeout=seconds) as answer:
                return str(answer.read().decode())
        except ConnectionError:  # the port is bound, and nobody answers yet
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


def wait_for(what: Callable[[], bool]) -> None:
    until = time.monotonic() + 10
    while not what():
        assert time.monotonic() < until
        time.sleep(0.01)


def test_others_are_answered_while_the_list_of_runs_is_read(address: str, tmp_path: Path) -> None:
    with ThreadPoolExecutor(1) as somebody:
        page = somebody.submit(get, address, 25)
        try:
            wait_for((tmp_path / "reading").exists)
            run = json.loads(get(f"{address}api/runs/mine", 3))
            assert run["name"] == "mine" and not page.done()
        finally:
            (tmp_path / "go").touch()
        assert "/run/mine" in page.result()
