"""Server: the page and its API on one port, on this machine only unless a token is asked for."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from fastapi import FastAPI

from kernelevo.dashboard.guard import COOKIE, LOOPBACK, Guard
from kernelevo.dashboard.hub import Hub
from kernelevo.dashboard.routes import add_routes
from kernelevo.errors import BadSetting


@dataclass(frozen=True)
class Served:
    """Where a page is served.

    Args:
        app: what answers.
        socket: bound already, so that the port is known and nobody else can take it.
        address: to open in a browser; it holds the token if there is one.
    """

    app: Guard
    socket: socket.socket
    address: str


def guarded(hub: Hub, host: str, port: int, token: str | None, names: tuple[str, ...] = ()) -> Guard:
    """Return the API behind its guard; :func:`prepare` adds the pages.

    Args:
        hub: the runs.
        host: address that is listened on.
        port: that is listened on; two pages on one machine keep two cookies.
        token: what everybody has to show; without one it is made up for any host but this machine.
        names: further names under which the page is reached.
    """
    return _guard(_api(hub), host, port, _token(host, token), names)


def prepare(hub: Hub, host: str, port: int, token: str | None = None, names: tuple[str, ...] = ()) -> Served:
    """Bind the port and make the pages; without a token one is made for any host but this machine.

    Raises:
        BadSetting: if the address cannot be listened on.
    """
    from nicegui import ui

    from kernelevo.dashboard.pages import register

    bound = _bind(host, port)
    port = bound.getsockname()[1]
    token = _token(host, token)
    app = _api(hub)
    register(hub)
    ui.run_with(
        app, title="kernelevo", dark=None, favicon="📈", reconnect_timeout=20.0, show_welcome_message=False
    )
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else f"[{host}]" if ":" in host else host
    address = f"http://{shown}:{port}/" + (f"?token={quote(token, safe='')}" if token else "")
    return Served(_guard(app, host, port, token, names), bound, address)


def serve(served: Served) -> None:
    """Answer until Ctrl-C."""
    import uvicorn

    config = uvicorn.Config(
        served.app, log_level="warning", ws="websockets-sansio", timeout_graceful_shutdown=1
    )
    uvicorn.Server(config).run(sockets=[served.socket])


def open_hub(root: Path, run: str | None) -> Hub:
    """Return the runs to serve: one, or all of a folder.

    Raises:
        RunNotFound: if there is no such run, or no such folder.
        StoreError, Unwritable: if it cannot be read.
    """
    hub = Hub(root, run)
    hub.folders()  # refuses what is not there now, and not at every page
    if hub.only:
        hub.get(hub.only)  # read now, so that the first page does not wait for it
    return hub


def _api(hub: Hub) -> FastAPI:
    @contextlib.asynccontextmanager
    async def watching(app: FastAPI) -> AsyncIterator[None]:
        task = asyncio.create_task(hub.watch())
        yield
        task.cancel()
        hub.close()

    app = FastAPI(title="kernelevo", docs_url=None, redoc_url=None, openapi_url=None, lifespan=watching)
    add_routes(app, hub)
    return app


def _guard(app: FastAPI, host: str, port: int, token: str | None, names: tuple[str, ...]) -> Guard:
    known = LOOPBACK if host in LOOPBACK else LOOPBACK | {host, socket.gethostname(), socket.getfqdn()}
    allowed = frozenset(name.lower() for name in (*known, *names))
    return Guard(app, names=allowed, numbers=host not in LOOPBACK, token=token, cookie=f"{COOKIE}_{port}")


def _token(host: str, token: str | None) -> str | None:
    """What everybody has to show: an empty one is none, and one is made up where others can come."""
    if token and token.strip():
        return token
    return None if host in LOOPBACK else secrets.token_urlsafe(24)


def _bind(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        bound = socket.socket(family, socket.SOCK_STREAM)
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind((host, port))
            bound.listen()  # until somebody listens another one with SO_REUSEADDR may bind it too
        except BaseException:
            bound.close()
            raise
    except (OSError, OverflowError, UnicodeError) as error:
        raise BadSetting(
            f"{host}:{port} cannot be listened on",
            why=str(error),
            now="choose another --port, or --port 0 for any that is free",
        ) from error
    return bound
