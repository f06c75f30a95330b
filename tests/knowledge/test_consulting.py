"""When notes are looked up, which, and what a finished run leaves behind."""

import pytest

from kernelevo.core import Brief, Evaluation, Origin, Program, Status, Task, Trial, Verdict
from kernelevo.knowledge import Consultant, Evidence, KnowledgeBase, Note, distil, triggers
from kernelevo.knowledge.distil import gains

TASK = Task(
    "t", "g", options={"reference": {"text": "nn.Conv2d(3, 4, 1); torch.softmax(x)"}, "device": "cpu"}
)


def verdict(status="ok", score=1.0, feedback="", **metrics):
    good = status == "ok"
    evaluation = Evaluation(Status(status), score if good else None, metrics, feedback)
    return Verdict(Program.single(f"x = {feedback!r}\n"), evaluation)


def brief(parent=None, **more):
    return Brief(TASK, 5, parents=(parent,) if parent else (), **more)


@pytest.mark.parametrize(
    ("given", "stagnation", "kinds", "word"),
    [
        (brief(verdict()), 0.0, [], ""),
        (brief(verdict()), None, [], ""),
        (brief(), 0.0, ["memory"], "worked"),
        (brief(verdict()), 0.8, ["stagnation"], "another algorithm"),
        (brief(verdict(roofline_fraction=0.2, roofline_bound="memory")), 0.0, ["roofline"], "fusion"),
        (brief(verdict(roofline_fraction=0.2, roofline_bound="compute")), 0.0, ["roofline"], "FMA"),
        (brief(verdict(roofline_fraction=0.9, roofline_bound="compute")), 0.0, [], ""),
        (brief(verdict(launch_bound=True)), 0.0, ["roofline"], "graph"),
        (brief(verdict(), failures=(verdict("wrong", feedback="error of 3"),)), 0.0, ["error"], "accuracy"),
        (brief(verdict("crashed", feedback="SIGSEGV")), 0.0, ["error"], "out of bounds"),
        (brief(verdict(), failures=(verdict("build_failed"),)), 0.9, ["error", "stagnation"], "idioms"),
    ],
)  # fmt: skip
def test_triggers(given, stagnation, kinds, word):
    found = triggers(given, stagnation)
    assert [t.kind for t in found] == kinds
    assert word in " ".join(t.words for t in found)


def test_notes_fit_device_and_kinds_and_carry_their_reason():
    consultant = Consultant(KnowledgeBase(), TASK)
    given = brief(verdict(), failures=(verdict("crashed", feedback="misaligned address"),))
    found = consultant(given, 0.9)
    assert 1 <= len(found) <= 3 and len({f.note.id for f in found}) == len(found)
    assert all("cuda" not in f.note.devices for f in found)
    assert {f.trigger for f in found} == {"error", "stagnation"}
    assert found[0].to_json() == {
        "note": found[0].note.id,
        "trigger": "error",
        "because": "crashed: misaligned address",
    }
    assert consultant(brief(verdict()), 0.0) == []
    assert consultant(given, 0.9) == found


def trial(number, text, score, parent=None, origin=None, fidelity="full", **metrics):
    program = Program.single(
        text, parents=(parent.id,) if parent else (), origin=origin or Origin("llm", "tile it")
    )
    evaluation = Evaluation(Status.OK, score, metrics, fidelity=fidelity)
    return Trial(number, program, evaluation)


def run():
    seed = trial(0, "seed", 1.0, origin=Origin("seed"))
    fused = trial(1, "a", 2.0, seed.program, Origin("rewrite", "x", {"rewrites": ["fold", "fuse"]}),
                  score_low=1.9, score_high=2.1)  # fmt: skip
    tiled = trial(2, "b", 3.0, fused.program, score_low=2.8, score_high=3.1)
    level = trial(3, "c", 2.05, fused.program, score_low=2.0, score_high=2.1)
    disturbed = trial(4, "d", 9.0, fused.program, score_low=None, score_high=None)
    rough = trial(5, "e", 8.0, fused.program, fidelity="rough")
    wrong = Trial(6, Program.single("f"), Evaluation.wrong("no"))
    return [seed, fused, tiled, level, disturbed, rough, wrong]


def test_only_measured_gains_are_evidence():
    found = [(t.number, e.gain) for t, e in gains("r1", run())]
    assert found == [(1, 2.0), (2, 1.5)]


def test_without_a_model_steps_are_called_by_their_names_and_evidence_adds_up():
    base = KnowledgeBase()
    for name in ("r1", "r2"):
        for note in distil(name, TASK, run(), "Fast CPU", known=base.notes()):
            base.add(note)
    own = [n for n in base.notes() if n.origin == "run"]
    assert [n.title for n in own] == [
        "fold + fuse on softmax and convolution",
        "tile it on softmax and convolution",
    ]
    assert own[0].evidence == (Evidence("r2", 1, 2.0, 1.9, 2.1), Evidence("r1", 1, 2.0, 1.9, 2.1))
    assert own[0].sample == "" and own[1].sample == "b"
    assert own[0].devices == ("cpu",) and "Fast CPU" in own[0].source and "x2 over" in own[0].text
    # and a later task of the kind is told of it
    told = Consultant(base, TASK, most=6)(brief(), None)
    assert {n.id for n in own} <= {f.note.id for f in told}
    other = Task("o", "g", options={"reference": {"text": "nn.LSTM(3, 4)"}, "device": "cpu"})
    assert not {n.id for n in own} & {f.note.id for f in Consultant(base, other, most=9)(brief(), None)}


