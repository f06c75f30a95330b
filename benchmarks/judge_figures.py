"""All figures of the judge in one table: what it refuses, accepts, catches and survives, and what it costs.

Usage: ``python -m benchmarks.judge_figures [--quick] [--parts rows,honest,...] [--out FILE.json]``

Prints Markdown. Each part is written to the file (by default under ``benchmarks/results/``) as soon as it is
done, and parts that are not asked for keep the figures that the file has. ``--quick`` tries a few of each, to
see that it works; its figures say so. On a busy machine no time or ratio of these is worth anything, which is
why the load stands beside each part.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import random
import subprocess
import sys
import tempfile
import time
import traceback
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch

from benchmarks import calibration, hostile
from benchmarks.gpu.same import same, share_interval
from benchmarks.same import checking
from benchmarks.summation import PRECISIONS
from kernelevo.core import Evaluation, Program, Status
from kernelevo.kernels.children.supervisor import PRELOAD
from kernelevo.kernels.judge import KernelJudge
from kernelevo.sandbox.zygote import Zygote
from tests.adversarial import first_rows, later_rows
from tests.adversarial.conftest import SHORT
from tests.adversarial.corpus import MODEL, Evil, program
from tests.adversarial.honest import HONEST
from tests.adversarial.mutations import Court, everything, sample
from tests.adversarial.references import DROPPED, NORMED, normed
from tests.adversarial.semantic_rows import SEMANTIC
from tests.adversarial.test_mutations import EQUIVALENT
from tests.adversarial.transcriptions import TASKS
from tests.kernels.conftest import task_of

ROWS, QUICK_ROWS = 38, {7, 13, 24, 30, 37, 38}
NOISE, TRIES = 1.3, 3
"""How much faster than an honest program an attack without gain may look, in the best of so many runs."""
MINED = 37
"""The row that is no program: the same one, submitted again and again in other words."""
RESULTS = Path(__file__).parent / "results"


def _judged(judge: KernelJudge, source: str) -> Evaluation:
    return judge.measure(judge.prepare(Program.single(source)))


# ---------------------------------------------------------------------- evil, honest and mutated programs


def rows(quick: bool) -> dict[str, Any]:
    """Judge every program of the corpus that runs here; a row counts if each of its programs does.

    Returns:
        ``rows``: for each row the programs that were judged, and of those that fared otherwise than they
        should what was said; ``needs_a_device``: rows that have no program for this machine.
    """
    device = torch.cuda.is_available()
    first = [*first_rows.CLOCK, *SEMANTIC, *(first_rows.DEVICE if device else [])]
    later = [evil for evil in later_rows.EVIL if device or evil not in later_rows.ON_DEVICE]
    found: dict[int, dict[str, Any]] = defaultdict(lambda: {"programs": 0, "wrong": {}})
    with ExitStack() as stack:
        judge_of = _judges(stack)
        for evil in [*first, *later]:
            if quick and (evil.row not in QUICK_ROWS or found[evil.row]["programs"]):
                continue
            said = _fares(judge_of, evil, evil in first)
            found[evil.row]["programs"] += 1
            if said:
                found[evil.row]["wrong"][evil.name] = said
            print(f"  row {evil.row}: {evil.name}: {said or 'as it should'}", file=sys.stderr, flush=True)
        found[MINED] = {"programs": 1, "wrong": _mined(judge_of("normed"))}
    tried = {number: row for number, row in found.items() if row["programs"]}
    wanted = QUICK_ROWS if quick else set(range(1, ROWS + 1))
    return {
        "rejected": sum(not row["wrong"] for row in tried.values()),
        "tried": len(tried),
        "programs": sum(row["programs"] for row in tried.values()),
        "needs_a_device": sorted(wanted - set(tried)),
        "rows": {str(number): tried[number] for number in sorted(tried)},
    }


def _judges(stack: ExitStack) -> Callable[[str], KernelJudge]:
    """Return what gives the judge of a task by name; made when first asked for."""
    made: dict[str, KernelJudge] = {}
    device = "cuda" if torch.cuda.is_available() else "cpu"
    first = {"search_seconds": 0.3, "forward_patience": 6.0, "threads": 1}
    tasks: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
        "first": (MODEL, {}, first),
        "device first": (MODEL, {"device": device}, {"search_seconds": 1.0}),
        "normed": (NORMED, {}, SHORT),
        "dropped": (DROPPED, {}, SHORT),
        "own": (NORMED, {"policy": "no-aten"}, SHORT),
        "device normed": (NORMED, {"device": device}, SHORT),
    }

    def judge_of(name: str) -> KernelJudge:
        if name not in made:
            text, options, how = tasks[name]
            cache = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            judge = KernelJudge(task_of(text, **options), cache=cache, **{"compiled": (), **how})
            made[name] = stack.enter_context(judge)
            judge.warm()
            if not name.endswith("first"):
                judge.ground.patience = 6.0
                judge.ground.pool.fill()
        return made[name]

    return judge_of


def _fares(judge_of: Callable[[str], KernelJudge], evil: Evil, is_first: bool) -> str:
    """Judge one evil program; return what is wrong with its verdict, or nothing."""
    on_device = evil in first_rows.DEVICE or evil in later_rows.ON_DEVICE
    name = "first" if is_first else "normed"
    if on_device:
        name = f"device {name}"
    elif evil in later_rows.NO_KERNEL:
        name = "own"
    elif not is_first and "self.gain" in evil.source:
        name = "dropped"
    judge, plain = judge_of(name), program("return RESULT") if is_first else normed("return RESULT")
    for _ in range(TRIES):
        found = _judged(judge, evil.source)
        if found.status not in evil.statuses:
            return f"{found.status}, score {found.score}: {found.feedback.splitlines()[0]}"
        missing = [words for words in evil.words if words not in found.feedback]
        if missing:
            return f"{found.status} for another reason: {found.feedback.splitlines()[0]}"
        if found.status is not Status.OK:
            return "" if found.score is None else "refused, but with a score"
        honest = _judged(judge, plain)
        if found.score is not None and honest.score is not None and found.score < NOISE * honest.score:
            return ""
    return f"gains: {found.score} where the honest program has {honest.score}"


def _mined(judge: KernelJudge) -> dict[str, str]:
    """Submit one program in other words each time: its first timing that other work did not disturb stays."""
    mark = random.Random().getrandbits(32)
    verdicts = [_judged(judge, normed(f"# try {mark} {i}\nreturn RESULT")) for i in range(6)]
    sure = next((i for i, v in enumerate(verdicts) if v.metrics.get("score_low") is not None), None)
    if sure is None:
        return {"the same in other words": "the machine was too busy to tell: no timing has an interval"}
    again = [v.score for v in verdicts[sure:] if v.score != verdicts[sure].score]
    return {"the same in other words": f"timed anew: {again}"} if again else {}


def honest(quick: bool) -> dict[str, Any]:
    """Judge the honest programs that look suspicious."""
    refused: dict[str, str] = {}
    chosen = [h for h in HONEST if not h.slow][:4] if quick else list(HONEST)
    with ExitStack() as stack:
        judge_of = _judges(stack)
        for one in chosen:
            judge = judge_of("dropped" if one.task == "dropped" else "normed")
            judge._stages._forward_patience = 60.0 if one.slow else 8.0
            found = _judged(judge, one.source)
            if found.status is not Status.OK or not found.score:
                refused[one.name] = f"{found.status}: {found.feedback.splitlines()[0]}"
    return {"accepted": len(chosen) - len(refused), "programs": len(chosen), "refused": refused}


def mutants(quick: bool) -> dict[str, Any]:
    """Check every mutant that computes something else, and every original."""
    tasks = ("softmax",) if quick else tuple(TASKS)
    chosen = sample(6, 5, tasks) if quick else everything()
    wrong = [m for m in chosen if m.key not in EQUIVALENT]
    missed, accused = [], {}
    with tempfile.TemporaryDirectory() as cache, Zygote(PRELOAD, threads=2) as zygote:
        for task in tasks:
            court = Court(task, zygote, Path(cache))
            try:
                for language, text in TASKS[task].programs.items():
                    status, words = court.check(text)
                    if status is not Status.OK:
                        accused[f"{task} {language}"] = words
                for mutant in (m for m in wrong if m.task == task):
                    if court.check(mutant.text)[0] is Status.OK:
                        missed.append(list(mutant.key))
            finally:
                court.close()
    originals = sum(len(TASKS[task].programs) for task in tasks)
    return {
        "caught": len(wrong) - len(missed), "mutants": len(wrong), "missed": missed,
        "originals": originals, "accused": accused,
    }  # fmt: skip


# ---------------------------------------------------------------------- endurance, luck, cost, arithmetic


def endurance(quick: bool) -> dict[str, Any]:
    """Judge hostile programs in a row, an honest one after each."""
    with tempfile.TemporaryDirectory() as cache, hostile.Endurance(Path(cache)) as made:
        alone = [v.score for _ in range(3 if quick else 11) if (v := made.honest()).score is not None]
        met = []
        for kind in hostile.order(3 if quick else 100, 1):
            met.append(made.meet(kind))
            print(f"  {hostile._line(met[-1])}", file=sys.stderr, flush=True)
    return hostile.summary(met, alone[1:])


def equals(quick: bool) -> dict[str, Any]:
    """Time the module against itself."""
    found = same("cpu", 4 if quick else 400, 10.0 if quick else 1200.0)
    found["slower_low"], found["slower_high"] = share_interval(found["slower"], found["pairs"])
    return found


def cost(quick: bool) -> dict[str, Any]:
    """Judge one honest program on a module above 5 ms, and see where the time went; the median of several."""
    found = sorted((checking() for _ in range(1 if quick else 5)), key=lambda f: f["share_of_timed"])
    return {**found[len(found) // 2], "all": [f["share_of_timed"] for f in found]}


def arithmetic(quick: bool) -> dict[str, Any]:
    """Hold honest fp32 products to the rule, and name the precision of rounded ones."""
    trials, rounded = calibration.reorderings(0), calibration.classes(0)
    right = sum(t.label == PRECISIONS[t.order][1] for t in rounded)
    return {
        "accepted": sum(t.passed for t in trials), "products": len(trials),
        "named_rightly": right, "named": len(rounded),
    }  # fmt: skip


# ---------------------------------------------------------------------- the table

PARTS: dict[str, Callable[[bool], dict[str, Any]]] = {
    "rows": rows,
    "honest": honest,
    "mutants": mutants,
    "hostile": endurance,
    "equals": equals,
    "checking": cost,
    "calibration": arithmetic,
}


def lines(record: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield (part, figure, value) of all parts that a record has."""
    for name, found in record.items():
        if "error" in found:
            yield name, name, f"not measured: {found['error']}"
            continue
        for figure, value in _WORDS[name](found):
            yield name, figure, value


