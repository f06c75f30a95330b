"""OpenAIClient: any OpenAI-compatible chat endpoint, with our own time-outs and retries."""

from __future__ import annotations

import asyncio
import importlib.util
import os
import re
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from random import Random
from typing import TYPE_CHECKING, Any

from kernelevo.errors import BadSetting, ToolchainMissing
from kernelevo.llm.client import (
    EndpointBusy,
    EndpointError,
    Message,
    ModelRefused,
    RateLimited,
    Reply,
    Turn,
    Usage,
)
from kernelevo.llm.retry import Retryable, RetryBudget, RetryPolicy, Sleep, retry_after, with_retries

if TYPE_CHECKING:
    import ssl

    import openai

KEY_VARIABLE = "OPENAI_API_KEY"
URL_VARIABLE = "OPENAI_BASE_URL"
CONNECT_SECONDS = 30.0
"""A thousand connections that are made at once take a busy machine longer than the network does."""
PER_SET = 30
_FOR_GOOD = (401, 402, 403, 404)
_TRANSIENT = (408, 409, 425, 429, 500, 502, 503, 504, 529)
_NO_MONEY = "insufficient_quota"
"""Code of a 429 that no waiting ends: nothing is left on the account."""
_LENGTHS = "if it is too long: --prompt-tokens limits prompts, --max-tokens replies; else check --model"
#: What a local server accepts that wants no key; never a secret.
NO_KEY = "none"


def missing() -> ToolchainMissing:
    """Return what to raise without the package that endpoints are reached with."""
    return ToolchainMissing(
        "The package 'openai' is not installed.",
        why="endpoints are asked with it",
        now="pip install openai, or do without a model: the mailbox, the model-free proposers",
    )


