"""LLMProposer: programs, personas, refusals, cost and records."""

import ast
import asyncio
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernelevo.core import Brief, Evaluation, Origin, Program, Proposer, Status, Task, Trial, Verdict
from kernelevo.llm import (
    Bandit,
    EndpointBusy,
    EndpointError,
    Model,
    ModelRefused,
    Models,
    Price,
    Purpose,
    RateLimited,
    Reply,
    ReplyTimeout,
    ScriptedClient,
    Usage,
)
from kernelevo.llm.client import prompt_hash
from kernelevo.proposers.asking import LLMProposer
from kernelevo.proposers.prompt_files import PromptFiles
from kernelevo.proposers.writing import FileWriter

TEXT = "N = 4\nSIZES = {'small': {'N': 2}}\nclass Model: ...\n"
GOOD = "Fuse everything.\n```python\nclass ModelNew: ...\n```"


def task(policy="any", reference=None):
    spec = reference or {"kind": "source", "text": TEXT, "filename": "t.py", "size": "small"}
    return Task("t", "Make it faster.", options={"reference": spec, "device": "cpu", "policy": policy})


def verdict(source, evaluation, idea="an idea"):
    return Verdict(Program.single(source, origin=Origin("rewrite", idea)), evaluation)


def models(client):
    return Models([Model("model-x", client, max_tokens=100)], {"proposer": ("model-x",)})


def propose(replies, brief=None, seed=0):
    client = ScriptedClient(replies)
    proposer = LLMProposer(models(client), FileWriter())
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
    assert proposal.cost == {"tokens_in": 10.0, "tokens_out": 20.0, "tokens": 30.0, "calls": 1.0}
    assert proposal.records["reply"] == GOOD
    assert proposal.records["prompt"][1]["content"] == client.calls[0].messages[1].content
    assert client.calls[0].max_tokens == 100
    assert isinstance(LLMProposer(models(client), FileWriter()), Proposer)


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


def test_unknown_usage_is_guessed_or_left_out_where_nobody_bills():
    (proposal,), _ = propose([Reply(GOOD)])
    assert proposal.cost["tokens"] > 100 and "dollars" not in proposal.cost
    client = ScriptedClient([Reply(GOOD)])
    client.unbilled = True
    proposer = LLMProposer(models(client), FileWriter())
    (proposal,) = asyncio.run(proposer.propose(Brief(task(), 0), Random(0)))
    assert proposal.cost == {"calls": 1.0}


@pytest.mark.parametrize(("price", "told"), [(None, [30.0, 30.0]), (Price(1.0, 1.0), [3e-5, 3e-5])])
def test_arms_are_compared_in_one_unit(price, told):
    costs = []

    class Spy(Bandit):
        def told(self, arm, reward, cost=None):
            costs.append(cost)

    both = [
        Model("a", ScriptedClient([]), price=Price(1.0, 1.0)),
        Model("b", ScriptedClient([]), price=price),
    ]
    proposer = LLMProposer(Models(both, {"proposer": ("a", "b")}), FileWriter(), bandit=Spy())
    for number, model in enumerate(both):
        origin = Origin("llm", "", {"arm": [model.name, "fusion"]})
        cost = {"tokens": 30.0} | ({"dollars": 3e-5} if model.price else {})
        proposer.observe(Trial(number, Program.single("x", origin=origin), Evaluation.ok(1.0), cost=cost))
    assert costs == told


def test_rewards_go_by_scores_as_they_read_after_a_rebase():
    rewards = []

    class Spy(Bandit):
        def told(self, arm, reward, cost=None):
            rewards.append(reward)

    client = ScriptedClient([])
    proposer = LLMProposer(models(client), FileWriter(), bandit=Spy())
    seed = Program.single("seed")
    origin = Origin("llm", "", {"arm": ["model-x", "fusion"]})

    def child(text, score):
        made = Program.single(text, parents=(seed.id,), origin=origin)
        proposer.observe(Trial(len(rewards) + 1, made, Evaluation.ok(score)))
        return rewards[-1]

    proposer.observe(Trial(0, seed, Evaluation.ok(1.0)))
    assert child("a", 0.8) == 0.25  # nobody is beaten
    proposer.reread(lambda e: Evaluation.ok(e.score * 0.5))  # torch.compile is twice as fast as eager
    assert child("b", 0.8) == 1.0
    assert child("c", 0.6) == pytest.approx(0.25 + 0.4 * 2 / 3 + 0.25)  # above seed (0.5) and a (0.4)


