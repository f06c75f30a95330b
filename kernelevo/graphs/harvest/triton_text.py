"""TritonText: one kernel that Inductor generated in Triton, as text that needs Triton alone."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kernelevo.graphs.harvest.opaque import HarvestError
from kernelevo.graphs.harvest.wrapper import Kernel

_GRIDS: Mapping[str, tuple[str, ...]] = {"Grid1D": ("x",), "Grid2D": ("x", "y"), "Grid3D": ("x", "y", "z")}
_LIMIT = 8192  # elements of one program instance, so that a choice never spills by design
HELPERS: Mapping[str, str] = {  # Inductor's device functions that we have, in our own words
    "maximum": """
@triton.jit
def _ke_maximum(a, b):
    return tl.maximum(a, b, propagate_nan=tl.PropagateNan.ALL)
""",
    "minimum": """
@triton.jit
def _ke_minimum(a, b):
    return tl.minimum(a, b, propagate_nan=tl.PropagateNan.ALL)
""",
    "max2": """
@triton.jit
def _ke_max2(values, dim):
    return tl.reduce(values, dim, _ke_maximum)
""",
    "min2": """
@triton.jit
def _ke_min2(values, dim):
    return tl.reduce(values, dim, _ke_minimum)
""",
    "promote_to_tensor": """
@triton.jit
def _ke_promote_to_tensor(value):
    return value + tl.zeros((1,), tl.int1)
""",
    "welford_combine": """
@triton.jit
def _ke_welford_combine(mean_a, m2_a, weight_a, mean_b, m2_b, weight_b):
    weight = weight_a + weight_b
    share = tl.where(weight == 0.0, 0.0, weight_b / weight)
    delta = mean_b - mean_a
    return mean_a + delta * share, m2_a + m2_b + delta * delta * weight_a * share, weight
""",
    "welford_reduce": """
@triton.jit
def _ke_welford_reduce(value, mean, m2, weight, first):
    delta = value - mean  # the accumulators start at 0, so the first step needs no case of its own
    counted = weight + 1
    moved = mean + delta / counted
    return moved, m2 + delta * (value - moved), counted
""",
    "welford": """
@triton.jit
def _ke_welford(mean, m2, weight, dim):
    return tl.reduce((mean, m2, weight), dim, _ke_welford_combine)
