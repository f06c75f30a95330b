"""The Markdown page and the CSV file: a column for each baseline, fates and claims, seeds."""

import csv
import io
from dataclasses import replace

from kernelevo.bench.fates import MODE, fates
from kernelevo.bench.figures import summary
from kernelevo.bench.page import machine_lines, page
from kernelevo.bench.record import rows_csv
from tests.bench.rows import FACTS, failed, fault, row

GRAPHED = {"speedup_vs_graphed": 1.25, "speedup_vs_library": 0.5}
CLAIMED = {"score_default": 1.9, "speedup": 12.25}


def read(text):
    return list(csv.DictReader(text.splitlines()))


def test_each_baseline_of_the_rows_has_a_column():
    rows = [row(metrics=GRAPHED), failed("ops/gemm", form="other", size="full")]
    first, second = read(rows_csv(rows))
    assert (first["speedup_vs_compile"], first["speedup_vs_graphed"]) == ("2.0", "1.25")
    assert (second["speedup_vs_graphed"], second["form"], second["size"]) == ("", "other", "full")
    assert not {"speedup_vs_library", "fate", "claims"} & set(first)
    assert "speedup_vs_graphed" not in rows_csv([row()])
    text = page(FACTS, rows, summary(rows))
    assert "| task | status | eager | compile | graphed | ours |" in text
    assert "| ops/softmax | ok | 2 ms | 2 ms | 1.25 ms | 1 ms |" in text
    assert "| graphed | 2 | 0.50 | 0.50 | 0.50 | 0.50 | 0.00 |" in text
    assert "| task | status | eager | compile | ours |" in page(FACTS, [row()], summary([row()]))


def test_each_released_solution_tells_its_fate_and_its_makers_claims():
    rows = [row(claims=CLAIMED), failed("ops/gemm", status="rejected", grade="blind")]
    first, second = read(rows_csv(rows, released=True))
    assert (first["fate"], first["claims"]) == ("kept", '{"score_default": 1.9, "speedup": 12.25}')
    assert (second["fate"], second["claims"]) == ("rejected", "")
    text = page({**FACTS, "mode": MODE}, rows, {**summary(rows), "fates": fates(rows)})
    assert "| kept | score_default 1.9, speedup 12.25 |" in text and "| rejected | - | blind |" in text
    assert text.count("| what became of it | its makers say |") == 2  # graded ones and the others
    assert "its makers say" not in page(FACTS, rows, summary(rows))


def test_a_record_says_its_seeds():
    lines = machine_lines({**FACTS, "seeds": {"search": 7, "upstream": 42}})
    assert "- seeds: search 7, upstream 42; the judge's own are secret" in lines
    judged = machine_lines({**FACTS, "seeds": {"search": None, "upstream": 42}})
    assert "- seeds: upstream 42; the judge's own are secret" in judged
    assert not any("seeds" in line for line in machine_lines(FACTS))  # a record from before


def test_a_record_says_its_clocks():
    rows = [
        row(metrics={"core_clock_mhz": 2400.25}),
        row("ops/gelu", metrics={"core_clock_mhz": 3100.0}),
        failed("ops/gemm"),
    ]
    assert "- clocks: cores 2400 to 3100 MHz" in page(FACTS, rows, summary(rows))
    on_gpu = [row(metrics={"core_clock_mhz": 2400.0, "sm_clock_mhz": 1755.0})]
    assert "- clocks: cores 2400 MHz, multiprocessors 1755 MHz" in machine_lines(FACTS, on_gpu)
    assert not any("clocks" in line for line in machine_lines(FACTS, [row()]))  # a record from before


def test_what_a_program_says_can_neither_move_a_terminal_nor_end_a_row():
    rude = "off\x1b[2J by 3\rmore"
    rows = [failed(program="a\x1b]0;b.py"), replace(fault("ops/gemm"), fault={"kind": "X", "message": rude})]
    text = page({**FACTS, "unread": [rude]}, rows, summary(rows))
    for told in (*(each.line() for each in rows), *text.splitlines()):
        assert told.isprintable(), told
    assert "off [2J by 3" in rows[1].line() and "- off [2J by 3 more" in text
    written = list(csv.DictReader(io.StringIO(rows_csv(rows), newline="")))
    assert [line["fault"] for line in written] == ["", "off\x1b[2J by 3\nmore"]