def test_time_out_offers_nothing_and_errors_pass():
    assert propose([ReplyTimeout("late")])[0] == ()
    with pytest.raises(EndpointError):
        propose([EndpointError("down")])


def late(script):
    """A proposer whose client answers by a script, the function that asks it once, and what it sent."""
    client = ScriptedClient(script)
    proposer, ask, _ = proposing({"m": client})
    return proposer, ask, client.calls


def test_a_prompt_that_nobody_answered_in_time_is_asked_again_as_it_was():
    parent = verdict("class ModelNew: size = 64\n", Evaluation.ok(1.5))
    proposer, ask, sent = late([*[ReplyTimeout("late")] * 3, "Late.\n```python\nx = 1\n```", GOOD])
    assert not proposer.waits and ask(brief=Brief(task(), 1, parents=(parent,))) == ()
    assert proposer.waits and ask(2, seed=2) == ask(3, seed=3) == ()
    (proposal,) = ask(4, seed=4)
    assert len({(c.messages, c.seed, c.temperature) for c in sent}) == 1  # so a mailbox has one file of it
    program = proposal.program
    assert program.source == "x = 1\n" and program.parents == (parent.program.id,)
    assert program.origin.details["prompt_of"] == 1 and not proposer.waits
    (other,) = ask(5, seed=5)
    assert sent[-1].seed != sent[0].seed and "prompt_of" not in other.program.origin.details


def test_a_repair_that_nobody_made_in_time_is_still_asked_for():
    proposer, ask, sent = late([GOOD, ReplyTimeout("late"), "Mended.\n```python\nx = 1\n```", GOOD])
    (proposal,) = ask()
    proposer.observe(Trial(1, proposal.program, Evaluation.wrong("off by one")))
    assert ask(2) == ()
    (mended,) = ask(3)
    assert mended.program.origin.details["repair_of"] == 1 and mended.program.origin.details["repairs"] == 1
    assert "off by one" in sent[2].messages[1].content
    assert "repair_of" not in ask(4)[0].program.origin.details


def test_models_beside_a_mailbox_are_asked_in_between_and_their_own_programs_are_mended():
    box = ScriptedClient([ReplyTimeout("late"), ReplyTimeout("late"), "Mended.\n```python\nx = 1\n```"])
    roles = {"proposer": ("m",), "repair": ("mailbox",)}
    proposer, ask, _ = proposing({"m": [GOOD] * 4, "mailbox": box}, roles)

    def fail(number, proposals):
        (proposal,) = proposals
        assert proposal.program.origin.details["arm"][0] == "m"
        made = replace(proposal.program, files={"program.py": f"x = {number}"})
        proposer.observe(Trial(number, made, Evaluation.wrong("off by one")))

    fail(1, ask(1))
    assert ask(2) == ()  # nobody mends it in time
    fail(3, ask(3))  # the prompt is open, and another one is not written
    assert ask(4) == ()
    fail(5, ask(5))
    (mended,) = ask(6)
    assert mended.program.origin.details["repair_of"] == 1 and not proposer.waits
    assert len({(call.messages, call.seed) for call in box.calls}) == 1 and len(box.calls) == 3


def test_a_mailbox_among_several_models_has_one_prompt_open_at_a_time():
    box = ScriptedClient([ReplyTimeout("late")] * 9)
    proposer, ask, _ = proposing({"mailbox": box, "m": [GOOD] * 20})
    told = [(proposer.waits, bool(ask(number, seed=number))) for number in range(1, 13)]
    late, others, again = (False, False), (False, True), (True, False)
    first = told.index(late)
    assert told[first : first + 5] == [late, others, again, others, again]
    assert len({call.seed for call in box.calls}) == 1 and len(box.calls) >= 3