def _share(low: float, high: float) -> str:
    return f"95 % interval {100 * low:.1f} to {100 * high:.1f} %"


def _of_rows(f: dict[str, Any]) -> list[tuple[str, str]]:
    value = f"{f['rejected']} of {f['tried']} ({f['programs']} programs)"
    if f["needs_a_device"]:
        value += f"; not tried without a device: {', '.join(map(str, f['needs_a_device']))}"
    return [("rows of the catalogue refused for the right reason, or without gain", value)]


def _of_hostile(f: dict[str, Any]) -> list[tuple[str, str]]:
    broken = f"{f['faults']} faults, {f['harmed']} harmed, {f['unfit_verdicts']} unfit verdicts"
    after = f"{f['honest_not_ok']} refused, {f['of_these_beyond_noise']} of {f['honest_with_an_interval']}"
    mean, worst = f["recovery_mean_seconds"], f["recovery_worst_seconds"]
    spent = "none" if mean is None or worst is None else f"{mean:.2f} s, worst {worst:.2f} s"
    return [
        (f"hostile programs in a row: {f['programs']}", broken),
        ("honest program after each", f"{after} scores beyond noise"),
        ("mean recovery", spent),
    ]


def _of_equals(f: dict[str, Any]) -> list[tuple[str, str]]:
    faster = f"{f['faster']} of {f['pairs']}, {_share(f['low'], f['high'])}"
    slower = f"{f['slower']} of {f['pairs']}, {_share(f['slower_low'], f['slower_high'])}"
    unsure = f"{f['without_interval']} of {f['pairs']}"
    return [("equals called faster", faster), ("equals called slower", slower),
            ("pairs of equals without an interval (other work disturbed)", unsure)]  # fmt: skip


