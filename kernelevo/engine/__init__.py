"""The loop of a run: obey, ask, propose, judge, record, tell."""

from kernelevo.engine.budget import Budget, Meter
from kernelevo.engine.engine import Engine
from kernelevo.engine.orders import OF_A_SEARCH, ORDERS, VERBS, checked
from kernelevo.engine.outcome import Outcome
from kernelevo.engine.payments import booked
from kernelevo.engine.reenactment import Deviation, Reenactment, Replayed
from kernelevo.engine.replay import used_so_far
from kernelevo.engine.running import interrupt, run_engine
from kernelevo.engine.turns import Schedule

__all__ = [
    "OF_A_SEARCH",
    "ORDERS",
    "VERBS",
    "Budget",
    "Deviation",
    "Engine",
    "Meter",
    "Outcome",
    "Reenactment",
    "Replayed",
    "Schedule",
    "booked",
    "checked",
    "interrupt",
    "run_engine",
    "used_so_far",
]
