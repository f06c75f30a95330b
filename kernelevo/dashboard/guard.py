"""Guard: who may talk to the page: the right host name, the right origin, and a token where one is asked."""

from __future__ import annotations

import hmac
import ipaddress
import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlencode, urlsplit

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
COOKIE = "kernelevo_token"
# the page's own scripts are inline and its framework compiles templates; nothing is loaded from elsewhere
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; worker-src 'self' blob:; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
    "connect-src 'self' ws: wss:; frame-ancestors 'none'; base-uri 'self'; form-action 'self'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Guard:
    """Refuses what does not come from this page or from a script that knows the token.

    A page of a stranger can make the browser send requests here: to our address (its ``Origin`` gives it
    away), or to a name of its own that it lets point here (its ``Host`` does).

    Args:
        app: what is guarded.
        names: host names under which the page may be reached.
        numbers: whether any IP address will do as host; names can be pointed at us by others, numbers cannot.
        token: what everybody has to show; None where only this machine can come.
        cookie: name of the cookie that keeps the token.
    """

    def __init__(
        self, app: App, *, names: frozenset[str], numbers: bool = False, token: str | None = None,
        cookie: str = COOKIE,
    ) -> None:  # fmt: skip
        self._app, self._names, self._numbers = app, names, numbers
        self._token, self._cookie = token, cookie

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer it with a refusal."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]
        }
        status, why = self._refusal(headers, scope)
        if status:
            await _refuse(scope, send, status, why)
            return
        given = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("token")
        page = scope["type"] == "http" and scope["method"] == "GET" and not scope["path"].startswith("/api/")
        if given and self._token and page:  # keep it out of the address bar and the history
            await self._remember(scope, send)
            return
        await self._app(scope, receive, _with_headers(send))

    def _refusal(self, headers: dict[str, str], scope: Scope) -> tuple[int, str]:
        host = headers.get("host", "")
        if not self._is_ours(host):
            return 403, f"this page is not served under the name {host!r}"
        origin = headers.get("origin")
        if origin is not None and _place(origin) != host.lower():
            return 403, f"requests from {origin!r} are not accepted"
        if headers.get("sec-fetch-site") == "cross-site" and scope.get("method", "GET") not in (
            "GET",
            "HEAD",
        ):
            return 403, "requests from other sites are not accepted"
        if self._token and not self._knows(headers, scope):
            return 401, "a token is needed: open the address that `kernelevo serve` printed"
        return 0, ""

    def _is_ours(self, host: str) -> bool:
        name = _name(host)
        if name in self._names:
            return True
        if not self._numbers:
            return False
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True

    def _knows(self, headers: dict[str, str], scope: Scope) -> bool:
        shown = [headers.get("authorization", "").removeprefix("Bearer ").encode("latin-1")]
        given = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("token", [])
        kept = _cookies(headers.get("cookie", "")).get(self._cookie)
        shown += [text.encode() for text in (*given, *([unquote(kept)] if kept else []))]
        wanted = (self._token or "").encode()
        return any(hmac.compare_digest(text, wanted) for text in shown)

    async def _remember(self, scope: Scope, send: Send) -> None:
        query = parse_qs(scope["query_string"].decode("latin-1"))
        query.pop("token")
        path = "/" + quote(scope["path"].lstrip("/"))  # two slashes would be the name of another host
        place = path + (f"?{urlencode(query, doseq=True)}" if query else "")
        # not Strict: that would be kept back from the page itself where a link on another site led here
        cookie = f"{self._cookie}={quote(self._token or '', safe='')}; Path=/; HttpOnly; SameSite=Lax"
        headers = [(b"location", place.encode()), (b"set-cookie", cookie.encode())]
        await send({"type": "http.response.start", "status": 303, "headers": headers})
        await send({"type": "http.response.body", "body": b""})


async def _refuse(scope: Scope, send: Send, status: int, why: str) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008, "reason": why[:120]})
        return
    told = {"kind": "Refused", "what": why, "why": "", "now": "docs/reference/api.md: who may ask"}
    body = json.dumps({"error": told}).encode()
    headers = [(b"content-type", b"application/json"), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _with_headers(send: Send) -> Send:
    async def sending(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            more = [(name.lower().encode(), value.encode()) for name, value in _HEADERS.items()]
            message = {**message, "headers": [*message.get("headers", []), *more]}
        await send(message)

    return sending


def _place(origin: str) -> str:
    """Host and port of an origin; empty where it has none."""
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return ""


def _name(host: str) -> str:
    """The name in a ``Host`` header without its port; empty where it is none."""
    try:
        return (urlsplit(f"//{host}").hostname or "").lower()
    except ValueError:
        return ""


def _cookies(header: str) -> dict[str, str]:
    """Cookies by name, as they were sent: other pages of this machine keep theirs here, of any form."""
    pairs = (part.strip().partition("=") for part in header.split(";"))
    return {name: value for name, _, value in pairs}
