"""LLMProposer: prompts, programs, refusals, cost and records."""

import ast
import asyncio
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernelevo.core import Brief, Evaluation, Origin, Program, Proposer, Status, Task, Verdict
from kernelevo.llm import EndpointError, Reply, ReplyTimeout, ScriptedClient, Usage
from kernelevo.proposers.asking import LLMProposer
from kernelevo.proposers.llm import fenced, fill, prompt_hash, render, template

TEXT = "N = 4\nSIZES = {'small': {'N': 2}}\nclass Model: ...\n"
GOOD = "Fuse everything.\n```python\nclass ModelNew: ...\n```"


def task(policy="any", reference=None):
    spec = reference or {"kind": "source", "text": TEXT, "filename": "t.py", "size": "small"}
    return Task("t", "Make it faster.", options={"reference": spec, "device": "cpu", "policy": policy})


def verdict(source, evaluation, idea="an idea"):
    return Verdict(Program.single(source, origin=Origin("rewrite", idea)), evaluation)


def propose(replies, brief=None, seed=0):
    client = ScriptedClient(replies)
    proposer = LLMProposer(client, "model-x", max_tokens=100)
    return asyncio.run(proposer.propose(brief or Brief(task(), 0), Random(seed))), client


def test_program_cost_and_records():
    parent = verdict("x = 1\n", Evaluation.ok(1.5))
    (proposal,), client = propose(
        [Reply(GOOD, Usage(10, 20), 1.25, "stop", "served")], Brief(task(), 3, parents=(parent,))
    )
    program = proposal.program
    assert program.source == "class ModelNew: ...\n"
    assert program.parents == (parent.program.id,)
    assert program.origin.proposer == "llm" and program.origin.idea == "Fuse everything."
    assert program.origin.details["model"] == "served"
    assert program.origin.details["prompt_sha256"] == prompt_hash(client.calls[0].messages)
    assert proposal.cost == {"tokens_in": 10.0, "tokens_out": 20.0}
    assert proposal.records["reply"] == GOOD
    assert proposal.records["prompt"][1]["content"] == client.calls[0].messages[1].content
    assert client.calls[0].max_tokens == 100
    assert isinstance(LLMProposer(client, "m"), Proposer)


def test_randomness_comes_from_rng_alone():
    seeds = [propose([GOOD], seed=s)[1].calls[0].seed for s in (1, 1, 2)]
    assert seeds[0] == seeds[1] != seeds[2]


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ("", "empty"),
        ("I would rather not.", "no code block"),
        (Reply("```python\nclass Mod", finish="length"), "cut off"),
    ],
)
def test_a_reply_without_a_program_is_a_failing_program_with_the_reason(reply, reason):
    (proposal,), _ = propose([reply])
    assert reason in proposal.program.origin.details["refused"]
    with pytest.raises(SyntaxError, match=reason):
        exec(compile(proposal.program.source, "p", "exec"), {})


def test_unknown_usage_costs_nothing_rather_than_zero():
    (proposal,), _ = propose([Reply(GOOD)])
    assert proposal.cost == {}


def test_time_out_offers_nothing_and_errors_pass():
    assert propose([ReplyTimeout("late")])[0] == ()
    with pytest.raises(EndpointError):
        propose([EndpointError("down")])


def test_half_a_surrogate_pair_is_replaced():
    (proposal,), _ = propose(["idea \ud800\n```python\nx = '\ud800'\n```"])
    assert proposal.program.source == "x = '?'\n"
    assert proposal.program.id and proposal.records["reply"].encode()


def test_prompt_shows_everything_it_was_given():
    failed = verdict("bad = 1\n", Evaluation(Status.WRONG, feedback="max error 3.0"), "swap the loops")
    brief = Brief(
        task("no-aten"),
        7,
        parents=(verdict("best = 1\n", Evaluation.ok(1.25, feedback="memory bound", latency_ms=3.0)),),
        failures=(failed,),
        hints=("try tiles of 64",),
        knowledge=("exp is slow",),
        facts={"name": "test device"},
    )
    text = render(brief)[1].content
    for part in (
        "Make it faster.",
        "N = 2",
        "best = 1",
        "score 1.25",
        "memory bound",
        "latency_ms: 3",
        "swap the loops ended as wrong",
        "max error 3.0",
        "try tiles of 64",
        "exp is slow",
        "name: test device",
        "allocation and launching only",
    ):
        assert part in text
    assert render(brief) == render(brief)


def test_prompt_for_a_cold_start_has_no_empty_sections():
    text = render(Brief(task(), 0))[1].content
    assert "Write the first one" in text
    assert (
        "{{" not in text
        and "\n\n\n" not in text.partition("# Device")[2]
        and "attempts did not pass" not in text
    )


def test_programs_are_shown_as_they_are():
    source = 'x = """a\n\n\n\nb"""\n\n\ny = "{{goal}}"\n'
    brief = Brief(task(), 0, parents=(verdict(source, Evaluation.ok(1.0)),))
    assert source.rstrip() in render(brief)[1].content


def test_prompt_for_a_live_module():
    text = render(Brief(task(reference={"kind": "pickle", "path": "x.pkl"}), 0))[1].content
    assert "live module" in text


def test_template_and_slots_must_agree():
    with pytest.raises(KeyError, match="task"):
        fill(template(), {"goal": "x"})
    assert fill("{{a}} {{b}}", {"a": "{{b}}", "b": "1"}) == "{{b}} 1"


@given(st.text(alphabet=st.sampled_from("`ab\n~ "), max_size=60))
def test_a_fence_cannot_be_ended_from_inside(text):
    lines = fenced(text, "python", 1000).split("\n")
    mark = lines[0].removesuffix("python")
    assert lines[-1] == mark and not any(mark in line for line in lines[1:-1])


def test_long_texts_are_shortened_in_the_middle():
    block = fenced("a" * 500 + "b" * 500, "", 100)
    assert len(block) < 200 and "900 characters left out" in block


@given(st.text(max_size=300))
def test_any_reply_becomes_one_program(text):
    (proposal,), _ = propose([text])
    assert proposal.program.id
    if "refused" in proposal.program.origin.details:
        ast.parse(proposal.program.source)


def test_a_direction_is_shown_where_there_is_one():
    steered = render(Brief(task(), 0, direction="Fusion: join operations."))[1].content
    assert "Stay within this direction:\n\n- Fusion: join operations." in steered
    assert "direction" not in render(Brief(task(), 0))[1].content
