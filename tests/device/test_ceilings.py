"""Ceilings: what they are made of, that the disk keeps them, and that what is damaged counts for nothing."""

import dataclasses
import json
import multiprocessing
from datetime import UTC, datetime, timedelta

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from kernelevo.device import ceilings, rates
from kernelevo.device.ceilings import Ceilings, KnownCeilings, facts_of, last_level_bytes, measure

NOW = datetime.now(UTC).isoformat(timespec="seconds")
positive = st.floats(1e-3, 1e6)
optional = st.none() | positive
some = st.builds(
    Ceilings,
    device=st.sampled_from(["cpu", "cuda:0"]),
    threads=st.integers(1, 64),
    copy_gbs=optional,
    cached_gbs=optional,
    tflops=st.dictionaries(st.sampled_from(["fp32", "tf32", "split", "bf16"]), positive),
    cache_bytes=st.none() | st.integers(1, 1 << 40),
    calm=st.booleans(),
    at=st.just(NOW),
    missing=st.dictionaries(st.text(max_size=4), st.text(max_size=9), max_size=2),
)


def test_rates_are_work_over_times():
    found = rates.rate(3e9, [4.0, 1.0, 2.0], 1e9, "GB/s")
    assert (found.value, found.least, found.most) == pytest.approx((1500.0, 750.0, 3000.0))
    copied = rates.copy(1 << 20, device="cpu", timer=lambda call, n: [call() or 1.0] * n, calls=3, at_once=4)
    assert copied.value == pytest.approx(2 * 4 * (1 << 20) / 1e-3 / 1e9)
    with pytest.raises(AssertionError, match="differs"):
        rates.copy(4096, device="cpu", timer=lambda call, n: [1.0])


def test_the_hosts_clock_ends_slow_calls_early():
    calls = []
    assert len(rates.host_times(lambda: calls.append(1), 7, most_ms=10_000.0)) == 7 and len(calls) == 8
    assert len(rates.host_times(lambda: calls.append(1), 7, most_ms=0.0)) == 1


def test_cores_copy_from_their_caches_faster_than_from_memory():
    one = rates.core_copy(1, blocks=(1 << 17,), calls=300)
    assert one.most > 1.0 and one.unit == "GB/s"  # a core of this century copies more than 1 GB/s
    blocks = [rates.core_copy(3, blocks=(size,), calls=50).most for size in (1 << 15, 1 << 16)]
    assert rates.core_copy(3, blocks=(1 << 15, 1 << 16), calls=50).most > 0.2 * max(blocks)


def _measured(send):
    send.send(measure("cpu", 1).to_json())


@pytest.fixture(scope="module")
def here():
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    child = multiprocessing.get_context("spawn").Process(target=_measured, args=(theirs,))
    child.start()
    try:
        assert ours.poll(60.0)
        return Ceilings.from_json(ours.recv())
    finally:
        child.join(10.0)
        child.kill()


@pytest.mark.slow
def test_this_machine_has_ceilings(here):
    assert not here.missing and here.threads == 1 and here.device == "cpu"
    assert set(here.tflops) == {"fp32", "fp64", "bf16", "fp16"}
    assert here.tflops["fp32"] > 1e-4 and here.copy_gbs > 0.1
    assert here.cached_gbs > here.copy_gbs / 4  # whatever else runs
    assert abs((datetime.now(UTC) - datetime.fromisoformat(here.at)).total_seconds()) < 120


def test_a_figure_that_fails_is_missing_and_the_others_are_there(monkeypatch):
    before = torch.get_num_threads()

    def product(dtype, device, *, tf32):
        if dtype is torch.bfloat16:
            raise RuntimeError("no such unit")
        return rates.Rate(1.0, "TFLOP/s", 1.0, 2.0)

    monkeypatch.setattr(ceilings, "_product", product)
    monkeypatch.setattr(ceilings, "copy", lambda *a, **k: rates.Rate(1.0, "GB/s", 1.0, 9.0))
    try:
        found = measure("cpu", 1)
    finally:
        torch.set_num_threads(before)
    assert found.missing == {"bf16": "RuntimeError: no such unit"}
    assert found.tflops == {"fp32": 2.0, "fp16": 2.0, "fp64": 2.0} and found.copy_gbs == 9.0


@pytest.mark.parametrize("there", [True, False])
def test_of_a_cpu_the_faster_of_two_libraries_counts(there, monkeypatch):
    def product(dtype, *, tf32, side, device, timer, calls):
        return rates.Rate(1.0, "TFLOP/s", 1.0, 1.0 + side * 1e-6)

    def packed(*, side, timer, calls):
        if not there:
            raise AttributeError("no oneDNN")
        return rates.Rate(2.0, "TFLOP/s", 2.0, 2.0)

    monkeypatch.setattr(ceilings, "matmul", product)
    monkeypatch.setattr(ceilings, "packed_matmul", packed)
    assert ceilings._product(torch.float32, "cpu", tf32=False).most == (2.0 if there else 1.001024)
    assert ceilings._product(torch.float64, "cpu", tf32=False).most == 1.001024


def test_the_rate_of_a_packed_product_is_of_its_whole_work():
    calls = []
    found = rates.packed_matmul(side=32, timer=lambda call, n: [calls.append(call()) or 2.0] * n, calls=3)
    assert found.most == pytest.approx(2 * 32**3 / 2e-3 / 1e12) and calls[0].shape == (32, 32)


