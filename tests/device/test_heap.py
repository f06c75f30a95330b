"""Freed memory is used again: a large block costs few page faults, in a process that says so."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HUGE = Path("/sys/kernel/mm/transparent_hugepage/enabled")

TEXT = """
import resource, sys
if sys.argv[1] == "kept":
    from kernelevo.device.heap import keep_freed
    assert keep_freed()
import torch
torch.set_num_threads(1)
faults = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_minflt
torch.ones(16 << 20)
before = faults()
for _ in range(8):
    torch.ones(16 << 20)
print(faults() - before)
"""


def faults(how):
    environment = {k: v for k, v in os.environ.items() if k != "THP_MEM_ALLOC_ENABLE"}
    said = subprocess.run(
        [sys.executable, "-c", TEXT, how], env=environment, capture_output=True, text=True, check=True
    )
    return int(said.stdout)


@pytest.mark.slow
@pytest.mark.skipif(not HUGE.exists() or "[never]" in HUGE.read_text(), reason="no huge pages")
def test_a_block_that_is_freed_is_given_out_again():
    pages = 8 * (64 << 20) // 4096
    assert faults("kept") < pages / 20 < pages / 2 < faults("as ever")
