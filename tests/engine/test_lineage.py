"""Lineage: steps to a parent, attempts from it, and what a step that helped took out."""

import dataclasses

from kernelevo.core import Evaluation, Fault, Origin, Program, Status, Trial, Verdict
from kernelevo.engine import lineage as module
from kernelevo.engine.lineage import REMOVED, STEPS, TRIED, Lineage, removed


def program(text, *parents, idea=""):
    return Program.single(text, parents=tuple(p.id for p in parents), origin=Origin("llm", idea))


def trial(number, made, score=None, fault=None):
    verdict = None if fault else Evaluation.ok(score) if score is not None else Evaluation.wrong("off")
    return Trial(number, made, verdict, fault)


def test_steps_and_attempts_with_their_gains():
    first = program("first_long_line = 1\nsecond = 2\n")
    second = program("second = 2\nthird_long_line = 3\n", first, idea="swap")
    bad = program("bad_long_line = 1\n", second, idea="break it")
    lost = program("lost_long_line = 1\n", second, idea="machine")
    lineage = Lineage()
    lineage.told(trial(0, first, 1.0))
    lineage.told(trial(1, second, 1.5))
    lineage.told(trial(2, bad))
    lineage.told(trial(3, lost, fault=Fault("SandboxError", "no")))
    lineage.told(trial(4, second, 1.4))  # known: the first verdict stands
    step, latest, earlier = lineage.of((Verdict(second, Evaluation.ok(1.5)),))
    assert (step.number, step.idea, step.status, step.score, step.before) == (1, "swap", "ok", 1.5, 1.0)
    assert step.ancestor and step.removed == ("first_long_line = 1",)
    assert (earlier.number, earlier.status, earlier.score, earlier.removed) == (2, "wrong", None, ())
    assert (latest.number, latest.status, latest.ancestor) == (3, "machine fault", False)
    assert lineage.of(()) == ()
    assert lineage.of((Verdict(program("unknown\n"), Evaluation.ok(1.0)),)) == ()


def test_the_first_verdict_in_full_stands_for_a_program():
    first = program("first_long_line = 1\n")
    lost, rough = program("x = 1\n", first, idea="lost"), program("y = 1\n", first, idea="rough")
    elsewhere = program("x = 1\n", rough, idea="again")  # the same program, made from another one
    lineage = Lineage()
    lineage.told(trial(0, first, 1.0))
    lineage.told(trial(1, lost, fault=Fault("SandboxError", "no")))
    lineage.told(Trial(2, rough, Evaluation(Status.OK, 0.5, fidelity="rough")))

    def shown():
        tried = lineage.of((Verdict(first, Evaluation.ok(1.0)),))
        return [(a.number, a.idea, a.status, a.score, a.before) for a in tried]

    assert shown() == [(2, "rough", "ok", 0.5, 1.0), (1, "lost", "machine fault", None, 1.0)]
    lineage.told(trial(3, elsewhere, 1.5))
    lineage.told(dataclasses.replace(trial(4, rough, 9.0), reused=2))  # says nothing that was not known
    lineage.told(trial(5, rough, 0.7))
    lineage.told(trial(6, lost, 9.0))
    assert shown() == [(5, "rough", "ok", 0.7, 1.0), (3, "lost", "ok", 1.5, 1.0)]


def test_a_step_that_did_not_help_shows_nothing_taken_out():
    first, lineage = program("first_long_line = 1\n"), Lineage()
    second = program("x = 1\n", first)
    lineage.told(trial(0, first, 2.0))
    lineage.told(trial(1, second, 1.0))
    (step,) = lineage.of((Verdict(second, Evaluation.ok(1.0)),))
    assert step.removed == ()


def test_scores_read_as_the_baseline_of_today_has_them():
    first, lineage = program("first_long_line = 1\n"), Lineage()
    better, failed = program("x = 1\n", first), program("y = 1\n", first)
    lineage.told(trial(0, first, 1.0))
    lineage.told(trial(1, failed))
    lineage.reread(lambda e: e if e.score is None else Evaluation.ok(e.score / 2))
    lineage.told(trial(2, better, 0.8))
    latest, earlier = lineage.of((Verdict(first, Evaluation.ok(0.5)),))
    assert (latest.score, latest.before, latest.removed) == (0.8, 0.5, ("first_long_line = 1",))
    assert (earlier.status, earlier.score, earlier.before) == ("wrong", None, 0.5)


def test_a_step_is_compared_once_however_many_briefs_show_it(monkeypatch):
    compared = []

    def counted(before, after):
        compared.append((before.id, after.id))
        return removed(before, after)

    monkeypatch.setattr(module, "removed", counted)
    first, lineage = program("first_long_line = 1\n"), Lineage()
    second = program("x = 1\n", first)
    lineage.told(trial(0, first, 1.0))
    lineage.told(trial(1, second, 2.0))
    for _ in range(3):
        (step,) = lineage.of((Verdict(second, Evaluation.ok(2.0)),))
        (tried,) = lineage.of((Verdict(first, Evaluation.ok(1.0)),))
        assert step.removed == tried.removed == ("first_long_line = 1",)
    assert compared == [(first.id, second.id)]


def test_long_histories_and_circles_end():
    lineage = Lineage()
    chain = [program("x = 0\n")]
    for k in range(1, 30):
        chain.append(program(f"x = {k}\n", chain[-1]))
    for k, made in enumerate(chain):
        lineage.told(trial(k, made, float(k)))
    for k in range(20):
        lineage.told(trial(100 + k, program(f"y = {k}\n", chain[-1]), 0.5))
    found = lineage.of((Verdict(chain[-1], Evaluation.ok(29.0)),))
    assert [a.number for a in found[:STEPS]] == list(range(29, 29 - STEPS, -1))
    assert [a.number for a in found[STEPS:]] == list(range(119, 119 - TRIED, -1))
    a, b = program("aa\n", program("bb\n")), program("bb\n", program("aa\n"))
    ring = Lineage()
    ring.told(trial(0, a, 1.0))
    ring.told(trial(1, b, 1.0))
    assert len(ring.of((Verdict(a, Evaluation.ok(1.0)),))) <= STEPS + TRIED


def test_what_moved_is_not_taken_out():
    before, after = program("alpha_line = 1\nbeta_line = 2\n"), program("beta_line = 2\nalpha_line = 1\n")
    assert removed(before, after) == ()
    assert len(removed(program("".join(f"line number {k}\n" for k in range(99))), after)) == REMOVED
