"""The page of a series: charts, published figures, programs with what they changed, nothing from outside."""

import re
from dataclasses import replace

import pytest

from kernelevo.bench import plots
from kernelevo.bench.figures import summary
from kernelevo.bench.html import html
from kernelevo.bench.published import claims, published, sources
from tests.bench.rows import FACTS, failed, fault, row

WORK = {"work_flops": 2e9, "work_bytes": 1e7, "roofline_ms": 0.5, "roofline_fraction": 0.5}
THEIRS = {"correct": True, "correct_loose": True, "correct_eval": True, "speedup": 1.7, "tolerance": 1e-4}


def page(rows, folder=None, **facts):
    return html({**FACTS, **facts}, rows, summary(rows), folder)


@pytest.fixture
def rows():
    one = row("kernelbench:3/1", metrics=WORK, made_by="rewrite: packed-linear", folder="runs/one")
    return [
        replace(one, upstream=THEIRS), row("kernelbench:3/6"), failed("kernelbench:3/8"),
        row("kernelbench:3/3", grade="blind"), fault("kernelbench:3/4"),
    ]  # fmt: skip


def test_all_of_it_on_one_page(rows, tmp_path):
    pytest.importorskip("matplotlib")
    folder = tmp_path / "runs" / "one"
    folder.mkdir(parents=True)
    (folder / "program.py").write_text("import torch\nx = 1 < 2\n")
    (folder / "reference.py").write_text("import torch\nx = 3\n")
    text = page(rows, tmp_path)
    assert text.count("<svg") == 2 and "a &lt;CPU&gt;" in text
    for words in ("ours vs eager", "FM Agent vs torch.compile (A100 80 GB", "2.00x [1.80, 2.20]",
                  "1.70x eager (0.0001)", "x = 1 &lt; 2", "<span class=minus>-x = 3</span>",
                  "made by rewrite: packed-linear", "off by 3", "killed", "blind"):  # fmt: skip
        assert words in text, words
    # nothing is loaded from elsewhere, and no id stands twice
    assert not re.search(r'(?:src|href)="(?!#)', text.replace("xlink:href", "href")) and "<script" not in text
    ids = re.findall(r'\bid="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    used = set(re.findall(r'(?:href="#|url\(#)([^")]+)', text))
    assert used and used <= set(ids)


def test_without_matplotlib_the_tables_stand(rows, monkeypatch):
    monkeypatch.setattr(plots, "available", lambda: False)
    text = page(rows)
    assert "<svg" not in text and "kernelevo[plot]" in text and "2.00x [1.80, 2.20]" in text


def test_a_series_with_nothing_correct():
    text = page([failed("kernelbench:3/8")])
    assert "no correct program" in text and "<svg" not in text


def test_published_figures_stand_beside_ours_at_equal_shapes_alone(rows, monkeypatch):
    monkeypatch.setattr(plots, "available", lambda: False)
    fm = {p.system: p for p in published("kernelbench:3/1", "v0")}["FM Agent"]
    assert (fm.speedup, fm.against, fm.same_shape) == (21.99, "compile", True)
    assert not {p.same_shape for p in published("kernelbench:3/1", "full")} - {False}
    assert {p.same_shape for p in published("kernelbench:3/6", "full")} == {True}
    assert {p.same_shape for p in published("kernelbench:3/6", "small")} == {False}
    assert published("ops/gemm", "v0") == published("kernelbench:3/3@he", "v0") == []
    ours = {(p.system, p.against): p.speedup for p in published("kernelbench:3/31", "full")}
    assert ours["CUDA-L1", "eager"] == 15.93 and ours["CUDA-L1", "compile"] == 9.89
    text = page(rows, size="small")
    assert "another shape" in text and "<tr class=other><td>kernelbench:3/1</td><td>FM Agent</td>" in text
    assert claims() and all("arXiv" in words for words in sources())


