"""Parts of a series as one table: the best row of each task counts, and unlike parts are refused."""

import json

import pytest

from benchmarks.level3_table import main


def part(path, *scores, cpu="abacus", **more):
    rows = [
        {"name": f"kernelbench:3/{number}", "status": "ok", "score": score, "grade": "judgeable",
         "made_by": made_by, "metrics": {"baseline": "compile", "speedup_vs_graphed": score}}
        for number, score, made_by in scores
    ]  # fmt: skip
    bench = {"suite": "kernelbench:3", "device": "cpu", "size": "small", "hardware": {"cpu": {"name": cpu}}}
    path.write_text(json.dumps({"bench": {**bench, **more}, "tasks": rows}))
    return str(path)


def test_the_best_row_of_each_task_counts(tmp_path, capsys):
    one = part(tmp_path / "one.json", (1, 4.0, "rewrite"), (2, 0.5, "rewrite"))
    two = part(tmp_path / "two.json", (2, 2.0, "compiler"))
    assert main([one, two, "--to", str(tmp_path / "all.json")]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[2].startswith("| kernelbench:3/1 |") and said[2].endswith("| rewrite | one | 1 |")
    assert "2.00x compile" in said[3] and said[3].endswith("| compiler | two | 2 |")
    assert any(line.startswith("graphed: geometric mean 2.83 ") for line in said)
    whole = json.loads((tmp_path / "all.json").read_text())
    best = whole["summary"]["baselines"]["best"]
    assert best["geometric_mean"] == pytest.approx(8**0.5) and best["fast_p"]["2"] == 0.5
    assert [row["score"] for row in whole["tasks"]] == [4.0, 2.0]
    assert set(whole["parts"]) == {"one", "two"}


@pytest.mark.parametrize("more", [{"cpu": "slide rule"}, {"size": "full"}, {"device": "cuda"}])
def test_unlike_parts_are_refused(tmp_path, capsys, more):
    one, two = part(tmp_path / "one.json", (1, 4.0, "x")), part(tmp_path / "two.json", (2, 2.0, "x"), **more)
    assert main([one, two]) == 2
    assert "they are not one series" in capsys.readouterr().err
