"""``tune`` searches the table that a model wrote; nothing but its numbers is changed."""

import asyncio
import json
from pathlib import Path
from random import Random

from kernelevo.backends.tune import read_table, values_in_use
from kernelevo.core import Brief, Evaluation, Origin, Program, Task, Trial, Verdict
from kernelevo.llm import extract
from kernelevo.proposers.tune import TuneProposer

RECORD = Path(__file__).resolve().parents[2] / "benchmarks" / "recorded" / "fire_module.jsonl"
BEST = 8  # rows of a band at which this test's made-up score is highest


def test_every_value_of_a_models_table_is_found_and_the_best_kept():
    replies = [json.loads(line)["reply"] for line in RECORD.read_text("utf-8").splitlines()]
    source = next(s for s in map(lambda r: extract(r).source, replies) if '"BAND": [16, 8, 32]' in (s or ""))
    program = Program.single(source, origin=Origin("llm", "bands", {"persona": "fusion"}))
    assert read_table(source) == {"BAND": [16, 8, 32]}

    def judged(made):
        return Evaluation.ok(2.0 - abs(values_in_use(made.source)["BAND"] - BEST) / 100)

    tune, parent, seen = TuneProposer(), Verdict(program, judged(program)), set()
    tune.observe(Trial(0, program, parent.evaluation))
    for number in range(1, 9):
        proposals = asyncio.run(
            tune.propose(Brief(Task("t", "g"), number, parents=(parent,)), Random(number))
        )
        for proposal in proposals:
            made = proposal.program
            changed = [
                (a, b) for a, b in zip(source.splitlines(), made.source.splitlines(), strict=True) if a != b
            ]
            assert len(changed) == 1 and changed[0][1].startswith("TUNE = ")
            assert made.parents == (parent.program.id,) and made.origin.proposer == "tune"
            seen.add(values_in_use(made.source)["BAND"])
            tune.observe(Trial(number, made, judged(made)))
            if judged(made).score > parent.evaluation.score:
                parent = Verdict(made, judged(made))
    assert seen == {8, 32} and values_in_use(parent.program.source)["BAND"] == BEST
