"""Tile kernel: the text of a Triton kernel that computes a region on a tile of rows per program."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from kernelevo.graphs.rows.program import ROW_KINDS, Step
from kernelevo.graphs.rows.regions import Region
from kernelevo.graphs.tiles.views import Seen
from kernelevo.graphs.tiles.window import window_lines

WHOLE = 8192  # elements of a row that one program holds in registers; longer ones are read once a sweep
FAR = 2**31  # elements beyond which offsets need 64 bits


@dataclass(frozen=True)
class Output:
    """A result: its number and the step that gives it; one value per row if it is no vector."""

    number: int
    step: str
    per_row: bool


@dataclass(frozen=True)
class Tile:
    """The kernel's text, written from the steps of a row.

    Args:
        region: what is computed.
        given: the region's operands as views of the kernel's arguments.
        steps: the row's program.
        outputs: its results.
    """

    region: Region
    given: tuple[Seen, ...]
    steps: Mapping[str, Step]
    outputs: tuple[Output, ...]

    @property
    def reduces(self) -> bool:
        """Whether a row must be seen as a whole."""
        return any(step.kind in ROW_KINDS for step in self.steps.values())

    @property
    def looped(self) -> bool:
        """Whether a program reads its rows piece by piece, once for each sweep."""
        return self.reduces and self.region.layout.inner > WHOLE

    @property
    def sweep(self) -> dict[str, int]:
        """The sweep that each step belongs to: a value that needs a sum belongs behind that sum's sweep."""
        found: dict[str, int] = {}
        for step in self.steps.values():
            first = max((found[use] for use in step.uses), default=0)
            found[step.name] = first + (step.kind in ROW_KINDS)
        return found

    def lines(self) -> Iterator[str]:
        """Yield the body of the kernel."""
        laid = self.region.layout
        far = max([math.prod(self.region.domain), *(laid.extent(n) for n in range(len(self.given)))]) >= FAR
        wide = ".to(tl.int64)" if far else ""
        if self.region.window is not None:
            pooled = self.outputs[0].step
            yield from window_lines(self.region.window, laid, self.steps, pooled, self._load, wide)
            return
        yield f"tile = tl.program_id(0){wide}"
        first = "tile * TILE_ROWS"
        lanes = f"tl.arange(0, TILE_COLUMNS)[None, :]{wide}"
        if not self.reduces:
            yield f"blocks: tl.constexpr = ({laid.inner} + TILE_COLUMNS - 1) // TILE_COLUMNS"
            first = "tile // blocks * TILE_ROWS"
            lanes = f"tile % blocks * TILE_COLUMNS + {lanes}"
        yield f"r = {first} + tl.arange(0, TILE_ROWS)[:, None]"
        yield f"i = {lanes}"
        yield f"row_in = r < {laid.rows}"
        yield f"inside = row_in & (i < {laid.inner})"
        for number, along in enumerate(laid.along):
            if not along:
                yield f"p{number} = {self._load(number, 'row_in')}"
        yield from self._looped() if self.looped else self._whole()
        for out in self.outputs:
            if out.per_row:
                yield f"tl.store(y{out.number}_ptr + r, {out.step}, mask=row_in)"

    def _load(self, number: int, mask: str) -> str:
        row, place = self.region.layout.reach(number, "r", "i")
        offset = f" + {self.given[number].offset}" if self.given[number].offset else ""
        pointer = f"a{self.given[number].argument}_ptr{offset}{row}{place}"
        masked = f", mask={mask}, other=0.0" if row or place else ""
        return f"tl.load({pointer}{masked})"

    def _store(self, out: Output) -> str:
        row = f" + r * {self.region.layout.inner}" if self.region.layout.rows > 1 else ""
        return f"tl.store(y{out.number}_ptr{row} + i, {out.step}, mask=inside)"

    def _whole(self) -> Iterator[str]:
        """Yield the steps one after the other, on rows that lie in registers."""
        for step in self.steps.values():
            x = step.text
            if step.kind == "load":
                yield f"{step.name} = {self._load(int(x), 'inside')}"
            elif step.kind == "sum":
                yield f"{step.name} = tl.sum(tl.where(inside, {x}, 0.0), 1, keep_dims=True)"
            elif step.kind in ROW_KINDS:
                yield f't{step.name} = tl.where(inside, {x}, float("-inf"))'
                yield from self._largest(step)
            else:
                yield f"{step.name} = {x}"
        yield from (self._store(out) for out in self.outputs if not out.per_row)

    def _largest(self, step: Step) -> Iterator[str]:
        yield f"{step.name} = tl.max(t{step.name}, 1, keep_dims=True)"
        if step.kind == "largest":
            broken = f"tl.max((t{step.name} != t{step.name}).to(tl.int32), 1, keep_dims=True)"
            yield f'{step.name} = tl.where({broken} > 0, float("nan"), {step.name})'

    def _looped(self) -> Iterator[str]:
        """Yield one loop over a row for each sweep; what it ends in is summed lane by lane."""
        sweep, laid = self.sweep, self.region.layout
        stored = [out for out in self.outputs if not out.per_row]
        ends = {
            s: [step for step in self.steps.values() if step.kind in ROW_KINDS and sweep[step.name] == s + 1]
            for s in range(1 + max(sweep.values()))
        }
        for number, steps in ends.items():
            for step in self.steps.values():
                if step.kind == "column" and sweep[step.name] == number:
                    yield f"{step.name} = {step.text}"
            results = [out for out in stored if sweep[out.step] == number]
            if not steps and not results:
                continue
            for step in steps:
                start = "0.0" if step.kind == "sum" else 'float("-inf")'
                yield f"t{step.name} = tl.full((TILE_ROWS, TILE_COLUMNS), {start}, tl.float32)"
            yield f"for start in range(0, {laid.inner}, TILE_COLUMNS):"
            yield "    i = start + tl.arange(0, TILE_COLUMNS)[None, :]"
            yield f"    inside = row_in & (i < {laid.inner})"
            for line in self._sweep((*(s.uses[0] for s in steps), *(o.step for o in results))):
                yield "    " + line
            for step in steps:
                yield f"    t{step.name} = {self._gather(step)}"
            yield from ("    " + self._store(out) for out in results)
            for step in steps:
                if step.kind == "sum":
                    yield f"{step.name} = tl.sum(t{step.name}, 1, keep_dims=True)"
                else:
                    yield from self._largest(step)

    def _sweep(self, roots: Iterable[str]) -> Iterator[str]:
        """Yield what a sweep computes again of the operands and the values per row."""
        needed: set[str] = set()
        left = list(roots)
        while left:
            step = self.steps[left.pop()]
            if step.kind in ("load", "vector") and step.name not in needed:
                needed.add(step.name)
                left += step.uses
        for step in self.steps.values():
            if step.name in needed:
                text = self._load(int(step.text), "inside") if step.kind == "load" else step.text
                yield f"{step.name} = {text}"

    def _gather(self, step: Step) -> str:
        if step.kind == "sum":
            return f"t{step.name} + tl.where(inside, {step.text}, 0.0)"
        keeps = "ALL" if step.kind == "largest" else "NONE"
        x = f'tl.where(inside, {step.text}, float("-inf"))'
        return f"tl.maximum(t{step.name}, {x}, propagate_nan=tl.PropagateNan.{keeps})"
