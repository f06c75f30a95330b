"""Nouns and protocols; standard library only."""

from kernelevo.core.brief import Attempt, Brief
from kernelevo.core.evaluation import Evaluation, Fault, Fidelity, Metric, Status
from kernelevo.core.events import (
    BaselineReady,
    BudgetEstimated,
    CommandObeyed,
    Event,
    Listener,
    Notice,
    ProposerRested,
    RunEnded,
    RunStarted,
    ScoresRebased,
    SearchEnded,
    SearchStarted,
    TrialEnded,
    TrialStarted,
    WinnerConfirmed,
)
from kernelevo.core.objectives import Gain, Objective, Objectives, Worth
from kernelevo.core.parcel import Parcel, here
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
from kernelevo.core.tree import holds, listing, read_tree, write_tree
from kernelevo.core.trial import Trial, Verdict

__all__ = [
    "ENTRY",
    "Artifact",
    "Attempt",
    "Backend",
    "BaselineReady",
    "Brief",
    "BudgetEstimated",
    "CommandObeyed",
    "Evaluation",
    "Evaluator",
    "Event",
    "Executor",
    "Fault",
    "Fidelity",
    "Gain",
    "Listener",
    "Metric",
    "Notice",
    "Objective",
    "Objectives",
    "Origin",
    "Parcel",
    "Program",
    "Proposal",
    "Proposer",
    "ProposerRested",
    "RunEnded",
    "RunStarted",
    "ScoresRebased",
    "SearchEnded",
    "SearchStarted",
    "StagedEvaluator",
    "Status",
    "Task",
    "Trial",
    "TrialEnded",
    "TrialStarted",
    "Verdict",
    "WinnerConfirmed",
    "Worth",
    "here",
    "holds",
    "listing",
    "read_tree",
    "write_tree",
]
