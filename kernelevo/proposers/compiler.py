"""CompilerProposer: what Inductor generates, plain, in variants, and for graphs that were rewritten first."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from random import Random
from typing import TYPE_CHECKING, Any

from kernelevo.core import Brief, Origin, Program, Proposal, Status, Task, Trial
from kernelevo.device import allowance
from kernelevo.errors import BuildError, KernelEvoError
from kernelevo.proposers.workbench import Names, Workbench, body_digest, rewrites_of, workbench

if TYPE_CHECKING:
    from kernelevo.graphs.capture import Captured
    from kernelevo.graphs.harvest.cpp import Variant

_log = logging.getLogger(__name__)
BASE = "harvest"
TRITON = "triton"
Choice = tuple[str, tuple[str, ...]]  # variant, rewrites in order


class CompilerProposer:
    """Harvests Inductor's code for the task's module; parity with ``torch.compile`` is its floor.

    The order: the plain harvest; the harvest of the graph with every rewrite that fires; the rewrites of
    the parents it is given, harvested; the variants of the plain harvest; each rewrite left out, and each
    alone; the variants of the full set. Code for a graph whose program gave wrong values comes after all
    others: it rounds alike. It offers nothing when all of these were tried or refused, and for devices other
    than ``cpu`` and ``cuda``. On CUDA there is one variant, ``triton``, whose blocks and warps are the
    tuner's; it is made without using the device.

    With several input sets a program holds the generated code for each kind of call; one that Inductor
    refuses for any of them is not offered.

    Args:
        seconds: limit on one code generation.
        task: if given, a thread generates the plain code for it at once: on a large module that takes longer
            than a verdict, and there is time for it while baselines are compiled.
    """

    name = "compiler"
    parents = 1
    serial = True

    def __init__(self, seconds: float = 60.0, task: Task | None = None) -> None:
        self.seconds = seconds
        self._tried: set[Choice] = set()
        self._texts: dict[Choice, str | None] = {}  # None where Inductor refused
        self._bodies: set[str] = set()  # digests of what was proposed: a variant may change nothing
        self._wrong: set[Names] = set()
        self._turn = threading.Lock()  # harvests are made one after the other: Inductor's settings are global
        if task is not None and _device(task) == "cpu":  # on a device the brief says for which
            threading.Thread(target=self._begin, args=(task,), name="harvest", daemon=True).start()

    def observe(self, trial: Trial) -> None:
        """Remember what was tried, and which graphs' programs, whoever made them, gave wrong values."""
        self.proposed(trial.program)
        names, verdict = rewrites_of(trial.program.origin.details), trial.evaluation
        if names is not None and verdict is not None and verdict.status is Status.WRONG:
            self._wrong.add(names)

    def proposed(self, program: Program) -> None:
        """Remember what a program of ours is, also one of an earlier process of this run."""
        origin = program.origin
        if origin.proposer == self.name and "variant" in origin.details:
            rewrites = tuple(str(name) for name in origin.details.get("rewrites", ()))
            self._tried.add((str(origin.details["variant"]), rewrites))
            self._bodies.add(body_digest(program.source))

    async def propose(self, brief: Brief, rng: Random) -> Sequence[Proposal]:
        """Return the next harvested program, or nothing when there is no other.

        Raises:
            CaptureError: if the module has no graph, or a constant that is too large to be written down.
        """
        if "reference" not in brief.task.options or _device(brief.task) not in ("cpu", "cuda"):
            return []
        return await asyncio.to_thread(self._propose, brief)

    def _propose(self, brief: Brief) -> list[Proposal]:
        with self._turn:
            return self._next(brief)

    def _begin(self, task: Task) -> None:
        """Do the first brief's work; what fails here fails again there, where somebody is told."""
        try:
            with self._turn:
                bench, known = _equipment(task)
                if bench is not None:
                    # first what rewrites are proposed: it gains more, and two threads share one interpreter
                    _ = bench.sure, bench.greedy
                    variant = next(iter(known.values()))
                    self._text(task, {}, variant, (), bench.graphs(())[1])
        except KernelEvoError as error:
            _log.info("no harvest ahead of the first brief: %s", error)

    def _next(self, brief: Brief) -> list[Proposal]:
        bench, known = _equipment(brief.task)
        if bench is None:
            return []
        began = time.monotonic()
        for choice in self._promising(bench, list(known), brief):
            self._tried.add(choice)
            program = self._program(brief, bench, known[choice[0]], choice[1])
            if program is not None and body_digest(program.source) not in self._bodies:
                self._bodies.add(body_digest(program.source))
                return [Proposal(program)]
            if time.monotonic() - began > self.seconds / 2:  # others have their turn before the next try
                break
        return []

    def _promising(self, bench: Workbench, variants: Sequence[str], brief: Brief) -> Iterator[Choice]:
        """Yield what was not tried, best first."""
        for is_wrong in (False, True):
            for choice in _choices(bench, variants, brief):
                if choice not in self._tried and (frozenset(choice[1]) in self._wrong) is is_wrong:
                    yield choice

    def _program(
        self, brief: Brief, bench: Workbench, variant: Variant, rewrites: tuple[str, ...]
    ) -> Program | None:
        """Return one harvested program, None where Inductor or its code does not go with this graph."""
        fired, graphs = bench.graphs(rewrites)
        if fired != rewrites:
            return None
        text = self._text(brief.task, brief.facts, variant, rewrites, graphs)
        if text is None:
            return None
        parents = tuple(
            v.program.id
            for v in brief.parents
            if rewrites and rewrites_of(v.program.origin.details) == frozenset(rewrites)
        )
        idea = f"Inductor's code ({variant.name})" + (f" after {', '.join(rewrites)}" if rewrites else "")
        details = {"base": BASE, "variant": variant.name, "rewrites": list(rewrites)}
        return Program.single(text, parents=parents, origin=Origin(self.name, idea, details))

    def _text(
        self,
        task: Task,
        facts: Mapping[str, Any],
        variant: Variant,
        rewrites: tuple[str, ...],
        graphs: Sequence[Captured],
    ) -> str | None:
        """Return the code generated for these graphs, None where Inductor or its code refuses them."""
        from kernelevo.graphs.dispatch import print_dispatch
        from kernelevo.graphs.harvest.cpp import HarvestError, harvest, header
        from kernelevo.graphs.harvest.triton import harvest_triton

        choice = variant.name, rewrites
        if choice not in self._texts:
            with suppress(ValueError):  # what has no text of its own may have some in generated code
                # a constant that is too large has none there either, half a minute later
                print_dispatch(graphs)
            threads = int(task.options.get("threads") or allowance.cores())
            try:
                if variant.name == TRITON:
                    arch = _arch(facts)
                    made = [harvest_triton(graph, arch=arch, seconds=self.seconds) for graph in graphs]
                else:
                    made = [harvest(g, variant, seconds=self.seconds, threads=threads) for g in graphs]
                self._texts[choice] = print_dispatch(made, header=header(variant, rewrites))
            except (HarvestError, BuildError, ValueError) as error:
                _log.info("harvest %s of %s refused: %s", variant.name, rewrites or "the module", error)
                self._texts[choice] = None
        return self._texts[choice]


