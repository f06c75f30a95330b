"""What Inductor generated: two ways to compile with the same code are one baseline."""

from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernelevo.kernels.baselines.baselines import Baselines
from kernelevo.kernels.children import generated
from kernelevo.kernels.judge import KernelJudge
from tests.kernels.conftest import task_of

CODE = """# AOT ID: ['{graph}_inference']
{name} = async_compile.cpp_pybinding(['float*'], '''
#include <kernelevo.h>
#pragma omp parallel num_threads({threads})
''')
def call(args):
    # Topologically Sorted Source Nodes: [{name}]
    {name}(buf0, arg0_1)
"""


def code(graph: int = 0, name: str = "cpp_fused_relu_0", threads: int = 2) -> str:
    return CODE.format(graph=graph, name=name, threads=threads)


def test_remarks_and_names_of_kernels_do_not_count():
    own = generated.of_texts([code()])
    assert own == generated.of_texts([code(1, "cpp_fused_convolution_copy__relu_0")])
    assert own != generated.of_texts([code(name="cpp_fused_relu_1")])  # another kernel of the file
    assert own != generated.of_texts([code(threads=4)])  # a directive is no remark
    assert own != generated.of_texts([code().replace("kernelevo.h", "math.h")])
    assert own != generated.of_texts([code(), code()])
    assert generated.of_texts([code(), code(threads=4)]) == generated.of_texts([code(threads=4), code()])


def test_nothing_generated_is_a_digest_of_its_own():
    assert generated.of_texts([]) == generated.NONE != generated.of_texts([""])


def test_what_a_zygote_held_before_is_left_out(monkeypatch, tmp_path):
    texts = [code(threads=n) for n in range(3)]
    files = [tmp_path / f"{n}.py" for n in range(3)]
    for file, text in zip(files, texts, strict=True):
        file.write_text(text)
    held = [SimpleNamespace(__file__=str(file)) for file in files]
    cache = SimpleNamespace(PyCodeCache=SimpleNamespace(modules=held))
    monkeypatch.setitem(generated.sys.modules, "torch._inductor.codecache", cache)
    assert generated.count() == 3
    assert generated.digest(1) == generated.of_texts(texts[1:])
    assert generated.digest(3) == generated.NONE
    files[2].unlink()
    assert generated.digest(1) is None
    cache.PyCodeCache = SimpleNamespace()  # of another torch
    assert (generated.count(), generated.digest()) == (0, None)


@given(st.dictionaries(st.text(min_size=1), st.text(), max_size=4))
def test_codes_are_found_again(tmp_path_factory, known):
    codes = generated.Codes(tmp_path_factory.mktemp("codes") / "code.json")
    for name, text in known.items():
        codes.remember(name, text)
    assert {name: codes.of(name) for name in known} == known
    assert codes.of("") is None


def test_a_file_that_is_no_such_file_counts_as_empty(tmp_path):
    path = tmp_path / "code.json"
    for text in ("", "[1]", '{"compile": 3}', "\0"):
        path.write_text(text)
        assert generated.Codes(path).of("compile") is None
    generated.Codes(path).remember("compile", "abc")
    assert generated.Codes(path).of("compile") == "abc"


# ---------------------------------------------------------------------- baselines

NAMES = ("compile", "compile-max-autotune")


def baselines(folder: Path, codes: dict[str, str | None], monkeypatch: pytest.MonkeyPatch) -> Any:
    """Baselines whose processes say that they run this code; ``started`` lists them."""
    nobody: Any = SimpleNamespace(close=lambda: None)
    setting: Any = SimpleNamespace(on_device=False)
    found: Any = Baselines(nobody, nobody, setting, {}, folder, lambda *_: None, NAMES)  # type: ignore[arg-type]
    found.all["eager"].state, found.all["eager"].slowdown = "ready", 1.0
    found.started, found.closed = [], []

    def start(subject: object, name: str) -> Any:
        found.started.append(name)
        return SimpleNamespace(
            child=None,
            stop=lambda: None,
            ask=lambda _: {"digest": codes[name]},
            close=lambda: found.closed.append(name),
        )

    monkeypatch.setattr(found, "start", start)
    monkeypatch.setattr("kernelevo.kernels.baselines.baselines.resting", lambda *_: nullcontext())
    assert found.wait(10)
    return found