""",
}
_NEEDS = {"max2": "maximum", "min2": "minimum", "welford": "welford_combine"}


@dataclass(frozen=True)
class TritonText:
    """One kernel and how it is launched.

    Args:
        name: the function's name in the program.
        text: the function.
        parameters: its parameters without the block sizes, in order.
        types: Triton type of each of these; ``constexpr`` for numbers fixed at 1.
        grid: block sizes that divide the grid's axes, with the number each axis covers.
        tuned: ``TUNE`` entries by name, the values in use first.
        blocks: block size parameter -> name of its ``TUNE`` entry.
        warps: name of the ``TUNE`` entry for the number of warps.
        helpers: device functions it calls.
    """

    name: str
    text: str
    parameters: tuple[str, ...]
    types: tuple[str, ...]
    grid: tuple[tuple[str, str], ...]
    tuned: Mapping[str, list[int]]
    blocks: Mapping[str, str]
    warps: str
    helpers: tuple[str, ...]

    def launch(self, args: Sequence[ast.expr]) -> ast.Call:
        """Return the call that launches the kernel on these arguments.

        Raises:
            HarvestError: if the number of arguments does not fit.
        """
        if len(args) != len(self.parameters):
            raise HarvestError(f"kernel {self.name} is called with {len(args)} arguments")
        given = dict(zip(self.parameters, args, strict=True))
        axes = [
            f'triton.cdiv({ast.unparse(given[count])}, TUNE["{self.blocks[block]}"][0])'
            for block, count in self.grid
        ]
        words = [ast.unparse(a) for a in args]
        words += [f'{block}=TUNE["{entry}"][0]' for block, entry in self.blocks.items()]
        words.append(f'num_warps=TUNE["{self.warps}"][0]')
        text = f"{self.name}[({', '.join(axes)},)]({', '.join(words)})"
        call = ast.parse(text, mode="eval").body
        assert isinstance(call, ast.Call)
        return call

    def ahead(self) -> dict[str, Any]:
        """Return this kernel's row of the program's ``AOT`` table."""
        typed = dict(zip(self.parameters, self.types, strict=True))
        fixed = {name: 1 for name, kind in typed.items() if kind == "constexpr"}
        return {
            "signature": {name: kind for name, kind in typed.items() if kind != "constexpr"},
            "constexprs": {**fixed, **{b: self.tuned[e][0] for b, e in self.blocks.items()}},
            "num_warps": self.tuned[self.warps][0],
        }


def triton_text(kernel: Kernel, number: int) -> TritonText:
    """Take one generated kernel apart.

    Raises:
        HarvestError: for a kernel that is no Triton source, or of a form not known here.
    """
    if kernel.kind != "triton":
        raise HarvestError(f"kernel {kernel.name} is of kind {kernel.kind}, not Triton")
    tree = ast.parse(kernel.source)
    function = next((n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == kernel.name), None)
    if function is None:
        raise HarvestError(f"kernel {kernel.name} has no function of its name")
    heuristics = next((d for d in function.decorator_list if isinstance(d, ast.Call)), None)
    if heuristics is None or not isinstance(heuristics.func, ast.Attribute):
        raise HarvestError(f"kernel {kernel.name} does not say what it is")
    facts = {k.arg: k.value for k in heuristics.keywords}
    signature = ast.literal_eval(_entry(facts["triton_meta"], "signature"))
    grid_type = ast.literal_eval(_entry(facts["inductor_meta"], "grid_type"))
    hints = ast.literal_eval(facts["size_hints"])
    if grid_type not in _GRIDS:
        raise HarvestError(f"kernel {kernel.name} has a grid of type {grid_type}, which is not known here")
    blocks = [a.arg for a in function.args.args if a.annotation is not None]
    others = tuple(a.arg for a in function.args.args if a.annotation is None)
    function.decorator_list = [ast.parse("triton.jit", mode="eval").body]
    text = re.sub(r"\btriton_helpers\.(\w+)\(", r"_ke_\1(", ast.unparse(function))
    helpers = tuple(sorted(set(re.findall(r"\b_ke_(\w+)\(", text))))
    unknown = [h for h in helpers if h not in HELPERS]
    if unknown or "triton_helpers." in text:
        raise HarvestError(f"kernel {kernel.name} calls triton_helpers.{(unknown or ['?'])[0]}: no stand-in")
    tuned = _choices(number, heuristics.func.attr, blocks, hints)
    return TritonText(
        kernel.name,
        text,
        others,
        tuple(signature[name] for name in others),
        tuple((f"{axis.upper()}BLOCK", f"{axis}numel") for axis in _GRIDS[grid_type]),
        tuned,
        {block: f"K{number}_{block}" for block in blocks},
        f"K{number}_WARPS",
        helpers,
    )


def helper_texts(kernels: Sequence[TritonText]) -> list[str]:
    """Return the device functions the kernels need, those needed by others first."""
    wanted = {h for k in kernels for h in k.helpers}
    wanted |= {_NEEDS[h] for h in wanted if h in _NEEDS}
    first = [h for h in HELPERS if h in wanted and h in _NEEDS.values()]
    return [HELPERS[h] for h in [*first, *(h for h in HELPERS if h in wanted and h not in first)]]


def _entry(node: ast.expr, key: str) -> ast.expr:
    """One value of a dict display that holds calls beside literals."""
    if isinstance(node, ast.Dict):
        for name, value in zip(node.keys, node.values, strict=True):
            if isinstance(name, ast.Constant) and name.value == key:
                return value
    raise HarvestError(f"a generated kernel does not say its {key}")


def _choices(number: int, kind: str, blocks: Sequence[str], hints: Mapping[str, int]) -> dict[str, list[int]]:
    """Choices of each block size, the value in use first: powers of two within the kernel's extent."""
    reduced = 1
    for name, size in hints.items():
        if name.startswith("r") and f"{name.upper()}BLOCK" not in blocks:
            reduced *= size  # a persistent reduction holds its whole row
    tuned: dict[str, list[int]] = {}
    for block in blocks:
        extent = hints.get(block.removesuffix("BLOCK").lower(), 1)
        if block.startswith("R"):
            likely = [1024, 512, 2048, 256]
        elif kind == "pointwise":
            likely = [256, 128, 512, 1024] if len(blocks) == 1 else [32, 16, 64, 128]
        else:
            likely = [1, 2, 4, 8] if kind == "reduction" or reduced >= 256 else [8, 1, 16, 32]
        fitting = [b for b in likely if b <= max(extent, 1) and b * reduced <= _LIMIT]
        tuned[f"K{number}_{block}"] = fitting or [min(max(extent, 1), likely[-1])]
    tuned[f"K{number}_WARPS"] = [4, 2, 8, 1] if kind == "pointwise" else [4, 8, 2, 16]
    return tuned
