"""Checks of the judge's instruments on a device: flush, spin, stamps, shared memory, poison, other clocks."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from statistics import median

import torch

import kernelevo
from kernelevo.backends.cuda import arch_of
from kernelevo.backends.nvrtc import compile_cubin
from kernelevo.device import spans
from kernelevo.device.driver import Driver, Image
from kernelevo.device.flush import Flush
from kernelevo.device.poison import poison
from kernelevo.device.sm_clock import SmClock
from kernelevo.device.spin import Spin, limit_ns
from kernelevo.kernels.children.equipment import probe, timing_source

# one thread follows a chain of addresses past the L1: each step waits for the one before
CHASE = r"""
extern "C" __global__ void chase(const int* next, int* out, int steps) {
  int at = 0;
  for (int i = 0; i < steps; ++i) at = __ldcg(next + at);
  *out = at;
}
"""
STEPS, CHAIN = 4000, 1 << 20


@cache
def _driver() -> Driver:
    torch.zeros(1, device="cuda")
    driver = Driver(torch.cuda.current_device())
    driver.enter()
    return driver


@cache
def _image() -> Image:
    return Image(_driver(), compile_cubin(timing_source(), arch=arch_of(_driver().device)).code)


def _stream() -> int:
    return int(torch.cuda.current_stream().cuda_stream)


def _tiny() -> Callable[[], object]:
    """Return a call of thirty launches that take the device no time to speak of."""
    x = torch.ones(256, device="cuda")

    def call() -> object:
        for _ in range(30):
            x.mul_(1.0)
        return x

    return call


def _between(call: Callable[[], object], repeats: int = 30) -> float:
    """Return the median microseconds between events around a call, launch gaps included."""
    found = []
    for _ in range(repeats):
        start, end = spans.events()
        torch.cuda.synchronize()
        start.record()
        call()
        end.record()
        end.synchronize()
        found.append(start.elapsed_time(end) * 1e3)
    return median(found)


def flush_evicts() -> None:
    """What lay in the L2 is read from memory after a flush: a chain of loads takes far longer."""
    order = torch.randperm(CHAIN, dtype=torch.int32)
    chain = torch.empty_like(order)
    chain[order.long()] = order.roll(-1)  # one cycle through all
    following, out = chain.cuda(), torch.zeros(1, dtype=torch.int32, device="cuda")
    lib = kernelevo.cuda(CHASE)
    flush = Flush(_driver(), _stream())

    def chase() -> None:
        lib.chase[1, 1](following, out, STEPS)

    def cold() -> float:
        flush.write()
        return _between(chase, 1)

    chase()
    warm, after = _between(chase), median(cold() for _ in range(30))
    assert after > 1.3 * warm, f"{warm:.0f} us warm, {after:.0f} us after a flush"


def persisting_lines_are_refused() -> None:
    """The limit for lines that survive a flush is taken back to nothing."""
    from cuda.bindings import driver as api

    limit = api.CUlimit.CU_LIMIT_PERSISTING_L2_CACHE_SIZE
    driver = _driver()
    driver.call("cuCtxSetLimit", limit, 1 << 20)
    driver.forget_persisting()
    assert int(driver.call("cuCtxGetLimit", limit)) == 0


def spin_hides_launch_gaps() -> None:
    """Thirty tiny launches behind a held stream follow one another without the host's gaps."""
    call = _tiny()
    spin = Spin(_driver(), _image(), _stream())
    gaps = _between(call)
    held = spans.held_ns(call, lambda: None, spin, torch.cuda.current_stream()) / 1e3
    assert held < 0.8 * gaps, f"{gaps:.0f} us with gaps, {held:.0f} us held"


def spin_gives_up() -> None:
    """A stream that nobody releases goes on by itself."""
    spin = Spin(_driver(), _image(), _stream())
    for launches in (0, 200):
        torch.cuda.synchronize()
        start = time.perf_counter()
        spin.hold(launches)
        torch.cuda.synchronize()
        spent = (time.perf_counter() - start) * 1e9
        assert 0.9 * limit_ns(launches) <= spent < 2 * limit_ns(launches) + 5e7, f"{spent / 1e6:.1f} ms"
        spin.release()


def sm_clock_is_plausible() -> None:
    """The clock over a busy batch lies between idle and the highest that the device names."""
    clock = SmClock(_driver(), _image(), _stream())
    a = torch.randn(2048, 2048, device="cuda")
    highest = _driver().attribute("CLOCK_RATE") / 1e3
    found = []
    for _ in range(5):
        clock.stamp(0)
        for _ in range(50):
            a @ a
        clock.stamp(1)
        torch.cuda.synchronize()
        found.append(clock.read())
    known = [mhz for mhz in found if mhz is not None]
    assert len(known) == 5 and all(200 < mhz < 1.05 * highest for mhz in known), (found, highest)


def memory_is_read_from_another_process() -> None:
    """A child of each stage shares a pattern; this process reads and gathers it without the child's help."""
    from kernelevo.kernels.children.supervisor import PRELOAD
    from kernelevo.sandbox.zygote import Zygote

    cubin = compile_cubin(timing_source(), arch=arch_of(0)).code
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o711)
        zygote = Zygote(PRELOAD, threads=1)
        try:
            for stage in ("trusted", "run"):
                why = probe(zygote, "cuda:0", cubin, Path(folder) / stage, stage)
                assert why == "", f"{stage}: {why}"
        finally:
            zygote.close()


def poison_reaches_new_tensors() -> None:
    """Memory that torch hands out after a poisoning holds NaN."""
    held = torch.ones(1 << 20, device="cuda")
    torch.cuda.synchronize()
    del held
    assert poison(_driver(), _stream()) >= 1 << 22
    assert bool(torch.empty(1 << 20, device="cuda").isnan().all())


def a_graph_replays_faster_than_launches() -> None:
    """A program whose launches decide its time is faster as a graph; its kernels alone are faster still."""
    call = _tiny()
    stream = torch.cuda.current_stream()
    gaps = _between(call) * 1e3
    replay = spans.replay_ns(call, lambda: None, stream)
    assert 0 < replay < gaps, f"{gaps:.0f} ns in the stream, {replay:.0f} ns as a graph"


def the_profiler_agrees_with_events() -> None:
    """CUPTI's span of one long kernel is what events around it say."""
    a = torch.randn(4096, 4096, device="cuda")
    stream = torch.cuda.current_stream()

    def call() -> object:
        return a @ a

    call()
    seen, between = spans.profiled_ns(call, lambda: None, stream) / 1e3, _between(call)
    assert 0.8 < seen / between < 1.1, f"{seen:.0f} us by CUPTI, {between:.0f} us by events"


CHECKS: tuple[Callable[[], None], ...] = (
    flush_evicts,
    persisting_lines_are_refused,
    spin_hides_launch_gaps,
    spin_gives_up,
    sm_clock_is_plausible,
    memory_is_read_from_another_process,
    poison_reaches_new_tensors,
    a_graph_replays_faster_than_launches,
    the_profiler_agrees_with_events,
)
