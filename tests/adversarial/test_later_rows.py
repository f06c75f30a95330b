"""Rows 20 to 38: every evil program is refused for the right reason, and the judge is none the worse."""

import ast
import random
import re
import time
from pathlib import Path
from statistics import median

import numpy as np
import pytest

from kernelevo.backends import nvrtc
from kernelevo.core import Evaluation, Program, Status
from kernelevo.core.claims import word
from kernelevo.device.statistics import estimate
from kernelevo.kernels.faults import rules
from kernelevo.kernels.faults.rules import HONEST, QUOTE, WHY
from kernelevo.kernels.judge import FRESH_PROCESSES, KernelJudge
from kernelevo.kernels.reference import correctness
from kernelevo.kernels.verdict import combine
from kernelevo.proposers.answering import fenced
from tests.adversarial.later_rows import (
    EVIL,
    HARNESS,
    MEANING,
    NO_KERNEL,
    ON_DEVICE,
    SAME_NAME,
    SCALED,
    WRITTEN,
)
from tests.adversarial.references import NORMED, normed
from tests.kernels.conftest import task_of

SLOW = {
    "one row for all", "one NaN", "fp16 inside", "fp8 inside", "a narrower dtype", "a dimension more",
    "a list around it", "hangs when it is judged", "stands still", "forks a thousand times",
    "small values are pruned", "an exception without an end", "orders on import", "infinity",
    "a kernel that is never launched", "left in evaluation mode", "TF32 inside",
    "a kernel that never works, and torch in its place", "fewer terms", "zeros", "one output more",
    "dropout left out",
}  # fmt: skip


def each(*programs):
    return pytest.mark.parametrize(
        "evil",
        [
            pytest.param(e, id=f"{e.row}: {e.name}", marks=pytest.mark.slow if e.name in SLOW else ())
            for e in programs
        ],
    )


def judged(judge, source):
    return judge.measure(judge.prepare(Program.single(source)))


def expect(found, evil):
    assert found.status in evil.statuses, (found.status, found.score, found.feedback)
    assert found.score is None and found.metrics.get("speedup_vs_eager") is None
    for words in evil.words:
        assert words in found.feedback, found.feedback
    explained(found.feedback)


def explained(text):
    """What was seen, why it counts, how an honest program does it; and no word of a program's own in them."""
    lines = text.split("\n")
    why = [i for i, line in enumerate(lines) if line.startswith(WHY)]
    assert len(why) == 1 and why[0] > 0 and lines[0], text
    assert lines[why[0] + 1].startswith(HONEST), text
    assert sum(line.startswith(HONEST) for line in lines) == 1, text
    assert all(line.startswith(QUOTE) for line in lines[1 : why[0]]), text
    assert all(c.isprintable() or c == "\t" for line in lines for c in line), text


def the_judge_of(evil, normed_judge, dropped_judge):
    return dropped_judge if "self.gain" in evil.source else normed_judge


def test_every_row_has_a_program():
    assert {e.row for e in EVIL} == set(range(20, 39)) - {37}  # 37 is no program, but many: see below
    assert len({e.name for e in EVIL}) == len(EVIL)
    for evil in EVIL:
        if "do not parse" not in evil.name:
            compile(evil.source, evil.name, "exec")
    assert {e.name for e in EVIL} >= SLOW


@each(*MEANING)
def test_meaning(normed_judge, dropped_judge, evil):
    expect(judged(the_judge_of(evil, normed_judge, dropped_judge), evil.source), evil)


@each(*NO_KERNEL)
def test_no_kernel(own_judge, evil):
    expect(judged(own_judge, evil.source), evil)


@each(*HARNESS)
def test_harness(normed_judge, evil):
    expect(judged(normed_judge, evil.source), evil)


@each(*WRITTEN)
def test_what_a_program_says_is_quoted_and_bounded(normed_judge, evil):
    found = judged(normed_judge, evil.source)
    expect(found, evil)
    assert len(found.feedback) < 6000 and len(found.artifacts.get("log", "")) < 40_000
    shown = fenced(found.feedback, "", 1200)  # as a language model gets it
    mark = shown.split("\n", 1)[0]
    assert set(mark) == {"`"} and shown.split("\n").count(mark) == 2 and shown.endswith(mark)
    assert HONEST in shown and len(shown) < 1400


@pytest.mark.slow
def test_the_judge_is_none_the_worse(normed_judge):
    """After attacks on graders, processes and caches the next program's verdict is what it was."""
    ground = normed_judge.ground
    grader = Path(correctness.__file__).read_text()
    first = judged(normed_judge, normed(SCALED, SAME_NAME.replace("FACTOR", "1.0")))
    assert first.status is Status.OK, first.feedback
    children = (ground.zygote.pid, ground.baselines.all["eager"].session.child.pid)
    for evil in HARNESS:
        if evil.name in ("a signal to the judge's group", "another binary of the same name"):
            expect(judged(normed_judge, evil.source), evil)
    again = judged(normed_judge, normed(SCALED, SAME_NAME.replace("FACTOR", "1.0")) + "\nAGAIN = 1\n")
    assert again.status is Status.OK, again.feedback
    assert 0.3 < again.score / first.score < 3
    assert again.metrics["oracle_error"] <= 4 * max(first.metrics["oracle_error"], 1e-7)
    assert (ground.zygote.pid, ground.baselines.all["eager"].session.child.pid) == children
    assert Path(correctness.__file__).read_text() == grader


