"""The door: the only place where parts are put together."""

from kernelevo.api.audit import audit
from kernelevo.api.batch import Batch, check_folder, import_results
from kernelevo.api.catalogue import catalogue
from kernelevo.api.check import check, is_timed, read_program
from kernelevo.api.compare import compare
from kernelevo.api.doctor import examine
from kernelevo.api.keeper import Keeper
from kernelevo.api.language import export_replies
from kernelevo.api.lint import lint
from kernelevo.api.replay import replay
from kernelevo.api.result import Result
from kernelevo.api.runs import (
    claim_folder,
    evolve,
    list_runs,
    load_run,
    optimize,
    resume,
    run_task,
)
from kernelevo.api.steering import account, effects, orders, parse_order, steer
from kernelevo.api.telling import explain, more_of
from kernelevo.api.timeline import trace
from kernelevo.evaluators.elsewhere import Line

__all__ = [
    "Batch",
    "Keeper",
    "Line",
    "Result",
    "account",
    "audit",
    "catalogue",
    "check",
    "check_folder",
    "claim_folder",
    "compare",
    "effects",
    "evolve",
    "examine",
    "explain",
    "export_replies",
    "import_results",
    "is_timed",
    "lint",
    "list_runs",
    "load_run",
    "more_of",
    "optimize",
    "orders",
    "parse_order",
    "read_program",
    "replay",
    "resume",
    "run_task",
    "steer",
    "trace",
]
