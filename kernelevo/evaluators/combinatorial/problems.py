"""The bundled problems by name, and the programs that come with them."""

from __future__ import annotations

from importlib.resources import files

from kernelevo.core import Origin, Program
from kernelevo.core.program import ENTRY
from kernelevo.evaluators.combinatorial import delivery_routes, noisy_graphs, noisy_peaks, strip_packing
from kernelevo.evaluators.combinatorial.problem import Problem

PROBLEMS: dict[str, Problem] = {
    p.name: p
    for p in (delivery_routes.PROBLEM, strip_packing.PROBLEM, noisy_graphs.PROBLEM, noisy_peaks.PROBLEM)
}


def seed(name: str) -> Program:
    """Return the Python program that a search starts from."""
    return Program({ENTRY: _text(f"{name}.py")}, origin=Origin("seed", name))


def references(name: str) -> dict[str, Program]:
    """Return the bundled programs of a problem by name: the pool that sealed results are compared with.

    Beside the seed there are, with the choices named in ``_STRONGER``, better settings of it, and a C++
    program where there is one.
    """
    pool = {"seed": seed(name)}
    for label, choices in _STRONGER[name].items():
        text = _text(f"{name}.py")
        for before, after in choices:
            assert before in text  # the seed and its better settings are edited together
            text = text.replace(before, after, 1)
        pool[label] = Program({ENTRY: text}, origin=Origin("seed", f"{name} {label}"))
    native = files("kernelevo.evaluators.combinatorial").joinpath("seeds", f"{name}.cpp")
    if native.is_file():
        text = native.read_text("utf-8")
        pool["c++"] = Program({"program.cpp": text}, "cpp", origin=Origin("seed", f"{name} c++"))
    return pool


_STRONGER: dict[str, dict[str, list[tuple[str, str]]]] = {
    "delivery_routes": {
        "savings": [
            ('"METHOD": ["nearest", "savings"]', '"METHOD": ["savings"]'),
            ('"TWO_OPT": [0,', '"TWO_OPT": [4,'),
        ],
    },
    "strip_packing": {
        "by area": [
            ('"ORDER": ["given",', '"ORDER": ["area",'),
            ('"TURN": ["never",', '"TURN": ["best",'),
            ('"WASTE": [0.0,', '"WASTE": [1.0,'),
        ],
    },
    "noisy_graphs": {
        "degrees": [
            ('"SHAPE": ["edges",', '"SHAPE": ["clique",'),
            ('"FEATURE": ["edges",', '"FEATURE": ["degrees",'),
        ],
        "large": [
            ('"SHAPE": ["edges",', '"SHAPE": ["clique",'),
            ('"FEATURE": ["edges",', '"FEATURE": ["degrees",'),
            ('"NOISE": [20.0,', '"NOISE": [60.0,'),
        ],
    },
    "noisy_peaks": {
        "coarse": [
            ('"COARSE": [6,', '"COARSE": [5,'),
            ('"KEEP": [3,', '"KEEP": [1,'),
            ('"LAST": [2,', '"LAST": [1,'),
        ],
        "quick": [
            ('"COARSE": [6,', '"COARSE": [10,'),
            ('"KEEP": [3,', '"KEEP": [1,'),
            ('"LAST": [2,', '"LAST": [0,'),
        ],
    },
}


def _text(name: str) -> str:
    return files("kernelevo.evaluators.combinatorial").joinpath("seeds", name).read_text("utf-8")
