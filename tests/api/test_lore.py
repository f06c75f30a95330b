"""What a run takes from the knowledge base and leaves there."""

import asyncio
import dataclasses
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kernelevo.api.lore import consultant, learn
from kernelevo.api.result import Result
from kernelevo.config import load_settings
from kernelevo.core import Evaluation, Origin, Program, Task, Trial
from kernelevo.errors import StoreError
from kernelevo.knowledge import KnowledgeBase, default_path, parse_note
from kernelevo.llm import Model, Models, ScriptedClient
from kernelevo.proposers.summary import summarise, summary_prompt

TASK = Task("kernelbench:9/9", "g", options={"reference": {"text": "torch.softmax(x)"}, "device": "cpu"})


@pytest.fixture(autouse=True)
def _own_base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERNELEVO_KNOWLEDGE", str(tmp_path / "notes.db"))


def settings(**flags: Any) -> Any:
    return load_settings(flags, environ={})


def result(*out: str) -> Result:
    seed = Trial(0, Program.single("a", origin=Origin("seed")), Evaluation.ok(1.0))
    made = Program.single("b", parents=(seed.program.id,), origin=Origin("llm", "rows in registers"))
    best = Trial(1, made, Evaluation.ok(1.5, score_low=1.4, score_high=1.6))
    return Result(Path("run-7"), TASK, {}, "done", (seed, best), {}, 1.0, 1.0, 0.0, out=frozenset(out))


def test_a_run_leaves_what_gained_and_the_next_one_is_told() -> None:
    from kernelevo.core import Brief

    (note,) = learn(result(), settings())
    assert note.evidence[0].gain == 1.5 and (note.evidence[0].run, note.evidence[0].trial) == ("run-7", 1)
    asked = consultant(TASK, settings())
    assert asked is not None
    assert note.id in {found.note.id for found in asked(Brief(TASK, 0), None)}


def test_a_program_that_was_banned_or_refuted_teaches_nothing() -> None:
    assert learn(result(Program.single("b").id), settings()) == []
    assert all(n.origin != "run" for n in KnowledgeBase(default_path()).notes())


def test_no_knowledge_means_neither() -> None:
    off = settings(no_knowledge=True)
    assert consultant(TASK, off) is None and learn(result(), off) == []
    assert all(n.origin != "run" for n in KnowledgeBase(default_path()).notes())


def test_a_damaged_base_is_told_when_a_run_begins() -> None:
    default_path().write_text("only words, no database " * 50)
    with pytest.raises(StoreError, match="no knowledge base"):
        consultant(TASK, settings())


def test_a_summariser_that_cannot_be_reached_costs_only_its_sentences(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    said: list[str] = []
    (note,) = learn(result(), settings(summary_model="m"), say=said.append)
    assert "rows in registers" in note.text
    assert len(said) == 1 and "no summary" in said[0] and "OPENAI_API_KEY" in said[0]


def test_summaries_are_read_line_by_line() -> None:
    reply = "Sure!\n- Rows held in registers gained a half (#1).\n* too short\n- " + "x y z u v " * 200
    client = ScriptedClient([reply])
    models = Models([Model("m", client)], {"summariser": ("m",)})
    notes = asyncio.run(summarise(models, summary_prompt("kernelbench:9/9", "CPU", "- #1 x1.5")))
    assert (
        notes[0] == "Rows held in registers gained a half (#1)." and len(notes) == 2 and len(notes[1]) <= 500
    )
    prompt = client.calls[0].messages[1].content
    assert "kernelbench:9/9" in prompt and "- #1 x1.5" in prompt


@pytest.mark.parametrize("kinds", ["torch.softmax(x)", ""])
def test_a_run_whose_folder_and_task_are_no_text_leaves_notes_and_spoils_no_base(kinds: str) -> None:
    name = "l\udce4ufe"  # as Python reads a byte that is not UTF-8
    task = dataclasses.replace(TASK, name=f"{name}/net.py", options={"reference": {"text": kinds}})
    done = dataclasses.replace(result(), folder=Path(name), task=task)
    (note,) = learn(done, settings())
    assert learn(done, settings())[0].id == note.id
    (kept,) = [n for n in KnowledgeBase(default_path()).notes() if n.origin == "run"]
    assert "in run l?ufe" in kept.text and len(kept.evidence) == 1
    assert consultant(TASK, settings()) is not None


def test_a_run_that_is_resumed_from_within_its_folder_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "run-9").mkdir()
    monkeypatch.chdir(tmp_path / "run-9")
    (note,) = learn(dataclasses.replace(result(), folder=Path()), settings())
    assert note.evidence[0].run == "run-9" and "in run run-9" in note.text


def test_what_other_runs_learnt_while_a_summariser_was_asked_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    other = dataclasses.replace(result(), folder=Path("run-8"))

    def slowly(*_: Any) -> list[str]:
        learn(other, settings())
        return []  # it failed: the steps are called by their names

    monkeypatch.setattr("kernelevo.api.lore._summary", slowly)
    learn(result(), settings(summary_model="m"))
    (note,) = [n for n in KnowledgeBase(default_path()).notes() if n.origin == "run"]
    assert {evidence.run for evidence in note.evidence} == {"run-7", "run-8"}


def test_a_run_that_went_on_is_summed_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    said = iter([["Rows in registers gained a half (#1)."], ["Rows in registers gained most of all (#1)."]])
    monkeypatch.setattr("kernelevo.api.lore._summary", lambda *_: next(said))
    KnowledgeBase(default_path()).add(parse_note("# Mine\n\nA note of mine.", "summary-of-mine"))
    for _ in range(2):
        learn(result(), settings(summary_model="m"))
    own = [n.text for n in KnowledgeBase(default_path()).notes() if n.origin != "built-in"]
    assert [text.splitlines()[-1] for text in own] == [
        "A note of mine.",
        "Rows in registers gained most of all (#1).",
    ]


def test_runs_whose_folders_are_called_alike_are_told_apart() -> None:
    for created in (1e9, 2e9, 2e9):  # the last one went on
        learn(replace(result(), folder=Path("runs/ops_gemm/run"), created=created), settings())
    (note,) = [n for n in KnowledgeBase(default_path()).notes() if n.origin == "run"]
    assert len(note.evidence) == len({e.run for e in note.evidence}) == 2
    assert all(e.run.startswith("run of 20") for e in note.evidence)
