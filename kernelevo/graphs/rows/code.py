"""Row code: a region's program as C++ that walks through its rows, and the Python function around it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from torch import fx

from kernelevo.graphs.matching import shape, value
from kernelevo.graphs.rows import operations
from kernelevo.graphs.rows.program import ROW_KINDS, SUM_KINDS, Step, Steps
from kernelevo.graphs.rows.regions import Region
from kernelevo.graphs.rows.steps import write
from kernelevo.graphs.rows.window import SERIAL, window_loops
from kernelevo.graphs.snippet import Snippet

BLOCK = 4096  # floats that one thread takes at a time where rows need not be whole
RECOMPUTE = 6  # cost of a value up to which a later sweep computes it again instead of reading it back

_WRAPPER = '''
def {name}({arguments}):
    """{doc}"""
    if {unlike}:
        raise ValueError("this program is for tensors of other shapes")
{body}    return {results}
'''


@dataclass(frozen=True)
class _Output:
    """A result: its C++ pointer and the step that gives it; one value per row if it is no vector."""

    pointer: str
    step: str
    per_row: bool


@dataclass
class _Program:
    """A row's steps, with the sweep that each belongs to.

    Sweep 0 sees the operands; a value that needs a sum along the row belongs to the sweep behind it.
    """

    steps: dict[str, Step]
    outputs: list[_Output]

    def __post_init__(self) -> None:
        self.sweep: dict[str, int] = {}
        for step in self.steps.values():
            first = max((self.sweep[use] for use in step.uses), default=0)
            self.sweep[step.name] = first + (step.kind in ROW_KINDS)
        self.stored = {out.step: out.pointer for out in self.outputs if not out.per_row}
        self.kept: dict[str, str] = {}  # values that go through scratch memory to later sweeps
        for sweep in range(1, self.sweeps):
            for name in self._roots(sweep):
                self._keep(name, sweep)

    @property
    def sweeps(self) -> int:
        """Number of sweeps that have something to do."""
        ends = [self.sweep[s.uses[0]] for s in self.steps.values() if s.kind in ROW_KINDS]
        return 1 + max([*ends, *(self.sweep[name] for name in self.stored)], default=0)

    def _roots(self, sweep: int) -> list[str]:
        """Return the vectors that a sweep must have: what it sums up, stores or keeps."""
        sums = (s.uses[0] for s in self.steps.values() if self._ends(s, sweep))
        own = (name for name in (*self.stored, *self.kept) if self.sweep[name] == sweep)
        return list(dict.fromkeys((*sums, *own)))

    def _ends(self, step: Step, sweep: int) -> bool:
        return step.kind in ROW_KINDS and self.sweep[step.name] == sweep + 1

    def _keep(self, name: str, sweep: int) -> None:
        step = self.steps[name]
        if step.kind != "vector":
            return
        if self.sweep[name] < sweep:
            if name in self.stored or name in self.kept:
                return
            if self._cost(name) > RECOMPUTE:
                self.kept[name] = f"s{len(self.kept)}"
                self._keep(name, self.sweep[name])
                return
        for use in step.uses:
            self._keep(use, sweep)

    def _cost(self, name: str) -> int:
        step = self.steps[name]
        if name in self.stored or name in self.kept or step.kind != "vector":
            return 1
        return step.cost + sum(self._cost(use) for use in step.uses)

    def _needed(self, sweep: int) -> dict[str, bool]:
        """Return the values that a sweep computes (False) or reads back (True)."""
        found: dict[str, bool] = {}

        def visit(name: str) -> None:
            step = self.steps[name]
            if name in found or step.kind not in ("load", "vector"):
                return
            back = self.sweep[name] < sweep and (name in self.stored or name in self.kept)
            found[name] = back
            if not back:
                for use in step.uses:
                    visit(use)

        for root in self._roots(sweep):
            visit(root)
        return found

    def lines(self, count: str) -> Iterator[str]:
        """Yield the body of the loop over rows: sweeps, and what happens once a row between them."""
        for sweep in range(self.sweeps):
            yield from self._columns(sweep)
            ends = [s for s in self.steps.values() if self._ends(s, sweep)]
            for step in ends:
                sums = SUM_KINDS.get(step.kind)
                yield f"{sums} t{step.name};" if sums else f"vfloat t{step.name} = splat(-__builtin_inff());"
            verb = "sweep_sums" if any(step.kind in SUM_KINDS for step in ends) else "sweep"
            yield f"{verb}({count}, [&](int64_t i, auto part) {{"
            for line in (*self._body(sweep), *self._end(ends)):
                yield "  " + line
            yield "});"
        yield from self._columns(self.sweeps)
        for out in self.outputs:
            if out.per_row:
                yield f"*{out.pointer} = {out.step}[0];"

    def _columns(self, sweep: int) -> Iterator[str]:
        for step in self.steps.values():
            if self.sweep[step.name] != sweep:
                continue
            if step.kind == "column":
                yield f"const vfloat {step.name} = {step.text};"
            elif step.kind in SUM_KINDS:
                yield f"const double {step.name} = t{step.name}.total();"
            elif step.kind in ROW_KINDS:
                yield f"const vfloat {step.name} = splat(largest(t{step.name}));"

    def _body(self, sweep: int) -> Iterator[str]:
        needed = self._needed(sweep)
        for step in self.steps.values():
            if step.name not in needed:
                continue
            if needed[step.name]:
                text = f"load({self.stored.get(step.name) or self.kept[step.name]} + i, part)"
            else:
                text = f"load(p{step.text} + i, part)" if step.kind == "load" else step.text
            yield f"const vfloat {step.name} = {text};"
        for name, pointer in (*self.stored.items(), *self.kept.items()):
            if self.sweep[name] == sweep:
                yield f"store({pointer} + i, {name}, part);"

    def _end(self, ends: Sequence[Step]) -> Iterator[str]:
        for step in ends:
            if step.kind in SUM_KINDS:
                yield f"t{step.name}.add({step.text}, part);"
                continue
            meant = f"head({step.text}, -__builtin_inff(), part)"
            keeps = "larger" if step.kind == "largest" else "max"  # max drops NaN if it comes first
            yield f"t{step.name} = {keeps}({meant}, t{step.name});"


def fused(region: Region) -> Snippet:
    """Return the program text of a function that takes a region's operands and gives its outputs.

    Several outputs come as a tuple. Regions of equal operations, shapes and strides give equal text.
    """
    source = _source(region)
    name = f"fused_rows_{hashlib.sha256((source + _python(region, '')).encode()).hexdigest()[:10]}"
    library = f"_{name} = kernelevo.cpp(r'''\n{source}''')\n"
    return Snippet(name, library + _python(region, name))


def _written(region: Region) -> tuple[Steps, dict[fx.Node, str]]:
    steps, names = Steps(), {}
    for number, operand in enumerate(region.operands):
        names[operand] = steps.load(number, along=region.layout.along[number])
    for node in region.nodes:
        if node is not region.window:
            names[node] = write(steps, node, names)
    return steps, names


def _source(region: Region) -> str:
    steps, names = _written(region)
    given = [f"const float* a{i}" for i in range(len(region.operands))]
    given += [f"float* y{i}" for i in range(len(region.outputs))]
    told = " -> ".join(operations.base(node) for node in region.nodes)
    lines = [
        f"// {told}",
        "#include <kernelevo/rows.h>",
        "#include <math.h>",
        "",
        "using namespace kernelevo;",
        "",
        f"constexpr int64_t kRows = {region.layout.rows}, kInner = {region.layout.inner};",
        "",
        f'extern "C" void fused_rows({", ".join(given)}) {{',
    ]
    for number, node in enumerate(region.outputs):
        lines.append(f"  want_huge_pages(y{number}, {value(node).numel()});")
    if region.window is not None:
        pooled = names[operations.operands(region.window)[0]]
        lines += window_loops(region.window, region.layout, steps.steps, pooled)
    else:
        lines += _row_loops(region, steps, names)
    return "\n".join([*lines, "}", ""])


def _row_loops(region: Region, steps: Steps, names: dict[fx.Node, str]) -> Iterator[str]:
    """Yield the loops over rows, or over blocks of them where nothing is summed along a row."""
    laid = region.layout
    outputs = [
        _Output(f"q{i}", names[node], operations.one_per_row(node, region.domain, laid.inner))
        for i, node in enumerate(region.outputs)
    ]
    program = _Program(steps.steps, outputs)
    whole = any(s.kind in ROW_KINDS for s in steps.steps.values())
    blocks = 1 if whole else -(-laid.inner // BLOCK)
    begin, count = (" + begin", "count") if blocks > 1 else ("", "kInner")
    yield f"#pragma omp parallel if (kRows * kInner >= {SERIAL})"
    yield "  {"
    if program.kept:
        yield f"    float* const scratch = new float[{len(program.kept)} * kInner];"
        for number, name in enumerate(program.kept.values()):
            yield f"    float* const {name} = scratch + {number} * kInner;"
    yield "#pragma omp for schedule(static)"
    if blocks > 1:
        yield f"    for (int64_t task = 0; task < kRows * {blocks}; ++task) {{"
        yield f"      const int64_t r = task / {blocks}, begin = task % {blocks} * {BLOCK};"
        yield f"      const int64_t count = begin + {BLOCK} < kInner ? {BLOCK} : kInner - begin;"
    else:
        yield "    for (int64_t r = 0; r < kRows; ++r) {"
    for number in range(len(region.operands)):
        shift = begin if laid.along[number] else ""
        yield f"      const float* const p{number} = a{number}{laid.offset(number, 'r')}{shift};"
    for number, out in enumerate(outputs):
        yield f"      float* const q{number} = y{number} + r{'' if out.per_row else ' * kInner' + begin};"
    for line in program.lines(count):
        yield "      " + line
    yield "    }"
    if program.kept:
        yield "    delete[] scratch;"
    yield "  }"


def _python(region: Region, name: str) -> str:
    """Return the wrapper, which makes sure that memory is laid out as the C++ text assumes."""
    given = [f"a{i}" for i in range(len(region.operands))]
    made = [f"y{i}" for i in range(len(region.outputs))]
    unlike = " or ".join(
        f"{a}.shape != {tuple(shape(n))}" for a, n in zip(given, region.operands, strict=True)
    )
    body = []
    for a, node in zip(given, region.operands, strict=True):
        if value(node).is_contiguous():
            body.append(f"{a} = {a}.contiguous()")
        else:
            strides = value(node).stride()
            body.append(f"if {a}.stride() != {strides}:")
            body.append(f"    {a} = {a}.new_empty_strided({tuple(shape(node))}, {strides}).copy_({a})")
    passed = [
        a if value(n).is_contiguous() else f"{a}.data_ptr()"
        for a, n in zip(given, region.operands, strict=True)
    ]
    body += [f"{y} = a0.new_empty({tuple(shape(n))})" for y, n in zip(made, region.outputs, strict=True)]
    body.append(f"_{name}.fused_rows({', '.join((*passed, *made))})")
    kinds = " -> ".join(operations.base(node) for node in region.nodes)
    return _WRAPPER.format(
        name=name,
        arguments=", ".join(given),
        doc=f"Fused over rows of {region.layout.inner}: {kinds}."[:100],
        unlike=unlike,
        body="".join(f"    {line}\n" for line in body),
        results=", ".join(made),
    )
