"""The catalogue of graph rewrites, in a sensible order of application."""

from kernelevo.graphs.rewrite import Rewrite
from kernelevo.graphs.rewrites.attention import FusedAttention
from kernelevo.graphs.rewrites.cleanup import DeadWork, NoOps

REWRITES: tuple[Rewrite, ...] = (DeadWork(), NoOps(), FusedAttention())
