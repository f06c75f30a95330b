"""What a report says of what a profiled process answered."""

import re
from types import SimpleNamespace

import pytest

from kernelevo.core import Evaluation, Program
from kernelevo.device.ceilings import Ceilings
from kernelevo.kernels import profiling
from kernelevo.kernels.profile_report import profile_report
from tests.kernels.conftest import candidate

CEILINGS = Ceilings("cpu", 2, 20.0, 80.0, {"fp32": 0.5}, 1 << 20, True, "2026-11-28T00:00:00+00:00")
METRICS = {"latency_ms": 0.4, "work_flops": 1e8, "work_bytes": 2e6, "roofline_fraction": 0.5,
           "roofline_bound": "compute"}  # fmt: skip
HOST = {
    "calls": 2,
    "wall_us": 1000.0,
    "host": {"aten::mm": 500.0, "kernelevo::wave": 200.0, "aten::empty": 50.0, "Torch-Compiled Region": 50.0},
    "device": {},
    "times": {"host": {"aten::mm": 4, "kernelevo::wave": 2, "aten::empty": 2}},
}
DEVICE = {
    "calls": 2,
    "wall_us": 1000.0,
    "host": {"aten::mm": 900.0},
    "device": {"tile": 300.0, "void at::native::tile<4>(int)": 100.0},
    "times": {"device": {"tile": 2, "void at::native::tile<4>(int)": 6}},
}


def lines(said, metrics=METRICS, own=frozenset(), ceilings=CEILINGS, on_device=False):
    return profile_report(said, metrics, own, ceilings, on_device=on_device).splitlines()


def test_on_the_host_every_operator_and_what_is_outside_of_them():
    assert lines(HOST) == [
        "2 calls under torch's profiler took 0.5 ms each; 0.4 ms where it is timed",
        "   50.0 %     0.2500 ms       2 x  aten::mm  (torch)",
        "   20.0 %     0.1000 ms       1 x  wave  (the program's C++)",
        "   20.0 %     0.1000 ms       1 x  outside of these  (Python, and what the profiler cannot see)",
        "    5.0 %     0.0250 ms       1 x  aten::empty  (torch: memory and views)",
        "    5.0 %     0.0250 ms       0 x  Torch-Compiled Region  (runtime)",
        "the module's own work is 0.1 GFLOP and 2 MB a call: 250 GFLOP/s and 5 GB/s",
        "this device was measured to reach 500 GFLOP/s in fp32 and 20 GB/s of a large copy",
        "that is 0.5 of the roofline (compute bound)",
    ]


def test_on_a_device_its_kernels_by_their_author():
    assert lines(DEVICE, own=frozenset({"tile"}), on_device=True)[:4] == [
        "2 calls under torch's profiler took 0.5 ms each; 0.4 ms where it is timed",
        "kernels keep the device busy for 0.2 ms of a call; of that:",
        "   75.0 %     0.1500 ms       1 x  tile  (the program's)",
        "   25.0 %     0.0500 ms       3 x  void at::native::tile<4>?int?  (of a library)",
    ]
    blind = lines({**DEVICE, "device": {}}, on_device=True)
    assert "no kernel on the device" in blind[1] and "aten::mm" in blind[2]


def test_many_operators_are_shortened():
    said = {"calls": 1, "wall_us": 1e4, "host": {f"aten::op{i}": 10.0 + i for i in range(40)}}
    rows = [line for line in lines(said) if " % " in line]
    assert len(rows) == 17 and "25 others" in rows[-1]
    assert sum(float(row.split("%")[0]) for row in rows) == pytest.approx(100, abs=0.5)


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (None, "its process gave no answer"),
        ({"error": "ValueError: not here"}, "ValueError: not here"),
        ({}, "no time was measured"),
        ({"wall_us": float("nan"), "calls": 3}, "no time was measured"),
        ({"wall_us": 5.0, "calls": "3"}, "no time was measured"),
    ],
)
def test_what_is_not_known_is_said(said, why):
    assert lines(said)[0] == f"where the time goes is not known: {why}"


