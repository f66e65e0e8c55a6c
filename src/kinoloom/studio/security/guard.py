"""The guard: every request passes it before anything else looks at it.

In this order: the host (421), the method (405), the sender (403), the type of the content (415),
the number of requests at once (503), the cookie (401). Every answer gets the headers that confine
the page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kinoloom.base.page import Person
from kinoloom.studio.responses import JsonResponse, RequestError
from kinoloom.studio.security.sessions import SESSION_S, Sessions

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE"})
MAX_REQUESTS = 100
"""At once; listeners to events are counted by the stream instead."""
_WRITE_TYPES = frozenset({"application/json", "application/octet-stream"})
_OWN_SITE = frozenset({"same-origin", "none"})
_FIXED_HEADERS: Mapping[str, str] = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}


class Guard:
    """An ASGI application that lets only requests of logged-in people pass.

    Args:
        app: receives them; `scope["person"]` is the `Person`.
        sessions: of the server.
        hosts: exact values of the header Host.
        origins: exact values of the header Origin.
        cookie: name of the cookie; it includes the port, by which cookies are not separated.
        scripts: CSP sources of inline scripts ("'sha256-...'").
        is_secure: whether browsers reach the server by https.
    """

    def __init__(
        self,
        app: ASGIApp,
        sessions: Sessions,
        *,
        hosts: Sequence[str],
        origins: Sequence[str],
        cookie: str,
        scripts: Sequence[str] = (),
        is_secure: bool = False,
    ) -> None:
        self._app = app
        self._sessions = sessions
        self._hosts, self._origins = frozenset(hosts), frozenset(origins)
        self._cookie = cookie
        self._policy = build_policy(scripts)
        self._is_secure = is_secure
        self._active = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check one request and pass it on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        confined = self._confine(send)
        try:
            self._check(scope)
            if (token := _read_token(scope)) is not None:
                await self._log_in(token, scope, receive, confined)
                return
            scope["person"] = self._identify(scope)
        except RequestError as error:
            answer = JsonResponse({"error": error.message, "hint": error.hint}, error.status)
            await answer(scope, receive, confined)
            return
        self._active += 1
        try:
            await self._app(scope, receive, confined)
        finally:
            self._active -= 1

    def _check(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or hosts[0] not in self._hosts:
            raise RequestError(421, "This server does not answer for that host.")
        if scope["method"] not in METHODS:
            raise RequestError(405, f"The method {scope['method']} is not supported.")
        self._check_sender(scope["method"], headers)
        if self._active >= MAX_REQUESTS and scope["path"] != "/events":
            raise RequestError(503, f"More than {MAX_REQUESTS} requests at once.", "Try again.")

    def _check_sender(self, method: str, headers: Headers) -> None:
        origin, site = headers.get("origin"), headers.get("sec-fetch-site")
        is_write = method not in ("GET", "HEAD")
        is_foreign = origin is not None and origin not in self._origins
        if is_foreign or (is_write and origin is None) or (site and site not in _OWN_SITE):
            raise RequestError(403, "Requests from other sites are not answered.")
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        if is_write and kind not in _WRITE_TYPES:
            raise RequestError(
                415,
                f"The content type '{kind}' is not supported.",
                f"Send {' or '.join(sorted(_WRITE_TYPES))}.",
            )

    def _identify(self, scope: Scope) -> Person:
        secret = _read_cookie(Headers(scope=scope).get("cookie", ""), self._cookie)
        person = self._sessions.identify(secret) if secret else None
        if person is None:
            raise RequestError(
                401,
                "This browser is not logged in to this studio.",
                "Run `kinoloom studio FOLDER --link` and open the printed address.",
            )
        return person

    async def _log_in(self, token: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Exchange the token of a link for a cookie."""
        secret = self._sessions.redeem_link(token)
        if secret is None:
            raise RequestError(
                403,
                "This link is not valid, or was used before.",
                "Run `kinoloom studio FOLDER --link` for another one.",
            )
        secure = "; Secure" if self._is_secure else ""
        answer = JsonResponse(
            {},
            303,
            {
                "location": "/",
                "set-cookie": f"{self._cookie}={secret}; HttpOnly; SameSite=Strict; Path=/; "
                f"Max-Age={SESSION_S}{secure}",
            },
        )
        await answer(scope, receive, send)

    def _confine(self, send: Send) -> Send:
        async def send_confined(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _FIXED_HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("content-security-policy", self._policy)
            await send(message)

        return send_confined


def build_policy(scripts: Sequence[str]) -> str:
    """Return the Content-Security-Policy of the pages."""
    allowed = " ".join(["'self'", *scripts])
    return (
        f"default-src 'none'; script-src {allowed}; style-src 'self'; font-src 'self'; "
        "connect-src 'self'; img-src 'self' blob:; media-src 'self' blob:; "
        "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    )


def _read_token(scope: Scope) -> str | None:
    """Return the token of a link, or None if the request is not for one."""
    if scope["path"] != "/" or scope["method"] != "GET":
        return None
    values = parse_qs(scope["query_string"].decode("latin-1")).get("token")
    return values[0] if values else None


def _read_cookie(header: str, name: str) -> str:
    try:
        morsel = SimpleCookie(header).get(name)
    except CookieError:
        return ""
    return morsel.value if morsel is not None else ""
