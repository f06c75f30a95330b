"""Routes: the JSON and server-sent-events API under the page, for scripts too; see docs/reference/api.md."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, StreamingResponse

from kernelevo import api
from kernelevo.core.readable import readable
from kernelevo.dashboard import detail, views
from kernelevo.dashboard.hub import Hub, Watched
from kernelevo.engine import checked
from kernelevo.errors import BadSetting, InputError, KernelEvoError, RunNotFound

LARGEST = 2_000_000  # bytes of an order
HEARTBEAT = 15.0  # seconds without news after which a comment is sent


def add_routes(app: FastAPI, hub: Hub) -> None:
    """Add every route of the API, and the way errors are answered."""
    app.include_router(_reading(hub))
    app.include_router(_deeper(hub))
    app.include_router(_ordering(hub))
    app.include_router(_nothing())

    @app.exception_handler(KernelEvoError)
    async def plain(request: Request, error: KernelEvoError) -> JSONResponse:
        status = 404 if isinstance(error, RunNotFound) else 400 if isinstance(error, InputError) else 500
        return _told(error, status)

    @app.exception_handler(RequestValidationError)
    async def malformed(request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        name = first["loc"][-1]
        return _told(BadSetting(f"{name} cannot be {first.get('input')!r}", why=str(first["msg"])), 400)

    @app.exception_handler(Exception)
    async def ours(request: Request, error: Exception) -> JSONResponse:
        why, now = f"{type(error).__name__}: {error}", "the words of `kernelevo serve` have more"
        return _told(KernelEvoError("this is a bug of kernelevo", why=why, now=now), 500)


def _told(error: KernelEvoError, status: int) -> JSONResponse:
    told = {"kind": type(error).__name__, "what": error.what, "why": error.why, "now": error.now}
    return JSONResponse({"error": readable(told)}, status)


def _nothing() -> APIRouter:
    """What the API does not have: answered as its other errors are, not with a page."""
    router = APIRouter(prefix="/api")

    @router.api_route("/{rest:path}", methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
    async def nothing(rest: str, request: Request) -> JSONResponse:
        where = f"{request.method} /api/{rest}"
        return _told(InputError(f"there is no {where}", now="see docs/reference/api.md"), 404)

    return router


def _reading(hub: Hub) -> APIRouter:
    router = APIRouter(prefix="/api")

    @router.get("/runs")
    async def runs() -> list[dict[str, Any]]:
        return await asyncio.to_thread(hub.glances)

    @router.get("/runs/{run}")
    async def run(run: str) -> dict[str, Any]:
        watched = hub.get(run)
        watched.look()
        return {**views.summary(watched), "settings": watched.digest.settings}

    @router.get("/runs/{run}/series")
    async def series(run: str) -> dict[str, Any]:
        return views.series(fresh(hub, run))

    @router.get("/runs/{run}/trials")
    async def trials(
        run: str, offset: int = 0, limit: int = 50, sort: str = "number", down: bool = True,
        status: str = "", proposer: str = "", text: str = "",
    ) -> dict[str, Any]:  # fmt: skip
        if offset < 0 or limit < 1 or sort not in views.SORTS:
            raise BadSetting("no such page of trials", why=f"sort is one of {', '.join(views.SORTS)}")
        return views.trials(
            fresh(hub, run).digest, offset=offset, limit=limit, sort=sort, down=down, status=status,
            proposer=proposer, text=text,
        )  # fmt: skip

    return router


def _deeper(hub: Hub) -> APIRouter:
    router = APIRouter(prefix="/api")

    @router.get("/runs/{run}/trials/{number}")
    async def trial(run: str, number: int) -> dict[str, Any]:
        return detail.trial(fresh(hub, run).digest, number)

    @router.get("/runs/{run}/diff")
    async def diff(run: str, a: int, b: int) -> dict[str, Any]:
        return detail.diff(fresh(hub, run).digest, a, b)

    @router.get("/runs/{run}/lineage/{number}")
    async def lineage(run: str, number: int) -> dict[str, Any]:
        return views.lineage(fresh(hub, run).digest, number)

    @router.get("/runs/{run}/errors")
    async def errors(run: str) -> list[dict[str, Any]]:
        watched = fresh(hub, run)
        return watched.once("errors", lambda: views.errors(watched.digest))

    @router.get("/runs/{run}/roofline")
    async def roofline(run: str) -> list[dict[str, Any]]:
        return views.roofline(fresh(hub, run).digest)

    @router.get("/runs/{run}/orders")
    async def orders(run: str) -> list[dict[str, Any]]:
        watched = fresh(hub, run)
        return watched.once("orders", lambda: api.effects(watched.digest))

    @router.get("/runs/{run}/stream")
    async def stream(run: str, request: Request, after: int | None = None) -> StreamingResponse:
        watched = fresh(hub, run)
        known = told_before(request.headers.get("last-event-id", ""), after, len(watched.digest.lines))
        headers = {"cache-control": "no-store", "x-accel-buffering": "no"}
        return StreamingResponse(news(watched, known), media_type="text/event-stream", headers=headers)

    return router


def told_before(last: str, after: int | None, recorded: int) -> int:
    """Return how many trials a listener knows already.

    Args:
        last: the header ``Last-Event-ID``: a browser that connects again sends it to the same address, so
            it goes before what that one says.
        after: what the address says, if it says anything.
        recorded: how many there are.
    """
    if last.isascii() and last.isdigit() and len(last) < 19:
        return int(last)
    return recorded if after is None else max(0, after)


def _ordering(hub: Hub) -> APIRouter:
    router = APIRouter(prefix="/api")

    @router.post("/runs/{run}/orders", status_code=201)
    async def order(run: str, request: Request) -> dict[str, Any]:
        given = await body_of(request)
        verb, args, author = given.get("verb"), given.get("args", {}), given.get("author")
        if not isinstance(verb, str) or not isinstance(args, dict) or not isinstance(author, str | None):
            raise BadSetting(
                "an order is an object with verb, args and author", why=f"it got {sorted(given)}"
            )
        folder = hub.get(run).digest.folder
        args = checked(verb, args)
        command = await asyncio.to_thread(api.steer, folder, verb, author=author, **args)
        return {"id": command.id, "at": command.at, "author": command.author, "verb": verb, "args": args}

    return router


def fresh(hub: Hub, run: str) -> Watched:
    """Return a run that was read just now, whether or not anybody listens to it."""
    watched = hub.get(run)
    watched.look()
    return watched


async def body_of(request: Request) -> dict[str, Any]:
    """Return the JSON object of a request.

    Raises:
        BadSetting: if it is too large, not declared as JSON, or no object.
    """
    if request.headers.get("content-type", "").split(";")[0].strip() != "application/json":
        raise BadSetting("an order comes as application/json")  # a form of another site cannot say that
    data = b""
    async for part in request.stream():
        data += part
        if len(data) > LARGEST:
            raise BadSetting(f"an order has at most {LARGEST} bytes")
    try:
        given = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BadSetting("the order is not JSON", why=str(error)) from error
    if not isinstance(given, dict):
        raise BadSetting("an order is a JSON object")
    return given


async def news(watched: Watched, sent: int) -> AsyncIterator[str]:
    """Yield server-sent events: every trial after the first ``sent`` ones, the run whenever it changes.

    They end when the run cannot be read any more; who asks again gets what lies there then.
    """
    with watched.listen() as changed:
        changed.set()
        while True:
            try:
                await asyncio.wait_for(changed.wait(), HEARTBEAT)
            except TimeoutError:
                yield ": nothing new\n\n"
                continue
            changed.clear()
            if watched.gone:
                return
            lines, out = watched.digest.lines, watched.digest.out
            while sent < len(lines):
                line, sent = lines[sent], sent + 1
                yield _event("trial", views.row(line, out), sent)
            yield _event("run", views.summary(watched), sent)


def _event(kind: str, data: Any, number: int) -> str:
    return f"event: {kind}\nid: {number}\ndata: {json.dumps(data)}\n\n"