def test_of_a_gpu_tf32_and_what_it_makes_of_fp32_are_known(monkeypatch):
    """With the measuring itself replaced: which are asked for, of which size, and what follows from them."""
    asked, copies = [], []

    def product(dtype, *, tf32, side, device, timer, calls):
        asked.append((dtype, tf32, side))
        tflops = {torch.float64: 0.5, torch.bfloat16: 800.0, torch.float16: 790.0}.get(dtype, 60.0)
        value = 390.0 if tf32 else tflops
        return rates.Rate(value, "TFLOP/s", value, value)

    def copied(count, *, device, timer, calls, at_once=1):
        copies.append((count, at_once))
        value = 3000.0 if count > 1 << 25 else 5000.0
        return rates.Rate(value, "GB/s", value, value)

    monkeypatch.setattr(ceilings, "matmul", product)
    monkeypatch.setattr(ceilings, "copy", copied)
    monkeypatch.setattr(ceilings, "cuda_facts", lambda index: {"l2_bytes": 50 << 20})
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (4 << 30, 80 << 30))
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: None)
    found = measure("cuda:0", 3)
    assert found.tflops == {
        "fp32": 60.0, "bf16": 800.0, "fp16": 790.0, "fp64": 0.5, "tf32": 390.0, "split": 130.0
    }  # fmt: skip
    assert (found.copy_gbs, found.cached_gbs, found.cache_bytes) == (3000.0, 5000.0, 50 << 20)
    assert found.calm and not found.missing
    # an eighth of what is free; of the L2 source and target fill half, often enough to hide a launch
    assert copies == [(1 << 29, 1), ((50 << 20) // 4, 20)]
    sides = {key: max(s for d, t, s in asked if (d, t) == key) for key in {(d, t) for d, t, _ in asked}}
    assert sides[torch.float32, True] == sides[torch.bfloat16, False] == 8192
    assert sides[torch.float32, False] == 4096 and sides[torch.float64, False] == 2048
    monkeypatch.setattr(ceilings, "cuda_facts", lambda index: None)
    found = measure("cuda:0", 3)
    assert found.cached_gbs is None and "size of the L2" in found.missing["cached copy"]
    assert Ceilings.from_json(found.to_json()) == found


@given(some)
def test_ceilings_survive_plain_data(made):
    assert Ceilings.from_json(json.loads(json.dumps(made.to_json()))) == made


@given(some, some)
def test_what_was_reached_once_stays_reached(one, two):
    joined = one.raised(two)
    for part in (one, two):
        assert joined.raised(part).tflops == joined.tflops
        for name, value in part.tflops.items():
            assert joined.tflops[name] >= value
        for name in ("copy_gbs", "cached_gbs", "cache_bytes"):
            assert (getattr(part, name) or 0) <= (getattr(joined, name) or 0)


DAMAGE = (
    "", "{", "[]", "null", '{"ceilings": {}}', '{"ceilings": {"device": "cpu"}}',
)  # fmt: skip


@pytest.mark.parametrize("text", DAMAGE)
def test_a_damaged_file_is_no_file(tmp_path, text):
    known = KnownCeilings(tmp_path / "new", {"device": "cpu"})
    assert known.read() is None
    known.path.parent.mkdir()
    known.path.write_text(text)
    assert known.read() is None


@pytest.mark.parametrize(
    "change",
    [{"copy_gbs": -1.0}, {"copy_gbs": "fast"}, {"cached_gbs": float("nan")}, {"tflops": {"fp32": 0.0}},
     {"tflops": None}, {"at": "yesterday"}, {"calm": 1}, {"device": 3}, {"missing": {"a": 1}}, {"more": 1}],
)  # fmt: skip
def test_figures_that_are_none_are_refused(change):
    whole = Ceilings("cpu", 2, 10.0, 100.0, {"fp32": 1.0}, 1 << 25, True, NOW).to_json()
    assert Ceilings.from_json(whole).copy_gbs == 10.0
    with pytest.raises(ValueError):
        Ceilings.from_json({**whole, **change})


def test_ceilings_are_kept_by_what_they_depend_on(tmp_path):
    made = Ceilings("cpu", 2, 10.0, 100.0, {"fp32": 1.0}, 1 << 25, True, NOW)
    facts = facts_of("cpu", 2)
    assert {"threads", "torch", "name", "features"} <= set(facts)
    KnownCeilings(tmp_path, facts).write(made)
    assert KnownCeilings(tmp_path, facts_of("cpu", 2)).read() == made
    for name in facts:
        assert KnownCeilings(tmp_path, {**facts, name: "another"}).read() is None
    assert [p.suffix for p in tmp_path.iterdir()] == [".json"]  # no scratch file stays


def test_only_disturbed_ceilings_grow_stale():
    long_ago = (datetime.now(UTC) - timedelta(hours=30)).isoformat()
    made = Ceilings("cpu", 2, 10.0, 100.0, {}, None, True, long_ago)
    assert not made.stale and dataclasses.replace(made, calm=False).stale
    assert not dataclasses.replace(made, calm=False, at=NOW).stale


def test_each_last_level_cache_counts_once(tmp_path):
    def cache(cpu, index, level, size, shared):
        folder = tmp_path / f"cpu{cpu}" / "cache" / f"index{index}"
        folder.mkdir(parents=True)
        for name, text in (("level", level), ("size", size), ("shared_cpu_list", shared)):
            (folder / name).write_text(f"{text}\n")

    assert last_level_bytes(tmp_path) is None
    for cpu in range(4):
        cache(cpu, 0, 1, "48K", str(cpu))
        cache(cpu, 3, 3, "32M", "0-1" if cpu < 2 else "2-3")
    (tmp_path / "cpu9" / "cache" / "index0").mkdir(parents=True)  # one that says nothing
    assert last_level_bytes(tmp_path) == 64 << 20
