"""Proposers for programs in general: what they make parses, differs, is new and keeps to its blocks."""

import ast
import asyncio
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kernelevo.core import Brief, Evaluation, Origin, Program, Task, Trial, Verdict
from kernelevo.proposers.blocks import blocks_of, same_outside
from kernelevo.proposers.constants import ConstantsProposer
from kernelevo.proposers.mutate import MutateProposer
from kernelevo.proposers.numbers import numbers_of, with_numbers
from kernelevo.proposers.recombine import RecombineProposer
from tests.few import few

TASK = Task("t", "g", evaluator="other")

ONE = '''"""Ten 1.5 é."""
import math

TUNE = {"A": [3, 4]}


def fixed(x):
    return x * 99.5


# EVOLVE-BLOCK-START
def solve(items, limit=7):
    """Choose 5 of them."""
    best, é = [], 0.25  # 12 monkeys
    for i in range(10):
        if len(best) < limit and items[i] > 2.5:
            best.append(min(items[i], 1e3) + i * 4)
        elif i > 8:
            break
    return sorted(best)


def inner(a):
    return math.floor(a / 3)
# EVOLVE-BLOCK-END


def last(y):
    return y + 1234
'''
TWO = ONE.replace(
    "    return sorted(best)", "    best = [inner(b) - 1 for b in best]\n    return best[:6]"
).replace("a / 3", "a / 30")
FREE = ONE.replace("# EVOLVE-BLOCK-START\n", "").replace("# EVOLVE-BLOCK-END\n", "")
CPP = """#include <cstdio>
#define SIZE 640
// EVOLVE-BLOCK-START
int main() {
    double heat = 2.5e3, rate = .995; /* 17 */ int flags = 0755; long many = 10'000;
    for (int i = 0; i < 100; ++i) heat *= rate; // 18
    printf("19 %d\\n", 'a' + 42u);
}
// EVOLVE-BLOCK-END
int other() { return 77; }
"""


def verdict(text, language="python", origin=None):
    file = "program.py" if language == "python" else "program.cpp"
    return Verdict(Program({file: text}, language, origin=origin or Origin()), Evaluation.ok(1.0))


def proposed(proposer, *parents, seed=0):
    brief = Brief(TASK, 1, tuple(parents))
    return list(asyncio.run(proposer.propose(brief, Random(seed))))


CASES = [
    (ConstantsProposer, [ONE], "python"),
    (ConstantsProposer, [FREE], "python"),
    (ConstantsProposer, [CPP], "cpp"),
    (MutateProposer, [ONE], "python"),
    (MutateProposer, [FREE], "python"),
    (RecombineProposer, [ONE, TWO], "python"),
    (RecombineProposer, [TWO, ONE], "python"),
    (RecombineProposer, [CPP, CPP.replace("100", "30").replace(".995", "0.9")], "cpp"),
]


@pytest.mark.parametrize(("kind", "texts", "language"), CASES)
def test_children_are_new_parse_and_keep_to_their_blocks(kind, texts, language):
    proposer, seen = kind(), set()
    parents = [verdict(text, language) for text in texts]
    for seed in range(12):
        for proposal in proposed(proposer, *parents, seed=seed):
            child = proposal.program
            assert child.source not in seen and child.source != texts[0]
            assert same_outside(texts[0], child.source)
            assert child.language == language and child.origin.proposer == proposer.name and child.origin.idea
            assert child.parents == tuple(p.program.id for p in parents)
            if language == "python":
                compile(child.source, "program.py", "exec")
            seen.add(child.source)
    assert len(seen) >= (8 if kind is not RecombineProposer else 2)


@pytest.mark.parametrize(("kind", "texts", "language"), few(CASES, 4))
def test_a_seed_repeats_itself(kind, texts, language):
    parents = [verdict(text, language) for text in texts]
    first, second = (
        [p.program.id for seed in range(4) for p in proposed(proposer, *parents, seed=seed)]
        for proposer in (kind(), kind())
    )
    assert first == second != []


