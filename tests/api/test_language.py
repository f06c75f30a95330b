"""Runs that ask a model: costs, repairs, opinions, records, and everything that an endpoint can do wrong."""

import json
import re
from pathlib import Path

import pytest

from kernelevo.api import load_run, resume, run_task
from kernelevo.cli.main import run_command
from kernelevo.config import load_settings
from kernelevo.core import Notice, Status
from kernelevo.errors import BadSetting, MachineError
from kernelevo.llm import retry
from kernelevo.llm.breaker import Breaker
from kernelevo.store import RunStore
from tests.endpoint import completion, endpoint, failure

KEY = "sk-very-secret-0123456789abcdef"
EVALUATOR = '''
import kernelevo

@kernelevo.evaluator("digits", seed="x = 1\\n")
def digits(source: str):
    """As many ones as possible."""
    if "boom" in source:
        return {"score": None, "feedback": "boom is not allowed here"}
    return float(source.count("1"))
'''


def program(number: int) -> str:
    return f"More ones.\n```python\nx = {'1' * (number + 2)}\n```"


@pytest.fixture(autouse=True)
def _quick(monkeypatch, tmp_path):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.delenv("KERNELEVO_MODEL", raising=False)
    monkeypatch.setattr(retry.RetryPolicy, "base", 0.01)
    monkeypatch.setattr(retry.RetryPolicy.__init__, "__defaults__", (3, 0.01, 0.05, 1.0))
    (tmp_path / "digits.py").write_text(EVALUATOR)


def run(tmp_path, mock, *, budget="3", listener=None, **more):
    settings = load_settings(
        {
            "budget": budget,
            "executor": "inline",
            "out": str(tmp_path / "run"),
            "model": "m",
            "proposers": ["llm"],
            "thinkers": 1,
            "base_url": mock.url if mock else None,
            **more,
        }
    )
    return run_task(f"{tmp_path / 'digits.py'}:digits", settings, listener=listener)


def store(tmp_path) -> RunStore:
    return RunStore.open(tmp_path / "run", readonly=True)


def written(folder: Path) -> bytes:
    return b"".join(p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file())


def test_every_call_is_a_row_and_is_counted_once(tmp_path):
    prices = {"m": {"input": 1.0, "output": 2.0}}
    with endpoint(lambda request, n: completion(program(n))) as mock:
        result = run(tmp_path, mock, budget="3,$1", models=prices)
    assert len(mock.requests) == 3 and result.speedup == 4
    with store(tmp_path) as opened:
        calls = opened.calls()
        (total,) = [row for row in opened.cost_of_calls() if row["model"] is None]
    assert [c.role for c in calls] == ["proposer"] * 3 and [c.trial for c in calls] == [1, 2, 3]
    assert all(c.reply and c.prompt[1]["content"] and c.latency > 0 and not c.error for c in calls)
    assert total["dollars"] == pytest.approx(3 * (100 * 1.0 + 50 * 2.0) / 1e6) and total["tokens"] == 450
    costs = [t.cost for t in result.trials if t.number]
    assert sum(c["dollars"] for c in costs) == pytest.approx(total["dollars"])
    with endpoint(lambda request, n: completion(program(n + 9))) as mock:
        settings = {"base_url": mock.url}
        assert settings
    again = load_run(tmp_path / "run").to_json()
    assert again["trials"][1]["program"]["origin"]["details"]["model"] == "served"


def test_a_key_is_in_no_file_of_the_run_and_in_no_word(tmp_path, capsys):
    def answer(request, number):
        if number == 1:
            return failure(500, f"internal error with key {KEY}")
        return completion(program(number))

    with endpoint(answer) as mock:
        run(tmp_path, mock)
    assert set(mock.keys) == {f"Bearer {KEY}"}
    assert KEY.encode() not in written(tmp_path / "run")
    words = capsys.readouterr()
    assert KEY not in words.out + words.err


@pytest.mark.parametrize(
    ("status", "message", "said"),
    [
        (401, f"Incorrect API key provided: {KEY}", "OPENAI_API_KEY"),
        (404, "The model `m` does not exist", "does not exist"),
    ],
)
def test_wrong_key_or_model_ends_the_run_with_a_sentence(tmp_path, status, message, said):
    with endpoint(lambda request, n: failure(status, message)) as mock, pytest.raises(MachineError) as caught:
        run(tmp_path, mock)
    assert said in str(caught.value) and KEY not in str(caught.value)
    assert len(mock.requests) == 1  # asking again cannot help
    assert KEY.encode() not in written(tmp_path / "run")
    assert [t.number for t in load_run(tmp_path / "run").trials] == [0]
    with endpoint(lambda request, n: completion(program(n))) as mock, store(tmp_path) as opened:
        assert "refused" in opened.calls()[0].error


