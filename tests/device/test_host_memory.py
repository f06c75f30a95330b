"""Whether a host takes free memory back is read from its balloon; asking for it leaves nothing behind."""

import os

import pytest

from kernelevo.device import host_memory

_OTHERS = "0x0002\n", "0" * 64


def device(folder, number, features):
    folder.mkdir(parents=True)
    (folder / "device").write_text(number)
    (folder / "features").write_text(features + "\n")


@pytest.mark.parametrize(
    ("number", "features", "taken"),
    [
        ("0x0005\n", "01100101" + "0" * 56, True),
        ("0x0005\n", "01100001" + "0" * 56, False),  # a balloon that does not report
        ("0x0002\n", "01100101" + "0" * 56, False),  # a disk
        ("0x0005\n", "", False),
        ("no number\n", "1" * 64, False),
    ],
)
def test_the_balloons_feature_decides(number, features, taken, tmp_path, monkeypatch):
    monkeypatch.setattr(host_memory, "_DEVICES", tmp_path)
    device(tmp_path / "virtio0", *_OTHERS)
    device(tmp_path / "virtio1", number, features)
    (tmp_path / "virtio2").mkdir()
    assert host_memory.is_taken_back.__wrapped__() is taken


def test_a_machine_without_such_devices_is_its_own(tmp_path, monkeypatch):
    monkeypatch.setattr(host_memory, "_DEVICES", tmp_path / "none")
    assert host_memory.is_taken_back.__wrapped__() is False


def resident():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def test_asking_gives_the_memory_and_the_processors_back(monkeypatch):
    processors, before, touched = os.sched_getaffinity(0), resident(), []
    touch = host_memory._touch
    monkeypatch.setattr(host_memory, "_touch", lambda n, where: touched.append((n, where)) or touch(n, where))
    if not host_memory.ask_back(8 << 20):
        pytest.skip("this kernel does not know MADV_POPULATE_WRITE")
    assert os.sched_getaffinity(0) == processors
    assert resident() - before < 4 << 20
    size, where = touched[0]
    assert where == sorted(processors) and len(touched) <= host_memory._TRIES
    assert size * len(where) >= 8 << 20


def test_a_kernel_that_refuses_is_told(monkeypatch):
    def refuse(*_):
        raise OSError(22, "invalid argument")

    processors = os.sched_getaffinity(0)
    monkeypatch.setattr(host_memory, "_touch", refuse)
    assert host_memory.ask_back(1 << 20) is False and os.sched_getaffinity(0) == processors