class OpenAIClient:
    """Talks to one endpoint.

    The key is read from the environment when a request is made, and only then; it is in no attribute,
    message, record or error of ours.

    Args:
        base_url: the endpoint, e.g. ``"http://localhost:8000/v1"``; ``$OPENAI_BASE_URL`` or the library's own
            default if None.
        key_variable: environment variable that holds the key.
        timeout: longest time for one request, in seconds; what takes longer is not tried again here.
        connect_timeout: longest time for the connection alone, in seconds.
        retry: how often to try again.
        rng: randomness of the pauses.
        sleep: how to wait.
        environment: where the key is looked up; the process's own if None.
        clock: seconds that only go up.

    Raises:
        BadSetting: if a key is needed (no ``base_url``) and the variable is empty.
    """

    def __init__(
        self,
        base_url: str | None = None,
        *,
        key_variable: str = KEY_VARIABLE,
        timeout: float = 600.0,
        connect_timeout: float = CONNECT_SECONDS,
        retry: RetryPolicy | None = None,
        rng: Random | None = None,
        sleep: Sleep = asyncio.sleep,
        environment: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._environment = os.environ if environment is None else environment
        self.base_url = base_url or self._environment.get(URL_VARIABLE) or None
        self.key_variable = key_variable
        self.timeout, self.connect_timeout = timeout, connect_timeout
        self._retry, self._rng = retry or RetryPolicy(), rng or Random()
        self._sleep, self._clock = sleep, clock
        self._retries = RetryBudget()
        self._open: dict[int, tuple[asyncio.AbstractEventLoop, list[openai.AsyncOpenAI]]] = {}
        self._flying = 0
        self._trusted: ssl.SSLContext | None = None
        self._without: dict[str, frozenset[str]] = {}
        if importlib.util.find_spec("openai") is None:  # said now, not when the first answer is wanted
            raise missing()
        if self.base_url is None and not self._key():
            raise BadSetting(
                f"No key for the language model: ${key_variable} is empty.",
                why="the default endpoint needs one; an endpoint of your own may not",
                now=f"export {key_variable}=..., or give --base-url, or leave the llm proposer out",
            )

    def __repr__(self) -> str:
        return f"OpenAIClient(base_url={self._place()!r}, key_variable={self.key_variable!r})"

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        model: str,
        temperature: float | None = None,
        max_tokens: int | None = None,
        seed: int | None = None,
        again: Turn | None = None,
    ) -> Reply:
        """Return one reply; see ``Client.complete``.

        Settings that the model says it does not know (``temperature``, ``seed``, ``max_tokens``) are left out
        or renamed from then on.
        """
        begin = self._clock()
        wanted = {"temperature": temperature, "max_tokens": max_tokens, "seed": seed}
        request: dict[str, Any] = {k: v for k, v in wanted.items() if v is not None}
        request["model"] = model
        request["messages"] = [{"role": m.role, "content": m.content} for m in messages]
        completion, attempts = await with_retries(
            lambda: self._ask(request, again),
            self._retry,
            self._rng,
            self._sleep,
            budget=self._retries,
            again=again,
        )
        return self._reply(completion, self._clock() - begin, attempts)

    async def aclose(self) -> None:
        """Close the connections of the running event loop."""
        opened = self._open.pop(id(asyncio.get_running_loop()), None)
        for client in opened[1] if opened is not None else ():
            await client.close()

    async def _ask(self, request: dict[str, Any], again: Turn | None) -> Any:
        """Make one attempt; a refusal of a setting costs one more, at once."""
        client = self._connection()
        self._flying += 1
        try:
            return await self._answered(client, request, again)
        finally:
            self._flying -= 1

    async def _answered(self, client: openai.AsyncOpenAI, request: dict[str, Any], again: Turn | None) -> Any:
        import openai

        while True:  # each refusal takes away a setting that was sent, so it ends
            adapted = self._adapted(request)
            try:
                completion = await client.chat.completions.create(**adapted)
            except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
                # others may have met the same refusal meanwhile: what this one had sent counts
                setting = _refused_setting(error, adapted)
                if setting is None:
                    raise self._failure(error) from None
                self._without[request["model"]] = self._left_out(request) | {setting}
                if again is not None:
                    await again()
            except openai.APITimeoutError as error:
                if type(error.__cause__).__name__ == "ConnectTimeout":
                    raise Retryable(self._unreachable(error)) from None
                # it took long and may do so again: whoever asked decides whether to wait for it once more
                waited = f"no reply within {self.timeout:g} s from {self._place()}"
                raise EndpointBusy("The language model did not answer.", why=waited) from None
            except openai.APIConnectionError as error:
                raise Retryable(self._unreachable(error)) from None
            except openai.APIStatusError as error:
                if error.status_code not in _TRANSIENT or error.code == _NO_MONEY:
                    raise self._failure(error) from None
                after = retry_after(error.response.headers.get("retry-after"), datetime.now(UTC))
                raise Retryable(self._failure(error), after) from None
            except (openai.OpenAIError, ValueError) as error:
                # an answer that is no JSON, or not of the expected form: half of one, a proxy's page
                raise Retryable(self._failure(error)) from None
            else:
                if _choice(completion) is None:
                    failed = self._without_choice(completion)
                    raise Retryable(failed) if failed.passing else failed
                return completion

    def _left_out(self, request: dict[str, Any]) -> frozenset[str]:
        return self._without.get(request["model"], frozenset())

    def _adapted(self, request: dict[str, Any]) -> dict[str, Any]:
        without = self._left_out(request)
        adapted = {k: v for k, v in request.items() if k not in without}
        if "max_tokens" in without and "max_tokens" in request and "max_completion_tokens" not in without:
            adapted["max_completion_tokens"] = request["max_tokens"]
        return adapted

    def _connection(self) -> openai.AsyncOpenAI:
        """Connections belong to one event loop; there are sets for each.

        With every request httpcore looks through all connections of its set: a thousand in one set take more
        time to look through than to use. So every ``PER_SET`` requests in flight have a set of their own.
        """
        loop = asyncio.get_running_loop()
        opened = self._open.get(id(loop))
        if opened is None or opened[0] is not loop:
            opened = self._open[id(loop)] = (loop, [])
        sets = opened[1]
        wanted = self._flying // PER_SET
        while len(sets) <= wanted:
            sets.append(self._new_set())
        return sets[wanted]

    def _new_set(self) -> openai.AsyncOpenAI:
        try:
            import httpx
            import openai
        except ImportError as error:
            raise missing() from error
        if self._trusted is None:  # reading the certificates takes longer than all the rest
            self._trusted = httpx.create_ssl_context()
        return openai.AsyncOpenAI(
            http_client=openai.DefaultAsyncHttpxClient(verify=self._trusted),
            api_key=self._key() or NO_KEY,
            base_url=self.base_url,
            timeout=openai.Timeout(self.timeout, connect=self.connect_timeout),
            max_retries=0,
        )

    def _reply(self, completion: Any, latency: float, attempts: int) -> Reply:
        choice = _choice(completion)
        return Reply(
            _text(choice.message),
            _used(getattr(completion, "usage", None)),
            latency,
            getattr(choice, "finish_reason", None) or "stop",
            getattr(completion, "model", None) or "",
            attempts,
        )

    def _without_choice(self, completion: Any) -> EndpointError:
        """Say what came instead of a reply: routers send upstream errors as HTTP 200, proxies a page."""
        said = getattr(completion, "error", None)
        code = said.get("code") if isinstance(said, Mapping) else None
        return _kind(code if isinstance(code, int) else None)(
            f"The language model at {self._place()} sent a reply without choices.",
            why=self._clean(str(said or completion))[:300],
            now="run again; if it stays, check --model, and that --base-url names a chat endpoint",
        )

    def _failure(self, error: Exception) -> EndpointError:
        status = getattr(error, "status_code", None)
        now = {
            401: f"check the key in ${self.key_variable}",
            403: f"check what the key in ${self.key_variable} may do",
            400: _LENGTHS,
            404: "check --model and --base-url",
            413: _LENGTHS,
            422: _LENGTHS,
            429: "wait, or lower the number of requests a minute in the run's [models] table",
        }.get(status or 0, "run again; if it stays, check --model and --base-url")
        said = self._clean(_said(error))[:500]
        if status is None:
            return EndpointBusy(
                f"The language model at {self._place()} sent something that is no reply.", why=said, now=now
            )
        what = f"The language model at {self._place()} refused the request (HTTP {status})."
        spent = getattr(error, "code", None) == _NO_MONEY
        return (ModelRefused if spent else _kind(status))(what, why=said, now=now)

    def _unreachable(self, error: Exception) -> EndpointError:
        cause = error.__cause__ or error
        return EndpointBusy(
            f"No connection to the language model at {self._place()}.",
            why=self._clean(f"{type(cause).__name__}: {cause}"),
            now="check --base-url and the network",
        )

    def _place(self) -> str:
        """The endpoint, without what may be secret in its address: a name with a password, a query."""
        bare = re.sub(r"//[^/@]*@", "//", (self.base_url or "").partition("?")[0])
        return self._clean(bare or "the default endpoint")

    def _key(self) -> str:
        return self._environment.get(self.key_variable, "").strip()

    def _clean(self, text: str) -> str:
        """Take the key out of a text before anybody reads it."""
        key = self._key()
        return text.replace(key, "[key]") if len(key) > 3 else text


