"""Auditor: attacks an evaluator with every program of the corpus and says which got through."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, Literal

from kernelevo.core import Origin, Program, Status, Task
from kernelevo.errors import BadProgram
from kernelevo.evaluators.audit.attacks import ATTACKS, CONTROL, TOKEN, Attack, armed
from kernelevo.evaluators.foreign import EVALUATOR, PREFIX
from kernelevo.evaluators.registry import find, load

Result = Literal["refused", "no effect", "through"]
_ROUGHNESS = 1e-9
_SLACK_FROM, _SLACK_TO = 1e-12, 2e-4
PATIENCE = 120.0


@dataclass(frozen=True)
class Finding:
    """What became of one attack.

    Args:
        attack: its name.
        what: what it does.
        result: ``refused`` (a failing verdict, or no better score), ``no effect`` (the verdict of the honest
            seed: there was nothing to attack), ``through``.
        detail: scores, or what worked.
    """

    attack: str
    what: str
    result: Result
    detail: str


@dataclass(frozen=True)
class Audit:
    """The audit of one evaluator.

    Args:
        task: its name.
        honest: score of the honest seed.
        findings: one for each attack.
    """

    task: str
    honest: float
    findings: tuple[Finding, ...]

    @property
    def through(self) -> tuple[Finding, ...]:
        """The attacks that got through."""
        return tuple(f for f in self.findings if f.result == "through")

    def to_json(self) -> dict[str, Any]:
        """Return this audit as plain data."""
        found = [asdict(f) for f in self.findings]
        return {"task": self.task, "honest": self.honest, "through": len(self.through), "findings": found}


class Victim:
    """A process with the evaluator in it, started anew when a program has taken it down.

    Args:
        task: known to the process by its plain data alone.
        patience: seconds to wait for one verdict.
        log: where the process writes what it prints.
        place: its working folder: what an attack leaves behind is not to lie among a person's files.
    """

    def __init__(self, task: Task, patience: float, log: IO[bytes], place: Path) -> None:
        self._task, self._patience, self._log, self._place = task, patience, log, place
        self._process: subprocess.Popen[bytes] | None = None
        self._to = self._back = -1

    def judge(self, program: Program) -> dict[str, Any]:
        """Return the verdict as plain data, or ``{"down": how}``."""
        if self._process is None:
            self._start()
        try:
            _write(self._to, json.dumps(program.to_json()))
            line = self._line(time.monotonic() + self._patience)
        except BrokenPipeError:
            line = b""
        if line is None:
            self.stop()
            return {"down": f"no verdict within {self._patience:g} s"}
        if not line:
            self.stop()
            return {"down": "the evaluator's process ended"}
        return dict(json.loads(line))

    def stop(self) -> None:
        """End it with all that it started."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            os.close(self._to)
            os.close(self._back)
            self._process = None

    def _start(self) -> None:
        source, self._to = os.pipe()
        self._back, sink = os.pipe()
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "kernelevo.evaluators.audit.victim", str(source), str(sink)],
            pass_fds=(source, sink), stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log,
            start_new_session=True, cwd=self._place,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path or os.getcwd() for path in sys.path)},
        )  # fmt: skip
        os.close(source)
        os.close(sink)
        _write(self._to, json.dumps(self._task.to_json()))

    def _line(self, end: float) -> bytes | None:
        found = bytearray()
        poller = select.poll()
        poller.register(self._back, select.POLLIN)
        while not found.endswith(b"\n"):
            if not poller.poll(max(0.0, end - time.monotonic()) * 1e3):
                return None
            part = os.read(self._back, 1 << 16)
            if not part:
                return b""
            found += part
        return bytes(found)


def audit(
    task: Task,
    *,
    attacks: Sequence[Attack] = ATTACKS,
    patience: float = PATIENCE,
    say: Callable[[Finding], None] = lambda _: None,
) -> Audit:
    """Attack the evaluator of a task with programs made from its honest seed.

    Args:
        task: of a plain evaluator, ours, a user's, or a foreign folder's.
        attacks: which ones.
        patience: seconds to wait for one verdict before the evaluator counts as hung.
        say: told of each finding.

    Raises:
        BadProgram: if there is no Python seed that the evaluator scores: attacks are laid around one.
    """
    with tempfile.TemporaryFile() as log, tempfile.TemporaryDirectory(prefix="kernelevo-audit-") as outside:
        os.chmod(outside, 0o777)
        place = Path(outside, "place")
        place.mkdir(mode=0o777)
        victim = Victim(task, patience, log, place)
        try:
            seed, honest, noise = _honest(task, victim)
            control = victim.judge(_program(seed, CONTROL, 0, file_of(task), outside))
            findings = []
            for attack in attacks:
                variants = [
                    victim.judge(_program(seed, attack, k, file_of(task), outside))
                    for k in range(attack.variants)
                ]
                findings.append(_finding(attack, variants, honest, noise, control))
                say(findings[-1])
        finally:
            victim.stop()
    return Audit(task.name, honest, tuple(findings))


def file_of(task: Task) -> str:
    """Return the path of the file in which a task's evaluator is written; empty if nobody can tell."""
    if task.evaluator.startswith(PREFIX):
        return os.path.realpath(Path(task.evaluator.removeprefix(PREFIX)) / EVALUATOR)
    function = find(task.evaluator).function
    code = getattr(function, "__code__", None)
    return os.path.realpath(code.co_filename) if code is not None else ""


