"""A run that is killed (-9) at twenty random instants, half inside a transaction, and resumed each time.

``python -m benchmarks.engine.kills`` runs the real command line with a model on loopback (see ``endpoint``)
and compares, at the end, rows with rows recorded before each kill, and the run's ledger with the endpoint's.
"""

from __future__ import annotations

import argparse
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.engine.endpoint import TOKENS, running
from benchmarks.engine.record import arguments, keep
from kernelevo.store import RunStore

EVALUATOR = '''
"""Scores a program by its only number; writes down what it judges."""
import re
import time

from kernelevo.evaluators import evaluator

@evaluator("named", seed="name = 1")
def named(source: str) -> float:
    time.sleep(0.02)
    with open({log!r}, "a") as file:
        file.write(source.strip() + "\\n")
    return float(int(re.search(r"0x([0-9a-f]+)|$", source)[1] or "1", 16) % 9973)
'''
TOTAL = 100 + TOKENS


def child(folder: Path, arguments: list[str], statements: int) -> None:
    """Run the command line; if asked, die at the so-manieth statement inside a transaction."""
    from kernelevo.cli.main import main as command_line
    from kernelevo.store import database

    begin = database.transaction
    left = statements

    def transaction(db: sqlite3.Connection) -> Any:
        nonlocal left

        def statement(text: str) -> None:
            nonlocal left
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

        db.set_trace_callback(statement)
        return begin(db)

    if statements:
        for module in list(sys.modules.values()):
            if getattr(module, "transaction", None) is begin:
                module.transaction = transaction  # type: ignore[attr-defined]
    command_line(arguments)


def sitting(folder: Path, first: list[str], *, statements: int = 0, kill_after: float | None = None) -> int:
    """Run until the end, or until it kills itself or is killed; return the exit code."""
    verb = ["resume", str(folder)] if (folder / "run.db").exists() else first
    command = [sys.executable, "-m", "benchmarks.engine.kills", "--child", str(folder)]
    command += ["--statements", str(statements), "--", *verb]
    with (folder.parent / "words").open("ab") as words:
        process = subprocess.Popen(command, stdout=words, stderr=words, start_new_session=True)
        before = rows(folder)
        if kill_after is not None:
            while rows(folder) == before and process.poll() is None:
                time.sleep(0.02)
            time.sleep(kill_after)
            process.kill()
        return process.wait(600)


def rows(folder: Path) -> int:
    """How many trials are recorded."""
    if not (folder / "run.db").exists():
        return 0
    with RunStore.open(folder, readonly=True) as store:
        return store.count()


def snapshot(folder: Path) -> dict[int, tuple[str, float | None]]:
    with RunStore.open(folder, readonly=True) as store:
        return {t.number: (t.program.id, t.score) for t in store.trials(raw=True)}


def main() -> None:
    parser = arguments(__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--trials", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--statements", type=int, help=argparse.SUPPRESS)
    parser.add_argument("command", nargs="*", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.child:
        child(chosen.child, chosen.command, chosen.statements)
        return
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        rows_ = [figures(place, chosen)]
    note = (
        "kills fall at any moment (odd ones: 0 to 2 s after the first new row; even ones: at a random "
        "statement inside a transaction). A request is written down before it is sent: an answer that came "
        "in the instant of a kill ('answered, not received') has a row of a lost call, as has a request that "
        "the kill cut off before its answer"
    )
    keep("kills", chosen, rows_, note)


def figures(place: Path, chosen: argparse.Namespace) -> dict[str, Any]:
    """Kill and resume, then compare."""
    rng = Random(chosen.seed)
    folder, ledger, log = place / "run", place / "ledger", place / "log"
    (place / "named.py").write_text(EVALUATOR.format(log=str(log)))
    lost = 0
    kinds: Counter[str] = Counter()
    seen: dict[int, tuple[str, float | None]] = {}
    with running(ledger, 0.1) as url:
        first = ["run", f"{place / 'named.py'}:named", "--model", "mock", "--proposers", "llm"]
        first += ["--base-url", url, "--budget", str(chosen.trials), "--out", str(folder)]
        first += ["--workers", "2", "--repairs", "0"]
        for number in range(chosen.kills):
            if number % 2:
                code = sitting(folder, first, kill_after=rng.uniform(0.0, 2.0))
            else:
                code = sitting(folder, first, statements=rng.randrange(20, 200))
            kinds["killed" if code == -signal.SIGKILL else f"ended with {code}"] += 1
            now = snapshot(folder)
            lost += sum(now.get(key) != row for key, row in seen.items())
            seen = now
        code = sitting(folder, first)
    now = snapshot(folder)
    lost += sum(now.get(key) != row for key, row in seen.items())
    programs = Counter(program for program, _ in now.values())
    with RunStore.open(folder, readonly=True) as store:
        trials = store.trials(raw=True)
        spent, calls = store.spent_on_calls(), store.calls()
    answered = len(ledger.read_text().splitlines())
    received = sum(call.state == "answered" for call in calls)
    judged = Counter(log.read_text().splitlines())
    return {
        "kills": dict(kinds),
        "last exit code": code,
        "trials": len(now),
        "lost rows": lost,
        "gaps": len(set(range(len(now))) - set(now)),
        "duplicated programs": sum(count - 1 for count in programs.values()),
        "judged again after a kill": sum(count - 1 for count in judged.values()),
        "faults": sum(trial.fault is not None for trial in trials),
        "ledger of the endpoint": answered,
        "calls in the run": received,
        "answered, not received": answered - received,
        "lost calls in the run": sum(call.state == "lost" for call in calls),
        "tokens counted": spent.get("tokens", 0.0),
        "tokens of calls": float(received * TOTAL),
    }


if __name__ == "__main__":
    main()
