"""The catalogue of graph rewrites, in a sensible order of application."""

from kernelevo.graphs.rewrite import Rewrite

REWRITES: tuple[Rewrite, ...] = ()
