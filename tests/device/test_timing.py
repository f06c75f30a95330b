"""The judge's own kernels compile everywhere, and what the host computes around them is right."""

import ctypes

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kernelevo.backends.nvrtc import compile_cubin
from kernelevo.device.driver import Driver, Image
from kernelevo.device.flush import LEAST, flush_bytes
from kernelevo.device.poison import NAN_BYTE, free_blocks
from kernelevo.device.sm_clock import megahertz, spread, steady
from kernelevo.device.spans import span_ns
from kernelevo.device.spin import LONGEST_NS, TICKETS, limit_ns, released
from kernelevo.kernels.children.equipment import timing_source
from tests.device.fake_driver import FakeApi


@pytest.mark.parametrize("arch", ["sm_80", "sm_90", "sm_100"])
def test_the_kernels_compile_without_spills(arch):
    cubin = compile_cubin(timing_source(), arch=arch)
    assert set(cubin.names) == {"spin", "stamp", "gather", "fill", "differ"} and cubin.spills == 0
    assert all(use.registers <= 32 for use in cubin.usage().values())


# ---------------------------------------------------------------------- the SM clock

clocks = st.floats(200, 3000)


@given(
    st.lists(st.tuples(clocks, st.integers(0, 2**40), st.integers(0, 2**50)), min_size=1, max_size=20),
    st.data(),
)
def test_the_clock_is_what_the_multiprocessors_ran_at(processors, data):
    ns = data.draw(st.integers(10**6, 10**9))
    first = [(t, c, sm) for sm, (_, t, c) in enumerate(processors)]
    last = [(t + ns, c + round(mhz * ns / 1e3), sm) for sm, (mhz, t, c) in enumerate(processors)]
    data.draw(st.permutations(last))
    found = megahertz(first, data.draw(st.permutations(last)))
    assert min(m for m, _, _ in processors) - 0.01 <= found <= max(m for m, _, _ in processors) + 0.01
    if len({m for m, _, _ in processors}) == 1:
        assert found == pytest.approx(processors[0][0], rel=1e-4)


def test_a_known_clock():
    assert megahertz([(1000, 5, 3)], [(2000, 1985, 3)]) == pytest.approx(1980.0)
    assert megahertz([(1000, 5, 3)], [(2000, 1985, 4)]) is None  # another multiprocessor
    assert megahertz([(1000, 5, 3)], [(2000, 4, 3)]) is None  # its counter began anew
    assert megahertz([], []) is None
    # of three multiprocessors the one whose counter began anew is left out
    first, last = [(0, 0, 0), (0, 9, 1), (0, 0, 2)], [(100, 150, 0), (100, 1, 1), (100, 170, 2)]
    assert megahertz(first, last) == pytest.approx(1600.0)


@given(clocks, st.lists(st.floats(-0.0098, 0.0098), min_size=1, max_size=6))
def test_clocks_within_the_tolerance_of_one_another_are_kept(middle, changes):
    assert steady([middle * (1 + c) for c in changes])


@given(clocks, st.integers(1, 4), st.floats(0.021, 0.5), st.sampled_from([-1, 1]), st.randoms())
def test_a_batch_whose_clock_is_far_from_the_median_is_seen(middle, others, far, sign, random):
    block = [middle] * (others + 1) + [middle * (1 + sign * far)]
    random.shuffle(block)
    assert not steady(block)
    assert steady([None] * 4) and steady([middle, None])


@given(st.lists(clocks, min_size=1, max_size=6), st.randoms())
def test_whether_a_block_is_steady_does_not_depend_on_its_order(block, random):
    other = list(block)
    random.shuffle(other)
    assert steady(block) == steady(other)
    assert steady(block, tolerance=15.0)
    assert spread(block) == spread(other) and (spread(block) == 0) == (len(set(block)) == 1)


def test_no_clock_has_no_spread():
    assert spread([None, None]) is None and spread([1000.0, None, 1010.0]) == pytest.approx(10 / 1005)


