"""Warming: tools are asked once for all zygotes, and nothing in one starts CUDA's driver."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kernelevo.sandbox.limits import Limits
from kernelevo.sandbox.zygote import Zygote

# a machine with a GPU, as torch tells of it: whoever asks about the device is told, and taken down
WITH_A_GPU = """
import os, sys, torch
from kernelevo.sandbox import warming

started = []
torch.cuda.is_available = lambda: True
torch.cuda._lazy_init = lambda: started.append("init")
torch.cuda.get_rng_state = lambda *a: started.append("state") or torch.zeros(1, dtype=torch.uint8)
torch.set_num_threads(1)
warming.inductor(sys.argv[1], on_device=sys.argv[2] == "True")
import torch._inductor.cpu_vec_isa
print(started, len(os.listdir("/proc/self/task")), torch.cuda.is_available())
"""


def kept_here() -> Path:
    from kernelevo.backends.cache import default_root
    from kernelevo.kernels.programs.compiled_code import tools

    return tools(default_root())  # other tests have made it, mostly


@pytest.mark.slow
@pytest.mark.parametrize("on_device", [True, False])
def test_nothing_starts_the_driver_in_a_process_that_is_forked(on_device):
    environ = {**os.environ, "OMP_NUM_THREADS": "1", "TORCHINDUCTOR_COMPILE_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", WITH_A_GPU, str(kept_here()), str(on_device)],
        capture_output=True, text=True, env=environ, timeout=200, check=False,
    )  # fmt: skip
    assert done.stdout.strip() == "[] 1 True", done.stderr[-2000:]


@pytest.mark.slow
def test_children_compile_with_what_an_earlier_zygote_left(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parent))
    kept = kept_here()
    with Zygote(("torch", "misbehaviour"), threads=2) as zygote:
        zygote.warm_inductor(kept)
    headers = {path: path.stat().st_mtime_ns for path in kept.rglob("*.gch")}
    assert len(headers) >= 1
    with Zygote(("torch", "misbehaviour"), threads=2) as zygote:
        zygote.warm_inductor(kept)
        limits = Limits("build", tmp_path / "s", memory_bytes=2 << 30, read_only=(kept,))
        with zygote.spawn("misbehaviour:compile_torch", {}, limits=limits) as child:
            assert child.channel.recv(200.0) < 1e-6, child.output()
        assert not list((tmp_path / "s").rglob("*.gch"))
    assert {path: path.stat().st_mtime_ns for path in kept.rglob("*.gch")} == headers
