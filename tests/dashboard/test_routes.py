"""The API: what it says is what the store holds; what comes from elsewhere is refused."""

import asyncio
import dataclasses
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from kernelevo import api
from kernelevo.dashboard import server
from kernelevo.dashboard.routes import news, told_before
from kernelevo.engine import Schedule
from kernelevo.errors import BadSetting
from kernelevo.store import RunStore
from tests.engine import toys
from tests.engine.test_engine import Bench
from tests.engine.test_steering import order_at

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::PendingDeprecationWarning")
EVIL = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    bench = Bench(tmp_path_factory.mktemp("root") / "runs" / "one")
    orders = [("hint", {"text": EVIL, "asks": 3}), ("submit", {"source": "1" * 13 + "000", "parents": ["1"]})]
    bench.run(
        toys.task(), [toys.Flip(), toys.Script(["two", "2" + EVIL])], "24", meanwhile=order_at(2, *orders),
        schedule=Schedule(thinkers=1),
    )  # fmt: skip
    return bench.folder


class Asking:
    """Sends requests to an app without a network."""

    def __init__(self, app: Any) -> None:
        self.app = app

    def __call__(
        self, path: str, *, method: str = "GET", body: bytes = b"", **headers: str
    ) -> tuple[int, Any]:
        status, _, data = self.raw(path, method=method, body=body, **headers)
        return status, json.loads(data)

    def raw(
        self, path: str, *, method: str = "GET", body: bytes = b"", **headers: str
    ) -> tuple[int, dict, bytes]:
        path, _, query = path.partition("?")
        given = {"host": "127.0.0.1:1", **{k.replace("_", "-"): v for k, v in headers.items()}}
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "path": path,
            "raw_path": path.encode(), "query_string": query.encode(), "root_path": "", "scheme": "http",
            "headers": [(k.encode(), v.encode()) for k, v in given.items()],
            "client": ("127.0.0.1", 5), "server": ("127.0.0.1", 1),
        }  # fmt: skip
        said: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Any) -> None:
            said.append(message)

        asyncio.run(self.app(scope, receive, send))
        head = {k.decode().lower(): v.decode() for k, v in said[0].get("headers", [])}
        return said[0]["status"], head, b"".join(m.get("body", b"") for m in said[1:])


@pytest.fixture
def hub(folder: Path) -> Iterator[Any]:
    hub = server.open_hub(folder.parent, None)
    yield hub
    hub.close()


@pytest.fixture
def ask(hub: Any) -> Asking:
    return Asking(server.guarded(hub, "127.0.0.1", 1, None))


def test_runs_and_a_run(ask: Asking, folder: Path) -> None:
    (row,) = ask("/api/runs")[1]
    assert (row["run"], row["state"], row["trials"], row["live"]) == ("one", "done", 25, False)
    run = ask("/api/runs/one")[1]
    with RunStore.open(folder, readonly=True) as store:
        trials = store.trials()
    best = max(t.score for t in trials if t.score is not None)
    assert run["best"]["score"] == row["best"] == best and sum(run["verdicts"].values()) == 25
    assert run["verdicts"]["wrong"] == sum(t.score is None for t in trials)
    assert run["budget"]["limits"] == {"trials": 24.0} and run["budget"]["used"]["trials"] == 24.0
    assert ask("/api/runs/none")[0] == 404 and "one" in ask("/api/runs/none")[1]["error"]["why"]


def test_series_are_what_the_trials_say(ask: Asking, folder: Path) -> None:
    series = ask("/api/runs/one/series")[1]
    with RunStore.open(folder, readonly=True) as store:
        scores = {t.number: t.score for t in store.trials()}
    numbers = [number for number, _ in series["best"]]
    heights = [score for _, score in series["best"]]
    assert heights == sorted(set(heights)) and heights[-1] == max(s for s in scores.values() if s is not None)
    assert numbers == sorted(numbers) and len(series["dots"]) == sum(s is not None for s in scores.values())
    assert all(0 <= value <= 1 for _, value in series["draws"]["diversity"])


