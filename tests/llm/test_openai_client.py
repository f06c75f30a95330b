"""OpenAIClient against a fake endpoint on 127.0.0.1."""

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random

import pytest

from kernelevo.errors import BadSetting
from kernelevo.llm import (
    EndpointBusy,
    EndpointError,
    Message,
    OpenAIClient,
    RateLimited,
    ReplyTimeout,
    RetryPolicy,
)
from tests.endpoint import endpoint as serving

KEY = "sk-secret-0123456789"
ASK = [Message("system", "be brief"), Message("user", "hello")]


def answer(text: str = "hi", finish: str = "stop", usage: bool = True) -> tuple[int, dict, dict]:
    body = {
        "id": "1",
        "object": "chat.completion",
        "created": 1,
        "model": "served-model",
        "choices": [{"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": text}}],
    }
    if usage:
        body["usage"] = {"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18}
    return 200, {}, body


def failure(status: int, message: str = "no", headers: dict | None = None, **error) -> tuple[int, dict, dict]:
    return status, headers or {}, {"error": {"message": message, **error}}


class Endpoint:
    """Gives scripted answers and remembers what it was asked."""

    def __init__(self) -> None:
        self.script: list = []
        self.requests: list[dict] = []
        self.keys: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                outer.requests.append(json.loads(body))
                outer.keys.append(self.headers["authorization"])
                status, headers, data = outer.script.pop(0)
                time.sleep(headers.pop("delay", 0))
                raw = data if isinstance(data, bytes) else json.dumps(data).encode()
                self.send_response(status)
                for name, value in {"content-type": "application/json", **headers}.items():
                    self.send_header(name, str(value))
                self.send_header("content-length", str(len(raw)))
                self.end_headers()
                try:
                    self.wfile.write(raw)
                except BrokenPipeError:
                    return

            def log_message(self, *_: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"


@pytest.fixture
def endpoint(monkeypatch) -> Iterator[Endpoint]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    served = Endpoint()
    thread = threading.Thread(target=served.server.serve_forever, args=(0.01,))
    thread.start()
    yield served
    served.server.shutdown()
    served.server.server_close()
    thread.join()


def ask(endpoint: Endpoint, script: list, *, timeout: float = 5.0, url: str | None = None, **settings):
    """Return the replies to as many requests as ``times`` says, and the pauses that were made."""
    endpoint.script = script
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    async def talk():
        client = OpenAIClient(
            url or endpoint.url,
            timeout=timeout,
            retry=RetryPolicy(attempts=3),
            rng=Random(0),
            sleep=sleep,
            environment={"OPENAI_API_KEY": KEY},
        )
        assert KEY not in repr(client) and KEY not in str(vars(client).get("base_url"))
        try:
            return [
                await client.complete(ASK, model="m", **settings) for _ in range(settings.pop("times", 1))
            ]
        finally:
            await client.aclose()

    return asyncio.run(talk()), pauses


def test_reply_usage_and_request(endpoint):
    (reply,), _ = ask(endpoint, [answer("hi", "length")], temperature=0.5, max_tokens=9, seed=3)
    assert (reply.text, reply.model, reply.cut_off) == ("hi", "served-model", True)
    assert (reply.usage.tokens_in, reply.usage.tokens_out) == (11, 7)
    assert reply.latency > 0
    sent = endpoint.requests[0]
    assert sent["messages"] == [
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": "hello"},
    ]
    assert (sent["temperature"], sent["max_tokens"], sent["seed"]) == (0.5, 9, 3)
    assert endpoint.keys == [f"Bearer {KEY}"]


def test_missing_usage_and_empty_text_stay_missing(endpoint):
    (reply,), _ = ask(endpoint, [answer(None, usage=False)])
    assert reply.text == "" and reply.usage.tokens_in is None


def test_busy_endpoint_is_asked_again_after_the_time_it_names(endpoint):
    (reply,), pauses = ask(endpoint, [failure(429, headers={"retry-after": 3}), failure(503), answer()])
    assert reply.text == "hi"
    assert len(pauses) == 2 and 3 <= pauses[0] <= 4
    with pytest.raises(RateLimited, match="429") as caught:
        ask(endpoint, [failure(429)] * 3)
    assert caught.value.passing and caught.value.there


def test_attempts_end(endpoint):
    with pytest.raises(EndpointError, match="500"):
        ask(endpoint, [failure(500)] * 3)
    assert len(endpoint.requests) == 3


def test_a_wrong_key_is_not_retried_and_never_shown(endpoint):
    with pytest.raises(EndpointError) as caught:
        ask(endpoint, [failure(401, f"Incorrect API key provided: {KEY}.")])
    assert len(endpoint.requests) == 1
    shown = str(caught.value) + repr(caught.value) + str(caught.value.__cause__)
    assert KEY not in shown and "OPENAI_API_KEY" in shown
    assert caught.value.__suppress_context__ and caught.value.exit_code == 3


def test_timeout(endpoint):
    late = [(200, {"delay": 0.6}, answer()[2]) for _ in range(3)]
    with pytest.raises(EndpointBusy, match=r"no reply within 0\.1 s") as caught:
        ask(endpoint, late, timeout=0.1)
    assert not isinstance(caught.value, ReplyTimeout)  # that one means that nobody is at fault
    assert caught.value.passing and caught.value.attempts == 1  # who asked decides whether to wait once more


def test_a_crowd_is_spread_over_several_sets_of_connections(endpoint, monkeypatch):
    from kernelevo.llm import openai_client

    monkeypatch.setattr(openai_client, "PER_SET", 2)
    endpoint.script = [answer() for _ in range(5)]

    async def talk():
        client = OpenAIClient(endpoint.url, environment={})
        replies = await asyncio.gather(*(client.complete(ASK, model="m") for _ in range(5)))
        ((_, sets),) = client._open.values()
        await client.aclose()
        return replies, len(sets), client._flying

    replies, sets, flying = asyncio.run(talk())
    assert [r.text for r in replies] == ["hi"] * 5 and (sets, flying) == (3, 0)


def test_a_connection_that_is_not_made_in_time_is_told_as_that(endpoint, monkeypatch):
    import httpx
    import openai

    async def slow(self, **_):
        request = httpx.Request("POST", endpoint.url)
        raise openai.APITimeoutError(request) from httpx.ConnectTimeout("late")

    monkeypatch.setattr(openai.resources.chat.completions.AsyncCompletions, "create", slow)
    with pytest.raises(EndpointError, match="No connection"):
        ask(endpoint, [])


def test_nobody_listens(endpoint):
    with pytest.raises(EndpointError, match="No connection"):
        ask(endpoint, [], url="http://127.0.0.1:9/v1")


@pytest.mark.parametrize("data", [b"<html>proxy</html>", b"[]", b'{"choices": []}', b""])
def test_an_answer_that_makes_no_sense(endpoint, data):
    with pytest.raises(EndpointError):
        ask(endpoint, [(200, {}, data)] * 3)


def test_settings_the_model_does_not_know_are_dropped_or_renamed(endpoint):
    refused = "Unsupported parameter: 'max_tokens' is not supported with this model."
    script = [
        failure(400, refused, param="max_tokens"),
        failure(400, "Unsupported value: 'temperature' does not support 0.5", param="temperature"),
        answer(),
        answer(),
    ]
    ask(endpoint, script, max_tokens=9, temperature=0.5, times=2)
    assert endpoint.requests[-1]["max_completion_tokens"] == 9
    assert "temperature" not in endpoint.requests[-1] and "max_tokens" not in endpoint.requests[-1]
    assert len(endpoint.requests) == 4  # remembered: the second request needs no new lesson


def test_a_setting_that_several_requests_in_flight_had_is_dropped_for_each_of_them():
    together = threading.Barrier(4)

    def told(request, number):
        refused = next((setting for setting in ("max_tokens", "temperature") if setting in request), None)
        if refused is None:
            return answer()
        together.wait(20)  # all four are sent before the first is refused
        return failure(400, f"Unsupported parameter: '{refused}'", param=refused)

    async def talk(url):
        client = OpenAIClient(url, environment={}, retry=RetryPolicy(attempts=1))
        try:
            return await asyncio.gather(
                *(client.complete(ASK, model="m", temperature=0.5, max_tokens=9) for _ in range(4))
            )
        finally:
            await client.aclose()

    with serving(told) as mock:
        replies = asyncio.run(talk(mock.url))
    assert [reply.text for reply in replies] == ["hi"] * 4 and len(mock.requests) == 12
    assert all(r["max_completion_tokens"] == 9 and "temperature" not in r for r in mock.requests[-4:])


def test_each_request_after_the_first_waits_for_its_turn(endpoint):
    turns = []

    async def again():
        turns.append(len(endpoint.requests))

    refused = failure(400, "temperature is not supported", param="temperature")
    (reply,), _ = ask(endpoint, [failure(503), refused, answer()], temperature=0.5, again=again)
    assert reply.text == "hi" and turns == [1, 2]
    turns.clear()
    ask(endpoint, [answer()], again=again)
    assert turns == [] and len(endpoint.requests) == 4


def test_every_setting_may_be_refused_and_another_one_recommended(endpoint):
    renamed = "Unsupported parameter: 'max_tokens' is not supported. Use 'max_completion_tokens' instead."
    said = [renamed, *(f"unknown field '{s}'" for s in ("temperature", "max_completion_tokens", "seed"))]
    (reply,), _ = ask(
        endpoint, [*(failure(400, words) for words in said), answer()], temperature=0.5, max_tokens=9, seed=3
    )
    assert reply.text == "hi" and endpoint.requests[1]["max_completion_tokens"] == 9
    assert set(endpoint.requests[-1]) == {"model", "messages"}
    with pytest.raises(EndpointError, match="unknown field 'seed'"):  # which was not sent
        ask(endpoint, [failure(400, "unknown field 'seed'")], temperature=0.5)


def test_any_other_bad_request_is_an_error(endpoint):
    with pytest.raises(EndpointError, match="context length"):
        ask(endpoint, [failure(400, "maximum context length is 8192")])


def test_without_key_and_url():
    with pytest.raises(BadSetting, match="OPENAI_API_KEY"):
        OpenAIClient(environment={})
    assert OpenAIClient(environment={"OPENAI_BASE_URL": "http://x/v1"}).base_url == "http://x/v1"


def test_an_upstreams_error_that_comes_as_success_is_asked_again(endpoint):
    upstream = {"error": {"message": "Provider returned error", "code": 429}}
    page = b"<html>one moment</html>"
    (reply,), pauses = ask(
        endpoint, [(200, {}, upstream), (200, {"content-type": "text/html"}, page), answer()]
    )
    assert reply.text == "hi" and reply.attempts == 3 and len(pauses) == 2
    broke = answer("half a rep", "error")
    (reply,), _ = ask(endpoint, [broke, answer()])
    assert reply.text == "hi"
    with pytest.raises(EndpointError, match="no credits") as caught:
        ask(endpoint, [(200, {}, {"error": {"message": "no credits", "code": 402}})])
    assert caught.value.everywhere


def test_a_setting_that_is_refused_as_unprocessable_is_dropped(endpoint):
    detail = [{"type": "extra_forbidden", "loc": ["body", "seed"], "msg": "Extra inputs are not permitted"}]
    (reply,), _ = ask(endpoint, [(422, {}, {"detail": detail}), answer()], seed=3, max_tokens=9)
    assert reply.text == "hi" and "seed" not in endpoint.requests[-1]
    assert endpoint.requests[-1]["max_tokens"] == 9


@pytest.mark.parametrize(
    ("usage", "counted"),
    [
        ({"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}, (10, 5)),
        (
            {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 900},
            (10, 890),
        ),  # reasoning beside it
        ({"prompt_tokens": 10, "completion_tokens": 5}, (10, 5)),
        ({"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}, (None, None)),
        ({"prompt_tokens": 10, "completion_tokens": None, "total_tokens": 15}, (10, None)),
        ({}, (None, None)),
        (None, (None, None)),
    ],
)
def test_tokens_are_those_that_are_billed(endpoint, usage, counted):
    status, headers, body = answer()
    (reply,), _ = ask(endpoint, [(status, headers, {**body, "usage": usage})])
    assert (reply.usage.tokens_in, reply.usage.tokens_out) == counted


def test_content_in_parts_and_refusals(endpoint):
    status, headers, body = answer()

    def told(**message):
        choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", **message}}
        (reply,), _ = ask(endpoint, [(status, headers, {**body, "choices": [choice]})])
        return reply.text

    thought = {"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}
    assert told(content=[thought, {"type": "text", "text": "a"}, {"type": "text", "text": "b"}]) == "ab"
    assert told(content=None, refusal="I will not.") == "I will not."
    assert told(content=None, tool_calls=[]) == ""
    bare = {"choices": [{"message": {"content": "ok"}}]}
    (reply,), _ = ask(endpoint, [(200, {}, bare)])
    assert (reply.text, reply.finish, reply.model) == ("ok", "stop", "")


def test_a_password_in_the_address_is_in_no_message(endpoint):
    url = endpoint.url.replace("//", "//me:hunter2@") + "?token=hunter3"
    with pytest.raises(EndpointError) as caught:
        ask(endpoint, [failure(401, "who are you?")], url=url)
    assert "hunter" not in str(caught.value) and "127.0.0.1" in str(caught.value)
    assert "hunter" not in repr(OpenAIClient(url, environment={}))


def test_an_account_without_money_is_not_waited_for(endpoint):
    with pytest.raises(EndpointError, match="exceeded your current quota") as caught:
        ask(endpoint, [failure(429, "You exceeded your current quota", code="insufficient_quota")])
    assert len(endpoint.requests) == 1 and caught.value.everywhere and not caught.value.passing
