"""Memory: the estimate and the refusal."""

from pathlib import Path

import pytest
import torch

from kernelevo.core import Task
from kernelevo.errors import NotEnoughMemory
from kernelevo.tasks import estimate, load_task, refuse_if_too_large
from kernelevo.tasks.memory import peak_bytes

NET = """
import torch
N = 1024
class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.w = torch.nn.Parameter(torch.empty(N))
    def forward(self, x):
        y = x + self.w
        z = y * 2
        del y
        return z - 1
def get_inputs(): return [torch.rand(N)]
def get_init_inputs(): return []
"""


def test_peak_counts_what_is_alive_at_once():
    class Chain(torch.nn.Module):
        def forward(self, x):
            for _ in range(5):
                x = x + 1
            return x.view(-1)[:4]

    # the caller's input, one old and one new value; a view is no new memory
    assert peak_bytes(Chain(), [torch.empty(256, 4, device="meta")]) == 3 * 4096


def test_bundled_task_is_looked_up():
    assert estimate(load_task("kernelbench:3/31", size="full")).peak > 16e9


def test_foreign_file_is_counted_without_allocating(tmp_path: Path):
    (tmp_path / "net.py").write_text(NET.replace("N = 1024", "N = 2**38"))
    need = estimate(load_task("net.py", folder=tmp_path))
    assert need.peak == 4 * 4 * 2**38  # w, x, y, z; then y is gone when the result is made
    assert need.judging == 3 * need.peak


def test_refusal_names_the_figures():
    task = load_task("kernelbench:3/31", size="full")
    with pytest.raises(NotEnoughMemory, match=r"51\.7 GB.*24\.0 GB") as caught:
        refuse_if_too_large(task, int(24e9))
    assert caught.value.exit_code == 3 and "--size small" in caught.value.now
    refuse_if_too_large(task, int(100e9))
    refuse_if_too_large(load_task("kernelbench:3/31", size="small"), int(24e9))


def test_what_is_not_known_passes():
    refuse_if_too_large(Task("tsp", "short", evaluator="tsp.py:tour"), 1)
