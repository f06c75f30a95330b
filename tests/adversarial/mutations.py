"""Mutations: bugs of transcription put into right programs, and what the judge's cases say of them."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import dataclass

from kernelevo.core import Program, Status
from kernelevo.kernels.faults.failed import Failed
from kernelevo.kernels.judge import KernelJudge
from tests.adversarial.transcriptions import TASKS
from tests.kernels.conftest import task_of

# kind -> [(what to find, what to write instead)], tried at every place of the program's own text
CPP: dict[str, list[tuple[str, str]]] = {
    "off-by-one tail": [(r"; (\w+) < (\w+); ", r"; \1 < \2 - 1; "), (r"(\w+) = 0; \1 <", r"\1 = 1; \1 <")],
    "< for <=": [
        (r"; (\w+) < (\w+); ", r"; \1 <= \2; "),
        (r"(\w+) < ([hw]) ", r"\1 <= \2 "),
        (r"(\w+) < (w)\)", r"\1 <= \2)"),
        (r"(\w+) >= 0", r"\1 > 0"),
        (r"in\[j\] > top", "in[j] >= top"),
    ],
    "missing mask": [
        (r"std::min\((k \+ 64|i \+ 1024), \w+\)", r"\1"),
        (r"\(k \+ l < cols\) \? (std::exp\(.*?\)) : 0\.0f", r"\1"),
        (r"if \(u >= 0 && u < h && v >= 0 && v < w\)", ""),
    ],
    "swapped axes": [
        (r"\[(\w+) \* (\w+) \+ (\w+)\]", r"[\3 * \2 + \1]"),
        (r"\* 3 \+ p\) \* 3 \+ q", "* 3 + q) * 3 + p"),
        (r"i \+ p - 1, v = j \+ q - 1", "i + q - 1, v = j + p - 1"),
        (r"\(b \* channels \+ c\) \* area", "(c * batch + b) * area"),
    ],
    "wrong eps": [("1e-5", "1e-6"), ("1e-5", "1e-3"), (r" \+ 1e-5", "")],
    "missing max-subtraction": [(" - top", "")],
    "index overflow": [
        (r"([xy]) \+ (i \* \w+|\(b \* channels \+ c\) \* h \* w);", r"\1 + uint16_t(\2);"),
        (r"\[(i \* cols \+ j|\(\(b \* outs \+ o\) \* h \+ i\) \* w \+ j)\]", r"[uint16_t(\1)]"),
        (r"\[(\(b \* channels \+ c\) \* area \+ i)\]", r"[uint16_t(\1)]"),
        (r"int64_t (at|j) = (i;|\()", r"uint16_t \1 = \2"),
    ],
    "wrong stride": [
        (r"i \* (cols|depth);", r"i * (\1 - 1);"),
        (r"j \* depth \+ l", "j * (depth - 1) + l"),
        (r"u \* w \+ v", "u * h + v"),
        (r"\* h \* w;", "* h * h;"),
        (r"\(b \* channels \+ c\) \* area", "(b * channels + c) * (area - 1)"),
        (r"k \+= (16|64)", r"k += \1 + 1"),
        (r"i \+= 1024", "i += 1000"),
    ],
    "dropped bias": [(r" \+ bias\[\w+\]", "")],
    "stale accumulator": [
        (r"double sum = 0;", "static thread_local double sum = 0;"),
        (r"double mean = sum / cols, squares = 0;",
         "double mean = sum / cols; static thread_local double squares = 0;"),
        (r"mean = sum / count, squares = 0;",
         "mean = sum / count; static thread_local double squares = 0;"),
    ],
    "wrong constant": [
        (r"0\.7071067811865476", "0.7071"),
        (r"0\.1 \*", "0.01 *"),
        (r"\(count - 1\)", "count"),
    ],
}  # fmt: skip
PYTHON: dict[str, list[tuple[str, str]]] = {
    "off-by-one tail": [
        (r"range\(0, (.*?), (\d+)\)", r"range(0, \1 // \2 * \2, \2)"),
        (r"range\(3\)", "range(2)"),
        (r"\+ (16|32|50|128|4096)\]", r"+ \1 - 1]"),
    ],
    "< for <=": [(r"range\(3\)", "range(1, 3)")],
    "missing mask": [(r"torch\.zeros\(n, c, h \+ 2, w \+ 2\)", "torch.ones(n, c, h + 2, w + 2)")],
    "swapped axes": [
        (r"dim=1", "dim=0"),
        (r"dim=\(0, 2, 3\)", "dim=(0, 1, 3)"),
        (r"weight\[:, :, p, q\]", "weight[:, :, q, p]"),
        (r"p : p \+ h, q : q \+ w", "q : q + h, p : p + w"),
        (r"\.transpose\(0, 1\)", ".reshape(-1, weight.shape[0])"),
    ],
    "wrong eps": [("1e-5", "1e-6"), ("1e-5", "1e-3"), (r" \+ 1e-5", "")],
    "missing max-subtraction": [(" - top", "")],
    "index overflow": [(r"\[start : start", "[start % 64 : start % 64"), (r"\[start : start \+ 4096\] =",
                        "[start % 65536 : start % 65536 + part.shape[0]] =")],
    "wrong stride": [
        (r"(\d+)\):$", r"\1 + 1):"),
        (r"1 : h \+ 1, 1 : w \+ 1", ":h, :w"),
    ],
    "dropped bias": [(r" \+ bias(\.view\(1, -1, 1, 1\))?$", ""),
                     (r" \+ (self\.)?norm\.bias(\.view\(1, -1, 1, 1\))?$", "")],
    "stale accumulator": [(r"total = (torch\.zeros\(.*\))$",
                           r'total = self.__dict__.setdefault("kept", \1)')],
    "wrong constant": [
        (r"0\.7071067811865476", "0.7071"),
        (r"0\.1 \*", "0.01 *"),
        (r"\(count - 1\)", "count"),
        (r"/ count$", "/ (count - 1)"),
        (r"/ rows\.shape\[1\]", "/ (rows.shape[1] - 1)"),
    ],
}  # fmt: skip
KINDS = tuple(CPP)


@dataclass(frozen=True)
class Mutant:
    """A right program with one bug.

    Args:
        task: name in ``TASKS``.
        language: ``"cpp"`` or ``"python"``.
        kind: of the bug.
        was: the line that the bug is in.
        now: that line with the bug.
        text: the whole program.
    """

    task: str
    language: str
    kind: str
    was: str
    now: str
    text: str

    @property
    def key(self) -> tuple[str, str, str]:
        """What tells it from the others, for people."""
        return self.task, self.language, self.now.strip()


def mutants(task: str, language: str) -> Iterator[Mutant]:
    """Yield every bug at every place of one program."""
    program = TASKS[task].programs[language]
    start = program.index('extern "C"') if language == "cpp" else program.index("def forward")
    end = program.index('"""\nlib =') if language == "cpp" else len(program)
    seen = set()
    for kind, rules in (CPP if language == "cpp" else PYTHON).items():
        for find, write in rules:
            for match in re.compile(find, re.M).finditer(program, start, end):
                text = program[: match.start()] + match.expand(write) + program[match.end() :]
                if text not in seen and text != program:
                    seen.add(text)
                    yield Mutant(task, language, kind, *_lines(program, text), text)


