"""Memory shared between processes: what is exported, opened, read and refused, on a driver of host memory."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernelevo.device.driver import Driver, Image
from kernelevo.device.ipc import Exports, Imports
from tests.device.fake_driver import FakeApi


def pair(api):
    driver = Driver(0, api)
    return Exports(driver), Imports(driver, Image(driver, b"cubin"))


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 5000), min_size=1, max_size=4), st.data())
def test_what_is_read_and_gathered_is_what_was_written(sizes, data):
    api = FakeApi()
    exports, imports = pair(api)
    bases = [api.block(n) for n in sizes]
    for i, base in enumerate(bases):
        api.values(base)[:] = np.random.default_rng(i).integers(0, 256, sizes[i], np.uint8)
    pieces = []
    for _ in range(data.draw(st.integers(1, 20))):
        i = data.draw(st.integers(0, len(sizes) - 1))
        start = data.draw(st.integers(0, sizes[i] - 1))
        pieces.append((bases[i] + start, data.draw(st.integers(1, sizes[i] - start))))
    wanted = [
        api.values(b)[a - b : a - b + n].copy()
        for a, n in pieces
        for b in bases
        if b <= a < b + len(api.values(b))
    ]
    imports.take(exports.of([a for a, _ in pieces]))
    assert all(np.array_equal(imports.read(a, n), w) for (a, n), w in zip(pieces, wanted, strict=True))
    assert imports.gather(pieces) == b"".join(w.tobytes() for w in wanted)
    assert imports.here(*pieces[0]) != pieces[0][0]


def test_what_is_written_lies_in_the_others_memory_and_nowhere_else():
    api = FakeApi()
    exports, imports = pair(api)
    base = api.block(100)
    imports.take(exports.of([base]))
    before = api.values(base).copy()
    imports.write(base + 10, np.arange(20, dtype=np.uint8))
    wanted = np.concatenate([before[:10], np.arange(20, dtype=np.uint8), before[30:]])
    assert np.array_equal(api.values(base), wanted)
    with pytest.raises(LookupError):
        imports.write(base + 90, np.zeros(20, np.uint8))


def test_each_allocation_is_asked_for_once():
    api = FakeApi()
    exports, imports = pair(api)
    base = api.block(4096)
    for _ in range(3):
        imports.take(exports.of(range(base, base + 1000, 10)))
    assert api.calls.count("cuIpcGetMemHandle") == 1 and api.calls.count("cuIpcOpenMemHandle") == 1
    assert api.calls.count("cuPointerGetAttribute") == 3 + 1  # and once for our own mapping


def test_an_allocation_made_anew_at_the_same_place_is_opened_anew():
    api = FakeApi()
    exports, imports = pair(api)
    base = api.block(4096)
    imports.take(exports.of([base]))
    array, _, fd = api.blocks[base]
    api.blocks[base] = (array, 999, fd)  # as after a free and an allocation at the same address
    imports.take(exports.of([base]))
    assert api.calls.count("cuIpcOpenMemHandle") == 2
    assert api.calls.count("cuIpcCloseMemHandle") == 1 and len(api.blocks) == 2


def test_the_size_that_the_other_side_says_counts_for_nothing():
    api = FakeApi()
    exports, imports = pair(api)
    base = api.block(100)
    [[start, _, serial, handle]] = exports.of([base])
    imports.take([[start, 1 << 40, serial, handle]])
    assert imports.read(base, 100).nbytes == 100
    for piece in ((base, 101), (base - 1, 1), (base + 100, 1), (base + 50, 51)):
        with pytest.raises(LookupError, match="no allocation that was shared"):
            imports.read(*piece)


@pytest.mark.parametrize("handle, kind", [("00", ValueError), ("zz", ValueError), ("ff" * 64, RuntimeError)])
def test_a_handle_that_is_none(handle, kind):
    with pytest.raises(kind):
        pair(FakeApi())[1].take([[4096, 10, 1, handle]])


def test_everything_is_unmapped_and_a_second_close_does_nothing():
    api = FakeApi()
    exports, imports = pair(api)
    base = api.block(4096)
    imports.take(exports.of([base]))
    imports.gather([(base, 16)])
    imports.close()
    imports.close()
    assert list(api.blocks) == [base]


def test_a_driver_that_cannot_share_says_so():
    api = FakeApi(broken=["cuIpcGetMemHandle"])
    exports, _ = pair(api)
    with pytest.raises(RuntimeError, match="cuIpcGetMemHandle: it does not work"):
        exports.of([api.block(10)])
