"""Cases: what goes in and what must come out, in groups that share the reference's error."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from kernelevo.kernels.cases.parameters import Chain, ParameterSet
from kernelevo.kernels.reference.oracle import Truth


@dataclass(frozen=True, eq=False)
class Case:
    """One secret case: what goes in, and what must come out."""

    distribution: str
    parameters: ParameterSet
    args: tuple[Any, ...]
    seed: int
    truth: Truth

    def without_buffers(self) -> Case:
        """Return the same for a call that others came before: of buffers it says nothing."""
        ref32, oracle = (replace(o, buffers={}) for o in (self.truth.ref32, self.truth.oracle))
        return replace(self, truth=replace(self.truth, ref32=ref32, oracle=oracle, e_buffers={}))


@dataclass
class Group:
    """The cases of one input distribution and parameter set; they share the reference's error.

    Args:
        distribution: one of ``inputs.DISTRIBUTIONS``.
        parameters: what the module holds.
        wanted: how many cases.
        instead: what is tried where nobody could be judged with those parameters, one after the other.
        cases: those at hand.
        stale: those of them that were used.
        refused: why there are none.
        tf32: the reference's error with operands rounded to TF32, once it was asked for.
    """

    distribution: str
    parameters: ParameterSet
    wanted: int
    instead: Chain = ()
    cases: list[Case] = field(default_factory=list)
    stale: list[Case] = field(default_factory=list)
    refused: str = ""
    tf32: tuple[float, ...] | None = None

    @classmethod
    def of(cls, distribution: str, chain: Chain) -> Group:
        """Return a group of one case, with the first parameters of a chain."""
        return cls(distribution, chain[0](), 1, chain[1:])

    @property
    def e_ref(self) -> tuple[float, ...]:
        """Largest error of the reference for each output leaf, over the cases at hand."""
        return tuple(max(column) for column in zip(*(c.truth.e_ref for c in self.cases), strict=True))

    @property
    def e_buffers(self) -> dict[str, float]:
        """Largest error of the reference for each buffer, over the cases at hand."""
        return {k: max(c.truth.e_buffers[k] for c in self.cases) for k in self.cases[0].truth.e_buffers}
