"""Who is asked: prices, limits, breaker, roles, ledger; the bandit over models and personas."""

import asyncio
from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernelevo.errors import BadSetting
from kernelevo.llm import (
    Arm,
    Bandit,
    Call,
    EndpointBusy,
    EndpointError,
    Limits,
    Message,
    Model,
    ModelRefused,
    Models,
    Price,
    Purpose,
    Reply,
    ReplyTimeout,
    ScriptedClient,
    Usage,
)
from kernelevo.llm.limits import Gate
from kernelevo.llm.prices import at_most

ASK = (Message("user", "hello " * 50),)


class World:
    """Time that moves when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.asked: list[Call] = []
        self.booked: list[Call] = []

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        await asyncio.sleep(0)

    def book(self, call: Call):
        self.asked.append(call)
        return self.booked.append

    def models(self, clients, roles=None, **more) -> Models:
        made = [Model(name, client, **more) for name, client in clients.items()]
        return Models(
            made,
            roles or {"proposer": tuple(clients)},
            book=self.book,
            clock=lambda: self.now,
            now=lambda: 1000.0 + self.now,
            sleep=self.sleep,
        )


def test_dollars_are_those_of_the_table_cached_tokens_apart():
    price = Price(2.0, 10.0, cached=0.5)
    assert price.of(Usage(1000, 100, 400)) == pytest.approx((600 * 2 + 400 * 0.5 + 100 * 10) / 1e6)
    assert Price(2.0, 10.0).of(Usage(1000, 100, 400)) == pytest.approx((1000 * 2 + 100 * 10) / 1e6)
    assert price.of(Usage(None, 5)) is None
    with pytest.raises(BadSetting):
        Price(-1.0, 1.0)


@given(st.text(max_size=300), st.integers(1, 10_000))
def test_what_is_set_aside_is_at_least_what_is_guessed_afterwards(text, longest):
    from kernelevo.llm.prices import counted

    most, guess = at_most((Message("user", text),), longest), counted((Message("user", text),), "x" * longest)
    assert most.tokens_in >= guess.tokens_in and most.tokens_out >= guess.tokens_out


def test_a_call_is_written_down_with_its_price_or_its_error():
    world = World()
    replies = [
        Reply("ok", Usage(10, 20), 1.0, model="served"),
        Reply("yes"),
        EndpointError("no", why="because"),
    ]
    models = world.models({"m": ScriptedClient(replies)}, price=Price(1.0, 1.0))

    async def go():
        first = await models.ask(ASK, Purpose("proposer", 3, "fusion"), temperature=0.5, seed=7)
        await models.ask(ASK, Purpose("proposer", 4))
        with pytest.raises(EndpointError):
            await models.ask(ASK, Purpose("proposer", 5))
        return first

    answer = asyncio.run(go())
    told, guessed, failed = world.booked
    assert answer.call is told and answer.cost == {
        "tokens_in": 10, "tokens_out": 20, "tokens": 30, "dollars": pytest.approx(3e-5), "calls": 1,
    }  # fmt: skip
    assert told.purpose == Purpose("proposer", 3, "fusion") and told.settings["temperature"] == 0.5
    assert guessed.estimated and guessed.dollars > 0 and not told.estimated
    assert failed.reply is None and failed.error == "no because" and failed.dollars is None


def test_a_call_that_is_given_up_is_written_down_too():
    world = World()

    class Never:
        async def complete(self, messages, **settings):
            await asyncio.Event().wait()

    async def go():
        task = asyncio.create_task(world.models({"m": Never()}).ask(ASK, Purpose()))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(go())
    assert "the run ended" in world.booked[0].error


def test_a_call_is_written_down_before_it_is_sent_and_not_before_its_turn():
    world, seen = World(), []

    class Slow:
        async def complete(self, messages, **settings):
            seen.append([call.state for call in world.asked])
            await asyncio.Event().wait()

    models = world.models({"m": Slow()}, limits=Limits(concurrency=1))

    async def go():
        tasks = [asyncio.create_task(models.ask(ASK, Purpose("judge", 3), model="m")) for _ in range(2)]
        await asyncio.sleep(0.01)
        assert len(world.asked) == 1 and not world.booked  # the second waits for its place
        tasks[1].cancel()
        await asyncio.sleep(0.01)
        tasks[0].cancel()
        for task in tasks:
            with pytest.raises(asyncio.CancelledError):
                await task

    asyncio.run(go())
    assert seen == [["asked"]] and world.asked[0].messages == ASK and world.asked[0].purpose.trial == 3
    assert [call.state for call in world.booked] == ["failed"]  # what was never sent has no row


def test_what_a_prompt_waits_for_its_turn_is_not_held_against_it():
    world = World()
    client = ScriptedClient(["ok", EndpointBusy("503")])
    models = world.models({"m": client}, limits=Limits(requests_per_minute=1))

    async def go():
        await models.ask(ASK, Purpose())
        with pytest.raises(EndpointBusy) as caught:
            await models.ask(ASK, Purpose())
        return caught.value.sent

    assert asyncio.run(go()) == 60.0


def test_a_call_that_cannot_be_written_down_is_not_sent():
    client = ScriptedClient(["ok"])

    def book(call):
        raise OSError("disk full")

    models = Models([Model("m", client)], {"proposer": ("m",)}, book=book)
    with pytest.raises(OSError, match="full"):
        asyncio.run(models.ask(ASK, Purpose()))
    assert client.calls == []


def test_the_dearest_model_of_a_role_says_what_a_call_may_cost():
    prices = {"cheap": Price(1.0, 1.0), "dear": Price(9.0, 9.0), "other": Price(99.0, 99.0)}
    made = [Model(name, ScriptedClient([]), price=price) for name, price in prices.items()]
    models = Models(made, {"judge": ("cheap", "dear"), "proposer": ("other",)})
    assert models.dearest(ASK, "judge") == models.may_cost(ASK, "dear") != models.may_cost(ASK, "cheap")
    assert models.dearest(ASK, "summariser") == {}


def test_a_model_that_fails_rests_and_wakes_up_again():
    world = World()
    models = world.models({"m": ScriptedClient([EndpointBusy("503")] * 3 + ["ok"])})

    async def go():
        for _ in range(2):
            with pytest.raises(EndpointBusy):
                await models.ask(ASK, Purpose())
        assert models.awake("proposer") == ()
        assert await models.rested("proposer") == ("m",)
        assert world.now == 5
        with pytest.raises(EndpointBusy):
            await models.ask(ASK, Purpose())
        await models.rested("proposer")
        assert world.now == 15  # twice as long
        assert (await models.ask(ASK, Purpose())).reply.text == "ok"
        assert models.awake("proposer") == ("m",)

    asyncio.run(go())


def test_a_mailbox_that_nobody_looked_into_does_not_rest():
    world = World()
    models = world.models({"mailbox": ScriptedClient([ReplyTimeout("nobody answered")] * 4)})

    async def go():
        for _ in range(4):
            with pytest.raises(ReplyTimeout):
                await models.ask(ASK, Purpose())
            assert models.awake("proposer") == ("mailbox",)

    asyncio.run(go())
    assert [call.error for call in world.booked] == ["nobody answered"] * 4


def test_a_refused_model_is_never_asked_again_and_the_others_are():
    world = World()
    models = world.models(
        {"a": ScriptedClient([ModelRefused("401", why="wrong key")]), "b": ScriptedClient(["ok"])}
    )

    async def go():
        with pytest.raises(ModelRefused):
            await models.ask(ASK, Purpose(), model="a")
        assert models.names("proposer") == ("b",)
        assert (await models.ask(ASK, Purpose())).call.model == "b"

    asyncio.run(go())
    alone = world.models({"a": ScriptedClient([ModelRefused("401", why="wrong key")])})

    async def lost():
        with pytest.raises(ModelRefused):
            await alone.ask(ASK, Purpose())
        with pytest.raises(EndpointError, match=r"No model is left[\s\S]*wrong key"):
            await alone.rested("proposer")

    asyncio.run(lost())


def test_an_endpoint_that_stays_down_is_given_up_in_the_end():
    world = World()
    models = world.models({"m": ScriptedClient([EndpointBusy("down")] * 500)})

    async def go():
        while True:
            (name,) = await models.rested("proposer")
            with pytest.raises(EndpointBusy):
                await models.ask(ASK, Purpose(), model=name)
            if world.now > 3000:
                return

    asyncio.run(go())
    assert len(world.booked) < 60  # rests grow: no storm of ours


def test_roles_have_models_of_their_own():
    world = World()
    clients = {"big": ScriptedClient(["a"]), "small": ScriptedClient(["b"])}
    models = world.models(clients, {"proposer": ("big",), "judge": ("small",)})
    assert models.has("judge") and not models.has("summariser")
    assert asyncio.run(models.ask(ASK, Purpose("judge"))).call.model == "small"
    with pytest.raises(BadSetting, match="repair"):
        world.models(clients, {"repair": ("huge",)})


@pytest.mark.parametrize(
    ("limits", "seconds"),
    [
        (Limits(requests_per_minute=2), 120),
        (Limits(tokens_per_minute=250), 120),
        (Limits(tokens_per_minute=50), 240),
        (Limits(), 0),
    ],
)
def test_rates_hold_in_any_minute(limits, seconds):
    world = World()
    gate = Gate(limits, clock=lambda: world.now, sleep=world.sleep)

    async def go():
        for _ in range(5):
            async with gate.through(100):
                pass

    asyncio.run(go())
    assert world.now == pytest.approx(seconds)


def test_rates_hold_for_what_a_client_sends_again():
    world = World()

    class Thrice:
        async def complete(self, messages, *, again, **settings):
            for _ in range(2):
                await again()
            return Reply("ok")

    models = world.models({"m": Thrice()}, limits=Limits(requests_per_minute=2, concurrency=1))
    asyncio.run(models.ask(ASK, Purpose()))
    assert world.now == 60  # the third request is sent a minute after the first
    asyncio.run(models.ask(ASK, Purpose()))
    assert world.now == 120


def test_so_many_at_a_time():
    world = World()
    gate = Gate(Limits(concurrency=3), clock=lambda: world.now, sleep=world.sleep)
    inside = most = 0

    async def one():
        nonlocal inside, most
        async with gate.through(1):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1

    async def go():
        await asyncio.gather(*(one() for _ in range(10)))

    asyncio.run(go())
    assert most == 3


ARMS = [Arm(model, persona) for model in ("big", "small") for persona in ("fusion", "layout", "algebra")]
told = st.lists(st.tuples(st.sampled_from(ARMS), st.floats(0, 1), st.none() | st.floats(0, 10)), max_size=40)


@given(told, st.integers(0, 99))
def test_the_bandit_is_a_function_of_what_it_was_told(history, seed):
    one, two = Bandit(), Bandit()
    for outcome in history:
        one.told(*outcome)
        one.choose(ARMS, Random(seed))  # choosing changes nothing
    for outcome in history:
        two.told(*outcome)
    assert one.choose(ARMS, Random(seed)) == two.choose(ARMS, Random(seed))
    assert all(0 <= one.expected(arm) <= 1 for arm in ARMS)


@given(told, st.sets(st.sampled_from(ARMS), min_size=1), st.integers(0, 99))
def test_only_arms_that_may_be_asked_are_chosen(history, allowed, seed):
    bandit = Bandit()
    for outcome in history:
        bandit.told(*outcome)
    assert bandit.choose(sorted(allowed), Random(seed)) in allowed
    with pytest.raises(ValueError, match="no arm"):
        bandit.choose([], Random(0))


def played(rewards, costs, rounds=300, **settings):
    rng, bandit, counts = Random(1), Bandit(**settings), Counter()
    for _ in range(rounds):
        arm = bandit.choose(ARMS, rng)
        counts[arm] += 1
        bandit.told(arm, float(rng.random() < rewards(arm)), costs(arm))
    return counts


def test_what_earns_more_is_asked_more_and_nothing_is_forgotten():
    counts = played(lambda arm: 0.8 if arm.persona == "fusion" else 0.1, lambda arm: 1.0)
    assert sum(n for arm, n in counts.items() if arm.persona == "fusion") > 180
    assert all(counts[arm] >= 3 for arm in ARMS)


def test_of_equals_the_cheaper_is_asked_more_unless_thrift_is_off():
    dear = played(lambda arm: 0.5, lambda arm: 10.0 if arm.model == "big" else 1.0)
    assert sum(n for arm, n in dear.items() if arm.model == "small") > 200
    even = played(lambda arm: 0.5, lambda arm: 10.0 if arm.model == "big" else 1.0, thrift=0.0)
    assert 90 < sum(n for arm, n in even.items() if arm.model == "small") < 210


def test_replies_that_are_awaited_count_as_tries():
    bandit = Bandit()
    first = ARMS[0]
    assert bandit.index(first, ARMS, 3) < bandit.index(first, ARMS, 0)
    with pytest.raises(ValueError, match="reward"):
        bandit.told(first, 2.0)


def test_signs_of_other_scripts_count_as_the_tokens_that_they_are():
    chinese = (Message("user", "把两个循环合并" * 100),)
    assert at_most(chinese, 10).tokens_in >= 700
    world = World()
    models = world.models({"m": ScriptedClient([Reply("好" * 400)])})
    asyncio.run(models.ask(chinese, Purpose()))
    (call,) = world.booked
    assert call.estimated and call.tokens_in > 500 and call.tokens_out == 300
