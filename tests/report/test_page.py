"""The page of a run: well-formed, self-contained, nothing of a program gets through as markup."""

import re
import shlex
from html.parser import HTMLParser

from kernelevo.core import Evaluation, Fault, Origin, Program, Trial
from kernelevo.report.page import best_so_far, command_line, run_page

RUN = {
    "task": "a<b>.py", "folder": "runs/a", "state": "done", "searched_seconds": 3.0,
    "preparation_seconds": 21.4, "best": 2,
    "confirmed": True,
    "verdict": Evaluation.ok(2.0, latency_ms=1.5, speedup_vs_compile=None).to_json(),
    "live": False,
    "settings": {"budget": "90s", "proposers": ["rewrite", "tune"], "deterministic": False},
}  # fmt: skip
VOID = {"meta", "circle", "line"}


def a_trial(n, score):
    program = Program.single(f"v{n}", origin=Origin("llm", "<script>alert(1)</script>"))
    return Trial(n, program, Evaluation.ok(score) if score is not None else Evaluation.wrong("1 < 2 & 3"))


TRIALS = [a_trial(0, 1.0), a_trial(1, None), a_trial(2, 2.0), a_trial(3, 1.5)]


class Balance(HTMLParser):
    """Fails on tags that are not closed in order; keeps the names of all."""

    def __init__(self):
        super().__init__()
        self.open, self.seen = [], set()

    def handle_starttag(self, tag, attributes):
        self.seen.add(tag)
        self.open += [] if tag in {"meta"} else [tag]

    def handle_startendtag(self, tag, attributes):
        self.seen.add(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_is_whole_and_loads_nothing():
    broken = Trial(4, Program.single("x"), fault=Fault("SandboxError", "gone"))
    page = run_page(RUN, [*TRIALS, broken], "if a < b: pass")
    reader = Balance()
    reader.feed(page)
    assert reader.open == [] and {"svg", "table", "polyline"} <= reader.seen
    assert not reader.seen & {"script", "link", "img", "iframe", "b"} and "http" not in page
    assert "if a &lt; b: pass" in page and "1 &lt; 2 &amp; 3" in page and "SandboxError: gone" in page
    assert "kernelevo run" in page and "--proposers" in page and "--deterministic" not in page
    assert "speedup_vs_compile" not in page and page.count('class="best"') == 1


def test_the_line_is_the_best_so_far():
    points = re.search('points="([^"]*)"', best_so_far(TRIALS))[1].split()
    heights = [float(point.split(",")[1]) for point in points]
    assert heights == sorted(heights, reverse=True) and len(set(heights)) == 2  # 1.0, then 2.0: upwards only
    assert best_so_far(TRIALS).count("<circle") == 3


def test_a_page_says_out_of_how_many_the_best_is():
    verdict = Evaluation.ok(2.0, candidates_confirmed=3, candidates_judged=41).to_json()
    said = "the best of 3 timed again, out of 41 judged"
    assert said in run_page({**RUN, "verdict": verdict}, TRIALS)
    assert said not in run_page({**RUN, "verdict": verdict, "confirmed": False}, TRIALS)


def test_a_run_without_a_result_has_a_page_too():
    page = run_page({**RUN, "verdict": None, "best": None, "confirmed": False}, [])
    assert "nothing correct was found" in page and "no correct program yet" in page


def test_how_to_do_it_again_is_a_command_that_a_shell_reads_back():
    settings = {
        "budget": "30m,$2", "mailbox": "ana's box", "proposers": ["llm", "tune"], "no_clusters": False,
        "deterministic": True, "models": {"a": {"input": 1.0}}, "out": "x",
    }  # fmt: skip
    words = shlex.split(command_line("my net.py:Net", settings))
    assert words == [
        "kernelevo", "run", "my net.py:Net", "--budget", "30m,$2", "--mailbox", "ana's box",
        "--proposers", "llm,tune", "--clusters", "--deterministic", "--config", "config.toml",
    ]  # fmt: skip
    there = shlex.split(command_line("my net.py:Net", settings, "/runs/ana's"))
    assert there == [*words[:-1], "/runs/ana's/config.toml"]
    call = command_line("MyNet", {"budget": "5m", "seed": 1}, live=True)
    assert call == "kernelevo.optimize(module, inputs, budget='5m', seed=1)"
