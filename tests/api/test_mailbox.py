"""Runs whose prompts lie in a mailbox: late replies, resumed runs, recorded replies beside them."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kernelevo.api import resume, run_task
from kernelevo.config import load_settings
from kernelevo.llm import MailboxClient
from kernelevo.store import RunStore

EVALUATOR = '''
import kernelevo

@kernelevo.evaluator("digits", seed="x = 1\\n")
def digits(source: str):
    """As many ones as possible."""
    return float(source.count("1"))
'''
REPLY = "More ones.\n```python\nx = 1111\n```"


@pytest.fixture(autouse=True)
def _quick(monkeypatch, tmp_path):
    for name, seconds in {"poll": 0.02, "settle": 0.1}.items():
        monkeypatch.setitem(MailboxClient.__init__.__kwdefaults__, name, seconds)
    (tmp_path / "digits.py").write_text(EVALUATOR)


@contextmanager
def person(box: Path, *, after: float) -> Iterator[None]:
    """Somebody who answers each prompt in a folder, so many seconds after it was written."""
    gone = threading.Event()

    def watch() -> None:
        while not gone.wait(0.02):
            for prompt in box.glob("prompt-*.md"):
                reply = prompt.with_name("reply" + prompt.name.removeprefix("prompt"))
                if not reply.exists() and time.time() - prompt.stat().st_mtime >= after:
                    reply.write_text(REPLY)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        gone.set()
        thread.join()


def settings(tmp_path: Path, **more):
    given = {"budget": "1", "executor": "inline", "proposers": ["mailbox"], "thinkers": 1}
    given |= {"mailbox": str(tmp_path / "box"), "out": str(tmp_path / "run"), "no_knowledge": True, **more}
    return load_settings(given, environ={})


def task(tmp_path: Path) -> str:
    return f"{tmp_path / 'digits.py'}:digits"


def test_a_reply_that_comes_after_its_time_out_is_found_by_the_same_run(tmp_path):
    with person(tmp_path / "box", after=1.0):
        result = run_task(task(tmp_path), settings(tmp_path, reply_timeout=0.3))
    assert [t.score for t in result.trials] == [1, 4]
    assert len(list((tmp_path / "box").glob("prompt-*.md"))) == 1
    with RunStore.open(tmp_path / "run", readonly=True) as store:
        calls = store.calls()
    assert [c.state for c in calls][-1] == "answered" and len(calls) >= 3
    assert len({c.prompt_sha256 for c in calls}) == 1
    assert all("Nobody answered" in c.error for c in calls[:-1])


def test_a_prompt_that_was_open_when_its_run_ended_is_found_again_if_nothing_came_between(tmp_path):
    run_task(task(tmp_path), settings(tmp_path, budget="1s", reply_timeout=0.3))
    (prompt,) = (tmp_path / "box").glob("prompt-*.md")
    with person(tmp_path / "box", after=0.0):
        result = resume(str(tmp_path / "run"), budget="1")
    assert [t.score for t in result.trials] == [1, 4]
    assert list((tmp_path / "box").glob("prompt-*.md")) == [prompt]


def test_recorded_replies_and_a_mailbox_in_one_run(tmp_path):
    record = tmp_path / "record.jsonl"
    reply = "Some ones.\n```python\nx = 111\n```"
    record.write_text(json.dumps({"prompt_sha256": "x", "reply": reply}) + "\n")
    more = {"proposers": ["llm", "mailbox"], "replay": str(record), "replay_loosely": True, "budget": "2"}
    with person(tmp_path / "box", after=0.0):
        result = run_task(task(tmp_path), settings(tmp_path, **more))
    found = [(t.program.origin.proposer, t.score) for t in result.trials]
    assert found == [("seed", 1), ("llm", 3), ("mailbox", 4)]
