"""Replies of reasoning models whose thoughts stand before the answer."""

import asyncio

import pytest

from kernelevo.core import Task
from kernelevo.evaluators.reviewer import RUBRIC, Rubric, opinion
from kernelevo.llm import Message, Model, Models, Reply, ScriptedClient, read
from kernelevo.llm.thinking import without_thoughts
from kernelevo.proposers.summary import summarise

ANSWER = "Fuse both loops.\n```python\nx = 1\n```"
DRAFTS = "First\n```python\nx = 0\n```\nor\n```\nhalf of a block, or an edit:\n<<<<<<< SEARCH\nx = 1\n"


@pytest.mark.parametrize(
    "text",
    [
        f"<think>\n{DRAFTS}\n</think>\n\n{ANSWER}",
        f"\n<Thinking>{DRAFTS}</Thinking>{ANSWER}",
        f"{DRAFTS}\n</think>\n\n{ANSWER}",
        f"[THINK]{DRAFTS}[/THINK]\n{ANSWER}",
        f"<think>\n\n</think>\n<think>more</think>\n{ANSWER}",
    ],
)
def test_the_program_and_its_idea_are_those_of_the_answer(text):
    found = read(Reply(text).answer, {"program.py": "y = 1\n"})
    assert found.files == {"program.py": "x = 1\n"} and found.idea == "Fuse both loops."


def test_other_replies_are_left_as_they_are():
    for text in (ANSWER, "", "I think <think> is a word.", "```python\nx = '</think> inside'\n```"):
        assert Reply(text).answer == text


def test_thoughts_that_were_cut_off_are_no_answer():
    reply = Reply(f"<think>\n{ANSWER}\nBut is that right?", finish="length")
    found = read(reply.answer, cut_off=reply.cut_off)
    assert found.files is None and "token limit before an answer" in found.refusal
    assert without_thoughts(f"<think>\n{ANSWER}").strip() == ANSWER  # it only forgot to close them


def test_nothing_but_a_limit_is_told_as_that():
    assert "token limit" in read("", cut_off=True).refusal
    assert "empty" in read("").refusal


def test_a_judges_thoughts_are_no_opinion():
    marks = ", ".join(f'"{name}": 7' for name in RUBRIC)
    reply = Reply(f'<think>{{"scores": {{}}}} or {{x}}?</think>{{"scores": {{{marks}}}, "comment": "fine"}}')
    assert opinion(reply.answer, Rubric.of(Task("t", "g")), "m").comment == "fine"


def test_a_summarisers_thoughts_are_no_notes():
    thought = "<think>\n- The table has one row, so I write one note.\n</think>"
    reply = f"{thought}\n- Rows in registers gained a half."
    models = Models([Model("m", ScriptedClient([reply]))], {"summariser": ("m",)})
    assert asyncio.run(summarise(models, (Message("user", "go"),))) == ["Rows in registers gained a half."]
