"""A/A on the CPU: what is printed, and that the costs of checking add up."""

import json

import pytest

from benchmarks import same


def test_a_table_has_a_line_for_each_figure():
    assert same.table({"pairs": 3, "low": 0.123456, "value": None}).splitlines() == [
        "  pairs              3",
        "  low                0.1235",
        "  value              None",
    ]


@pytest.mark.slow
def test_the_cost_of_checking_is_measured():
    cost = same.checking(seconds=0.3, text=same.TEXT)
    assert cost["status"] == "ok" and cost["latency_ms"] > 0
    assert cost["above_5_ms"] is (cost["latency_ms"] > 5)
    assert cost["examined"] > 0 and cost["verified"] > 0 and cost["cases"] > 0 and cost["mixed"] > 0
    assert cost["timed"] + cost["examined"] <= cost["duel"] * 1.01
    assert cost["duel"] + cost["verified"] + cost["mixed"] + cost["cases"] <= cost["whole"] * 1.01
    assert cost["share_of_timed"] == pytest.approx((cost["examined"] + cost["verified"]) / cost["timed"])


@pytest.mark.slow
def test_the_record_holds_both_tables(tmp_path, capsys):
    out = tmp_path / "same.json"
    assert same.main(["--pairs", "2", "--seconds", "60", "--out", str(out)]) == 0
    record = json.loads(out.read_text())
    assert record["equals"]["pairs"] == 2 and record["checking"]["above_5_ms"] in (True, False)
    assert "share_of_timed" in capsys.readouterr().out
