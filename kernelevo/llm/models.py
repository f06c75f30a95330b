"""Models: who answers for which part of a run; every call is priced, limited and written down here."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from kernelevo.errors import BadSetting
from kernelevo.llm.breaker import Breaker
from kernelevo.llm.calls import Book, Call, Ended, Purpose, Role, unbooked
from kernelevo.llm.client import (
    Client,
    EndpointBusy,
    EndpointError,
    Message,
    ModelRefused,
    Reply,
    ReplyTimeout,
    prompt_hash,
)
from kernelevo.llm.limits import Gate, Limits
from kernelevo.llm.prices import Price, at_most, counted
from kernelevo.llm.retry import Sleep

MAX_TOKENS = 16_384
PATIENCE = 900.0
"""Seconds that an ask waits for models that fail or rest, all of them, before it gives up."""


@dataclass(frozen=True)
class Model:
    """One model that a run may ask.

    Args:
        name: its name in this run.
        client: how it is reached.
        served: its name at the endpoint; ``name`` if empty.
        price: dollars per million tokens; None where nobody said.
        limits: how many requests at a time and in a minute.
        max_tokens: longest reply.
    """

    name: str
    client: Client
    served: str = ""
    price: Price | None = None
    limits: Limits = field(default_factory=Limits)
    max_tokens: int = MAX_TOKENS


@dataclass(frozen=True)
class Answer:
    """A reply and the row of the ledger that it has."""

    reply: Reply
    call: Call

    @property
    def cost(self) -> dict[str, float]:
        """What it used, by unit; ``calls`` says that the ledger of calls has it already."""
        return {**self.call.cost, "calls": 1.0}


class Models:
    """The models of one run by role; holds what is known of each: its breaker and its gate.

    Args:
        models: all of them.
        roles: which of them answer for a role; a role that is not named is nobody's.
        book: told of every call before it is sent, and once more when it ended, answered or not.
        clock: seconds that only go up; kept under this name, for ``hopeful``.
        now: seconds since the epoch.
        sleep: how to wait.

    Raises:
        BadSetting: for two models of one name, or a role that names a model that is not there.
    """

    def __init__(
        self,
        models: Sequence[Model],
        roles: Mapping[Role, Sequence[str]],
        *,
        book: Book = unbooked,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._models = {model.name: model for model in models}
        if len(self._models) != len(models):
            raise BadSetting(
                "two models have the same name",
                why=", ".join(m.name for m in models),
                now="give each [models.NAME] a name of its own",
            )
        for role, names in roles.items():
            for name in names:
                if name not in self._models:
                    raise BadSetting(
                        f"the {role} cannot be {name!r}",
                        why="no model has that name",
                        now="add a section [models.NAME], or name one that is there",
                    )
        self._roles = {role: tuple(names) for role, names in roles.items() if names}
        self.book = book
        self.notice: Callable[[str], None] = lambda text: None  # told when a model begins to rest
        self.clock, self._now, self._sleep = clock, now, sleep
        self._breakers = {name: Breaker(clock) for name in self._models}
        self._gates = {name: Gate(m.limits, clock=clock, sleep=sleep) for name, m in self._models.items()}

    def has(self, role: Role) -> bool:
        """Whether anybody answers for a role."""
        return role in self._roles

    def names(self, role: Role) -> tuple[str, ...]:
        """Names of those who answer for a role and were not found to be refused for good."""
        return tuple(n for n in self._roles.get(role, ()) if not self._breakers[n].gone)

    def awake(self, role: Role) -> tuple[str, ...]:
        """Names of those who may be asked now."""
        return tuple(n for n in self.names(role) if not self._breakers[n].open)

    def priced(self, *roles: Role) -> bool:
        """Whether each model that answers for one of these roles has a price."""
        return all(self._models[name].price for role in roles for name in self._roles.get(role, ()))

    def may_cost(self, messages: Sequence[Message], name: str) -> dict[str, float]:
        """Return the most that a call may use, by unit; dollars only where there is a price."""
        model = self._models[name]
        usage = at_most(messages, model.max_tokens)
        most = {"tokens": float((usage.tokens_in or 0) + (usage.tokens_out or 0))}
        dollars = model.price.of(usage) if model.price else None
        return most if dollars is None else {**most, "dollars": dollars}

    def dearest(self, messages: Sequence[Message], role: Role) -> dict[str, float]:
        """Return the most that a call may use, by unit, whichever of a role's models gets it."""
        most: dict[str, float] = {}
        for name in self.names(role):
            for unit, amount in self.may_cost(messages, name).items():
                most[unit] = max(amount, most.get(unit, 0.0))
        return most

    def hopeful(self, role: Role, error: EndpointError, since: float) -> bool:
        """Whether asking once more, after a failure, may bring an answer.

        It may where a model refuses everything and another one is left for the role; and where the failure
        can pass, somebody was heard of before, and neither this ask nor all the models have failed for
        ``PATIENCE`` seconds by now. What was never heard of is more likely a wrong address than an endpoint
        that is down; and a prompt may be the one that is never answered, however well others are. What its
        first request took counts: it may be as long as ``PATIENCE`` by itself, where an endpoint hangs.

        Args:
            role: whose models are asked.
            error: the failure.
            since: when this ask was sent for the first time, by ``clock``.
        """
        breakers = [self._breakers[name] for name in self.names(role)]
        if error.everywhere:
            return bool(breakers)
        if not error.passing or self.clock() - since >= PATIENCE:
            return False
        return any(b.heard and b.failing < PATIENCE for b in breakers)

    async def rested(self, role: Role) -> tuple[str, ...]:
        """Wait until somebody may be asked, and return who.

        Raises:
            EndpointError: if all were refused for good, or none woke up for ``PATIENCE`` seconds.
        """
        began = self.clock()
        while not (awake := self.awake(role)):
            left = [self._breakers[name] for name in self.names(role)]
            if not left:
                reasons = [self._breakers[n].gone for n in self._roles.get(role, ())]
                raise ModelRefused(
                    f"No model is left for the {role}.",
                    why="; ".join(dict.fromkeys(reasons)) or "none was named",
                    now="mend that and go on with: kernelevo resume",
                )
            if self.clock() - began > PATIENCE:
                raise EndpointBusy(
                    f"Every model for the {role} has failed for {PATIENCE:g} s.",
                    why="; ".join(dict.fromkeys(breaker.said for breaker in left if breaker.said)),
                    now="check --base-url and the endpoint, then: kernelevo resume",
                )
            await self._sleep(min(breaker.rest for breaker in left) or 0.01)
        return awake

    async def ask(
        self,
        messages: Sequence[Message],
        purpose: Purpose,
        *,
        model: str | None = None,
        temperature: float | None = None,
        seed: int | None = None,
    ) -> Answer:
        """Ask one model; the call is written down before it is sent, and when it ended, whatever came of it.

        What is given up before its turn came was not sent and leaves no row.

        Args:
            messages: the prompt.
            purpose: why; its role names who is asked.
            model: one of the role's models; the first that is awake if None.
            temperature: how varied the reply may be; None leaves it to the endpoint.
            seed: for endpoints that take one.

        Raises:
            EndpointError: if there is no reply; ``passing`` says whether a later ask may get one.
        """
        asked = self._models[model or (await self.rested(purpose.role))[0]]
        gate = self._gates[asked.name]
        tokens = (at_most(messages, asked.max_tokens).tokens_in or 0) + asked.max_tokens
        settings = {"temperature": temperature, "max_tokens": asked.max_tokens, "seed": seed}
        began = sent = self.clock()
        reply: Reply | None = None
        error: BaseException | None = None
        ended: Ended | None = None
        try:
            async with gate.through(tokens):
                sent = self.clock()  # not what it waited for others is held against a prompt
                ended = self.book(self._call(asked, messages, purpose, settings))
                came = await asked.client.complete(
                    messages,
                    model=asked.served or asked.name,
                    temperature=temperature,
                    max_tokens=asked.max_tokens,
                    seed=seed,
                    again=lambda: gate.turn(tokens),
                )
            # half a surrogate pair can come through JSON, but neither a file nor the store can hold it
            reply = replace(came, text=came.text.encode(errors="replace").decode())
        except BaseException as caught:  # cancelled too: what was asked is written down
            error = caught
            if isinstance(caught, EndpointError):
                caught.sent = sent
            raise
        finally:
            call = self._call(asked, messages, purpose, settings, reply, error, self.clock() - began)
            self._note(asked.name, error)
            if ended is not None:
                ended(call)
        return Answer(reply, call)

    def _note(self, name: str, error: BaseException | None) -> None:
        breaker = self._breakers[name]
        if error is None:
            breaker.succeeded()
        elif isinstance(error, EndpointError) and not isinstance(error, ReplyTimeout):  # nobody's failure
            said = f"{error.what} {error.why}".strip()
            if error.passing:
                breaker.failed(said, there=error.there)
                if breaker.failures == breaker.after:
                    self.notice(f"{name} fails and rests for a while: {said}")
            elif error.everywhere:
                breaker.refused(f"{name}: {said}")

    def _call(
        self,
        asked: Model,
        messages: Sequence[Message],
        purpose: Purpose,
        settings: Mapping[str, float | None],
        reply: Reply | None = None,
        error: BaseException | None = None,
        latency: float = 0.0,
    ) -> Call:
        usage, estimated = (reply.usage, False) if reply else (None, False)
        unknown = reply is not None and None in (reply.usage.tokens_in, reply.usage.tokens_out)
        if reply and unknown and not getattr(asked.client, "unbilled", False):
            usage, estimated = counted(messages, reply.text), True
        return Call(
            purpose=purpose,
            model=asked.name,
            messages=tuple(messages),
            prompt_sha256=prompt_hash(messages),
            settings={k: v for k, v in settings.items() if v is not None},
            reply=reply.text if reply else None,
            finish=reply.finish if reply else "",
            served=reply.model if reply else "",
            tokens_in=usage.tokens_in if usage else None,
            tokens_cached=usage.tokens_cached if usage else None,
            tokens_out=usage.tokens_out if usage else None,
            dollars=asked.price.of(usage) if usage and asked.price else None,
            estimated=estimated,
            latency=latency,
            attempts=reply.attempts if reply else getattr(error, "attempts", 1),
            error=_line(error) if error else "",
            at=self._now(),
        )


def _line(error: BaseException) -> str:
    if isinstance(error, asyncio.CancelledError):
        return "given up: the run ended before the reply"
    if isinstance(error, EndpointError):
        return f"{error.what} {error.why}".strip()
    return f"{type(error).__name__}: {error}"
