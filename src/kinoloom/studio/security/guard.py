"""The guard: every request passes it before anything else looks at it.

In this order: the host (421), the proxy (403), the method (405), the sender (403), the type of the
content (415), the number of requests at once (503), the cookie (401), the role (403). Every answer
gets the headers that confine the page.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qs

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kinoloom.studio.responses import JsonResponse, RequestError
from kinoloom.studio.security.address import Address
from kinoloom.studio.security.roles import least_role
from kinoloom.studio.security.sessions import Sessions

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE"})
MAX_REQUESTS = 100
"""At once; listeners to events are counted by the stream instead."""
_WRITE_TYPES = frozenset({"application/json", "application/octet-stream"})
_OWN_SITE = frozenset({"same-origin", "none"})
_OPEN_TO_STRANGERS = ("/login", "/api/login", "/static/")
"""What a browser needs for the page to log in: public files of the package, and the attempt."""
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
        address: where browsers reach it.
        scripts: CSP sources of inline scripts ("'sha256-...'").
        has_people: whether people log in with a password, on the page that / shows to them; links
            are not valid then.
    """

    def __init__(
        self,
        app: ASGIApp,
        sessions: Sessions,
        address: Address,
        *,
        scripts: Sequence[str] = (),
        has_people: bool = False,
    ) -> None:
        self._app, self._sessions, self._address = app, sessions, address
        self._hosts, self._origins = frozenset(address.hosts), frozenset(address.origins)
        self._policy = build_policy(scripts)
        self._has_people = has_people
        self._active = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check one request and pass it on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        confined = self._confine(send)
        try:
            self._check(scope)
            token = None if self._has_people else _read_token(scope)
            if token is not None:
                await self._log_in(token, scope, receive, confined)
                return
            self._admit(scope)
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
        scope["sender"] = self._find_sender(scope, headers)
        scope["cookie"] = self._address.cookie
        if scope["method"] not in METHODS:
            raise RequestError(405, f"The method {scope['method']} is not supported.")
        self._check_sender(scope["method"], headers)
        if self._active >= MAX_REQUESTS and scope["path"] != "/events":
            raise RequestError(503, f"More than {MAX_REQUESTS} requests at once.", "Try again.")

    def _find_sender(self, scope: Scope, headers: Headers) -> str:
        """Return the IP address of the browser, for which a proxy vouches."""
        peer: str = (scope.get("client") or ("", 0))[0]
        if not self._address.proxy:
            return peer
        if peer != self._address.proxy:
            raise RequestError(403, "This server answers its reverse proxy only.")
        if set(headers.getlist("x-forwarded-proto")) - {"https"}:
            raise RequestError(403, "This studio is reached by https only.")
        senders = headers.getlist("x-forwarded-for") or [peer]
        return senders[-1].rpartition(",")[2].strip()  # what the proxy itself has added

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

    def _admit(self, scope: Scope) -> None:
        """Add the person to a request, or the page to log in."""
        secret = self._address.cookie.read(Headers(scope=scope).get("cookie", ""))
        person = self._sessions.identify(secret) if secret else None
        if person is None:
            self._admit_stranger(scope)
            return
        role = least_role(scope["method"], scope["path"])
        if not person.may(role):
            raise RequestError(
                403,
                f"You are {person.role} here; only people with the role {role} may do this.",
                "Ask the owner of this studio for another role.",
            )
        scope["person"] = person

    def _admit_stranger(self, scope: Scope) -> None:
        if not self._has_people:
            raise RequestError(
                401,
                "This browser is not logged in to this studio.",
                "Run `kinoloom studio FOLDER --link` and open the printed address.",
            )
        if scope["path"] == "/" and scope["method"] in ("GET", "HEAD"):
            # The page to log in, with the status of what it is shown instead of.
            scope["login_status"] = 401 if _read_token(scope) is None else 403
            scope["path"] = "/login"
            scope["raw_path"] = b"/login"
        if not scope["path"].startswith(_OPEN_TO_STRANGERS):
            raise RequestError(401, "You are not logged in.", "Reload the page to log in.")

    async def _log_in(self, token: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Exchange the token of a link for a cookie."""
        secret = await asyncio.to_thread(self._sessions.redeem_link, token)
        if secret is None:
            raise RequestError(
                403,
                "This link is not valid, or was used before.",
                "Run `kinoloom studio FOLDER --link` for another one.",
            )
        headers = {"location": "/", "set-cookie": self._address.cookie.build(secret)}
        answer = JsonResponse({}, 303, headers)
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