def test_every_baseline_of_a_device_has_a_column_and_a_bar():
    pytest.importorskip("matplotlib")
    metrics = {
        "speedup_vs_graphed": 1.25, "speedup_vs_eager_tf32": 1.75, "speedup_vs_library": 0.5,
        "speedup_vs_new_way": 3.5,
    }  # fmt: skip
    text = page([row("kernelbench:3/1", metrics=metrics)])
    for heading, speedup in (("CUDA graph", "1.25x"), ("eager with TF32", "1.75x"), ("new-way", "3.50x")):
        assert f"<th>vs {heading}</th>" in text and f"<td>{speedup}</td>" in text
        assert f"ours vs {heading}" in text
    assert "library" not in text and "0.50x" not in text
    assert "<td>graphed</td><td>1</td>" in text  # among the figures


def test_what_was_not_read_stands_on_the_page(rows):
    text = page(rows, unread=["a.json/3: <half> a row"])
    assert "<h2>Not read</h2>\n<ul>\n<li>a.json/3: &lt;half&gt; a row</li>" in text
    assert "Not read" not in page(rows, unread=[])


def test_a_long_winner_is_shown_whole_and_a_longer_one_by_whole_lines(rows, tmp_path, monkeypatch):
    monkeypatch.setattr(plots, "available", lambda: False)
    folder = tmp_path / "runs" / "one"
    folder.mkdir(parents=True)
    lines = [f"x{n} = {n} < {n + 1}  # a line of a long program\n" for n in range(5000)]
    (folder / "program.py").write_text("import torch\n" + "".join(lines))
    (folder / "reference.py").write_text("import torch\n")
    text = page(rows, tmp_path)
    assert all(text.count(f"x{n} = {n} &lt; {n + 1}") == 2 for n in (0, 2500, 4999))
    assert "more line" not in text
    monkeypatch.setattr("kernelevo.bench.html._LONGEST", 100)
    text = page(rows, tmp_path)
    # a page of 100 characters has room for three lines of the program, and four of the difference
    assert "import torch\nx0 = 0 &lt; 1  # a line of a long program\nx1 = 1" in text and "x2 = 2" not in text
    assert "4998 more lines" in text and "5000 more lines" in text
    assert text.count("<span class=") == text.count("</span>") == 2


def test_files_of_the_older_shapes_stand_beside_what_is_published_for_these(monkeypatch):
    theirs = published("kernelbench:3/1", "v0")
    older = row("kernelbench:3/1", size="full", form="v0", program="a.py", score=3.0)
    line = "<tr><td>kernelbench:3/1</td><td>FM Agent</td><td>torch.compile</td><td>21.99x</td><td>3.00x</td>"
    if plots.available():
        assert "FM Agent vs torch.compile (A100 80 GB" in page([older], size="full")
    monkeypatch.setattr(plots, "available", lambda: False)
    text = page([older, row("kernelbench:3/1", size="full", form="other", program="b.py")], size="full")
    assert line in text and "another shape" not in text
    assert "Published forms of the tasks read: 1 v0." in text
    for form in ("full", "other", "unknown"):
        text = page([replace(older, form=form)], size="full")
        assert text.count("another shape") == len(theirs) and line not in text
    text = page([row("kernelbench:3/6", size="full", form="other")], size="full")  # alike in both forms
    assert "<tr class=other><td>kernelbench:3/6</td>" in text
    assert "another shape" not in page([row("kernelbench:3/6", size="full", form="full")], size="full")


def test_the_means_that_the_report_states_follow_from_the_figures_kept():
    from kernelevo.device.statistics import geometric_mean

    found = {}
    for n in range(1, 51):
        for p in published(f"kernelbench:3/{n}", "v0"):
            found.setdefault((p.system, p.against, p.hardware), []).append(p.speedup)
    means = {key[0]: (len(v), geometric_mean(v)) for key, v in found.items() if "A100" in key[2]}
    for name, count, mean in (
        ("OpenEvolve", 17, 1.18), ("AI CUDA Engineer", 16, 1.77), ("FM Agent", 17, 4.70),
        ("CUDA-L1 (in the FM Agent report)", 15, 2.47),
    ):  # fmt: skip
        assert means[name] == (count, pytest.approx(mean, abs=0.006))
    h100 = {key[1]: (len(v), geometric_mean(v)) for key, v in found.items() if key[2] == "H100"}
    assert h100["eager"] == (48, pytest.approx(2.17, abs=0.01))
    assert h100["compile"] == (48, pytest.approx(1.77, abs=0.01))
