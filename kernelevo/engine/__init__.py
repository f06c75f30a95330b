"""The loop of a run: obey, ask, propose, judge, record, tell."""

from kernelevo.engine.budget import Budget
from kernelevo.engine.engine import Engine, Outcome
from kernelevo.engine.replay import used_so_far
from kernelevo.engine.running import run_engine
from kernelevo.engine.steering import VERBS

__all__ = ["VERBS", "Budget", "Engine", "Outcome", "run_engine", "used_so_far"]
