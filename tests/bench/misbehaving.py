"""A child of a series that does what the task's budget says, where a real one would search."""

import ctypes
import json
import os
import sys
import time
from pathlib import Path

from kernelevo.bench.child import die_with_parent, leave
from kernelevo.bench.job import Job

die_with_parent()
folder = Path(sys.argv[1])
job = Job.from_json(json.loads((folder / "job.json").read_text()))
print("hello from", job.task, flush=True)
deed = os.environ["DEED"]
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
