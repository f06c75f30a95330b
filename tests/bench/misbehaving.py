"""A child of a series that does what the variable DEED says, where a real one would search or judge."""

import ctypes
import json
import os
import sys
import time
from pathlib import Path

from kernelevo.bench import child
from kernelevo.bench.child import die_with_parent, leave
from kernelevo.bench.job import Job
from kernelevo.bench.worker import SERVE


def do(folder, keeper=None):
    job = Job.from_json(json.loads((folder / "job.json").read_text()))
    print("hello from", job.task, os.getpid(), flush=True)
    deed = os.environ["DEED"]
    if deed == "the job's own":
        deed = job.program
    if deed == "segfault":
        ctypes.string_at(0)
    elif deed == "exit":
        sys.exit(7)
    elif deed == "hang":
        time.sleep(60)
    elif deed == "half a row":
        (folder / "row.json").write_text('{"name": "ops/ge')
    elif deed == "another's row":
        leave(Job("ops/softmax", job.settings).row(status="wrong"), folder)
    elif deed == "work":
        leave(job.row(status="ok", score=2.0, metrics={"latency_ms": 1.0}), folder)


if __name__ == "__main__":
    if sys.argv[1:] == [SERVE]:
        child.do = do
        sys.exit(child.main([SERVE]))
    die_with_parent()
    do(Path(sys.argv[1]))
