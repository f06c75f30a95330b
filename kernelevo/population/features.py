"""Features: a program as one vector; the cosine of two says how alike they are in text, shape and effect."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from kernelevo.core import Program, Verdict
from kernelevo.population.tokens import LONGEST, c_tokens, hashed, python_tokens, structure

Vector = npt.NDArray[np.int16]
Embed = Callable[[Program], Sequence[float] | None]

UNIT = 8192.0
"""Length of a vector. Entries are whole numbers, so that sums of products are exact in double precision: the
same clusters on every machine, whatever order its library adds in."""

TEXT, SHAPE, DOMAIN, TESTS, EMBEDDED = 256, 64, 64, 64, 128
_WEIGHTS = {"text": 0.35, "shape": 0.2, "domain": 0.15, "tests": 0.3, "embedded": 0.6}
_SIZES = {"text": TEXT, "shape": SHAPE, "domain": DOMAIN, "tests": TESTS}
_FARTHEST = 1e300
_ODD = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9], dtype=np.uint64)
_MIX = np.uint64(0xFF51AFD7ED558CCD)

PROGRAM_FACTS = ("registers", "spills", "shared_bytes", "launches", "kernels", "own_share", "peak_memory_mb")
"""What describes a program rather than how good it is: metrics, and sums over its kernels; missing ones are
left out."""


class Features:
    """Turns a verdict into a vector; pure, the same in every process.

    Blocks: hashed 1-, 2- and 3-grams of the normalised text; parent-child pairs of the Python tree; chosen
    metrics; the scores of single tests, which an evaluator gives as ``metrics["tests"]``, a list of
    ``{"name": ..., "score": ...}`` (a signature as in FunSearch, Romera-Paredes et al. 2023); an embedding.
    Each block has length 1 before it is weighted; a block that a verdict lacks is zero.

    Args:
        domain: names of numeric metrics that describe a program.
        embed: gives an embedding of a program, or None. It must give the same one in a resumed run. It is
            projected to 128 dimensions by random signs (Achlioptas 2003), so that its length costs nothing
            afterwards.
    """

    def __init__(self, *, domain: Sequence[str] = PROGRAM_FACTS, embed: Embed | None = None) -> None:
        self._domain, self._embed = tuple(domain), embed
        self._projections: dict[int, npt.NDArray[np.float32]] = {}
        self.size = sum(_SIZES.values()) + (EMBEDDED if embed else 0)

    def __call__(self, verdict: Verdict) -> Vector:
        """Return the vector: ``size`` whole numbers, of length ``UNIT`` but for rounding."""
        text, shape = _source(verdict.program)
        metrics = verdict.evaluation.metrics
        told: dict[str, object] = {**metrics, **_of_kernels(metrics)}
        facts = {name: told.get(name) for name in self._domain}
        blocks = [
            _weighed("text", text),
            _weighed("shape", shape),
            _weighed("domain", _angles(facts, DOMAIN)),
            _weighed("tests", _angles(_tests(metrics), TESTS)),
        ]
        if self._embed is not None:
            blocks.append(_weighed("embedded", self._embedded(verdict.program)))
        whole = np.concatenate(blocks)
        length = math.sqrt(float(whole @ whole))
        return np.rint(whole * (UNIT / length if length else 0.0)).astype(np.int16)

    def _embedded(self, program: Program) -> npt.NDArray[np.float64]:
        assert self._embed is not None
        found = self._embed(program)
        if found is None:
            return np.zeros(EMBEDDED)
        vector = np.asarray(found, dtype=np.float32)
        if len(vector) not in self._projections:
            # RandomState: its streams are frozen, those of newer generators may change with numpy
            signs = np.random.RandomState(len(vector)).randint(0, 2, (len(vector), EMBEDDED))
            self._projections[len(vector)] = (2 * signs - 1).astype(np.float32)
        projected = vector @ self._projections[len(vector)]
        return projected.astype(np.float64)


def distance(one: npt.NDArray[np.float64], two: npt.NDArray[np.float64]) -> float:
    """Return 1 minus the cosine of two vectors or sums of vectors; 1 where one of them is zero."""
    lengths = math.sqrt(float(one @ one)) * math.sqrt(float(two @ two))
    return max(0.0, 1.0 - float(one @ two) / lengths) if lengths else 1.0


def _weighed(name: str, block: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    length = math.sqrt(float(block @ block))
    return block * (math.sqrt(_WEIGHTS[name]) / length) if length else block


def _source(program: Program) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    tokens: list[str] = []
    shape = np.zeros(SHAPE)
    for path, whole in program.files.items():
        text = whole[:LONGEST]
        found = structure(text) if path.endswith(".py") else None
        tokens += c_tokens(text) if found is None else python_tokens(text, found)
        for pair, count in found.pairs.items() if found else ():
            shape[pair % SHAPE] += math.log1p(count) * (1 if pair >> 16 & 1 else -1)
    return _grams(tokens), shape


def _grams(tokens: Sequence[str]) -> npt.NDArray[np.float64]:
    """Hash runs of 1 to 3 tokens into signed bins; logarithms keep a long loop from drowning the rest."""
    ids = np.array([hashed(token) for token in tokens], dtype=np.uint64)
    sums = np.zeros(TEXT)
    for length in range(1, min(3, len(ids)) + 1):
        mixed = np.zeros(len(ids) - length + 1, dtype=np.uint64)
        for offset in range(length):
            mixed = (mixed ^ ids[offset : offset + len(mixed)]) * _ODD[offset]
        mixed = (mixed ^ (mixed >> np.uint64(33))) * _MIX
        signs = 1.0 - 2.0 * ((mixed >> np.uint64(50)) & np.uint64(1)).astype(np.float64)
        sums += np.bincount((mixed >> np.uint64(52)).astype(np.intp) % TEXT, signs, TEXT)
    return np.sign(sums) * np.log1p(np.abs(sums))


def _of_kernels(metrics: Mapping[str, object]) -> dict[str, object]:
    """Sum up what is told of each kernel of a program (``metrics["kernels"]``): a judge's facts are rows."""
    told = metrics.get("kernels")
    rows = [row for row in told if isinstance(row, dict)] if isinstance(told, list) else []
    if not rows:
        return {}

    def known(name: str) -> list[int]:
        return [value for row in rows if type(value := row.get(name)) is int]

    return {
        "kernels": len(rows),
        "registers": max(known("registers"), default=None),
        "spills": sum(known("spill_bytes")),
        "shared_bytes": max(known("shared_bytes"), default=None),
    }


