"""`PUBLIC_URL`: the one address of the platform, and everything that follows from it."""

import ipaddress
import os
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from faceplatform.stack.errors import StackError

DEFAULT = "http://127.0.0.1:8000"
_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
_BEHIND_PROXY_PORT = 8000
_LABEL = re.compile(r"(?!-)[a-z0-9-]{1,63}(?<!-)")


@dataclass(frozen=True, slots=True)
class PublicUrl:
    """The address that people type.

    `host` is lower case, an IPv6 address in brackets; `port` is the public one.
    """

    scheme: str
    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> "PublicUrl":
        """Read an address such as `http://127.0.0.1:8000` or `https://faces.example.org`.

        Raises StackError, with the reason, for anything that is no plain origin.
        """
        try:
            parts = urlsplit(text.strip())
        except ValueError:
            raise _refused(text, "the host name is not valid") from None
        if parts.scheme not in ("http", "https"):
            raise _refused(text, "it must begin with http:// or https://")
        if parts.username is not None or parts.password is not None:
            raise _refused(text, "it must not hold a user name or password")
        if parts.path.strip("/") or parts.query or parts.fragment:
            raise _refused(text, "the platform needs an origin of its own, without a path")
        try:
            port = parts.port
        except ValueError:
            raise _refused(text, "the port must be a number from 1 to 65535") from None
        if port == 0:
            raise _refused(text, "the port must be a number from 1 to 65535")
        default = 443 if parts.scheme == "https" else 80
        return cls(scheme=parts.scheme, host=_host(text, parts.hostname), port=port or default)

    @classmethod
    def from_environment(cls) -> "PublicUrl":
        """Return `PUBLIC_URL`, or the default for one machine."""
        return cls.parse(os.environ.get("PUBLIC_URL", "").strip() or DEFAULT)

    @property
    def secure(self) -> bool:
        """Whether people reach the platform through TLS (ended by a proxy before it)."""
        return self.scheme == "https"

    @property
    def is_loopback(self) -> bool:
        address = _address(self.host)
        return self.host == "localhost" or (address is not None and address.is_loopback)

    @property
    def base(self) -> str:
        """The origin without a final slash and without a default port."""
        return _origin(self.scheme, self.host, self.port)

    @property
    def bind(self) -> str:
        """Address and port for the web server.

        With https a proxy on the same machine ends TLS and passes on to 127.0.0.1:8000.
        A loopback host is served there only; any other host on all interfaces, because
        a name or a translated address says nothing about this machine's own.
        """
        if self.secure:
            return f"127.0.0.1:{_BEHIND_PROXY_PORT}"
        if self.host == "localhost":
            return f"127.0.0.1:{self.port}"
        return f"{self.host if self.is_loopback else '0.0.0.0'}:{self.port}"  # noqa: S104

    @property
    def allowed_hosts(self) -> tuple[str, ...]:
        """Host names to answer to; the loopback ones are for health checks."""
        return tuple(dict.fromkeys((self.host, *_LOOPBACK)))

    @property
    def csrf_origins(self) -> tuple[str, ...]:
        """Origins whose forms are trusted."""
        if not self.is_loopback:
            return (self.base,)
        hosts = dict.fromkeys((self.host, *_LOOPBACK))
        return tuple(_origin(self.scheme, host, self.port) for host in hosts)


def web_bind() -> str:
    """Return the address and port the web server listens on: `WEB_BIND`, else as above."""
    return os.environ.get("WEB_BIND", "").strip() or PublicUrl.from_environment().bind


def _origin(scheme: str, host: str, port: int) -> str:
    default = 443 if scheme == "https" else 80
    return f"{scheme}://{host}" + ("" if port == default else f":{port}")


def _host(text: str, hostname: str | None) -> str:
    if not hostname:
        raise _refused(text, "it names no host")
    address = _address(hostname)
    if address is not None:
        if address.is_unspecified:
            raise _refused(text, "name the address that people type, not the one to listen on")
        if isinstance(address, ipaddress.IPv6Address):
            if address.scope_id:
                raise _refused(text, "an address of one network interface is no public one")
            return f"[{address}]"
        return str(address)
    try:
        name = hostname.encode("idna").decode("ascii").lower()
    except UnicodeError:
        raise _refused(text, "the host name is not valid") from None
    if not all(_LABEL.fullmatch(label) for label in name.split(".")):
        raise _refused(text, "the host name is not valid")
    return name


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None


def _refused(text: str, reason: str) -> StackError:
    return StackError(f"PUBLIC_URL {text!r} is refused: {reason}")
