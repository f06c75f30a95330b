"""What may differ between two sittings of one series, and what a folder that cannot be held says."""

import errno
import fcntl

import pytest

from kernelevo.bench import record as records
from kernelevo.errors import StoreError, Unwritable


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