def _honest(task: Task, victim: Victim) -> tuple[Program, float, float]:
    judge = load(task)
    seeds = task.seeds or (tuple(judge.seeds()) if hasattr(judge, "seeds") else ())
    said = "there is none"
    for seed in seeds:
        if seed.language != "python":
            said = f"a seed is {seed.language}; attacks are laid around Python programs"
            continue
        first, second = victim.judge(seed), victim.judge(seed)
        if first.get("status") == second.get("status") == Status.OK:
            return seed, float(first["score"]), abs(float(first["score"]) - float(second["score"]))
        said = str(first.get("feedback") or first.get("raised") or first.get("down"))[:500]
    raise BadProgram(
        f"{task.name} has no honest program to attack with",
        why=f"a Python seed that scores is needed: {said}",
        now="give the evaluator a seed: @evaluator(name, seed=...)",
    )


def _program(seed: Program, attack: Attack, variant: int, evaluator: str, outside: str) -> Program:
    entry = "program.py" if "program.py" in seed.files else next(iter(seed.files))
    text = armed(seed.files[entry], attack, variant, evaluator, outside)
    return Program({**seed.files, entry: text}, seed.language, (seed.id,), Origin("audit", attack.name))


def _finding(
    attack: Attack, said: Sequence[dict[str, Any]], honest: float, noise: float, control: dict[str, Any]
) -> Finding:
    judge = {"probe": _probed, "blow": _blown, "slack": _slack, "lie": _lied}[attack.kind]
    result, detail = judge(said, honest, honest + max(3 * noise, _ROUGHNESS * max(1.0, abs(honest))))
    if attack.kind == "probe" and TOKEN not in json.dumps(said) and _failed(control):
        # it fails where nothing is tried, too: such texts are not taken, as where imports are refused
        result, detail = "refused", _words([control])
    return Finding(attack.name, attack.what, result, detail)


def _failed(verdict: dict[str, Any]) -> bool:
    return verdict.get("status") not in (None, Status.OK)


def _lied(said: Sequence[dict[str, Any]], honest: float, bar: float) -> tuple[Result, str]:
    for verdict in said:
        if TOKEN in json.dumps(verdict):
            return "through", "code of the candidate ran in the evaluator's process"
        if "down" in verdict:
            return "through", str(verdict["down"])
    scores = [float(v["score"]) for v in said if v.get("status") == Status.OK]
    if scores and max(scores) > bar:
        return "through", f"score {max(scores):.9g}, the honest program has {honest:.9g}"
    if len(scores) == len(said) and all(score == honest for score in scores):
        return "no effect", ""
    return "refused", _words(said)


def _slack(said: Sequence[dict[str, Any]], honest: float, bar: float) -> tuple[Result, str]:
    """A tolerance shows as a score that rises with the size of the lie, up to a hair, and no further."""
    sizes = [10.0 ** -(12 - 1.5 * (k % 16 // 2)) for k in range(len(said))]
    for way in range(0, len(said), 16):
        for sign in (0, 1):
            line = range(way + sign, min(way + 16, len(said)), 2)
            gained = [
                k for k in line
                if said[k].get("status") == Status.OK and float(said[k]["score"]) > honest
                and _SLACK_FROM < sizes[k] < _SLACK_TO
            ]  # fmt: skip
            refused = [k for k in line if said[k].get("status") != Status.OK and sizes[k] > _SLACK_TO]
            if gained and refused:
                best = max(gained, key=lambda k: float(said[k]["score"]))
                text = (
                    f"numbers moved by {sizes[best]:.0e} are taken: score {float(said[best]['score']):.12g}, "
                )
                return "through", text + f"honest {honest:.12g}; larger moves are refused"
    return _lied([{"status": "wrong", "feedback": "within rounding"}], honest, bar)


def _probed(said: Sequence[dict[str, Any]], honest: float, bar: float) -> tuple[Result, str]:
    text = json.dumps(said)
    if TOKEN in text:
        return "through", text.partition(f"{TOKEN}: ")[2].partition("\\n")[0].partition('"')[0][:80]
    for verdict in said:
        if verdict.get("status") == Status.REJECTED:
            continue
        if verdict.get("status") != Status.OK or abs(float(verdict["score"]) - honest) > bar - honest:
            return "through", f"the program failed, as it does where the forbidden works: {_words([verdict])}"
    return "refused", ""


def _blown(said: Sequence[dict[str, Any]], honest: float, bar: float) -> tuple[Result, str]:
    down = next((v for v in said if "down" in v), None)
    if down is not None:
        return "through", str(down["down"])
    return _lied(said, honest, bar)


def _words(said: Sequence[dict[str, Any]]) -> str:
    for verdict in said:
        if verdict.get("status") != Status.OK:
            words = str(verdict.get("feedback") or verdict.get("raised") or verdict.get("status"))
            return words.split("\n", maxsplit=1)[0][:120]
    return "no better score"


def _write(fd: int, line: str) -> None:
    view = memoryview(f"{line}\n".encode())
    while view:
        view = view[os.write(fd, view) :]
