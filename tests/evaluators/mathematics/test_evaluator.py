"""The evaluator: what a program's construction cannot have is the program's failure, not the machine's."""

from dataclasses import replace

from kernelevo.core import Program
from kernelevo.evaluators.mathematics.evaluator import MathEvaluator
from kernelevo.evaluators.mathematics.problems import PROBLEMS
from kernelevo.evaluators.mathematics.reading import NotOne


def test_a_construction_without_a_value_is_wrong():
    def none(construction):
        raise NotOne("these points leave no single combination")

    judge = MathEvaluator(replace(PROBLEMS["kissing_number"], fast=none, exact=none))
    program = Program.single("def solve():\n    return [[2] + [0] * 10]\n")
    for verdict in (judge(program), judge.finalize(program)):
        assert verdict.status == "wrong" and "no single combination" in verdict.feedback
