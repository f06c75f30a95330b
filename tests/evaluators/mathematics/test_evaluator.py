"""The evaluator: what a program's construction cannot have is the program's failure, not the machine's."""

import json
from dataclasses import replace
from fractions import Fraction

from kernelevo.core import Program
from kernelevo.evaluators.mathematics import recheck
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


def test_a_value_beyond_all_numbers_is_no_construction_and_no_fault_of_the_machine():
    judge = MathEvaluator(PROBLEMS["minmax_distance"])
    rows = "[[float(i) * 1e38, 0.0] for i in range(15)] + [[5e-324, 0.0]]"
    program = Program.single(f"def solve():\n    return {rows}\n")
    for verdict in (judge(program), judge.finalize(program)):
        assert verdict.status == "wrong" and "beyond what a number can hold" in verdict.feedback


def test_the_second_computation_names_a_value_that_no_decimal_can(tmp_path, capsys):
    points = [[Fraction(i * 10**38), Fraction(0)] for i in range(15)] + [[Fraction(5e-324), Fraction(0)]]
    (tmp_path / "c.json").write_text(recheck.saved("minmax_distance", points))
    assert recheck.main([str(tmp_path / "c.json")]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["decimal"] is None and Fraction(said["value"]) > 10**308
