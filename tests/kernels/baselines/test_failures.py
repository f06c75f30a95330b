import json
import os
import time

import pytest

from kernelevo.core import Status
from kernelevo.kernels.baselines.failures import DAY, QUARTER, Failures
from kernelevo.kernels.faults.failed import Failed


@pytest.mark.parametrize(
    ("load", "status", "seconds"),
    [
        (1.0, Status.BUILD_FAILED, DAY),
        (100.0, Status.BUILD_FAILED, QUARTER),
        (1.0, Status.TIMED_OUT, QUARTER),
    ],
)
def test_a_failure_is_believed_for_a_day_and_one_of_time_or_load_for_a_quarter_of_an_hour(
    tmp_path, monkeypatch, load, status, seconds
):
    monkeypatch.setattr(os, "getloadavg", lambda: (load, load, load))
    path = tmp_path / "failures.json"
    assert Failures(path).reason("compile") == ""
    assert Failures(path).remember("compile", Failed(status, "took too long")) == "took too long"
    Failures(path).remember("other", Failed(Status.BUILD_FAILED, "boo"))
    assert Failures(path).reason("compile") == "took too long" and Failures(path).reason("other") == "boo"
    old = json.loads(path.read_text())
    old["compile"]["at"] = time.time() - seconds + 5
    path.write_text(json.dumps(old))
    assert Failures(path).reason("compile") == "took too long"
    del old["other"]["brief"]  # an older version's
    old["compile"]["at"] -= 10
    path.write_text(json.dumps(old))
    assert Failures(path).reason("compile") == "" and Failures(path).reason("other") == "boo"


def test_a_damaged_file_is_empty(tmp_path):
    path = tmp_path / "failures.json"
    for text in ("{", "[]", '{"compile": 3}', '{"compile": "as older versions wrote it"}'):
        path.write_text(text)
        assert Failures(path).reason("compile") == ""
    Failures(path).remember("compile", Failed(Status.BUILD_FAILED, "boo"))
    assert Failures(path).reason("compile") == "boo"