@pytest.mark.slow
def test_a_daemon_does_not_outlive_its_build(normed_judge):
    (evil,) = (e for e in HARNESS if "daemon" in e.name)
    for _ in range(2):  # the program's build waits until its daemon has begun to write
        artifact = normed_judge.prepare(Program.single(evil.source))
        assert artifact.verdict is None, artifact.verdict.feedback
        beat = artifact.folder / "beat"
        last = beat.read_text()
        time.sleep(0.3)
        assert beat.read_text() == last


# ---------------------------------------------------------------------- blind tasks

BLIND = NORMED.replace("return self.out(", "return 0 * self.out(")
CONSTANT = (
    NORMED.replace("class Model(", "class ModelNew(")
    .split("\n\ndef get_inputs")[0]
    .replace(
        "        return self.out(torch.relu(self.linear(torch.relu(self.norm(x)))))\n",
        "        self.norm(x)\n        return torch.zeros(64, 32)\n",
    )
)


def test_a_task_that_zeros_would_pass_is_marked(normed_judge, dropped_judge):
    """Row 20: a blind task has a right answer that needs no work; the linter says so and no mean holds it."""
    cache = normed_judge.ground.baselines.folder.parents[1]
    with KernelJudge(task_of(BLIND), cache=cache, zygote=normed_judge.ground.zygote, compiled=()) as judge:
        found = judge.lint()
    assert "zeros" in found.blind and not found.fair
    assert normed_judge.lint().fair
    assert "input copy" not in dropped_judge.lint().blind  # of two outputs only one is a copy


# ---------------------------------------------------------------------- row 37: noise mining


def test_the_same_program_in_other_words_is_not_timed_again(normed_judge):
    first = judged(normed_judge, normed("return RESULT  # first"))
    assert first.status is Status.OK, first.feedback
    for i in range(3):
        again = judged(normed_judge, normed(f"# try {i}\nreturn RESULT"))
        assert again.metrics["same_machine_code_as"] and again.score == first.score


def _draw(rng, blocks=12, noise=0.06):
    """A verdict on a program that is as fast as its baseline, on a noisy machine."""
    found = estimate([rng.gauss(0.0, noise) for _ in range(blocks)], seed=rng.randrange(1 << 30))
    metrics = {"score_low": found.low, "score_high": found.high, "precision": "fp32-accurate"}
    return Evaluation(Status.OK, found.ratio, metrics, "", {}, "full")


@pytest.mark.slow
def test_the_luckiest_of_many_is_measured_again(tmp_path):
    """What is reported of a winner comes from fresh processes alone, none of which chose it."""
    rng = random.Random(37)
    mined, reported, claims = [], [], 0
    for _ in range(60):
        best = max((_draw(rng) for _ in range(50)), key=lambda v: v.score)
        final = combine([_draw(rng) for _ in range(FRESH_PROCESSES)])
        mined.append(best.score)
        reported.append(final.score)
        claims += word(final.metrics["score_low"], final.metrics["score_high"]) == "faster"
    assert median(mined) > 1.03  # what a search would have shown
    assert abs(median(reported) - 1) < 0.01 and max(reported) < median(mined)
    assert claims == 0  # the widest interval of three


# ---------------------------------------------------------------------- refusals in three parts

RULES = {name: rule for name, rule in vars(rules).items() if isinstance(rule, rules.Rule)}


@pytest.mark.parametrize("name", RULES)
def test_every_rule_says_why_and_how(name):
    rule = RULES[name]
    explained(str(rule.broken("something was seen")))
    assert len(rule.why) > 40 and len(rule.honest) > 40 and len(rule.why + rule.honest) < 420
    assert not rule.why.endswith(".") and not rule.honest.endswith(".")
    assert re.match(r"[a-z]+s\b", rule.honest)  # "An honest program returns ..."


TELLING = (".broken", "rules.wrong_result")


def test_every_refusal_of_the_judge_names_its_rule():
    """``Failed`` gets a ``Refusal`` of a rule; a bare text would say what was seen and no more."""
    bare, seen = [], 0
    for path in sorted(Path(rules.__file__).parents[1].rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "Failed":
                seen += 1
                given = node.args[1]
                if not (isinstance(given, ast.Call) and ast.unparse(given.func).endswith(TELLING)):
                    bare.append(f"{path.name}:{node.lineno}: {ast.unparse(given)[:80]}")
    assert seen > 20 and bare == []


def test_quoted_words_cannot_leave_their_place():
    rng = np.random.default_rng(0)
    pieces = ["\n", "\r", "\x1b[0m", "\u2028", "\u202e", "```", WHY, HONEST, "a", " " * 50, "\t", "\x00", "é"]
    for _ in range(300):
        text = "x" + "".join(rng.choice(pieces, size=rng.integers(1, 400)))
        explained(str(rules.CORRECT.broken(text)))
        assert len(str(rules.CORRECT.broken(text))) < 5000


# ---------------------------------------------------------------------- on a device


@pytest.mark.parametrize("evil", [e for e in ON_DEVICE if "kernelevo.cuda" in e.source], ids=lambda e: e.name)
def test_device_code_compiles(evil):
    text = evil.source.split('"""')[1]
    assert nvrtc.compile_cubin(text, arch="sm_90").code


@pytest.mark.gpu
@each(*ON_DEVICE)
def test_on_a_device(build_cache, evil):
    reference_task = task_of(NORMED, device="cuda")
    with KernelJudge(
        reference_task, cache=build_cache, compiled=(), search_seconds=0.3, forward_patience=5.0
    ) as made:
        expect(judged(made, evil.source), evil)
        assert judged(made, normed("return RESULT")).status is Status.OK
