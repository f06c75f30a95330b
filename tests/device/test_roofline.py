"""Rooflines by hand-computed numbers, and the floor: it grows with the bytes and never with luck."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernelevo.device.ceilings import Ceilings
from kernelevo.device.roofline import CACHE_MARGIN, CACHED_MARGIN, MEMORY_MARGIN, Floor, Roofline, roofline

TFLOPS = {"fp32": 60.0, "tf32": 300.0, "split": 100.0, "bf16": 600.0}
GPU = Ceilings("cuda:0", 1, 2000.0, 4000.0, TFLOPS, 50 << 20, True, "2026-01-01T00:00:00+00:00")
CPU = Ceilings("cpu", 2, 20.0, 400.0, {"fp32": 0.2, "bf16": 1.0}, 32 << 20, True, GPU.at)


@pytest.mark.parametrize(
    ("precision", "seconds", "bound"),
    [("fp32-accurate", 6e-3, "compute"), ("tf32", 2e-3, "compute"), ("bfloat16", 1e-3, "memory"),
     ("lower", 1e-3, "memory")],
)  # fmt: skip
def test_the_larger_of_two_times_at_the_precision_that_was_measured(precision, seconds, bound):
    found = roofline(6e11, 2e9, GPU, precision)
    assert found == Roofline(pytest.approx(seconds), bound)


def test_units_that_a_device_has_count():
    assert roofline(4e8, 1.0, CPU, "fp32-accurate").seconds == pytest.approx(2e-3)  # no split on a CPU
    assert roofline(4e8, 1.0, CPU, "tf32").seconds == pytest.approx(2e-3)
    assert roofline(4e8, 1.0, CPU, "lower").seconds == pytest.approx(4e-4)
    assert roofline(4e8, 1.0, CPU, "float16") is None and roofline(4e8, 1.0, CPU, "fp64") is None
    assert roofline(0, 2e7, CPU, "fp64") == Roofline(pytest.approx(1e-3), "memory")
    assert roofline(0, 0, CPU, "fp32-accurate") is None


def test_the_floor_by_hand():
    floor = Floor.of(CPU)
    # 10 MB through the cores at twice 400 GB/s
    assert floor.seconds(4e6, 6e6) == pytest.approx(10e6 / (CACHED_MARGIN * 400e9))
    # 100 calls: 400 MB in and 600 MB out, of each what the caches may hold comes free
    caches = CACHE_MARGIN * (32 << 20)
    beyond = (400e6 - caches) + (600e6 - caches)
    assert floor.seconds(4e6, 6e6, 100) == pytest.approx(beyond / (MEMORY_MARGIN * 20e9))
    assert Floor.of(Ceilings("cpu", 1, 20.0, None, {}, None, True, GPU.at)) is None


figures = st.floats(0.0, 1e10)
floors = st.builds(
    Floor, st.floats(1e9, 1e13), st.none() | st.floats(1e8, 1e12), st.none() | st.integers(0, 1 << 30)
)


@given(floors, figures, figures, st.integers(1, 1024), st.integers(1, 1024))
def test_the_floor_grows_with_bytes_and_calls(floor, read, written, calls, more):
    base = floor.seconds(read, written, calls)
    assert base >= 0 and floor.seconds(0, 0, calls) == 0
    assert floor.seconds(read, written, calls + more) >= base
    assert floor.seconds(read + 1e6, written, calls) >= base <= floor.seconds(read, written + 1e6, calls)
    assert base >= calls * (read + written) / floor.cached * (1 - 1e-9)


@given(floors, figures, figures, st.integers(1, 1024), st.floats(1.0, 100.0))
def test_a_faster_machine_has_a_lower_floor(floor, read, written, calls, factor):
    faster = Floor(floor.cached * factor, floor.memory and floor.memory * factor, floor.caches)
    assert faster.seconds(read, written, calls) == pytest.approx(floor.seconds(read, written, calls) / factor)


@given(
    st.floats(1.0, 1e4), st.floats(1.0, 1e4), st.integers(1, 1 << 30), figures, figures, st.integers(1, 1024)
)
def test_no_batch_at_the_measured_rates_is_below_the_floor(copy, cached, size, read, written, calls):
    """A machine that moves every byte once, at the faster of its two measured rates, is never refused."""
    made = Ceilings("cpu", 1, copy, cached, {}, size, True, GPU.at)
    honest = calls * (read + written) / (max(copy, cached) * 1e9)
    beyond = max(0.0, calls * read - size) + max(0.0, calls * written - size)
    honest = max(honest, beyond / (copy * 1e9))
    assert Floor.of(made).seconds(read, written, calls) <= honest
