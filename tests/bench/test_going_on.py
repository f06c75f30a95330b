"""What may differ between two sittings of one series, and what a folder that cannot be held says."""

import copy
import errno
import fcntl
from pathlib import Path

import pytest

from kernelevo.bench import record as records
from kernelevo.bench.facts import PASSING, refuse_foreign
from kernelevo.errors import InputError, StoreError, Unwritable
from tests.bench.rows import FACTS


@pytest.mark.parametrize(
    ("number", "kind"), [(errno.ENOLCK, StoreError), (errno.EACCES, Unwritable), (errno.EAGAIN, StoreError)]
)
def test_only_a_lock_that_is_held_speaks_of_another_process(tmp_path, monkeypatch, number, kind):
    def refuse(*_):
        raise OSError(number, "as the system has it")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with pytest.raises(StoreError) as caught, records.alone(tmp_path):
        pass
    assert type(caught.value) is kind
    assert ("another process" in caught.value.what) is (number == errno.EAGAIN)
    assert ("cannot be locked" in caught.value.what) is (number != errno.EAGAIN)


def on(**cpu):
    """The facts of a series on a machine whose processor has these facts besides the usual ones."""
    usual = {"governor": "powersave", "max_mhz": 3000.0, "memory_bytes": 8 << 30, "caches": {"L2": 1 << 20}}
    facts = copy.deepcopy({**FACTS, "mode": "search"})
    facts["hardware"]["cpu"] |= {**usual, **cpu}
    return facts


@pytest.mark.parametrize(
    "cpu", [{"governor": "performance"}, {"max_mhz": None}, {"memory_bytes": 8 << 30 | 1}]
)
def test_what_a_boot_or_a_daemon_changes_is_no_other_machine(cpu):
    assert set(cpu) <= set(PASSING)
    refuse_foreign(on(), on(**cpu), Path("there"))


def test_another_machine_is_refused_by_what_differs_alone():
    with pytest.raises(InputError, match="another machine") as caught:
        refuse_foreign(on(), on(cores=4, caches={"L2": 2 << 20}, governor="performance"), Path("there"))
    assert caught.value.why == (
        "there it is cpu.cores 2, cpu.caches.L2 1048576, here it is cpu.cores 4, cpu.caches.L2 2097152; "
        "one record holds rows of one kind"
    )
