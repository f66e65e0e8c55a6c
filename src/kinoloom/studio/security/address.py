"""Where browsers reach the studio, and the cookie by which it recognises them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie

from kinoloom.errors import UsageError
from kinoloom.studio.security.sessions import SESSION_S

_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d{1,5})?")


@dataclass(frozen=True)
class Cookie:
    """The cookie of a login.

    Attributes:
        name: includes the port, by which browsers do not separate cookies.
        is_secure: whether it is sent by https only.
    """

    name: str
    is_secure: bool = False

    def build(self, secret: str, *, max_age_s: int = SESSION_S) -> str:
        """Return the header Set-Cookie."""
        secure = "; Secure" if self.is_secure else ""
        return (
            f"{self.name}={secret}; HttpOnly; SameSite=Strict; Path=/; Max-Age={max_age_s}{secure}"
        )

    def read(self, header: str) -> str:
        """Return the secret in the header Cookie, or ""."""
        try:
            morsel = SimpleCookie(header).get(self.name)
        except CookieError:
            return ""
        return morsel.value if morsel is not None else ""


@dataclass(frozen=True)
class Address:
    """Where browsers reach the studio.

    Attributes:
        url: without a path.
        hosts: exact values of the header Host.
        origins: exact values of the header Origin.
        cookie: of a login.
        proxy: IP address of the reverse proxy that all requests must come from; "" for none.
    """

    url: str
    hosts: tuple[str, ...]
    origins: tuple[str, ...]
    cookie: Cookie
    proxy: str = ""

    @classmethod
    def local(cls, port: int) -> Address:
        """Return the address of a studio on the loopback interface."""
        hosts = (f"127.0.0.1:{port}", f"localhost:{port}")
        origins = tuple(f"http://{host}" for host in hosts)
        return cls(origins[0], hosts, origins, Cookie(f"studio-{port}"))

    @classmethod
    def shared(cls, host: str, port: int, proxy: str) -> Address:
        """Return the address of a studio for several computers.

        Args:
            host: the name that browsers use; with ":PORT" if a proxy has another one than 443.
            port: on which the studio listens.
            proxy: IP address of the reverse proxy that provides TLS; "" if there is none.

        Raises:
            UsageError: the host is not valid.
        """
        host = host.lower()
        if not _HOST.fullmatch(host):
            raise UsageError(
                f"--host must be a name such as studio.example.org, not '{host}'.",
                hint="Leave out https:// and the path.",
            )
        if proxy:
            cookie = Cookie(f"__Host-studio-{port}", is_secure=True)
            return cls(f"https://{host}", (host,), (f"https://{host}",), cookie, proxy)
        hosts = (host,) if ":" in host or port == 80 else (f"{host}:{port}",)
        return cls(f"http://{hosts[0]}", hosts, (f"http://{hosts[0]}",), Cookie(f"studio-{port}"))