def test_a_page_of_trials(ask: Asking) -> None:
    page = ask("/api/runs/one/trials?sort=score&limit=5")[1]
    scores = [row["score"] for row in page["trials"]]
    assert page["total"] == 25 and len(scores) == 5 and scores == sorted(scores, reverse=True)
    rest = ask("/api/runs/one/trials?sort=score&limit=500&offset=5")[1]["trials"]
    assert len(rest) == 20 and rest[-1]["score"] is None  # what has no score comes last
    wrong = ask("/api/runs/one/trials?status=wrong")[1]
    assert wrong["total"] >= 1 and {row["status"] for row in wrong["trials"]} == {"wrong"}
    assert ask("/api/runs/one/trials?text=submitted")[1]["trials"][0]["proposer"] == "person"
    assert ask("/api/runs/one/trials?sort=files")[0] == 400


def test_a_trial_with_its_family_and_what_it_carried(ask: Asking) -> None:
    orders = ask("/api/runs/one/orders")[1]
    hint, program = orders
    assert len(hint["carried"]) == 3 and program["trial"] is not None
    mine = ask(f"/api/runs/one/trials/{program['trial']}")[1]
    assert mine["source"] == "1" * 13 + "000" and mine["made_from"] == [1] and mine["made_into"]
    told = ask(f"/api/runs/one/trials/{hint['carried'][0]}")[1]
    assert told["carried"][0]["args"]["text"] == EVIL and told["records"]["reply"] == told["source"]
    tree = ask(f"/api/runs/one/lineage/{program['trial']}")[1]
    assert [1, program["trial"]] in tree["links"] and len(tree["nodes"]) >= 3
    assert ask("/api/runs/one/trials/999")[0] == 400
    assert ask(f"/api/runs/one/trials/{10**20}")[0] == 400


def test_what_changed_and_what_failed(ask: Asking) -> None:
    orders = ask("/api/runs/one/orders")[1]
    found = ask(f"/api/runs/one/diff?a=1&b={orders[1]['trial']}")[1]
    assert (found["added"], found["removed"]) == (1, 1) and found["unified"].startswith("--- #1")
    kinds = ask("/api/runs/one/errors")[1]
    assert kinds and any(EVIL in kind["words"] for kind in kinds)


def test_an_order_is_recorded_once_it_is_right(ask: Asking, folder: Path) -> None:
    def post(body: Any, **headers: str) -> tuple[int, Any]:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return ask("/api/runs/one/orders", method="POST", body=data,
                   **{"content_type": "application/json", **headers})  # fmt: skip

    before = len(api.orders(folder))
    status, told = post({"verb": "hint", "args": {"text": "later"}, "author": "ben"})
    assert status == 201 and told["author"] == "ben" and told["args"] == {"text": "later"}
    for wrong in ({"verb": "dance"}, {"args": {}}, {"verb": "hint"}, [1], b"no json", b"x" * 2_000_001,
                  b"[" * 100_000,
                  {"verb": "pause", "args": {"run": "x"}}, {"verb": "pause", "author": 3}):  # fmt: skip
        assert post(wrong)[0] == 400, wrong
    assert post({"verb": "stop"}, content_type="text/plain")[0] == 400
    assert post({"verb": "stop"}, origin="http://evil.example")[0] == 403
    assert post({"verb": "stop"}, origin="null")[0] == 403
    assert post({"verb": "stop"}, sec_fetch_site="cross-site")[0] == 403
    assert post({"verb": "stop"}, host="evil.example")[0] == 403
    assert post({"verb": "hint", "args": {"text": "x"}}, origin="http://127.0.0.1:1")[0] == 201
    assert len(api.orders(folder)) == before + 2


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        ("/api/runs/one/trials?limit=few", "GET", 400), ("/api/runs/one/trials/last", "GET", 400),
        ("/api/runs/one/diff?a=1", "GET", 400), ("/api/runs/one/stream?after=x", "GET", 400),
        ("/api/run", "GET", 404), ("/api/runs", "DELETE", 404), ("/api/runs/none", "GET", 404),
        ("/api/runs/one/trials?sort=files", "GET", 400),
    ],
)  # fmt: skip
def test_every_error_is_told_in_one_form(ask: Asking, path: str, method: str, status: int) -> None:
    found, told = ask(path, method=method)
    assert found == status and set(told["error"]) == {"kind", "what", "why", "now"}
    assert told["error"]["what"]
    refused = ask(path, method=method, host="evil.example")
    assert refused[0] == 403 and set(refused[1]["error"]) == {"kind", "what", "why", "now"}