def test_a_summarisers_sentences_get_the_best_steps_as_evidence():
    notes = distil("r1", TASK, run(), "CPU", sentences=["Few channels: put images into lanes (#2)."])
    assert [n.text for n in notes] == ["Few channels: put images into lanes (#2)."]
    assert [e.trial for e in notes[0].evidence] == [1, 2]
    assert distil("r1", TASK, run()[:1], "CPU", sentences=["x"]) == []


def test_a_gain_over_parity_is_told_as_that_and_only_where_there_is_one():
    failed = Trial(0, Program.single("bad"), Evaluation.wrong("no"))
    mended = trial(1, "good", 1.5, failed.program)
    (note,) = distil("r1", TASK, [failed, mended], "CPU")
    assert "x1.5 over the fastest baseline" in note.text
    tour = Task("tour", "g", (), "tour.py:tour")
    assert gains("r1", [failed, mended], parity=False) == []
    assert distil("r1", tour, [failed, mended], "CPU") == []
    (note,) = distil("r1", tour, [failed, mended, trial(2, "best", 3.0, mended.program)], "CPU")
    assert "x2 over the program before it, on tour on CPU" in note.text and "()" not in note.text
    other = distil("r1", Task("pack", "g", (), "pack.py:pack"), run(), "CPU")
    assert note.id not in {n.id for n in other}  # the same words, of another task


def test_a_gain_over_a_score_below_zero_is_a_share_of_it():
    tour = Task("tour", "g", (), "tour.py:tour")
    seed = trial(0, "seed", -100.0, origin=Origin("seed"))  # a cost with its sign turned
    shorter = trial(1, "a", -80.0, seed.program)
    longer = trial(2, "b", -130.0, seed.program)
    level = trial(3, "c", -98.0, seed.program)
    above = trial(4, "d", 20.0, shorter.program)
    nothing = trial(5, "e", 0.0, shorter.program)
    some = trial(6, "f", 7.0, nothing.program)  # no share of nothing
    steps = [seed, shorter, longer, level, above, nothing, some]
    found = [(t.number, e.gain) for t, e in gains("r1", steps, parity=False)]
    assert found == [(4, 2.25), (5, 2.0), (1, 1.2)]
    (note,) = distil("r1", tour, [seed, shorter, longer], "CPU")
    assert "x1.2 over the program before it" in note.text


def test_a_program_of_several_files_is_shown_whole():
    seed = trial(0, "seed", 1.0, origin=Origin("seed"))
    files = {"part.hpp": "int part();\n", "program.cpp": "int main() {}\n"}  # without a program.py
    made = Trial(1, Program(files, "cpp", (seed.program.id,), Origin("llm", "split it")), Evaluation.ok(2.0))
    (note,) = distil("r1", Task("tour", "g", (), "tour.py:tour"), [seed, made], "CPU")
    assert note.language == "cpp" and all(text in note.sample for text in files.values())
    assert "---- part.hpp ----" in note.sample


def test_what_a_run_says_of_a_trial_now_replaces_what_it_said():
    base = KnowledgeBase()
    for score in (3.0, 2.0):  # re-based in between
        seed = trial(0, "seed", 1.0, origin=Origin("seed"))
        for note in distil("r1", TASK, [seed, trial(1, "a", score, seed.program)], "CPU", known=base.notes()):
            base.add(note)
    (note,) = [n for n in base.notes() if n.origin == "run"]
    assert [e.gain for e in note.evidence] == [2.0]


def test_notes_about_kernels_are_for_kernels_and_those_of_other_tasks_for_these():
    base = KnowledgeBase()
    tour = Task("tour", "g", (), "tour.py:tour")
    steps = [trial(0, "seed", 1.0, origin=Origin("seed"))]
    steps.append(trial(1, "b", 2.0, steps[0].program))
    for note in (*distil("r1", tour, steps, "CPU"), *distil("r2", TASK, run(), "CPU")):
        base.add(note)
    mine = Note("mine", "What worked", "worked measured", "For whatever it fits.", origin="person")
    base.add(mine)

    def told(task):
        given = Brief(task, 5, direction="A simple greedy construction, written as well as possible.")
        return {f.note.id for f in Consultant(base, task, most=99)(given, 0.9)}

    own = {n.id: n.title for n in base.notes() if n.origin == "run"}
    kernel, other = told(TASK), told(tour)
    assert {title for id, title in own.items() if id in other} == {"tile it on tour"}
    assert all(not base.get(id).devices and base.get(id).origin != "built-in" for id in other)
    assert kernel and not {id for id, title in own.items() if "tour" in title} & kernel
    given = Brief(tour, 5)
    assert "mine" in {f.note.id for f in Consultant(base, tour, most=99)(given, None)}
