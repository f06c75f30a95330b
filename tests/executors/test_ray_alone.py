"""What a cluster of our own leaves behind: nothing. In processes of their own, beside no other cluster."""

import subprocess
import sys

import pytest

pytest.importorskip("ray")
pytestmark = pytest.mark.slow

CHILDREN = """
from pathlib import Path
def children():
    lists = [(task / "children").read_text().split() for task in Path("/proc/self/task").iterdir()]
    return [Path(f"/proc/{pid}/stat").read_text() for pids in lists for pid in pids]
"""


def test_a_cluster_of_our_own_leaves_no_process_behind() -> None:
    """Not even a dead one that nobody waited for; though Ray was imported before, and reads settings then."""
    code = (
        "import ray\n"
        "from kernelevo.executors.ray_executor import RayExecutor\n"
        "from tests.executors import toys\n"
        f"{CHILDREN}"
        "made = RayExecutor(workers=1)\n"
        "assert made.submit(toys.add, 1, 2).result(60) == 3 and children()\n"
        "made.close()\n"
        "print(children())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_cluster_that_cannot_be_started_leaves_no_process_behind() -> None:
    code = (
        "import ray\n"
        "from kernelevo.errors import MachineError\n"
        "from kernelevo.executors import ray_executor\n"
        f"{CHILDREN}"
        "ray_executor.STORE_BYTES = 1  # Ray refuses that when the first of its servers is up\n"
        "seen = []\n"
        "clear_away = ray_executor.clear_away\n"
        "ray_executor.clear_away = lambda error: (seen.extend(children()), clear_away(error))\n"
        "try: ray_executor.RayExecutor(workers=1)\n"
        "except MachineError as error: print(error.what, bool(seen), children())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "a Ray cluster cannot be joined. True []\n"