def test_a_browser_that_connects_again_goes_on_where_it_was() -> None:
    assert told_before("", None, 40) == 40 and told_before("", 7, 40) == 7 and told_before("", -1, 40) == 0
    assert told_before("12", 0, 40) == 12  # it asks at the same address as at first
    assert told_before("12", None, 40) == 12
    assert [told_before(odd, 3, 40) for odd in ("x", "²", "-1", "9" * 5000)] == [3] * 4


def test_a_token_is_asked_elsewhere(hub: Any) -> None:
    ask = Asking(server.guarded(hub, "0.0.0.0", 7, "secret", ("box.lan",)))
    assert ask("/api/runs", host="10.0.0.5:7")[0] == 401
    assert ask("/api/runs", host="10.0.0.5:7", authorization="Bearer wrong")[0] == 401
    assert ask("/api/runs", host="10.0.0.5:7", authorization="Bearer secret")[0] == 200
    assert ask("/api/runs", host="box.lan:7", cookie="kernelevo_token_7=secret")[0] == 200
    assert ask("/api/runs", host="evil.example", authorization="Bearer secret")[0] == 403
    assert ask("/api/runs?token=secret", host="[::1]:7")[0] == 200
    status, head, _ = ask.raw("/run/one?token=secret&x=1", host="10.0.0.5:7")
    assert status == 303 and head["location"] == "/run/one?x=1"
    assert "HttpOnly" in head["set-cookie"] and "SameSite=Lax" in head["set-cookie"]


def test_an_empty_token_is_none_and_lets_nobody_in(hub: Any) -> None:
    for token in ("", " ", None):
        ask = Asking(server.guarded(hub, "0.0.0.0", 7, token))
        assert ask("/api/runs", host="10.0.0.5:7")[0] == 401
        assert ask("/api/runs", host="10.0.0.5:7", authorization="Bearer ")[0] == 401
    assert Asking(server.guarded(hub, "127.0.0.1", 1, ""))("/api/runs")[0] == 200


def test_a_token_may_have_any_characters_and_stand_beside_any_cookies(hub: Any) -> None:
    token, host = 'a+b&c;d é"', "10.0.0.5:7"
    ask = Asking(server.guarded(hub, "0.0.0.0", 7, token))
    status, head, _ = ask.raw(f"/?token={quote(token, safe='')}", host=host)
    mine = head["set-cookie"].partition(";")[0]
    assert status == 303 and ask("/api/runs", host=host, cookie=mine)[0] == 200
    for other in ('theme={"dark": true}', "path=x", "a=[1]; version", "=", ""):
        assert ask("/api/runs", host=host, cookie=f"{other}; {mine}")[0] == 200
        assert ask("/api/runs", host=host, cookie=other)[0] == 401
    assert ask("/api/runs", host=host, authorization=f"Bearer {token}")[0] == 200


def test_where_a_token_is_taken_from_leads_back_here(hub: Any) -> None:
    ask = Asking(server.guarded(hub, "0.0.0.0", 7, "secret"))
    for path, place in (
        ("//evil.example/x", "/evil.example/x"),
        ("/run/Läufe 1", "/run/L%C3%A4ufe%201"),
        ("/run/a\r\nx: y", "/run/a%0D%0Ax%3A%20y"),
    ):
        _, head, _ = ask.raw(f"{path}?token=secret", host="10.0.0.5:7")
        assert head["location"] == place


def test_names_and_origins_that_are_none_are_refused(ask: Asking) -> None:
    assert ask("/api/runs", host="[::1")[0] == 403
    assert ask("/api/runs", origin="http://[")[0] == 403


def test_a_port_that_somebody_has_taken_is_refused() -> None:
    first = server._bind("127.0.0.1", 0)
    try:
        with pytest.raises(BadSetting, match=r"cannot be listened on[\s\S]*--port"):
            server._bind("127.0.0.1", first.getsockname()[1])
    finally:
        first.close()
    with pytest.raises(BadSetting, match="cannot be listened on"):
        server._bind("a" * 70, 0)  # no name that could be looked up