def _tests(metrics: Mapping[str, object]) -> dict[str, object]:
    tests = metrics.get("tests")
    if not isinstance(tests, list):
        return {}
    return {str(t.get("name", i)): t.get("score") for i, t in enumerate(tests) if isinstance(t, dict)}


def _angles(values: Mapping[str, object], size: int) -> npt.NDArray[np.float64]:
    """Write numbers of any scale as directions: one angle for fractions, one for orders of magnitude."""
    known = [(n, v) for n, v in values.items() if isinstance(v, int | float) and type(v) is not bool]
    known = [(n, v) for n, v in known if -math.inf < v < math.inf]  # of any size, but no NaN
    if not known:
        return np.zeros(size)
    small = np.array([hashed(f"{name}/small") for name, _ in known], dtype=np.intp) % (size // 2) * 2
    large = np.array([hashed(f"{name}/large") for name, _ in known], dtype=np.intp) % (size // 2) * 2
    # the largest numbers (a usual penalty) would not come through the products below
    number = np.array([min(max(value, -_FARTHEST), _FARTHEST) for _, value in known], dtype=np.float64)
    one = np.pi * number / (1 + np.abs(number))
    two = np.sign(number) * np.log2(1 + np.abs(number)) * (np.pi / 12)
    places = np.concatenate([small, small + 1, large, large + 1])
    parts = np.concatenate([np.cos(one), np.sin(one), np.cos(two), np.sin(two)])
    return np.bincount(places, parts, size).astype(np.float64)