def test_asks_at_a_time_leave_no_more_prompts_open_than_they_are():
    sent = []

    class Late:
        async def complete(self, messages, *, seed, **settings):
            sent.append(seed)
            await asyncio.sleep(0)
            raise ReplyTimeout("late")

    proposer, _, _ = proposing({"m": Late()})

    async def two(number):
        asks = (proposer.propose(Brief(task(), n), Random(n)) for n in (number, number + 1))
        assert await asyncio.gather(*asks) == [(), ()]

    for number in (1, 3, 5):
        asyncio.run(two(number))
    assert len(sent) == 6 and sent[:2] == sent[2:4] == sent[4:] and sent[0] != sent[1]


def test_half_a_surrogate_pair_is_replaced():
    (proposal,), _ = propose(["idea \ud800\n```python\nx = '\ud800'\n```"])
    assert proposal.program.source == "x = '?'\n"
    assert proposal.program.id and proposal.records["reply"].encode()


@given(st.text(max_size=300))
def test_any_reply_becomes_one_program(text):
    (proposal,), _ = propose([text])
    assert proposal.program.id
    if "refused" in proposal.program.origin.details:
        ast.parse(proposal.program.source)


def test_the_persona_is_the_directions_else_drawn_and_is_recorded():
    fusion = next(p for p in PromptFiles.load().personas("kernel") if p.name == "fusion")
    (proposal,), client = propose([GOOD], Brief(task(), 0, direction=fusion.direction))
    details = proposal.program.origin.details
    assert details["persona"] == "fusion" and details["temperature"] == fusion.temperature
    assert (
        client.calls[0].temperature == fusion.temperature
        and fusion.text in client.calls[0].messages[1].content
    )
    drawn = {propose([GOOD], seed=s)[0][0].program.origin.details["persona"] for s in range(30)}
    assert len(drawn) > 4


def test_the_hash_of_the_prompt_files_changes_with_them(tmp_path):
    (tmp_path / "system.md").write_text("Be brief.\n")
    found = set()
    for prompts in (None, PromptFiles.load(tmp_path), PromptFiles.load()):
        client = ScriptedClient([GOOD])
        proposer = LLMProposer(models(client), FileWriter(prompts))
        (proposal,) = asyncio.run(proposer.propose(Brief(task(), 0), Random(0)))
        found.add(proposal.program.origin.details["prompt_files_sha256"])
    assert len(found) == 2


def test_a_program_that_waits_to_be_mended_is_reserved_for_by_the_price_of_who_mends_it():
    cheap, dear = Price(1.0, 1.0), Price(100.0, 100.0)
    made = [Model("m", ScriptedClient([GOOD]), price=cheap), Model("r", ScriptedClient([GOOD]), price=dear)]
    proposer = LLMProposer(Models(made, {"proposer": ("m",), "repair": ("r",)}), FileWriter())
    brief = Brief(task(), 3)
    before = proposer.estimate(brief)["dollars"]
    (proposal,) = asyncio.run(proposer.propose(brief, Random(0)))
    assert proposer.estimate(brief)["dollars"] == pytest.approx(before)  # nobody waits
    proposer.observe(Trial(3, proposal.program, Evaluation.wrong("off by one")))
    assert proposer.estimate(brief)["dollars"] > 50 * before
    (mended,) = asyncio.run(proposer.propose(brief, Random(0)))
    assert mended.cost["dollars"] <= 100 * before and proposer.estimate(brief)["dollars"] == before


CPP = Program({"program.cpp": "int main() {}\n"}, "cpp")


@pytest.mark.parametrize("parents", [(Verdict(CPP, Evaluation.ok(1.0)),), ()])
def test_a_task_in_another_language_gets_programs_in_it(parents):
    brief = Brief(Task("t", "g", (CPP,), "other"), 1, parents=parents)
    (proposal,), _ = propose(["Count.\n```cpp\nint main() { return 1; }\n```"], brief)
    assert proposal.program.language == "cpp"
    assert proposal.program.files == {"program.cpp": "int main() { return 1; }\n"}
    (refused,), _ = propose(["I cannot."], brief)
    assert refused.program.language == "python" and "fenced cpp block" in refused.program.source


def test_where_nothing_has_passed_edits_change_the_tasks_own_program():
    seed = Program({"program.py": "import tiles\nx = 1\n", "tiles.py": "SIZE = 4\n"})
    edit = "Larger.\n<<<<<<< SEARCH\nSIZE = 4\n=======\nSIZE = 8\n>>>>>>> REPLACE"
    (proposal,), _ = propose([edit], Brief(Task("t", "g", (seed,), "other"), 1))
    assert proposal.program.files == {**seed.files, "tiles.py": "SIZE = 8\n"}
    assert proposal.program.parents == ()


