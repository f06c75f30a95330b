"""One run, one folder, one SQLite file: everything that happened, readable by anyone at any time."""

from kernelevo.store.calls import CallRow
from kernelevo.store.database import CONFIG_FILE, RUN_FILE
from kernelevo.store.digest import Digest, Line
from kernelevo.store.folders import find_run, list_runs, new_run_folder
from kernelevo.store.glance import glance, glanced, state_of
from kernelevo.store.lock import writer_of
from kernelevo.store.naming import program_called
from kernelevo.store.rows import Command, Draft, EventRow, Rebase, rebased
from kernelevo.store.store import RunStore

__all__ = [
    "CONFIG_FILE",
    "RUN_FILE",
    "CallRow",
    "Command",
    "Digest",
    "Draft",
    "EventRow",
    "Line",
    "Rebase",
    "RunStore",
    "find_run",
    "glance",
    "glanced",
    "list_runs",
    "new_run_folder",
    "program_called",
    "rebased",
    "state_of",
    "writer_of",
]
