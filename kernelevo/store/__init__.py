"""One run, one folder, one SQLite file: everything that happened, readable by anyone at any time."""

from kernelevo.store.calls import CallRow
from kernelevo.store.database import CONFIG_FILE, RUN_FILE
from kernelevo.store.folders import find_run, list_runs, new_run_folder
from kernelevo.store.rows import Command, Draft, EventRow, Rebase, rebased
from kernelevo.store.store import RunStore

__all__ = [
    "CONFIG_FILE",
    "RUN_FILE",
    "CallRow",
    "Command",
    "Draft",
    "EventRow",
    "Rebase",
    "RunStore",
    "find_run",
    "list_runs",
    "new_run_folder",
    "rebased",
]