_WORDS: dict[str, Callable[[dict[str, Any]], list[tuple[str, str]]]] = {
    "rows": _of_rows,
    "honest": lambda f: [("honest programs accepted", f"{f['accepted']} of {f['programs']}")],
    "mutants": lambda f: [
        ("injected bugs caught", f"{f['caught']} of {f['mutants']} ({f['caught'] / f['mutants']:.1%})"),
        ("originals accused", f"{len(f['accused'])} of {f['originals']}"),
    ],
    "hostile": _of_hostile,
    "equals": _of_equals,
    "checking": lambda f: [
        (
            f"checking over timed seconds, a call of {f['latency_ms'] or 0:.3g} ms",
            f"{f['share_of_timed']:.1%} (examined {f['examined']:.2f} s, verified {f['verified']:.2f} s, "
            f"timed {f['timed']:.2f} s); of the batch on inputs of every kind {f['mixed']:.2f} s more",
        )
    ],
    "calibration": lambda f: [
        ("honest fp32 sums accepted", f"{f['accepted']} of {f['products']}"),
        ("precisions named rightly", f"{f['named_rightly']} of {f['named']}"),
    ],
}


def markdown(record: dict[str, Any]) -> str:
    """Return the table."""
    told = [f"| {figure} | {value} |" for _, figure, value in lines(record["parts"])]
    quick = " Quick: a few of each, no figures to quote." if record["quick"] else ""
    head = f"Measured on {record['date']} (commit {record['commit']}, {record['cores']} cores).{quick}"
    return "\n".join([head, "", "| figure | value |", "|---|---|", *told])