class Clock:
    """Time that moves when somebody sleeps."""

    now = 0.0

    async def sleep(self, seconds):
        self.now += seconds
        await asyncio.sleep(0)


def proposing(scripts, roles=None):
    """A proposer whose models answer by scripts, and the function that asks it once."""
    clock = Clock()
    clients = {n: ScriptedClient(s) if isinstance(s, list) else s for n, s in scripts.items()}
    made = [Model(name, client, max_tokens=100) for name, client in clients.items()]
    found = Models(made, roles or {"proposer": tuple(scripts)}, clock=lambda: clock.now, sleep=clock.sleep)
    proposer = LLMProposer(found, FileWriter())

    def ask(number=1, seed=0, brief=None):
        return asyncio.run(proposer.propose(brief or Brief(task(), number), Random(seed)))

    return proposer, ask, clock


def test_an_endpoint_that_answered_before_is_waited_for():
    busy = [EndpointBusy("HTTP 503")] * 6
    proposer, ask, clock = proposing({"m": [GOOD, *busy, "Tile.\n```python\nclass ModelNew: x = 1\n```"]})
    told = []
    proposer.models.notice = told.append
    ask()
    (proposal,) = ask(2)
    assert proposal.program.origin.idea == "Tile." and 60 < clock.now < 900
    assert len(told) == 1 and "rests for a while: HTTP 503" in told[0]
    _, alone, _ = proposing({"m": ["Tile.\n```python\nclass ModelNew: x = 1\n```"]})
    (undisturbed,) = alone(2)
    assert proposal.program.origin.details["seed"] == undisturbed.program.origin.details["seed"]


def test_an_outage_ends_the_waiting_and_what_never_answered_is_not_waited_for():
    _, ask, clock = proposing({"m": [GOOD, *[EndpointBusy("HTTP 503")] * 99]})
    ask()
    with pytest.raises(EndpointBusy):
        ask(2)
    assert 900 <= clock.now < 1200
    _, ask, clock = proposing({"m": [EndpointBusy("no connection"), GOOD]})
    with pytest.raises(EndpointBusy):
        ask()
    assert clock.now == 0


def test_an_endpoint_that_is_asked_too_often_is_waited_for_from_the_start():
    _, ask, clock = proposing({"m": [*[RateLimited("HTTP 429")] * 4, GOOD]})
    (proposal,) = ask()
    assert proposal.program.origin.idea == "Fuse everything." and 30 < clock.now < 60


def test_a_prompt_without_an_answer_is_waited_for_from_when_it_was_sent():
    class Hanging:
        asked = 0

        async def complete(self, messages, **settings):
            self.asked += 1
            if self.asked > 1:
                await clock.sleep(600.0)
                raise EndpointBusy("no reply within 600 s")
            return Reply(GOOD)

    hanging = Hanging()
    _, ask, clock = proposing({"m": hanging})
    ask()
    with pytest.raises(EndpointBusy):
        ask(2)
    assert (clock.now, hanging.asked) == (1200.0, 3)  # the second one began within the 15 minutes


class Gateway:
    """A client that fails for prompts that hold some words, a minute after it was asked."""

    clock: Clock
    fails: str | None = None

    async def complete(self, messages, **settings):
        if self.fails is not None and self.fails in messages[1].content:
            await self.clock.sleep(60.0)
            raise EndpointBusy("HTTP 504")
        return Reply(GOOD)


def behind_a_gateway():
    """A proposer with one program to mend, its client, and the function that asks it once."""
    gateway = Gateway()
    proposer, ask, gateway.clock = proposing({"m": gateway})
    (proposal,) = ask()
    proposer.observe(Trial(1, proposal.program, Evaluation.wrong("off by one")))
    return proposer, ask, gateway


def test_a_repair_that_fell_into_an_outage_is_asked_for_afterwards():
    _, ask, gateway = behind_a_gateway()
    gateway.fails = ""
    with pytest.raises(EndpointBusy):
        ask(2)
    gateway.fails = None
    assert ask(3)[0].program.origin.details["repair_of"] == 1
    assert "repair_of" not in ask(4)[0].program.origin.details


