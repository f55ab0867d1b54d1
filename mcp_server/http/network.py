"""Where the server listens, and under which names it may be asked: a page from elsewhere must not speak for its reader.

A browser sends a request to any address a page names, and a page can point its own name at this machine (DNS
rebinding). What it cannot do is hide that: the Host header has the page's name, and the Origin header its origin. An
address in numbers cannot be pointed anywhere, so those are never a rebinding.
"""

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

_LOCAL_NAME = "localhost"


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """Where to listen.

    Attributes:
        host: A name or an address.
        port: 0 takes any that is free.
    """

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> "ListenAddress":
        """The address of `HOST:PORT`, `[IPv6]:PORT`, `:PORT` or `PORT`; the host is 127.0.0.1 if none is given.

        Raises:
            ValueError: It is none; the message says why and what would be one.
        """
        host, colon, port = text.rpartition(":")
        host = host if colon else ""
        if not port.isdecimal() or not port.isascii() or int(port) > 65_535:
            raise ValueError(f"{text!r} is no HOST:PORT: the port is a number from 0 to 65535, as in 127.0.0.1:8000")
        if host.startswith("[") != host.endswith("]") or (":" in host and not host.startswith("[")):
            raise ValueError(f"{text!r} is no HOST:PORT: an IPv6 address stands in brackets, as in [::1]:8000")
        return cls(host.strip("[]") or "127.0.0.1", int(port))

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach it."""
        address = _address(self.host)
        return self.host == _LOCAL_NAME if address is None else address.is_loopback

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class AllowedNames:
    """Under which names the server may be asked, and from which origins.

    Args:
        listen: Where it listens.
        hosts: Further names it is known by, for example behind a proxy.
        origins: Origins of pages elsewhere that may use it, as `https://dashboard.example`.
    """

    def __init__(self, listen: ListenAddress, hosts: Sequence[str] = (), origins: Sequence[str] = ()) -> None:
        names = {_LOCAL_NAME, listen.host.lower(), *(host.lower() for host in hosts)}
        if not listen.loopback:
            names.add(socket.gethostname().lower())
        self._names = frozenset(names)
        self._only_loopback = listen.loopback
        self._origins = frozenset(origin.lower().rstrip("/") for origin in origins)

    def host_allowed(self, header: str) -> bool:
        """Whether a Host header names this server; its port does not matter."""
        name = _host_of(f"//{header}")
        if name is None:
            return False
        address = _address(name)
        if address is None or name in self._names:
            return name in self._names
        return address.is_loopback or not self._only_loopback

    def origin_allowed(self, origin: str, host_header: str) -> bool:
        """Whether a page of this origin may use the server: its own pages, and those of the origins that are set."""
        origin = origin.lower()
        if origin in self._origins:
            return True
        scheme, _, rest = origin.partition("://")
        return scheme in {"http", "https"} and rest == host_header.lower()


def _host_of(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises where it is none
    except ValueError:
        return None
    if parts.username is not None or parts.path or parts.query or parts.fragment:
        return None
    return parts.hostname.rstrip(".") if parts.hostname else None


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None