def test_pages_may_load_nothing_from_elsewhere(ask: Asking) -> None:
    _, head, _ = ask.raw("/api/runs")
    assert "default-src 'self'" in head["content-security-policy"] and head["x-frame-options"] == "DENY"


def test_runs_have_pages_whatever_their_names_are(tmp_path: Path) -> None:
    from kernelevo.dashboard.pages.markup import link

    for name in (os.fsdecode(b"l\xe4ufe"), "a #1%x", "<b>&"):
        RunStore.create(tmp_path / "runs" / name, toys.task(), {}).close()
    hub = server.open_hub(tmp_path / "runs", None)
    ask = Asking(server.guarded(hub, "127.0.0.1", 1, None))
    names = {row["run"] for row in ask("/api/runs")[1]}
    assert names == {"l\ufffdufe", "a #1%x", "<b>&"}
    for name in names:
        assert ask(f"/api/runs/{name}")[1]["name"] == name
    hub.close()
    assert 'href="/run/a%20%231%25x/trial/3"' in link("a #1%x", 3)


def test_tasks_and_settings_whose_bytes_are_no_text_hide_nothing(tmp_path: Path) -> None:
    odd = os.fsdecode(b"l\xe4ufe")
    task = dataclasses.replace(toys.task(), name=f"{odd}/net.py:Net")
    RunStore.create(tmp_path / "runs" / odd, task, {"out": odd}).close()
    (tmp_path / "runs" / f"{odd}2").mkdir()
    (tmp_path / "runs" / f"{odd}2" / "run.db").write_text("no database " * 100)
    hub = server.open_hub(tmp_path / "runs", None)
    ask = Asking(server.guarded(hub, "127.0.0.1", 1, None))
    rows = {row["run"]: row for row in ask("/api/runs")[1]}
    assert rows["l\ufffdufe"]["task"] == "l?ufe/net.py:Net" and "why" in rows["l\ufffdufe2"]
    run = ask("/api/runs/l\ufffdufe")[1]
    assert run["task"] == "l?ufe/net.py:Net" and run["settings"] == {"out": "l?ufe"}
    status, told = ask("/api/runs/l\ufffdufe2")
    assert status == 400 and "l?ufe2" in told["error"]["what"]
    hub.close()


def test_a_run_that_is_replaced_is_opened_anew_and_its_news_end(tmp_path: Path) -> None:
    Bench(tmp_path / "live").run(toys.task(), [toys.Flip()], "2")
    hub = server.open_hub(tmp_path, "live")
    first = hub.get("live")
    shutil.rmtree(tmp_path / "live")
    Bench(tmp_path / "live").run(toys.task(), [toys.Flip()], "5")

    async def listen() -> list[str]:
        stream = news(first, 3)
        said = [await anext(stream)]
        hub.look()
        return [*said, *[text async for text in stream]]

    assert len(asyncio.run(listen())) == 1 and first.gone
    assert hub.get("live") is not first and len(hub.get("live").digest.lines) == 6
    hub.close()


def test_news_come_as_they_are_recorded(tmp_path: Path) -> None:
    bench = Bench(tmp_path / "live")
    bench.run(toys.task(), [toys.Flip()], "2")
    hub = server.open_hub(tmp_path, "live")

    async def listen() -> list[str]:
        watched = hub.get("live")
        said: list[str] = []
        stream = news(watched, 1)
        for _ in range(3):
            said.append(await anext(stream))
        api.steer(bench.folder, "hint", text="x")
        watched.look()
        said.append(await asyncio.wait_for(anext(stream), 5))
        await stream.aclose()
        return said

    said = asyncio.run(listen())
    hub.close()
    assert [text.splitlines()[0] for text in said] == [
        "event: trial",
        "event: trial",
        "event: run",
        "event: run",
    ]
    first = json.loads(said[0].splitlines()[2].removeprefix("data: "))
    assert said[0].splitlines()[1] == "id: 2" and first["number"] == 1
