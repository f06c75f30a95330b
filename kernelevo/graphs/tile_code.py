"""Tile code: a region's program as one Triton kernel, and the Python function around it."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from torch import fx

from kernelevo.graphs import row_ops
from kernelevo.graphs.matching import shape, value
from kernelevo.graphs.row_program import ROW_KINDS, Step
from kernelevo.graphs.rows import Region
from kernelevo.graphs.snippet import Snippet, Table
from kernelevo.graphs.spelling import Speller
from kernelevo.graphs.tile_steps import TileSteps, write
from kernelevo.graphs.views import Seen, seen

WHOLE = 8192  # elements of a row that one program holds in registers; longer ones are read once a sweep
FAR = 2**31  # elements beyond which offsets need 64 bits

TUNE: Table = {
    "ROWS_TILE": (1024, 2048, 512, 4096),  # elements of a program where rows may be cut, and of one read
    "ROWS_WHOLE": (1024, 2048, 512),  # elements up to which short rows, kept whole, share a program
    "ROWS_WARPS": (4, 8, 2),
}

_TEXT = '''
import triton
import triton.language as tl


# {told}
@triton.jit
def {name}_kernel({pointers}, TILE_ROWS: tl.constexpr = {tile_rows}, TILE_COLUMNS: tl.constexpr = {tile}):
{kernel}

def {name}_plain({arguments}):
{plain}

def {name}({arguments}):
    """{doc}"""
    if {unlike}:
        raise ValueError("this program is for tensors of other shapes")
{body}
'''


@dataclass(frozen=True)
class _Output:
    """A result: its number and the step that gives it; one value per row if it is no vector."""

    number: int
    step: str
    per_row: bool


@dataclass(frozen=True)
class _Tile:
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
    outputs: tuple[_Output, ...]

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

    def _store(self, out: _Output) -> str:
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


def tiled(region: Region) -> tuple[Snippet, tuple[fx.Node, ...]]:
    """Return the text of a function that gives a region's outputs, and the nodes that it is called with.

    Several outputs come as a tuple. The function takes the tensors that operands are views of, so that no
    view need be made. Regions of equal operations, shapes and strides give equal text. Off the GPU it runs
    PyTorch's own operators.
    """
    given, sources = seen(region.operands)
    steps, names = TileSteps(), {}
    for number, operand in enumerate(region.operands):
        names[operand] = steps.load(number, along=region.layout.along[number])
    for node in region.nodes:
        names[node] = write(steps, node, names, region.layout.inner)
    outputs = tuple(
        _Output(n, names[node], row_ops.one_per_row(node, region.domain, region.layout.inner))
        for n, node in enumerate(region.outputs)
    )
    tile = _Tile(region, given, steps.steps, outputs)
    draft = _text(tile, sources, "NAME")
    name = f"fused_rows_{hashlib.sha256(draft.encode()).hexdigest()[:10]}"
    return Snippet(name, draft.replace("NAME", name), TUNE), sources


def _text(tile: _Tile, sources: tuple[fx.Node, ...], name: str) -> str:
    region = tile.region
    kinds = " -> ".join(row_ops.base(node) for node in region.nodes)
    rows, columns = _default(tile)
    pointers = [f"a{n}_ptr" for n in range(len(sources))] + [f"y{n}_ptr" for n in range(len(tile.outputs))]
    return _TEXT.format(
        name=name,
        told=kinds[:100],
        doc=f"Fused over rows of {region.layout.inner}: {kinds}."[:100],
        pointers=", ".join(pointers),
        arguments=", ".join(f"a{n}" for n in range(len(sources))),
        tile_rows=rows,
        tile=columns,
        kernel="".join(f"    {line}\n" for line in tile.lines()),
        plain="".join(f"    {line}\n" for line in _plain(tile)),
        unlike=" or ".join(f"a{n}.shape != {tuple(shape(node))}" for n, node in enumerate(sources)),
        body="\n".join(f"    {line}" for line in _body(tile, sources, name)),
    )


def _power(number: int) -> int:
    """Return the smallest power of two that is not below a number."""
    return 1 << max(number - 1, 0).bit_length()


def _default(tile: _Tile) -> tuple[int, int]:
    """Return rows and columns of a tile with the table's first choices."""
    laid = tile.region.layout
    most, whole = TUNE["ROWS_TILE"][0], TUNE["ROWS_WHOLE"][0]
    assert isinstance(most, int) and isinstance(whole, int)
    if tile.reduces and not tile.looped:
        columns = _power(laid.inner)
        return min(_power(laid.rows), max(1, whole // columns)), columns
    columns = min(_power(laid.inner), most)
    return (1 if tile.looped else min(_power(laid.rows), most // columns)), columns


def _plain(tile: _Tile) -> Iterator[str]:
    """Yield the region as calls of PyTorch."""
    names: dict[fx.Node, str] = {}
    for number, (node, view) in enumerate(zip(tile.region.operands, tile.given, strict=True)):
        names[node] = f"x{number}"
        own, at = f"a{view.argument}", f"a{view.argument}.storage_offset()"
        if view.offset is None:
            yield f"x{number} = {own}"
        else:
            sizes, strides = tuple(shape(node)), value(node).stride()
            yield f"x{number} = {own}.as_strided({sizes}, {strides}, {at} + {view.offset})"
    speller = Speller(names, "a0.device")
    for number, node in enumerate(tile.region.nodes):
        head, arguments, tail = speller.call(node)
        names[node] = f"z{number}"
        yield f"z{number} = {head}{', '.join(arguments)}{tail}"
    results = [names[node] for node in tile.region.outputs]
    yield f"return {', '.join(results)}"


def _body(tile: _Tile, sources: tuple[fx.Node, ...], name: str) -> Iterator[str]:
    """Yield the function's lines: operands as the kernel reads them, the results' memory, the launch."""
    for number, node in enumerate(sources):
        if value(node).is_contiguous():
            yield f"a{number} = a{number}.contiguous()"
        else:
            strides = value(node).stride()
            yield f"if a{number}.stride() != {strides}:"
            made = f"a{number}.new_empty_strided({tuple(shape(node))}, {strides})"
            yield f"    a{number} = {made}.copy_(a{number})"
    arguments = ", ".join(f"a{n}" for n in range(len(sources)))
    results = ", ".join(f"y{n}" for n in range(len(tile.outputs)))
    yield "if not a0.is_cuda:"
    yield f"    return {name}_plain({arguments})"
    for number, node in enumerate(tile.region.outputs):
        yield f"y{number} = a0.new_empty({tuple(shape(node))})"
    laid = tile.region.layout
    columns, rows = _power(laid.inner), _power(laid.rows)
    if tile.reduces and not tile.looped:
        yield f"rows, columns = min({rows}, max(1, TUNE['ROWS_WHOLE'][0] // {columns})), {columns}"
    elif tile.looped:
        yield "rows, columns = 1, TUNE['ROWS_TILE'][0]"
    else:
        yield f"columns = min({columns}, TUNE['ROWS_TILE'][0])"
        yield f"rows = min({rows}, TUNE['ROWS_TILE'][0] // columns)"
    across = "" if tile.reduces else f" * triton.cdiv({laid.inner}, columns)"
    yield f"{name}_kernel[(triton.cdiv({laid.rows}, rows){across},)]("
    yield f"    {arguments}, {results}, TILE_ROWS=rows, TILE_COLUMNS=columns,"
    yield "    num_warps=min(16, max(TUNE['ROWS_WARPS'][0], rows * columns // 512)),"
    yield ")"
    yield f"return {results}"
