"""Twins: programs with the same machine code and the same text around it; the second is not timed again.

Why a program cannot get a better verdict than its own this way:

- Nothing that a program's process says or leaves behind makes two programs twins. The parent parses both
  texts and compares the normal form of all that is not a kernel's source (``normal_form``: comments and
  layout do not count, everything else does). Equal normal forms run the same Python, and no program has one
  that could look at its own comments.
- Kernels' sources that differ are compiled by the judge in a folder of its own (``foundry``), and every byte
  of the objects must be equal. A forged object in a program's cache changes nothing there. Files that builds
  left behind are used in the other direction alone: where they differ, nobody compiles, and the two are
  judged apart.
- Native code that calls anything but memory, mathematics and OpenMP (so that it might read the program's
  file), compiler flags and words that hide code, sources that are no literals: all are judged apart.
- A program of several files is judged by itself.
- What remains, such as code that computes the address of a function of libc, gains nothing: the verdict it
  takes over is one that the same text around the same code already had in this run, a winner is always
  judged by itself in fresh processes (``finalize``), and that alone is reported.

Nobody is its own twin: a program that is measured again is timed again.
A verdict is taken over only if it says right or wrong, was made against the baseline of this moment, and, if
it was rough, for a floor at most as high.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from kernelevo.backends.kernel_facts import content, files
from kernelevo.core import Artifact, Evaluation, Status
from kernelevo.kernels.children.foundry import Foundry
from kernelevo.kernels.programs.normal_form import NormalForm, normal_form

_MOST = 4096
_OWN = ("build_seconds", "kernels")


@dataclass(frozen=True)
class _Elder:
    """A program that was judged: its id, sources, what its build left, and its verdict for a floor."""

    id: str
    form: NormalForm
    left: tuple[str, ...]
    verdict: Evaluation
    floor: float | None


class Twins:
    """Remembers the verdicts of one judge, by what programs do."""

    def __init__(self) -> None:
        self._elders: dict[str, list[_Elder]] = {}
        self._count = 0

    def judged(
        self,
        artifact: Artifact,
        floor: float | None,
        leaders: Mapping[Any, str],
        arch: str | None,
        foundry: Callable[[], Foundry],
        judge: Callable[[], Evaluation],
    ) -> Evaluation:
        """Return a twin's verdict, or judge the program and remember what came of it.

        Args:
            artifact: a built program.
            floor: see ``KernelJudge.measure``.
            leaders: name of the baseline that each precision class has to beat at this moment.
            arch: of the device, None on the CPU.
            foundry: gives the compiler of sources; asked for only where one is needed.
            judge: judges the program.
        """
        program = artifact.program
        form = normal_form(program.source) if len(program.files) == 1 else None
        if form is None or artifact.folder is None:
            return judge()
        left = _left(artifact)
        for elder in self._elders.get(form.shell, []):
            again = elder.id == program.id  # asked for once more on purpose
            if not again and _holds(elder, floor, leaders) and _alike(elder, form, left, arch, foundry):
                return _taken_over(elder, artifact)
        verdict = judge()
        if verdict.status in (Status.OK, Status.WRONG) and self._count < _MOST:
            self._count += 1
            elder = _Elder(program.id, form, left, verdict, floor)
            self._elders.setdefault(form.shell, []).append(elder)
        return verdict


def _holds(elder: _Elder, floor: float | None, leaders: Mapping[Any, str]) -> bool:
    verdict = elder.verdict
    if verdict.status is not Status.OK:
        return True
    if verdict.metrics.get("baseline") != leaders.get(verdict.metrics.get("precision")):
        return False
    return verdict.fidelity == "full" or (
        floor is not None and elder.floor is not None and floor >= elder.floor
    )


def _alike(
    elder: _Elder, form: NormalForm, left: tuple[str, ...], arch: str | None, foundry: Callable[[], Foundry]
) -> bool:
    """Whether the sources of two programs with one shell become the same code."""
    pairs = list(zip(elder.form.sources, form.sources, strict=True))
    if any(a.language != b.language or dict(a.options) != dict(b.options) for a, b in pairs):
        return False
    if not pairs:
        return True
    same = all(a.text == b.text for a, b in pairs)
    if not same and (not left or left != elder.left):
        return False
    maker = foundry()
    ours = maker.codes(form.sources, arch)
    return ours is not None and ours == maker.codes(elder.form.sources, arch)


def _left(artifact: Artifact) -> tuple[str, ...]:
    """Digests of the objects that a build left in its cache, sorted; these are the program's own words."""
    assert artifact.folder is not None
    found = []
    for name in ("kernel.so", "kernel.cubin"):
        for path in files(artifact.folder / "cache", name):
            try:
                found.append(hashlib.sha256(content(path)).hexdigest())
            except OSError:  # no plain file: no compiler made it
                found.append(f"unreadable {path}")
    return tuple(sorted(found))


def _taken_over(elder: _Elder, artifact: Artifact) -> Evaluation:
    own = {name: artifact.facts.get(name) for name in _OWN}
    metrics = {**elder.verdict.metrics, **own, "same_machine_code_as": elder.id}
    words = (
        f"the same machine code as program {elder.id[:12]}, which was judged before: its verdict holds, and "
        "nothing was timed again; change what is computed, not how it is written"
    )
    return replace(elder.verdict, metrics=metrics, feedback=f"{words}\n{elder.verdict.feedback}")