def test_a_repair_that_is_refused_is_not_asked_for_again():
    proposer, ask, _ = proposing({"m": [GOOD, EndpointError("HTTP 400: too long"), GOOD]})
    (proposal,) = ask()
    proposer.observe(Trial(1, proposal.program, Evaluation.wrong("off by one")))
    with pytest.raises(EndpointError, match="too long"):
        ask(2)
    assert "repair_of" not in ask(3)[0].program.origin.details


def test_a_prompt_that_is_never_answered_is_given_up_though_others_are_answered():
    proposer, ask, gateway = behind_a_gateway()
    gateway.fails = "off by one"

    async def stuck():
        began = gateway.clock.now
        mending = asyncio.create_task(proposer.propose(Brief(task(), 2), Random(0)))
        for _ in range(100):  # minutes
            await asyncio.sleep(0)
            await proposer.models.ask(proposer.writer.write(Brief(task(), 3), "fusion").messages, Purpose())
        mending.cancel()
        with pytest.raises(EndpointBusy):
            await mending
        return gateway.clock.now - began

    for _ in range(2):
        assert 900 <= asyncio.run(stuck()) <= 1020
    (proposal,) = ask(4)
    assert "repair_of" not in proposal.program.origin.details


def test_another_model_answers_for_one_that_is_refused():
    scripts = {"a": [ModelRefused("401")], "b": [GOOD] * 9}
    for seed in range(4):
        (proposal,) = proposing(scripts)[1](seed=seed)
        assert proposal.program.origin.details["arm"][0] == "b"
    proposer, ask, _ = proposing(
        {"m": [GOOD, "Mended.\n```python\nclass ModelNew: x = 1\n```"], "r": [ModelRefused("404")]},
        {"proposer": ("m",), "repair": ("r",)},
    )
    (proposal,) = ask()
    proposer.observe(Trial(1, proposal.program, Evaluation.wrong("off by one")))
    (mended,) = ask(2)
    assert mended.program.origin.idea == "Mended." and mended.program.origin.details["repair_of"] == 1


def test_a_reply_without_a_program_is_mended_by_what_its_prompt_built_on():
    parent = verdict("class ModelNew: size = 64\n", Evaluation.ok(1.5))
    edit = "<<<<<<< SEARCH\nclass ModelNew: size = 64\n=======\nclass ModelNew: size = 128\n>>>>>>> REPLACE"
    proposer, ask, _ = proposing({"m": ["Larger tiles.\n```python\nclass Mod", f"Larger tiles.\n{edit}"]})
    brief = Brief(task(), 1, parents=(parent,))
    (refused,) = ask(brief=brief)
    failed = Evaluation(Status.BUILD_FAILED, None, {}, "SyntaxError: the reply was cut off")
    proposer.observe(Trial(1, refused.program, failed))
    (mended,) = ask(brief=brief)
    prompt = mended.records["prompt"][1]["content"]
    assert "class ModelNew: size = 64" in prompt and "the reply was cut off" in prompt
    assert "no program in reply" not in prompt
    assert mended.program.source == "class ModelNew: size = 128\n"
    assert mended.program.parents == (parent.program.id,)
    assert mended.program.origin.details["repair_of"] == 1
    proposer.observe(Trial(2, mended.program, Evaluation.wrong("off by one")))
    assert not proposer._ward  # so often and no more


def test_it_says_when_its_next_ask_mends_instead_of_building_on_the_brief():
    proposer, ask, _ = proposing({"m": [GOOD, "Mended.\n```python\nx = 1\n```", "I cannot.", GOOD]})
    (proposal,) = ask()
    assert not proposer.mends
    proposer.observe(Trial(1, proposal.program, Evaluation.wrong("off by one")))
    assert proposer.mends and ask(2)[0].program.origin.details["repair_of"] == 1 and not proposer.mends
    (refused,) = ask(3)
    proposer.observe(Trial(3, refused.program, Evaluation(Status.BUILD_FAILED, None, {}, "no program")))
    assert not proposer.mends  # nothing to be mended: it builds on the parents again
    assert ask(4)[0].program.origin.details["repair_of"] == 3