EXPRESSIONS = st.recursive(
    st.sampled_from(["a", "b", "3", "0.5", "f(a)", "a[1]", "'é'"]),
    lambda inner: st.tuples(inner, st.sampled_from("+-*/<"), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
    max_leaves=5,
)
STATEMENTS = st.one_of(
    EXPRESSIONS.map(lambda e: [f"a = {e}"]),
    EXPRESSIONS.map(lambda e: [f"if {e}:", f"    b = {e}", "else:", "    pass"]),
    EXPRESSIONS.map(lambda e: ["for i in range(4):", f"    b = {e}", "    a = b"]),
)


@st.composite
def programs(draw):
    body = [line for lines in draw(st.lists(STATEMENTS, min_size=1, max_size=4)) for line in lines]
    text = "def f(a, b=2):\n" + "".join(f"    {line}\n" for line in [*body, "return a"])
    if draw(st.booleans()):
        text = f"# EVOLVE-BLOCK-START\n{text}# EVOLVE-BLOCK-END\n"
    return f"X = 5\n{text}Y = 6\n"


@given(programs(), programs(), st.integers(0, 1000))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_program_gives_children_that_parse_and_keep_to_their_blocks(one, two, seed):
    for proposer, parents in (
        (ConstantsProposer(), [one]),
        (MutateProposer(), [one]),
        (RecombineProposer(), [one, two]),
    ):
        for proposal in proposed(proposer, *map(verdict, parents), seed=seed):
            ast.parse(proposal.program.source)
            assert proposal.program.source != one and same_outside(one, proposal.program.source)


@pytest.mark.parametrize("kind", [ConstantsProposer, MutateProposer, RecombineProposer])
def test_nothing_is_offered_for_what_cannot_be_changed(kind):
    broken, empty = verdict("def f(:\n"), verdict("# EVOLVE-BLOCK-START\n# EVOLVE-BLOCK-END\nx = 12\n")
    for parent in (broken, empty):
        assert proposed(kind(), parent, parent) == []
    assert proposed(kind()) == []
    assert MutateProposer.parents == 1 and RecombineProposer.parents == 2


def test_which_numbers_of_python_are_found():
    values = [n.value for n in numbers_of(FREE, "python")]
    assert values == [99.5, 7, 0.25, 10, 2.5, 1e3, 4, 8, 3, 1234]
    assert [n.value for n in numbers_of(ONE, "python")] == [7, 0.25, 10, 2.5, 1e3, 4, 8, 3]
    literals = numbers_of(ONE, "python")
    text = with_numbers(ONE, literals, {1: 0.75, 7: 12})
    assert "best, é = [], 0.75  # 12 monkeys" in text and "a / 12" in text


def test_which_numbers_of_cpp_are_found():
    assert [n.value for n in numbers_of(CPP, "cpp")] == [2500.0, 0.995, 0, 100, 42]


def test_a_move_that_paid_is_made_again():
    moved = Origin("constants", "", {"moved": [[1, 0.2, 0.4]]})
    parent = verdict("def f():\n    return 3 + 0.4\n", origin=moved)
    texts = {p.program.source for s in range(30) for p in proposed(ConstantsProposer(), parent, seed=s)}
    assert "def f():\n    return 3 + 0.8\n" in texts


def test_what_others_tried_is_not_proposed_again():
    parent = verdict("def f():\n    return 1\n")
    first = proposed(ConstantsProposer(), parent)[0].program
    proposer = ConstantsProposer()
    proposer.observe(Trial(1, first, Evaluation.ok(1.0)))
    assert proposed(proposer, parent)[0].program.id != first.id


def test_blocks():
    text = "a\n# EVOLVE-BLOCK-START\nb\nc\n# EVOLVE-BLOCK-END\nd\n  // EVOLVE-BLOCK-START x\ne"
    blocks = blocks_of(text)
    assert blocks.ranges == ((3, 4), (8, 8)) and blocks.marked
    assert blocks.hold(3, 4) and not blocks.hold(4, 5) and not blocks.hold(1, 1)
    assert same_outside(text, text.replace("b", "b\nbb")) and not same_outside(
        text, text.replace("a", "x", 1)
    )
    assert not same_outside(text, text.replace("# EVOLVE-BLOCK-END\n", ""))
    assert blocks_of("x\ny").hold(1, 2)


@pytest.mark.parametrize("make", [ConstantsProposer, MutateProposer, RecombineProposer])
def test_what_an_earlier_process_proposed_is_not_proposed_again(make):
    brief = Brief(TASK, 0, parents=(verdict(ONE), verdict(TWO)))

    def first_of(proposer):
        return asyncio.run(proposer.propose(brief, Random(1)))[0].program

    program = first_of(make())
    assert first_of(make()).id == program.id  # the same draw
    reminded = make()
    reminded.proposed(program)
    assert first_of(reminded).id != program.id


def test_keywords_that_lean_on_brackets_are_no_obstacle():
    text = "def f(a, b):\n    while(a < b):\n        a = not(a + b)\n    return(a * b)\n"
    proposer, made = MutateProposer(), 0
    for seed in range(60):
        made += len(proposed(proposer, verdict(text), seed=seed))
    assert made > 20


def test_an_annotated_table_is_left_to_the_tuner():
    text = "TUNE: dict[str, list[int]] = {'A': [3, 4]}\nx = 5\n"
    assert [n.value for n in numbers_of(text, "python")] == [5]