@pytest.mark.slow
def test_wrong_url_on_the_command_line(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = [
        "run",
        "digits.py:digits",
        "--model",
        "m",
        "--proposers",
        "llm",
        "--base-url",
        "http://127.0.0.1:9/v1",
    ]
    monkeypatch.setattr("kernelevo.llm.models.PATIENCE", 0.2)
    monkeypatch.setattr("kernelevo.llm.breaker.Breaker.first", 0.05)
    assert run_command([*words, "--budget", "3", "--executor", "inline", "--out", "run"]) == 3
    said = capsys.readouterr().err
    assert "No connection" in said and "--base-url" in said and "Traceback" not in said


def test_a_storm_of_429_and_500_passes(tmp_path):
    def answer(request, number):
        if number % 3 != 2:
            return failure(429 if number % 2 else 500, "slow down", {"retry-after": "0"})
        return completion(program(number))

    with endpoint(answer) as mock:
        result = run(tmp_path, mock)
    assert len(result.trials) == 4 and len(mock.requests) == 9
    with store(tmp_path) as opened:
        assert [c.attempts for c in opened.calls()] == [3, 3, 3]


def test_half_an_answer_is_asked_for_again(tmp_path):
    whole = json.dumps(completion(program(0))[2]).encode()

    def answer(request, number):
        if number == 0:
            return 200, {"content-length": len(whole)}, whole[: len(whole) // 2]
        return completion(program(number))

    with endpoint(answer) as mock:
        result = run(tmp_path, mock, budget="1")
    assert len(mock.requests) == 2 and result.trials[1].evaluation.status is Status.OK


def test_replies_in_other_languages_and_without_programs(tmp_path):
    replies = [
        "我不会写代码。",
        "Ich füge Einsen hinzu.\n```python\nx = 111\n```",
        "",
        "Désolé, je ne peux pas.",
    ]
    with endpoint(lambda request, n: completion(replies[n])) as mock:
        result = run(tmp_path, mock, budget="4", repairs=0)
    assert result.speedup == 3 and len(result.trials) == 5
    assert result.best.program.origin.idea == "Ich füge Einsen hinzu."
    refused = [t.program.origin.details.get("refused") for t in result.trials[1:]]
    assert sum(r is not None for r in refused) == 3


def test_a_budget_of_one_cent(tmp_path):
    words = []
    prices = {"m": {"input": 10.0, "output": 30.0}}
    with endpoint(lambda request, n: completion(program(n), tokens_in=10_000)) as mock:
        result = run(tmp_path, mock, budget="$0.01", models=prices, listener=words.append)
        assert mock.requests == [] and len(result.trials) == 1
        (said,) = [w.text for w in words if isinstance(w, Notice) and "llm" in w.text]
        assert re.search(r"next call may cost \$0\.\d+, and \$0\.0100 is left", said)
        other, prices = tmp_path / "small", {"m": {"input": 0.2, "output": 0.2}}
        run(tmp_path, mock, budget="$0.01", models=prices, max_tokens=100, out=str(other))
        assert 0 < len(mock.requests) <= 6
    with RunStore.open(other, readonly=True) as opened:
        spent = opened.spent_on_calls()["dollars"]
    assert 0.004 < spent <= 0.01 + 10_050 * 0.2 / 1e6  # never more over it than the call in flight


def test_a_budget_in_dollars_needs_prices(tmp_path):
    with (
        endpoint(lambda request, n: completion(program(n))) as mock,
        pytest.raises(BadSetting, match="costs"),
    ):
        run(tmp_path, mock, budget="$1")


@pytest.mark.slow
def test_a_failed_program_goes_back_with_its_error_so_often_and_no_more(tmp_path):
    with endpoint(lambda request, n: completion(f"```python\nx = 'boom {n}'\n```")) as mock:
        result = run(tmp_path, mock, budget="10", repairs=2)
    with store(tmp_path) as opened:
        roles = [c.role for c in opened.calls()]
        mended = [c for c in opened.calls(role="repair")]
    details = [t.program.origin.details for t in result.trials[1:]]
    assert roles.count("repair") >= 2 and max(d.get("repairs", 0) for d in details) == 2
    assert "boom is not allowed here" in mended[0].prompt[1]["content"]
    by_program = [c.trial for c in mended]
    assert len(by_program) == len(set(by_program))
    with endpoint(lambda request, n: completion(f"```python\nx = 'boom {n}'\n```")) as mock:
        run(tmp_path, mock, budget="4", repairs=0, out=str(tmp_path / "none"))
    with RunStore.open(tmp_path / "none", readonly=True) as opened:
        assert {c.role for c in opened.calls()} == {"proposer"}


def opinion(value: int) -> str:
    names = ("numerical_safety", "generality", "novelty", "readability")
    return json.dumps({"scores": dict.fromkeys(names, value), "comment": "Split the loop."})


def test_a_judge_model_reviews_what_passed_and_its_words_reach_later_briefs(tmp_path):
    def answer(request, number):
        if request["model"] == "critic":
            return completion(opinion(7))
        return 200, {"delay": 0.1}, completion(program(number))[2]

    with endpoint(answer) as mock:
        result = run(tmp_path, mock, budget="6", judge_model="critic")
    with store(tmp_path) as opened:
        opinions = opened.opinions()
        judged = opened.calls(role="judge")
    assert opinions and judged and opinions[min(opinions)]["value"] == pytest.approx(0.7)
    prompts = [r["messages"][1]["content"] for r in mock.requests if r["model"] == "m"]
    assert any("Split the loop." in text for text in prompts)
    shown = result.to_json()["trials"]
    assert any(t["opinion"] and t["opinion"]["scores"]["novelty"] == 7 for t in shown)
    assert [t.score for t in result.trials if t.number in opinions]  # the recorded scores are the judge's own
    assert all("Split the loop." not in t.evaluation.feedback for t in result.trials)


def test_a_judge_model_that_talks_nonsense_changes_nothing(tmp_path):
    words = []

    def answer(request, number):
        return completion("11 out of 10!" if request["model"] == "critic" else program(number))

    with endpoint(answer) as mock:
        result = run(tmp_path, mock, judge_model="critic", listener=words.append)
    assert len(result.trials) == 4 and not result.opinions
    assert sum("no opinion" in w.text for w in words if isinstance(w, Notice)) <= 1


def test_a_run_is_replayed_from_its_own_replies_without_an_endpoint(tmp_path, monkeypatch, capsys):
    with endpoint(lambda request, n: completion(program(n))) as mock:
        first = run(tmp_path, mock, deterministic=True, window=1, no_knowledge=True)
    record = tmp_path / "replies.jsonl"
    assert run_command(["export", str(tmp_path / "run"), "--replies", str(record)]) == 0
    assert KEY not in record.read_text()
    monkeypatch.delenv("OPENAI_API_KEY")
    again = run(
        tmp_path,
        None,
        replay=str(record),
        model=None,
        out=str(tmp_path / "again"),
        deterministic=True,
        window=1,
        no_knowledge=True,
    )
    assert [t.program.id for t in again.trials] == [t.program.id for t in first.trials]
    record.write_text(re.sub(r'"prompt_sha256": "\w{6}', '"prompt_sha256": "000000', record.read_text()))
    with pytest.raises(MachineError, match="has no reply to this prompt"):
        run(tmp_path, None, replay=str(record), model=None, out=str(tmp_path / "other"))
    loose = run(
        tmp_path,
        None,
        replay=str(record),
        replay_loosely=True,
        model=None,
        seed=5,
        out=str(tmp_path / "loose"),
    )
    assert len(loose.trials) == 4


@pytest.mark.parametrize(
    "line",
    [
        '{"prompt_sha256": "x", "reply',
        "[]",
        '{"reply": 5}',
        '{"prompt_sha256": "a", "reply": "b", "tokens_in": -1}',
    ],
)
def test_a_damaged_record(tmp_path, line):
    record = tmp_path / "record.jsonl"
    record.write_text('{"prompt_sha256": "x", "reply": "y"}\n' + line)
    with pytest.raises(BadSetting, match="line 2"):
        run(tmp_path, None, replay=str(record), model=None)
    record.write_text("\n")
    with pytest.raises(BadSetting, match="no reply"):
        run(tmp_path, None, replay=str(record), model=None, out=str(tmp_path / "b"))


def test_several_models_are_all_heard(tmp_path):
    with endpoint(lambda request, n: completion(program(n))) as mock:
        run(tmp_path, mock, budget="8", model="a,b")
    assert {r["model"] for r in mock.requests} == {"a", "b"}


def test_costs_survive_a_resume(tmp_path):
    prices = {"m": {"input": 1.0, "output": 2.0}}
    with endpoint(lambda request, n: completion(program(n))) as mock:
        run(tmp_path, mock, budget="2,$1", models=prices)
        result = resume(str(tmp_path / "run"), budget="2")
    assert len(mock.requests) == 4 and len(result.trials) == 5
    with store(tmp_path) as opened:
        assert opened.spent_on_calls()["tokens"] == 600


def test_an_outage_in_the_middle_does_not_end_the_run(tmp_path, monkeypatch):
    made = Breaker.__init__
    monkeypatch.setattr(made, "__defaults__", (2, 0.01, *made.__defaults__[2:]))
    words = []

    def answer(request, number):
        return failure(503, "overloaded") if 1 <= number <= 12 else completion(program(number))

    with endpoint(answer) as mock:
        result = run(tmp_path, mock, listener=words.append)
    assert [t.score for t in result.trials] == [1, 2, 15, 16]
    assert sum("rests for a while" in w.text for w in words if isinstance(w, Notice)) == 1


def test_an_endpoint_that_hangs_for_a_while_does_not_end_the_run(tmp_path, monkeypatch):
    made = Breaker.__init__
    monkeypatch.setattr(made, "__defaults__", (2, 0.01, *made.__defaults__[2:]))

    def answer(request, number):
        return 200, {"delay": 2.0 if 1 <= number <= 5 else 0.0}, completion(program(number))[2]

    with endpoint(answer) as mock:
        result = run(tmp_path, mock, reply_timeout=0.5, models={"m": {"attempts": 1}})
    assert len(result.trials) == 4 and result.trials[-1].score is not None and len(mock.requests) == 8


def test_a_prompt_that_is_refused_does_not_end_the_run(tmp_path):
    def answer(request, number):
        return failure(400, "the prompt was filtered") if number == 1 else completion(program(number))

    with endpoint(answer) as mock:
        result = run(tmp_path, mock)
    assert len(result.trials) == 4 and len(mock.requests) == 4


def test_one_of_two_models_is_wrong_and_the_other_does_the_work(tmp_path):
    def answer(request, number):
        return failure(404, "no such model") if request["model"] == "a" else completion(program(number))

    with endpoint(answer) as mock:
        result = run(tmp_path, mock, model="a,b")
    assert len(result.trials) == 4
    assert [r["model"] for r in mock.requests].count("a") <= 1


def test_an_endpoint_that_fails_from_the_start_is_told_also_with_one_thinker(tmp_path):
    with (
        endpoint(lambda request, n: failure(500, "no GPU")) as mock,
        pytest.raises(MachineError, match="no GPU"),
    ):
        run(tmp_path, mock)


@pytest.mark.parametrize("loosely", [False, True])
def test_a_run_whose_programs_were_mended_is_replayed(tmp_path, loosely):
    def answer(request, number):
        return completion("```python\nx = 'boom'\n```" if number == 0 else program(number))

    with endpoint(answer) as mock:
        first = run(tmp_path, mock, deterministic=True, window=1, no_knowledge=True)
    with store(tmp_path) as opened:
        assert [c.role for c in opened.calls()] == ["proposer", "repair", "proposer"]
    record = tmp_path / "replies.jsonl"
    assert run_command(["export", str(tmp_path / "run"), "--replies", str(record)]) == 0
    out = str(tmp_path / "again")
    more = {
        "replay": str(record),
        "replay_loosely": loosely,
        "model": None,
        "deterministic": True,
        "window": 1,
        "no_knowledge": True,
    }
    again = run(tmp_path, None, out=out, **more)
    assert [t.program.id for t in again.trials] == [t.program.id for t in first.trials]


def test_a_record_may_hold_signs_that_end_a_line_elsewhere(tmp_path):
    record = tmp_path / "record.jsonl"
    row = {"prompt_sha256": "x", "reply": "More.\u2028Ones.\n```python\nx = 11\n```"}
    record.write_text(json.dumps(row, ensure_ascii=False) + "\n", "utf-8")
    result = run(tmp_path, None, replay=str(record), replay_loosely=True, model=None, budget="1")
    assert [t.score for t in result.trials] == [1, 2]