def main(given: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a few of each")
    parser.add_argument("--parts", default=",".join(PARTS), help=f"of {', '.join(PARTS)}")
    parser.add_argument("--out", type=Path, help="JSON file")
    told = parser.parse_args(given)
    asked = told.parts.split(",")
    if unknown := [name for name in asked if name not in PARTS]:
        parser.error(f"no part is called {', '.join(unknown)}; there are {', '.join(PARTS)}")
    date = datetime.date.today().isoformat()
    out = told.out or RESULTS / f"judge-{'quick-' if told.quick else ''}{date}.json"
    record = json.loads(out.read_text("utf-8")) if out.is_file() else {"parts": {}}
    if record["parts"] and record["quick"] != told.quick:
        parser.error(f"{out} has figures of the other kind (--quick or not); name another --out")
    record |= {"date": date, "commit": _commit(), "cores": os.cpu_count(), "quick": told.quick}
    record["torch"] = torch.__version__
    for name in asked:
        load, start = os.getloadavg()[0], time.monotonic()
        try:
            found = PARTS[name](told.quick)
        except Exception as error:  # the other parts are still worth having; the table names this one
            traceback.print_exc()
            found = {"error": f"{type(error).__name__}: {error}"}
        found |= {"seconds": time.monotonic() - start, "load": [load, os.getloadavg()[0]]}
        found["commit"] = record["commit"]  # parts of one record may be of several days
        record["parts"][name] = found
        out.write_text(json.dumps(record, indent=1) + "\n", "utf-8")
    print(markdown(record))
    return int(any("error" in found for found in record["parts"].values()))


def _commit() -> str:
    asked = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"]
    said = subprocess.run(asked, capture_output=True, text=True, check=False)
    return said.stdout.strip() or "unknown"


if __name__ == "__main__":
    sys.exit(main())