# ---------------------------------------------------------------------- the spin kernel's host side


@given(st.integers(-5, 10**6), st.integers(0, 10**6))
def test_a_stream_is_never_held_for_longer_than_the_limit(launches, more):
    assert 2_000_000 <= limit_ns(launches) <= LONGEST_NS
    assert limit_ns(launches) <= limit_ns(launches + more)


@given(st.integers(0, TICKETS - 1), st.integers(0, TICKETS // 2 - 1))
def test_a_flag_lets_all_earlier_tickets_pass_and_no_later_one(flag, ago):
    assert released(flag, (flag - ago) % TICKETS)
    assert not released(flag, (flag + ago + 1) % TICKETS)
    # as the kernel computes it: a 32-bit difference read as a signed number
    ticket = (flag + ago + 1) % TICKETS
    assert ctypes.c_int32((flag - ticket) & 0xFFFFFFFF).value < 0


# ---------------------------------------------------------------------- flush, poison, spans


def test_a_flush_is_twice_the_cache():
    assert flush_bytes(50 << 20) == 100 << 20 and flush_bytes(0) == flush_bytes(1 << 20) == LEAST
    assert flush_bytes((50 << 20) + 1) == (100 << 20) + 4096


def test_persisting_lines_are_given_back_and_none_are_allowed():
    api = FakeApi()
    Driver(0, api).forget_persisting()
    assert api.limits[6] == 0 and "cuCtxResetPersistingL2Cache" in api.calls


@given(st.lists(st.lists(st.tuples(st.integers(1, 1000), st.booleans()), min_size=1, max_size=8), max_size=5))
def test_poison_covers_the_free_blocks_and_nothing_else(segments):
    snapshot, wanted, at = [], set(), 0
    for blocks in segments:
        states = [{"size": n, "state": "inactive" if free else "active_allocated"} for n, free in blocks]
        snapshot.append({"address": at, "segment_pool_id": (0, 0), "blocks": states})
        for n, free in blocks:
            wanted |= set(range(at, at + n)) if free else set()
            at += n
        at += 512
    private = {"address": at, "segment_pool_id": (0, 1), "blocks": [{"size": 9, "state": "inactive"}]}
    found = free_blocks([*snapshot, private])
    assert {i for address, n in found for i in range(address, address + n)} == wanted


def test_poison_is_nan_in_every_kind_of_float():
    import torch

    api = FakeApi()
    base = api.block(64)
    Driver(0, api).fill(base, NAN_BYTE, 64, 0)
    values = torch.from_numpy(api.values(base).copy())
    for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
        assert bool(values.view(dtype).isnan().all()), dtype
    assert bool((values.view(torch.int32) == -1).all())


@pytest.mark.slow
@given(st.lists(st.tuples(st.floats(0, 1e6), st.floats(0, 1e3)), min_size=1, max_size=10))
def test_a_span_reaches_from_the_first_start_to_the_last_end(activities):
    pairs = [(start, start + length) for start, length in activities]
    found = span_ns(pairs)
    assert found >= max(e - s for s, e in pairs) * 1e3 - 1e-3
    assume(len(pairs) == 1)
    assert found == pytest.approx((pairs[0][1] - pairs[0][0]) * 1e3)


def test_no_activity_is_no_span():
    assert span_ns([]) is None


# ---------------------------------------------------------------------- the driver's words


def test_a_call_that_fails_names_itself():
    driver = Driver(0, FakeApi(broken=["cuModuleGetFunction", "cuCtxSetLimit"]))
    with pytest.raises(RuntimeError, match=r"cuCtxSetLimit: it does not work \(CUDA error 1\)"):
        driver.forget_persisting()
    with pytest.raises(RuntimeError, match="cuModuleGetFunction"):
        Image(driver, b"").launch("spin", 1, 1, 0, (), ())
