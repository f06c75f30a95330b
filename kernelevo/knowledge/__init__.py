"""What is known of fast kernels: notes by symptom, found when a search is stuck, and learnt from each run."""

from kernelevo.knowledge.base import KnowledgeBase, default_path
from kernelevo.knowledge.consulting import Consultant, Retrieved
from kernelevo.knowledge.distil import distil
from kernelevo.knowledge.kinds import kinds_of
from kernelevo.knowledge.lookups import Lookup, Lookups
from kernelevo.knowledge.note import Evidence, Note, parse_note
from kernelevo.knowledge.triggers import Trigger, triggers

__all__ = [
    "Consultant",
    "Evidence",
    "KnowledgeBase",
    "Lookup",
    "Lookups",
    "Note",
    "Retrieved",
    "Trigger",
    "default_path",
    "distil",
    "kinds_of",
    "parse_note",
    "triggers",
]
