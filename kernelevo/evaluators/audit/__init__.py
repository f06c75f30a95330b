"""The audit of an evaluator: programs that lie, cheat or misbehave, and which of them got through."""

from kernelevo.evaluators.audit.attacks import ATTACKS, Attack
from kernelevo.evaluators.audit.auditor import Audit, Finding, audit

__all__ = ["ATTACKS", "Attack", "Audit", "Finding", "audit"]
