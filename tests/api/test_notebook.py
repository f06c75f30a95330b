"""A result in a notebook, and its page: what programs, models and evaluators wrote is text only."""

import re
from html.parser import HTMLParser

import pytest

from kernelevo import api
from kernelevo.cli.main import run_command
from kernelevo.core import Evaluation, Origin, Program, Task, Trial
from kernelevo.store import RunStore

EVIL = "</script><img src=x onerror=alert(1)><svg/onload=alert(2)>'\"&"
MARKUP = "[link=javascript:alert(3)]x[/link] [/b] [/INST] :smile: \x1b]8;;javascript:alert(4)\x07y\x1b[31m"
LEAN = {"metrics": {"memory": "lower", "speed": "higher"}, "rule": "lexicographic"}


class Markup(HTMLParser):
    """Keeps every tag with its attributes, and all that is read as text."""

    def __init__(self):
        super().__init__()
        self.tags, self.attributes, self.text = set(), [], ""

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.attributes += attributes

    def handle_data(self, data):
        self.text += data


def read(html):
    reader = Markup()
    reader.feed(html)
    reader.close()
    return reader


def written(folder, declared=None, *, confirmed=False, timed=False):
    """A run whose every text is hostile."""
    options = {"objectives": declared} if declared else {}
    evil = EVIL + MARKUP
    points = [(1.0, 1, 1), (9.0, 9, 9), (7.0, 7, 2), (1.0, 1, 0.5)]
    with RunStore.create(
        folder, Task(f"pack {EVIL}", evil, (Program.single("s"),), "none", options), {}
    ) as store:
        parents = ()
        for number, (score, speed, memory) in enumerate(points):
            origin = Origin(f"llm {MARKUP}", evil)
            program = Program.single(f"# {evil}\nx = {number}\n", parents=parents, origin=origin)
            facts = {"speed": speed, "memory": memory, f"word {EVIL}": evil}
            facts |= {"latency_ms": 2.0, "meets_1e-5": evil} if timed else {}
            verdict = Evaluation.ok(score, feedback=evil, **facts)
            store.record(Trial(number, program, verdict, started=number, ended=number + 0.5))
            parents = (program.id,)
        wrong = Evaluation.wrong(f"lone \ud800 {evil}")
        store.record(
            Trial(4, Program.single("y", parents=parents, origin=Origin("llm", evil)), wrong, ended=5.0)
        )
        store.append_command(f"ana {EVIL}", "hint", {"text": evil})
        if confirmed:
            store.append_event("final", verdict.to_json(), trial=3)
        store.set_state("done")
    return api.load_run(folder)


@pytest.mark.parametrize("declared", [None, LEAN])
@pytest.mark.parametrize("timed", [False, True])
def test_a_notebook_shows_hostile_texts_as_text(tmp_path, declared, timed):
    result = written(tmp_path / "run", declared, timed=timed)
    found = read(result._repr_html_())
    assert found.tags <= {"div", "pre", "span", "svg", "path", "text", "circle", "title", "polyline"}
    assert not any(name.startswith("on") or name in ("href", "src") for name, _ in found.attributes)
    # the table's lines are folded: its letters are there, in their order
    assert "[link=javascript:alert(3)]" in re.sub(r"\s", "", found.text) and "onerror=alert(1)" in found.text
    assert "\x1b" not in found.text and ":smile:" in found.text


def test_the_page_of_a_run_shows_hostile_texts_as_text(tmp_path):
    html = written(tmp_path / "run", LEAN, confirmed=True).to_html()
    found = read(html)
    assert not found.tags & {"script", "img", "a", "iframe", "link", "object", "style/onload"}
    assert not any(name.startswith("on") or name in ("href", "src") for name, _ in found.attributes)
    assert found.text.count(EVIL) > 10 and "lone ?" in found.text
    (tmp_path / "report.html").write_text(html, "utf-8")  # as the run itself does


def test_the_terminal_prints_hostile_texts_as_they_are(tmp_path, capsys):
    folder = str(written(tmp_path / "run", LEAN).folder)
    for words in (["show", folder], ["steer", folder], ["show", folder, "--trial", "3"], ["watch", folder]):
        assert run_command(words) == 0
        printed = capsys.readouterr()
        if words[0] != "watch":
            assert "[link=javascript:alert(3)]" in re.sub(r"\s", "", printed.out) or words[0] == "steer"


def test_a_notebook_goes_by_the_objectives(tmp_path):
    by_score = read(written(tmp_path / "score")._repr_html_()).text
    assert "lexicographic" not in by_score and "Pareto" not in by_score and "best 9" in by_score
    result = written(tmp_path / "lean", LEAN)
    shown = " ".join(read(result._repr_html_()).text.split())
    assert result.best.number == 3
    assert "the order is lexicographic: memory (lower is better), then speed (higher is better)" in shown
    assert "memory 1, speed 1; score 1 memory 0.5, speed 1; score 1" in shown  # the first, the best
    assert "memory (lower is better), best 0.5" in shown and "Pareto front: 3 programs" in shown
    assert shown.index("#3 0.5 1") < shown.index("#2 2 7") < shown.index("#1 9 9")


def test_the_terminal_goes_by_the_objectives(tmp_path, capsys):
    folder = str(written(tmp_path / "lean", LEAN).folder)
    assert run_command(["show", folder]) == 0
    printed = capsys.readouterr()
    assert "best: #3 memory 0.5, speed 1, not timed again" in printed.err
    head = next(line for line in printed.out.splitlines() if "memory (lower)" in line and "made by" in line)
    assert head.index("memory (lower)") < head.index("speed (higher)") < head.index("score")
