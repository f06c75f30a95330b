"""The table of the judge's figures: what it says of a record, and that parts stand for themselves."""

import json

import pytest

from benchmarks import judge_figures

RECORD = {
    "rows": {"rejected": 4, "tried": 5, "programs": 9, "needs_a_device": [3], "rows": {}},
    "honest": {"accepted": 3, "programs": 4, "refused": {"x": "wrong"}},
    "mutants": {"caught": 19, "mutants": 20, "missed": [], "originals": 2, "accused": {}},
    "calibration": {"accepted": 159, "products": 160, "named_rightly": 79, "named": 80},
}


def test_each_part_is_written_when_it_is_done_and_a_broken_one_is_named(tmp_path, monkeypatch, capsys):
    def broken(quick):
        raise RuntimeError("no such machine")

    parts = {name: lambda quick, found=found: {**found} for name, found in RECORD.items()}
    monkeypatch.setattr(judge_figures, "PARTS", {**parts, "hostile": broken})
    out = tmp_path / "figures.json"
    assert judge_figures.main(["--parts", "rows,hostile", "--out", str(out)]) == 1
    assert set(json.loads(out.read_text())["parts"]) == {"rows", "hostile"}
    assert judge_figures.main(["--parts", "honest,mutants,calibration", "--out", str(out)]) == 1
    table = capsys.readouterr().out
    for words in (
        "| 4 of 5 (9 programs); not tried without a device: 3 |",
        "| honest programs accepted | 3 of 4 |",
        "| injected bugs caught | 19 of 20 (95.0%) |",
        "| hostile | not measured: RuntimeError: no such machine |",
        "| honest fp32 sums accepted | 159 of 160 |",
    ):
        assert words in table
    with pytest.raises(SystemExit):
        judge_figures.main(["--quick", "--out", str(out)])  # no quick figures among whole ones
    with pytest.raises(SystemExit):
        judge_figures.main(["--parts", "rows,unheard", "--out", str(out)])