def _lines(program: str, text: str) -> tuple[str, str]:
    pairs = zip(program.splitlines(), text.splitlines(), strict=True)
    return next((a, b) for a, b in pairs if a != b)


def everything() -> list[Mutant]:
    """Return every mutant of every program."""
    return [m for task in TASKS for language in ("cpp", "python") for m in mutants(task, language)]


def sample(count: int, seed: int, tasks: tuple[str, ...]) -> list[Mutant]:
    """Return a seeded sample that has as many kinds as it can."""
    rng = random.Random(seed)
    pool = [m for m in everything() if m.task in tasks]
    rng.shuffle(pool)
    kinds: dict[str, int] = {}
    ranked = []
    for mutant in pool:
        kinds[mutant.kind] = kinds.get(mutant.kind, 0) + 1
        ranked.append((kinds[mutant.kind], mutant))
    return [m for _, m in sorted(ranked, key=lambda pair: pair[0])[:count]]


class Court:
    """The judge of one task that only checks: all cases, no timing.

    Args:
        task: name in ``TASKS``.
        zygote: who forks children.
        cache: root of the build cache.
    """

    def __init__(self, task, zygote, cache):
        self.judge = KernelJudge(
            task_of(TASKS[task].reference),
            zygote=zygote,
            rng_seed=11,
            cache=cache,
            compiled=(),
            search_seconds=0.1,
            forward_patience=6.0,
        )
        self.judge.ground.pool.fill()

    def check(self, text: str, *, winner: bool = False) -> tuple[Status, str]:
        """Return what the checking part of a verdict would be, and the words.

        Args:
            text: the program.
            winner: look at what passes with the sanitizer too, as at a winner.
        """
        artifact = self.judge.prepare(Program.single(text))
        if artifact.verdict is not None:
            return artifact.verdict.status, artifact.verdict.feedback
        ground = self.judge.ground
        pool = ground.pool
        try:
            with self.judge._stages.enter(ground, artifact) as session:
                session.construct(pool.weights(pool.base_seed), pool.base_seed)
                for i, (group, case) in enumerate(pool.draw(ground.rng("cases", text))):
                    report = ground.checker.case(session, group, case, placed=i == 0)
                    if not report.ok:
                        return Status.WRONG, report.explain()
                ground.checker.place(session, pool.groups[0].parameters)
                ground.checker.several(session, ground.stream)
            if winner:
                self.judge._guarded.examine(ground, artifact)
        except Failed as failed:
            return failed.status, failed.feedback
        return Status.OK, ""

    def close(self):
        self.judge.close()