def test_ceilings_that_are_not_known_are_said_so():
    said = "how far it is from the device's ceilings is not known: "
    assert lines(HOST, metrics={"roofline_missing": "too busy"})[-1] == said + "too busy"
    assert lines(HOST, ceilings=None)[-1] == said + "nothing was measured"


def test_names_cannot_write_to_whoever_reads_them():
    said = {"calls": 1, "wall_us": 10.0, "host": {"aten::mm\x1b[2J\nscore 99": 10.0}, "times": {"host": []}}
    text = "\n".join(lines(said))
    assert "\x1b" not in text and "\nscore 99" not in text


CLIP = '''
import kernelevo

library = kernelevo.cpp(r"""
extern "C" void clip(const float* x, float* y, long n) {
  for (long i = 0; i < n; ++i) y[i] = x[i] > 0 ? x[i] : 0;
}
""")
'''
BODY = """
x = self.linear(torch.relu(self.norm(x)))
y = torch.empty_like(x)
library.clip(x, y, x.numel())
return self.out(y)
"""


@pytest.mark.slow
def test_a_program_says_where_its_calls_spend_their_time(judge, monkeypatch):
    """C++ functions by their names, torch's operators, and what is left: a call in all."""
    monkeypatch.setattr(
        "kernelevo.kernels.profile_report._SHOWN", 99
    )  # which of them are long depends on the machine
    artifact = judge.prepare(Program.single(CLIP + candidate(BODY.strip())))
    assert artifact.verdict is None, artifact.verdict
    given = Evaluation.ok(1.0, latency_ms=0.1)
    found = judge.profiled(artifact, given)
    assert (found.score, found.metrics) == (1.0, given.metrics)
    head, *rows = found.artifacts["profile"].splitlines()
    assert re.fullmatch(r"\d+ calls under torch's profiler took \S+ ms each; 0.1 ms where it is timed", head)
    parts = [re.match(r" *([\d.]+) % +([\d.]+) ms +([\d.e+]+) x  (.+?)(?:  \(.*)?$", row) for row in rows]
    shares = {part[4]: float(part[1]) for part in parts if part}
    times = {part[4]: float(part[3]) for part in parts if part}
    assert sum(shares.values()) == pytest.approx(100, abs=1)
    assert times["clip"] == times["aten::relu"] == 1 and times["aten::addmm"] == 2
    assert sum("(the program's C++)" in row for row in rows) == 1
    # the policy's own measurement is what it was
    said = judge._stages.profile(judge.ground, artifact)
    assert said["calls"] == 3 and not any("clip" in name for name in said["host"])


def event(name, start, spent, side="CUDA", **more):
    span = SimpleNamespace(start=start, end=start + spent)
    times = {"self_cpu_time_total": spent, "self_device_time_total": spent}
    return SimpleNamespace(name=name, device_type=f"DeviceType.{side}", time_range=span, **times, **more)


def test_what_a_user_marks_on_a_device_is_no_kernel_of_its_own():
    """A profiler shows such a mark there too, as long as all kernels under it: they would count twice."""
    said = profiling._told(
        [
            event("kernelevo: forward", 0, 100, "CPU"),
            event("kernelevo: forward", 10, 80, is_user_annotation=True),
            event("## Call CompiledFxGraph 1 ##", 10, 60, is_user_annotation=True),
            event("## Call CompiledFxGraph 1 ##", 5, 20, "CPU", is_user_annotation=True),
            event("tile", 10, 40, is_user_annotation=False),
            event("tile", 50, 20),
            event("a copy of inputs", 200, 20),
        ],
        on_device=True,
    )
    assert said["device"] == {"tile": 60} and said["times"]["device"] == {"tile": 2}
    assert said["host"] == {"## Call CompiledFxGraph 1 ##": 20} and said["wall_us"] == 100