def _kind(status: int | None) -> type[EndpointError]:
    """Return what an HTTP status means for asks to come; None is an answer that makes no sense."""
    if status in _FOR_GOOD:
        return ModelRefused
    if status == 429:
        return RateLimited
    return EndpointBusy if status is None or status in _TRANSIENT else EndpointError


def _choice(completion: Any) -> Any:
    """Return the first choice of an answer; None if there is none with a message."""
    choices = getattr(completion, "choices", None)
    choice = choices[0] if isinstance(choices, list) and choices else None
    failed = getattr(choice, "message", None) is None or getattr(choice, "finish_reason", None) == "error"
    return None if failed else choice


def _text(message: Any) -> str:
    """Return a message's text: of its parts, where thoughts are parts of their own; why it refuses, else."""
    content = getattr(message, "content", None)
    if isinstance(content, list):
        parts = (part.get("text") for part in content if isinstance(part, Mapping))
        content = "".join(part for part in parts if isinstance(part, str))
    if isinstance(content, str) and content.strip():
        return content
    refusal = getattr(message, "refusal", None)
    return refusal if isinstance(refusal, str) else ""


def _used(usage: Any) -> Usage:
    """Return the tokens that are billed, None where that is not said.

    Reasoning is billed as output. Some endpoints count it in the total alone, and not among the tokens of the
    completion. A prompt of no tokens is a count that nobody made.
    """
    sent, made, total = (_count(usage, f"{name}_tokens") for name in ("prompt", "completion", "total"))
    if not sent:
        return Usage()
    if made is not None and total is not None:
        made = max(made, total - sent)
    return Usage(sent, made, _count(getattr(usage, "prompt_tokens_details", None), "cached_tokens"))


def _count(usage: Any, name: str) -> int | None:
    count = getattr(usage, name, None)
    return count if isinstance(count, int) and count >= 0 else None


def _said(error: Exception) -> str:
    """Return an endpoint's words; what has another form than OpenAI's is in the body alone."""
    body = getattr(error, "body", None)
    told = isinstance(body, Mapping) and isinstance(body.get("message"), str)
    return f"{error}" if body is None or told else f"{error} - {body}"


def _refused_setting(error: openai.APIStatusError, sent: Mapping[str, Any]) -> str | None:
    """Return the setting that a 400 or 422 complains about, if it was sent and we can do without it.

    What the endpoint recommends instead (``max_completion_tokens``) may be named beside it.
    """
    known = ("max_completion_tokens", "max_tokens", "temperature", "seed")
    settings = [setting for setting in known if setting in sent]
    if error.param in settings:
        return error.param
    said = _said(error).lower()
    refused = any(word in said for word in ("unsupported", "not support", "unknown", "unrecognized", "extra"))
    return next((s for s in settings if refused and s in said), None)
