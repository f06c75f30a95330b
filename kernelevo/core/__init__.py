"""Nouns and protocols; standard library only."""

from kernelevo.core.brief import Brief
from kernelevo.core.evaluation import Evaluation, Fault, Fidelity, Metric, Status
from kernelevo.core.program import ENTRY, Origin, Program
from kernelevo.core.protocols import (
    Artifact,
    Backend,
    Evaluator,
    Executor,
    Proposal,
    Proposer,
    StagedEvaluator,
)
from kernelevo.core.task import Task
from kernelevo.core.trial import Trial, Verdict

__all__ = [
    "ENTRY",
    "Artifact",
    "Backend",
    "Brief",
    "Evaluation",
    "Evaluator",
    "Executor",
    "Fault",
    "Fidelity",
    "Metric",
    "Origin",
    "Program",
    "Proposal",
    "Proposer",
    "StagedEvaluator",
    "Status",
    "Task",
    "Trial",
    "Verdict",
]
