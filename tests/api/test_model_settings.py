"""Settings of language models, each by what it changes: who is asked, how long, how often, for how much."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import kernelevo
from kernelevo.api import load_run, run_task
from kernelevo.api.language import language
from kernelevo.cli.main import run_command
from kernelevo.config import load_settings
from kernelevo.core import Notice
from kernelevo.engine import Budget
from kernelevo.errors import BadSetting
from kernelevo.llm import EndpointBusy, Message, Purpose, ReplyTimeout, retry
from kernelevo.store import RunStore
from tests.endpoint import completion, endpoint, failure

EVALUATOR = '''
import kernelevo

@kernelevo.evaluator("digits", seed="x = 1\\n")
def digits(source: str):
    """As many ones as possible."""
    if "boom" in source:
        return {"score": None, "feedback": "boom is not allowed here"}
    return float(source.count("1"))
'''
ASK = (Message("user", "go"),)
SUMMARY = "- Ones in a row gained a lot here, with the digits evaluator (#1)."
VERDICT = json.dumps({"scores": {"beauty": 5}, "comment": "fine"})


@pytest.fixture(autouse=True)
def _quick(monkeypatch, tmp_path):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-one")
    monkeypatch.setenv("KERNELEVO_KNOWLEDGE", str(tmp_path / "notes.db"))
    monkeypatch.delenv("KERNELEVO_MODEL", raising=False)
    monkeypatch.setattr(retry.RetryPolicy, "base", 0.01)
    monkeypatch.setattr(retry.RetryPolicy.__init__, "__defaults__", (3, 0.01, 0.05, 1.0))
    (tmp_path / "digits.py").write_text(EVALUATOR)


def program(number: int) -> str:
    return f"More ones.\n```python\nx = {'1' * (number + 2)}\n```"


def run(tmp_path, mock, *, listener=None, **more):
    flags = {"budget": "2", "executor": "inline", "out": str(tmp_path / "run"), "model": "m"}
    flags |= {"proposers": ["llm"], "thinkers": 1, "base_url": mock.url, "repairs": 0, **more}
    return run_task(f"{tmp_path / 'digits.py'}:digits", load_settings(flags, environ={}), listener=listener)


def ask(mock, count=1, *, budget="10", names=("m",), **more):
    """Ask the first model of a run so often at the same time; return the answers or what they raised."""
    flags = {"model": ",".join(names), "proposers": ["llm"], "base_url": mock.url, **more}
    talk = language(load_settings(flags, environ={}), Budget.parse(budget))

    async def go():
        asks = [talk.models.ask(ASK, Purpose(), model=names[0]) for _ in range(count)]
        try:
            return await asyncio.gather(*asks, return_exceptions=True)
        finally:
            await talk.aclose()

    return asyncio.run(go())


def fine(request, number):
    return completion("ok")


def test_the_repair_model_mends_and_nobody_else(tmp_path):
    with endpoint(lambda request, n: completion(f"```python\nx = 'boom {n}'\n```")) as mock:
        run(tmp_path, mock, budget="4", repairs=1, repair_model="mender")
        asked = [
            (r["model"], "boom is not allowed here" in r["messages"][1]["content"]) for r in mock.requests
        ]
        assert {model for model, mends in asked if mends} == {"mender"}
        assert {model for model, mends in asked if not mends} == {"m"}
        mock.requests.clear()
        run(tmp_path, mock, budget="4", repairs=1, out=str(tmp_path / "without"))
    assert {r["model"] for r in mock.requests} == {"m"}


def summaries(request, number):
    return completion(SUMMARY if request["model"] == "scribe" else program(number), tokens_in=700)


def test_the_summary_model_writes_the_notes_of_a_run_with_the_prompts_of_the_run(tmp_path, capsys):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "summary.md").write_text("Sum up: {{task}} {{device}} {{table}}")
    with endpoint(summaries) as mock:
        run(tmp_path, mock, summary_model="scribe", prompts=str(tmp_path / "own"))
        (asked,) = [r for r in mock.requests if r["model"] == "scribe"]
        assert asked["messages"][1]["content"].startswith("Sum up: ")
    assert run_command(["knowledge", "list", "--json"]) == 0
    assert "Ones in a row" in capsys.readouterr().out
    with RunStore.open(tmp_path / "run", readonly=True) as store:
        (call,) = store.calls(role="summariser")
        assert call.state == "answered" and call.tokens_out == 50


@pytest.mark.parametrize(("budget", "asked"), [("2,tokens:9k", 1), ("2,tokens:2k", 0)])
def test_a_summary_is_reserved_like_any_other_call(tmp_path, budget, asked):
    words = []
    more = {"max_tokens": 100, "models": {"scribe": {"max_tokens": 1500}}}
    with endpoint(summaries) as mock:
        run(tmp_path, mock, budget=budget, summary_model="scribe", listener=words.append, **more)
        longest = [r["max_tokens"] for r in mock.requests if r["model"] == "scribe"]
    assert longest == [1500] * asked
    with RunStore.open(tmp_path / "run", readonly=True) as store:
        reasons = [event.data["reason"] for event in store.events(kind="no summary")]
        assert len(store.calls(role="proposer")) >= 1
    said = [w.text for w in words if isinstance(w, Notice) and "no summary" in w.text]
    assert len(reasons) == len(said) == 1 - asked
    assert all(re.search(r"may cost [12]\d\d\d tokens, and \d+ tokens is left", r) for r in reasons + said)


@pytest.mark.parametrize("text", ["", "I have nothing to say.", "<think>The first one gained"])
def test_a_summary_without_a_note_is_told(tmp_path, text):
    words = []

    def answer(request, number):
        if request["model"] == "scribe":
            return completion(text, finish="length")
        return completion(program(number))

    with endpoint(answer) as mock:
        run(tmp_path, mock, summary_model="scribe", listener=words.append)
    with RunStore.open(tmp_path / "run", readonly=True) as store:
        (event,) = store.events(kind="no summary")
    assert event.data == {"reason": "the reply held no note"}
    said = [w.text for w in words if isinstance(w, Notice) and "no summary" in w.text]
    assert len(said) == 1 and "the reply held no note" in said[0]


def test_a_judge_model_is_asked_only_as_the_budget_allows(tmp_path):
    def answer(request, number):
        return completion(VERDICT if request["model"] == "critic" else program(number))

    with endpoint(answer) as mock:
        prices = {"m": {"input": 0.1, "output": 0.1}, "critic": {"input": 9e3, "output": 9e3}}
        result = run(tmp_path, mock, budget="3,$0.5", max_tokens=100, judge_model="critic", models=prices)
        assert len(result.trials) == 4 and {r["model"] for r in mock.requests} == {"m"}
    with RunStore.open(tmp_path / "run", readonly=True) as store:
        reasons = [event.data["reason"] for event in store.events(kind="no opinion")]
    assert len(reasons) == 4 and all("budget has no room" in r and "is left" in r for r in reasons)


@pytest.mark.parametrize("where", ["the run", "the model"])
def test_a_reply_is_waited_for_so_long(where):
    once = {"models": {"m": {"attempts": 1}}}
    more = (
        {"reply_timeout": 0.2} if where == "the run" else {"models": {"m": {"timeout": 0.2, "attempts": 1}}}
    )
    with endpoint(lambda request, n: (200, {"delay": 0.4}, completion("ok")[2])) as mock:
        (late,) = ask(mock, **{**once, **more})
        (early,) = ask(mock, **once, reply_timeout=30.0)
    assert isinstance(late, EndpointBusy) and "no reply within 0.2 s" in late.why and early.reply.text == "ok"


def test_a_mailbox_is_looked_at_so_long(tmp_path):
    flags = {"proposers": ["mailbox"], "mailbox": str(tmp_path / "box"), "reply_timeout": 0.2}
    talk = language(load_settings(flags, environ={}), Budget.parse("1"))
    began = time.monotonic()
    with pytest.raises(ReplyTimeout):
        asyncio.run(talk.mailbox.ask(ASK, Purpose()))
    assert 0.2 <= time.monotonic() - began < 5


@pytest.mark.parametrize(("table", "most"), [({}, 4), ({"concurrency": 1}, 1), ({"concurrency": 2}, 2)])
def test_so_many_requests_of_a_model_at_a_time(table, most):
    inside, seen, lock, full = [], [], threading.Lock(), threading.Event()

    def answer(request, number):
        with lock:
            inside.append(number)
            seen.append(len(inside))
            if len(inside) == most:
                full.set()
        full.wait(10)
        time.sleep(0.05)  # for one that is too many
        with lock:
            inside.remove(number)
        return completion("ok")

    with endpoint(answer) as mock:
        ask(mock, 4, models={"m": table})
    assert max(seen) == most


@pytest.mark.parametrize(
    ("table", "minutes"),
    [
        ({}, 0),
        ({"requests_per_minute": 1}, 2),
        ({"requests_per_minute": 2}, 1),
        ({"tokens_per_minute": 150}, 2),
    ],
)
def test_so_many_requests_and_tokens_in_a_minute(table, minutes):
    flags = {"model": "m", "proposers": ["llm"], "models": {"m": {"max_tokens": 100, **table}}}
    talk = language(load_settings(flags, environ={}), Budget.parse("1"))
    gate, now = talk.models._gates["m"], [0.0]

    async def sleep(seconds):
        now[0] += seconds

    gate._clock, gate._sleep = lambda: now[0], sleep

    async def go():
        most = talk.models.may_cost(ASK, "m")["tokens"]
        for _ in range(3):
            async with gate.through(int(most)):
                pass
        await talk.aclose()

    asyncio.run(go())
    assert now[0] == pytest.approx(60.0 * minutes)


def test_the_longest_reply_is_that_of_the_model_or_of_the_run():
    with endpoint(fine) as mock:
        ask(mock, max_tokens=77)
        ask(mock, max_tokens=77, models={"m": {"max_tokens": 33}})
    longest = [r.get("max_tokens") or r.get("max_completion_tokens") for r in mock.requests]
    assert longest == [77, 33]


@pytest.mark.parametrize("attempts", [1, 2])
def test_a_failing_request_is_tried_so_often(attempts):
    with endpoint(lambda request, n: failure(500)) as mock:
        (error,) = ask(mock, models={"m": {"attempts": attempts}})
    assert len(mock.requests) == attempts and error.passing


def test_a_model_has_its_own_endpoint_key_and_name_there(monkeypatch):
    monkeypatch.setenv("OTHER_KEY", "sk-two")
    with endpoint(fine) as mock, endpoint(fine) as other:
        table = {"base_url": other.url, "key_variable": "OTHER_KEY", "served": "big/model-7"}
        ask(mock, names=("m", "n"), models={"m": table})
        ask(mock)
    assert [r["model"] for r in other.requests] == ["big/model-7"] and other.keys == ["Bearer sk-two"]
    assert [r["model"] for r in mock.requests] == ["m"] and mock.keys == ["Bearer sk-one"]


def test_prices_are_those_of_the_model():
    with endpoint(fine) as mock:
        (priced,) = ask(mock, models={"m": {"input": 2.0, "output": 8.0}})
        (other,) = ask(mock, names=("n",), models={"m": {"input": 2.0, "output": 8.0}})
        with pytest.raises(BadSetting, match="n costs"):
            ask(mock, names=("n",), budget="$1", models={"m": {"input": 2.0, "output": 8.0}})
    assert priced.call.dollars == pytest.approx((100 * 2 + 50 * 8) / 1e6) and other.call.dollars is None


@pytest.mark.slow
def test_a_kill_leaves_a_row_of_what_was_asked_and_show_says_so(tmp_path: Path, capsys):
    """The real command line, killed (-9) while its endpoint thinks, then resumed."""
    come = threading.Event()

    def answer(request, number):
        if number == 1:
            come.set()
            return 200, {"delay": 5.0}, completion("too late")[2]
        return completion(program(number))

    words = ["run", f"{tmp_path / 'digits.py'}:digits", "--model", "m", "--proposers", "llm"]
    words += ["--budget", "3", "--executor", "inline", "--out", str(tmp_path / "run")]
    with endpoint(answer) as mock:
        command = [sys.executable, "-m", "kernelevo", *words, "--base-url", mock.url]
        ours = {**os.environ, "PYTHONPATH": str(Path(kernelevo.__file__).parents[1])}
        process = subprocess.Popen(command, env=ours, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            assert come.wait(60)
        finally:
            os.kill(process.pid, signal.SIGKILL)
            process.wait(30)
        deadline = time.monotonic() + 20  # processes that it left may hold its lock for a moment
        while not (lost := load_run(tmp_path / "run").lost_calls) and time.monotonic() < deadline:
            time.sleep(0.1)
        assert lost >= 1
        assert run_command(["show", str(tmp_path / "run")]) == 0
        assert "never received" in capsys.readouterr().err
        assert run_command(["resume", str(tmp_path / "run")]) == 0
    with RunStore.open(tmp_path / "run", readonly=True) as store:
        states = [call.state for call in store.calls()]
        answered = sum(state == "answered" for state in states)
        assert answered + store.lost_calls() == len(states) == len(mock.requests)
        assert store.spent_on_calls() == {"tokens": 150 * answered}
    capsys.readouterr()
    assert run_command(["show", str(tmp_path / "run"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["run"]["lost_calls"] == states.count("lost") >= 1
