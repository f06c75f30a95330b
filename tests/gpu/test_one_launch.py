"""The perceptron of task 2 in one launch: its values on the host, and no local memory in its code."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest
import torch

from kernelevo.backends import nvrtc, registry
from tests.cuda_on_host.host import HostCuda, worst

PROGRAM = Path(__file__).parents[2] / "benchmarks/gpu/programs/kernelbench_3_2/one_launch_v0.py"
# each thread reads back what it copied itself, so that a copy may as well be done at once
MACHINE = """
inline void copy_async(float4* to, const float4* from) { *to = *from; }
inline void copies_done() {}
inline void read_words(const Word* at, Word& a, Word& b) {
  a = __atomic_load_n(at, __ATOMIC_SEQ_CST);
  b = __atomic_load_n(at + 1, __ATOMIC_SEQ_CST);
}
inline void write_word(Word* at, Word word) { __atomic_store_n(at, word, __ATOMIC_SEQ_CST); }
"""


@pytest.fixture(scope="module")
def program() -> ModuleType:
    spec = importlib.util.spec_from_file_location("one_launch_v0", PROGRAM)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("backwards", [False, pytest.param(True, marks=pytest.mark.slow)])
@pytest.mark.parametrize("patience", [100_000, pytest.param(1, marks=pytest.mark.slow), 0])
@pytest.mark.parametrize(
    ("inner", "first", "second", "out", "chunks1", "chunks2"),
    [(12, 20, 24, 5, 1, 2), (1028, 40, 20, 32, 2, 2), (64, 1040, 12, 10, 4, 4), (8, 1028, 36, 1, 1, 2)],
)
def test_its_values(
    inner: int, first: int, second: int, out: int, chunks1: int, chunks2: int, patience: int,
    backwards: bool, program: ModuleType,
) -> None:  # fmt: skip
    """Whether results of the first layer come in time, some of them or none: the values are the same.

    Launches follow one another on the same buffers, where words of the one before lie.
    """
    source, found = re.subn(r"// MACHINE.*?// END\n", lambda _: MACHINE, program.SOURCE, flags=re.S)
    assert found == 1
    kernel = HostCuda(source, (f"-DPATIENCE={patience}",), backwards=backwards).wide_mlp
    items1, items2 = -(-first * chunks1 // program.SLOTS), -(-second * chunks2 // program.SLOTS)
    launch = kernel[items1 + items2, program.THREADS, program.SLOTS * program.THREADS * 16]
    torch.manual_seed(0)
    layers = [torch.nn.Linear(*widths) for widths in ((inner, first), (first, second), (second, out))]
    exact = torch.nn.Sequential(layers[0], torch.nn.ReLU(), layers[1], torch.nn.ReLU(), layers[2])
    words, state, parts = program.new_buffers(torch.device("cpu"), first, items2 * out)
    with torch.no_grad():
        weights = [w.detach().clone() for layer in layers for w in (layer.weight, layer.bias)]
        exact.double()
        for _ in range(3):
            x, y = torch.randn(1, inner), torch.empty(1, out)
            numbers = (inner // 4, first, second, out, chunks1, chunks2, items1)
            launch(x, *weights, words, parts, y, state, *numbers)
            assert worst(y, exact(x.double())) < 1


@pytest.mark.skipif(registry.BACKENDS[1].missing() is not None, reason=f"{registry.BACKENDS[1].missing()}")
def test_it_holds_everything_in_registers(program: ModuleType) -> None:
    """Three blocks of 256 threads share a multiprocessor's 64 Ki registers."""
    cubin = nvrtc.compile_cubin(program.SOURCE, arch="sm_90a")
    (usage,) = cubin.usage().values()
    assert (usage.stack, usage.local, cubin.spills) == (0, 0, 0) and usage.registers <= 80