def test_the_same_code_is_timed_once_and_not_started_again(tmp_path, monkeypatch):
    for started in (list(NAMES), ["compile"]):  # the second time its code is known
        found = baselines(tmp_path, dict.fromkeys(NAMES, "abc"), monkeypatch)
        first, second = (found.all[name] for name in NAMES)
        assert (found.started, found.closed) == (started, started[1:])
        assert (second.state, second.same_as, second.session, first.same_as) == (
            "ready",
            "compile",
            None,
            None,
        )
        assert found.unmeasured() == [first]
        first.slowdown, first.interval = 0.5, (0.4, 0.6)
        found.retire()
        assert (second.slowdown, second.interval) == (0.5, (0.4, 0.6))
        assert found.opponent("fp32-accurate").anchor is first
        found.heard(first, 2e-3)
        assert second.latency == 2e-3


def test_other_code_is_timed_by_itself(tmp_path, monkeypatch):
    found = baselines(tmp_path, {NAMES[0]: "abc", NAMES[1]: "def"}, monkeypatch)
    assert found.unmeasured() == [found.all[name] for name in NAMES]
    assert not found.closed and not any(b.same_as for b in found.all.values())
    # what was written down of the first is no longer true: only what it runs now counts
    found = baselines(tmp_path, dict.fromkeys(NAMES, "def"), monkeypatch)
    assert (found.started, found.all[NAMES[1]].same_as) == (["compile"], "compile")
    found = baselines(tmp_path, dict.fromkeys(NAMES, "ghi"), monkeypatch)
    assert (found.started, found.all[NAMES[1]].same_as) == (list(NAMES), "compile")


def test_code_that_cannot_be_told_is_like_no_other(tmp_path, monkeypatch):
    found = baselines(tmp_path, dict.fromkeys(NAMES, None), monkeypatch)
    assert found.unmeasured() == [found.all[name] for name in NAMES] and not list(tmp_path.iterdir())


def test_a_code_that_cannot_be_taken_down_costs_no_baseline(tmp_path, monkeypatch):
    def full(*_):
        raise OSError("read-only")

    monkeypatch.setattr(generated.Codes, "remember", full)
    found = baselines(tmp_path, dict.fromkeys(NAMES, "abc"), monkeypatch)
    assert found.started == list(NAMES) and found.all[NAMES[1]].same_as == "compile"
    assert {found.all[name].state for name in NAMES} == {"ready"}


def test_one_whose_equal_fails_later_has_failed_too(tmp_path, monkeypatch):
    found = baselines(tmp_path, dict.fromkeys(NAMES, "abc"), monkeypatch)
    found.all["compile"].state, found.all["compile"].reason = "failed", "it crashed"
    found.heard(found.all["eager"], 1e-3)
    assert (found.all[NAMES[1]].state, found.all[NAMES[1]].reason) == ("failed", "it crashed")


MODULE = """
import torch
from torch import nn
class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = {net}
    def forward(self, x):
        return {call}
def get_inputs():
    return [torch.rand(8, 4, 16)]
def get_init_inputs():
    return []
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("net", "call", "same"),
    [
        ("nn.LSTM(16, 8)", "self.net(x)[0]", {"compile": "eager", "compile-max-autotune": "eager"}),
        ("nn.LayerNorm(16)", "self.net(x).relu()", {"compile": None, "compile-max-autotune": "compile"}),
    ],
)
def test_a_module_left_to_eager_and_one_that_max_autotune_compiles_alike(net, call, same, tmp_path):
    text = MODULE.format(net=net, call=call)
    with KernelJudge(task_of(text), cache=tmp_path, threads=1) as judge:
        told = {b["name"]: b for b in judge.baselines(wait=120.0)}
    assert {name: told[name]["same_as"] for name in same} == same
    assert all(told[name]["state"] == "ready" for name in told)
    for name, other in same.items():
        if other:
            assert told[name]["slowdown_vs_eager"] == told[other]["slowdown_vs_eager"] > 0
