"""Nouns and protocols; standard library only."""

from kernelevo.core.brief import Attempt, Brief
from kernelevo.core.evaluation import Evaluation, Fault, Fidelity, Metric, Status
from kernelevo.core.events import (
    BaselineReady,
    CommandObeyed,
    Event,
    Listener,
    Notice,
    ProposerRested,
    RunEnded,
    RunStarted,
    ScoresRebased,
    SearchStarted,
    TrialEnded,
    TrialStarted,
    WinnerConfirmed,
)
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
    "Attempt",
    "Backend",
    "BaselineReady",
    "Brief",
    "CommandObeyed",
    "Evaluation",
    "Evaluator",
    "Event",
    "Executor",
    "Fault",
    "Fidelity",
    "Listener",
    "Metric",
    "Notice",
    "Origin",
    "Program",
    "Proposal",
    "Proposer",
    "ProposerRested",
    "RunEnded",
    "RunStarted",
    "ScoresRebased",
    "SearchStarted",
    "StagedEvaluator",
    "Status",
    "Task",
    "Trial",
    "TrialEnded",
    "TrialStarted",
    "Verdict",
    "WinnerConfirmed",
]