def _equipment(task: Task) -> tuple[Workbench | None, dict[str, Variant]]:
    """Return the task's workbench, None if nothing can be harvested, and the plain harvest's variants.

    Raises:
        CaptureError: if the module has no graph.
    """
    from kernelevo.backends.cpp import precompile_torch_headers
    from kernelevo.graphs.harvest.cpp import HarvestError, Variant, variants

    try:
        if _device(task) == "cpu":
            precompile_torch_headers()  # once per machine; each harvest builds faster
        bench = workbench(task)
        plain = bench.graphs(())[1][0]
        found = (Variant(TRITON),) if _device(task) == "cuda" else variants(plain)
    except (HarvestError, BuildError) as error:
        _log.info("nothing to harvest: %s", error)
        return None, {}
    return bench, {v.name: v for v in found}


def _device(task: Task) -> str:
    return str(task.options.get("device", "cpu")).partition(":")[0]


def _arch(facts: Mapping[str, Any]) -> str:
    """The architecture to generate for: the device's where the brief says it, else Hopper."""
    from kernelevo.graphs.harvest.stub_driver import CAPABILITY

    said = str(facts.get("arch", ""))
    return said if said in CAPABILITY else "sm_90"


def _choices(bench: Workbench, variants: Sequence[str], brief: Brief) -> Iterator[Choice]:
    """Yield what may be tried for this brief, best first."""
    plain, best = variants[0], variants[min(1, len(variants) - 1)]
    yield plain, ()
    yield best, bench.greedy
    for verdict in brief.parents:
        rewrites = rewrites_of(verdict.program.origin.details)
        if rewrites:
            yield best, bench.graphs(rewrites)[0]
    for name in variants:
        yield name, ()
    for name in bench.greedy:
        yield best, tuple(r for r in bench.greedy if r != name)
    for name in bench.useful:
        yield best, (name,)
    for name in variants:
        yield name, bench.greedy
