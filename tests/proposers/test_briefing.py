"""Briefs as prompts: what is shown, in which order, and what gives way to the budget."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernelevo.core import Attempt, Brief, Evaluation, Objectives, Origin, Program, Status, Task, Verdict
from kernelevo.llm import read
from kernelevo.llm.client import prompt_hash
from kernelevo.proposers.answering import fenced
from kernelevo.proposers.briefing import DROPPED, SHORTEST, estimate, persona_for, render
from kernelevo.proposers.prompt_files import PromptFiles

TEXT = "N = 4\nSIZES = {'small': {'N': 2}}\nclass Model: ...\n"
PROMPTS = PromptFiles.load()


def task(policy="any", reference=None):
    spec = reference or {"kind": "source", "text": TEXT, "filename": "t.py", "size": "small"}
    return Task("t", "Make it faster.", options={"reference": spec, "device": "cpu", "policy": policy})


def verdict(source, evaluation, idea="an idea"):
    return Verdict(Program.single(source, origin=Origin("rewrite", idea)), evaluation)


def text_of(brief, **more):
    return render(brief, PROMPTS, **more).messages[1].content


def full(times=1):
    """A brief with everything in it; each section has a word of its own."""
    failed = Evaluation(Status.WRONG, None, {}, "max error FAILURE", {"compiler": "line 3: COMPILER"})
    best = Evaluation(
        Status.OK,
        1.25,
        {"latency_ms": 3.0, "roofline_fraction": 0.31, "kernels": [{"name": "PROFILE", "registers": 40}]},
        "memory bound",
        {"profile": "PROFILE of the call", "sanitizer": "SANITIZER is content"},
    )
    return Brief(
        task("no-aten"),
        7,
        parents=(verdict("best = 1\n" * times, best),),
        inspirations=tuple(verdict(f"INSPIRATION = {k}\n" * times, Evaluation.ok(1.1)) for k in range(2)),
        failures=tuple(verdict(f"bad = {k}\n", failed, "swap the loops") for k in range(3)),
        hints=("HINT: try tiles of 64",),
        knowledge=("KNOWLEDGE: exp is slow", "more KNOWLEDGE"),
        facts={"name": "test device"},
        lineage=(
            Attempt(3, "llm", "unroll", "ok", 1.25, 1.1, True, ("LINEAGE_removed();",)),
            Attempt(5, "llm", "LINEAGE sibling", "wrong", None, 1.25, False),
        ),
    )


def test_prompt_shows_everything_it_was_given():
    brief = full()
    text = text_of(brief)
    for part in (
        "Make it faster.", "N = 2", "best = 1", "score 1.25", "memory bound", "latency_ms: 3",
        "swap the loops ended as wrong", "max error FAILURE", "COMPILER", "SANITIZER", "name: test device",
        "HINT: try tiles of 64", "KNOWLEDGE: exp is slow", "INSPIRATION = 1", "PROFILE of the call",
        "roofline_fraction: 0.31", "registers 40", "On the way, #3: unroll (ok 1.25, from 1.1)",
        "LINEAGE_removed();", "Tried from here, #5: LINEAGE sibling (wrong, from 1.25)",
        "allocation and launching only",
    ):  # fmt: skip
        assert part in text, part
    assert render(brief, PROMPTS) == render(brief, PROMPTS)
    assert len(prompt_hash(render(brief).messages)) == 64


def test_what_does_not_change_comes_first():
    """Prompt caches hold a common beginning: two briefs of one run share all up to the persona."""
    personas = PROMPTS.personas("kernel")
    one = text_of(Brief(task(), 0), persona=personas[0])
    two = text_of(Brief(task(), 9, parents=(verdict("x = 1\n", Evaluation.ok(2.0)),)), persona=personas[1])
    common = next(k for k, (a, b) in enumerate(zip(one, two, strict=False)) if a != b)
    assert "# Who you are for this reply" in one[:common] and "class Model: ..." in one[:common]


def test_prompt_for_a_cold_start_has_no_empty_sections():
    text = text_of(Brief(task(), 0))
    assert "Write the first one" in text
    assert "{{" not in text and "\n\n\n" not in text.partition("# Device")[2]
    assert "did not pass" not in text and "direction" not in text


def test_programs_are_shown_as_they_are():
    source = 'x = """a\n\n\n\nb"""\n\n\ny = "{{goal}}"\n'
    assert source.rstrip() in text_of(Brief(task(), 0, parents=(verdict(source, Evaluation.ok(1.0)),)))


def test_prompt_for_a_live_module():
    assert "live module" in text_of(Brief(task(reference={"kind": "pickle", "path": "x.pkl"}), 0))


def test_the_text_of_a_live_modules_own_classes_is_shown():
    spec = {"kind": "pickle", "path": "x.pkl", "classes": "class Net:\n    def forward(self, x): ...\n"}
    text = text_of(Brief(task(reference=spec), 0))
    assert "```python\nclass Net:\n    def forward" in text and "exactly as it will be built" not in text
    without = text_of(Brief(task(reference={**spec, "classes": ""}), 0))
    assert "no text of classes of its own" in without and "exactly as it will be built" not in without
    assert "exactly as it will be built:\n\n```python" in text_of(Brief(task(), 0))
    long = render(Brief(task(reference={**spec, "classes": "x = 1\n" * 9000}), 0), PROMPTS, tokens=4000)
    assert long.dropped["task"] > 40_000


def test_other_evaluators_have_a_prompt_of_their_own():
    packing = Task("p", "Pack circles.", (Program.single("x", language="cpp"),), "pack.py:score")
    text = text_of(Brief(packing, 0))
    assert "file in cpp" in text and "Pack circles." in text and "ModelNew" not in text
    names = {p.name for p in PROMPTS.personas("general")}
    assert len(names) >= 5 and names.isdisjoint(p.name for p in PROMPTS.personas("kernel"))


def test_a_direction_is_shown_once():
    steered = text_of(Brief(task(), 0, direction="Only loops: unroll them."))
    assert "Stay within this direction:\n\n- Only loops: unroll them." in steered
    persona = PROMPTS.personas("kernel")[0]
    brief = Brief(task(), 0, direction=persona.direction)
    assert persona_for(brief, PROMPTS.personas("kernel")) == persona
    assert "Stay within" not in text_of(brief, persona=persona)


WORDS = {
    "inspirations": "INSPIRATION",
    "profile": "PROFILE",
    "lineage": "LINEAGE",
    "failures": "FAILURE",
    "knowledge": "KNOWLEDGE",
    "hints": "HINT",
}


def floor():
    """What the fixed parts and the shortest programs take."""
    return render(full(4000), PROMPTS, tokens=0).tokens


@pytest.fixture(scope="module")
def least():
    return floor()


@given(st.integers(0, 60_000), st.sampled_from([1, 300, 4000]))
def test_the_budget_holds_and_sections_give_way_in_the_stated_order(least, tokens, times):
    rendered = render(full(times), PROMPTS, tokens=tokens)
    assert rendered.tokens == estimate(rendered.messages)
    assert rendered.tokens <= max(tokens, least)
    text = rendered.messages[1].content
    assert "Make it faster." in text and "best = 1" in text and "class Model: ..." in text
    shown = [name for name in DROPPED if WORDS[name] in text]
    # whatever is shown comes later in the order than whatever is gone; one section may be shortened
    assert shown == [name for name in DROPPED if name in shown] == list(DROPPED[len(DROPPED) - len(shown) :])
    partly = [name for name in shown if name in rendered.dropped]
    assert partly in ([], shown[:1])
    if {"parents", "task"} & set(rendered.dropped):
        assert not shown
    if tokens >= 60_000 - 1 and times == 1:
        assert not rendered.dropped


def test_programs_are_cut_last_and_never_away(least):
    rendered = render(full(4000), PROMPTS, tokens=least)
    lost = len("best = 1\n") * 4000 - SHORTEST
    assert rendered.dropped["parents"] == lost and "task" not in rendered.dropped
    assert f"{lost} characters left out" in rendered.messages[1].content


@given(st.text(alphabet=st.sampled_from("`ab\n~ "), max_size=60))
def test_a_fence_cannot_be_ended_from_inside(text):
    lines = fenced(text, "python", 1000).split("\n")
    mark = lines[0].removesuffix("python")
    assert lines[-1] == mark and not any(mark in line for line in lines[1:-1])


def test_long_texts_are_shortened_in_the_middle():
    block = fenced("a" * 500 + "b" * 500, "", 100)
    assert len(block) < 200 and "900 characters left out" in block


def test_a_program_in_another_language_and_one_of_several_files():
    packing = Task("p", "Pack circles.", (), "pack.py:score")
    cpp = Verdict(Program({"program.cpp": "int x;\n"}, "cpp"), Evaluation.ok(1.0))
    assert "```cpp\nint x;\n```" in text_of(Brief(packing, 0, parents=(cpp,)))
    files = {"program.py": "import tiles\n", "tiles.py": "SIZE = 4\n", "csrc/k.cpp": "int f();\n"}
    text = text_of(Brief(packing, 0, parents=(Verdict(Program(files), Evaluation.ok(1.0)),)))
    for part in (
        "`program.py`:\n\n```python\nimport tiles",
        "`tiles.py`:\n\n```python\nSIZE",
        "```cpp\nint f",
    ):
        assert part in text, part


def test_the_prompt_names_every_kind_of_baseline():
    from kernelevo.kernels.baselines.baseline import WAYS

    told = {"eager": "eagerly", "compiled": "`torch.compile`", "graphed": "CUDA graphs"}
    text = " ".join(text_of(Brief(task(), 0)).split())
    assert {way.kind for way in WAYS.values()} == set(told)
    assert all(words in text for words in told.values()) and "fastest of these" in text
    assert any(way.tf32 == "on" for way in WAYS.values()) and "TF32 on" in text


def test_half_a_surrogate_pair_in_feedback_is_replaced():
    parent = verdict("x = 1\n", Evaluation.ok(1.0, feedback="file \udce9t\udce9.txt"))
    rendered = render(Brief(task(), 0, parents=(parent,)), PROMPTS)
    assert "file ?t?.txt" in rendered.messages[1].content and rendered.tokens == estimate(rendered.messages)


SHORT = {"metrics": {"seconds": "lower", "length": {"better": "lower", "weight": 0.5}}}


@pytest.mark.parametrize("evaluator", ["kernel", "tour.py:tour"])
@pytest.mark.parametrize("rule", ["score", "weighted", "lexicographic"])
def test_the_aim_is_what_makes_the_order(evaluator, rule):
    options = {**task().options, "objectives": {**SHORT, "rule": rule}}
    brief = Brief(Task("t", "Short tours.", (), evaluator, options), 3)
    text = " ".join(text_of(brief).split())
    by_score = rule == "score"
    assert (Objectives.of(options).sentence() in text) is not by_score
    assert ("gets a higher score" in text or "Higher is better: the score" in text) is by_score
    assert ("why it should rank higher" in text) is not by_score
    if not by_score:  # as people weigh it now
        now = replace(brief, facts={"objectives": "the order is another one"})
        text = text_of(now)
        assert text.count("the order is another one") == 1 and Objectives.of(options).sentence() not in text


def test_where_the_tasks_own_program_failed_it_is_shown():
    seeds = (Program.single("def pack(items):\n    return []\n"), Program.single("other = 1\n"))
    failed = Verdict(seeds[0], Evaluation.wrong("TypeError: pack() takes no argument"))
    packing = Task("p", "Pack; see the seed.", seeds, "pack.py:pack")
    text = text_of(Brief(packing, 3, failures=(failed,)))
    assert "The program to start from, which did not pass:\n\n```python\ndef pack(items):" in text
    assert "other = 1" in text and "Write the first one" not in text and "takes no argument" in text


FUNCTIONS = "".join(f"def f{i}(x):\n    return x + {i}\n\n\n" for i in range(3000))


@pytest.mark.parametrize("evaluator", ["kernel", "pack.py:pack"])
@pytest.mark.parametrize(
    "files", [{"program.py": FUNCTIONS}, {"program.py": "import much\n", "much.py": FUNCTIONS}]
)
def test_of_a_program_that_is_too_long_edits_are_wanted_in_a_form_that_is_read(evaluator, files):
    parent = Verdict(Program(files), Evaluation.ok(1.0))
    text = text_of(Brief(Task("p", "g", (), evaluator), 3, parents=(parent,)))
    wanted = text[text.index("# Your answer") :]
    assert "characters left out" in text and "whole file" not in wanted and "Only the last" not in wanted
    assert ("Name the file" in wanted) is (len(files) > 1)
    form = wanted[wanted.index("<<<<<<<") : wanted.index("REPLACE") + len("REPLACE")]
    old, new = "    return x + 2999", "    return 2999 + x"
    assert old in text
    form = form.replace("lines of the program, exactly as they are shown", old)
    form = form.replace("lines that shall stand in their place", new)
    name = "much.py" if len(files) > 1 else "program.py"
    found = read(f"Turn it round.\n\n`{name}`:\n{form}", files)
    assert found.form == "edits" and found.files == {**files, name: FUNCTIONS.replace(old, new)}


@pytest.mark.parametrize("evaluator", ["kernel", "pack.py:pack"])
def test_of_a_program_of_several_files_those_that_change_are_wanted(evaluator):
    files = {"program.py": "import tiles\n", "tiles.py": "SIZE = 4\n"}
    brief = Brief(Task("p", "g", (), evaluator), 3, parents=(Verdict(Program(files), Evaluation.ok(1.0)),))
    text = text_of(brief)
    wanted = text[text.index("# Your answer") :]
    assert "every file that you change" in wanted and "under a line with its path" in wanted
    assert "ONE" not in wanted and "Only the last" not in text and "One complete file" not in text
    found = read("Larger.\n\n`tiles.py`:\n\n```python\nSIZE = 8\n```\n", files)
    assert found.files == {**files, "tiles.py": "SIZE = 8\n"}
