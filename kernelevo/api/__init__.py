"""The door: the only place where parts are put together."""

from kernelevo.api.batch import Batch, Line, check_folder, import_results
from kernelevo.api.check import check, read_program
from kernelevo.api.doctor import examine
from kernelevo.api.language import export_replies
from kernelevo.api.lint import lint
from kernelevo.api.result import Result
from kernelevo.api.runs import (
    claim_folder,
    evolve,
    explain,
    list_runs,
    load_run,
    more_of,
    optimize,
    resume,
    run_task,
)

__all__ = [
    "Batch",
    "Line",
    "Result",
    "check",
    "check_folder",
    "claim_folder",
    "evolve",
    "examine",
    "explain",
    "export_replies",
    "import_results",
    "lint",
    "list_runs",
    "load_run",
    "more_of",
    "optimize",
    "read_program",
    "resume",
    "run_task",
]
