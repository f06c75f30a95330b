"""Tile code: a region as program text: its Triton kernel, and the Python function around it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from torch import fx

from kernelevo.graphs.matching import shape, value
from kernelevo.graphs.rows import operations
from kernelevo.graphs.rows.regions import Region
from kernelevo.graphs.snippet import Snippet, Table
from kernelevo.graphs.spelling import Speller
from kernelevo.graphs.tiles.kernel import Output, Tile
from kernelevo.graphs.tiles.steps import TileSteps, write
from kernelevo.graphs.tiles.views import seen

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
        if node is not region.window:
            names[node] = write(steps, node, names, region.layout.inner)
    if region.window is not None:
        names[region.window] = names[operations.operands(region.window)[0]]
    outputs = tuple(
        Output(n, names[node], operations.one_per_row(node, region.domain, region.layout.inner))
        for n, node in enumerate(region.outputs)
    )
    tile = Tile(region, given, steps.steps, outputs)
    draft = _text(tile, sources, "NAME")
    name = f"fused_rows_{hashlib.sha256(draft.encode()).hexdigest()[:10]}"
    return Snippet(name, draft.replace("NAME", name), TUNE), sources


def _text(tile: Tile, sources: tuple[fx.Node, ...], name: str) -> str:
    region = tile.region
    kinds = " -> ".join(operations.base(node) for node in region.nodes)
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


def _default(tile: Tile) -> tuple[int, int]:
    """Return rows and columns of a tile with the table's first choices."""
    laid = tile.region.layout
    most, whole = TUNE["ROWS_TILE"][0], TUNE["ROWS_WHOLE"][0]
    assert isinstance(most, int) and isinstance(whole, int)
    if tile.reduces and not tile.looped:
        columns = _power(laid.inner)
        return min(_power(laid.rows), max(1, whole // columns)), columns
    if tile.region.window is not None:
        return 1, min(_power(value(tile.region.window).numel()), most)
    columns = min(_power(laid.inner), most)
    return (1 if tile.looped else min(_power(laid.rows), most // columns)), columns


def _plain(tile: Tile) -> Iterator[str]:
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


def _body(tile: Tile, sources: tuple[fx.Node, ...], name: str) -> Iterator[str]:
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
    elif tile.region.window is not None:
        most = _power(value(tile.region.window).numel())
        yield f"rows, columns = 1, min({most}, TUNE['ROWS_TILE'][0])"
    else:
        yield f"columns = min({columns}, TUNE['ROWS_TILE'][0])"
        yield f"rows = min({rows}, TUNE['ROWS_TILE'][0] // columns)"
    across = f" * triton.cdiv({laid.inner}, columns)"
    grid = f"triton.cdiv({laid.rows}, rows){'' if tile.reduces else across}"
    if tile.region.window is not None:
        grid = f"triton.cdiv({value(tile.region.window).numel()}, columns)"
    yield f"{name}_kernel[({grid},)]("
    yield f"    {arguments}, {results}, TILE_ROWS=rows, TILE_COLUMNS=columns,"
    yield "    num_warps=min(16, max(TUNE['ROWS_WARPS'][0], rows * columns // 512)),"
    yield ")"
    yield f"return {results}"
