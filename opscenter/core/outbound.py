"""The one guarded way out: no connection leaves for an address that the policy refuses.

The guard sits where the socket is made, after resolution, so that the address checked is the address connected to:
rebinding resolvers and IP literals pass through it as well. Callers never follow redirects.
"""

import ipaddress
import re
import socket
from collections.abc import Callable
from enum import Enum
from typing import Any
from urllib.parse import SplitResult, urlsplit

import aiohttp
from aiohappyeyeballs import AddrInfoType

_METADATA = frozenset(
    map(
        ipaddress.ip_address,
        (
            "169.254.169.254",
            "100.100.100.200",
            "168.63.129.16",
            "192.0.0.192",
            "fd00:ec2::254",
            "fd20:ce::254",
            "fd00:c1::a9fe:a9fe",
            "fd00:42::42",
        ),
    )
)
_THIS_NETWORK = ipaddress.ip_network("0.0.0.0/8")
# What Python 3.11 takes for global and no one can be reached at: 6to4's relays, site-local, documentation.
_NOT_PUBLIC = tuple(map(ipaddress.ip_network, ("192.88.99.0/24", "fec0::/10", "3fff::/20")))
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST_NAME = re.compile(rf"(?=.{{1,253}}$)(?:{_LABEL}\.)*{_LABEL}")
_LIKE_A_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")


class Policy(Enum):
    """PUBLIC: global addresses alone. PRIVATE_ALLOWED: private and loopback too, never link-local or metadata."""

    PUBLIC = "public"
    PRIVATE_ALLOWED = "private_allowed"


class OutboundRefused(OSError):
    """The policy refuses this address or URL. Nothing was connected."""


def check_address(address: str, policy: Policy) -> None:
    """Raise OutboundRefused unless `policy` lets a connection go to this IP address."""
    ip: ipaddress.IPv4Address | ipaddress.IPv6Address = ipaddress.ip_address(address.partition("%")[0])
    ip = _embedded_v4(ip) or ip
    # ::1 lies in ::/8, which Python counts as reserved.
    is_reserved = ip.is_reserved and not ip.is_loopback
    if (
        ip in _METADATA
        or ip in _THIS_NETWORK
        or ip.is_link_local
        or ip.is_multicast
        or ip.is_unspecified
        or is_reserved
    ):
        raise OutboundRefused(f"connections to {ip} are never allowed (link-local, metadata or reserved address)")
    if policy is Policy.PUBLIC and (not ip.is_global or any(ip in network for network in _NOT_PUBLIC)):
        raise OutboundRefused(f"connections to the private address {ip} are not allowed here")


def _embedded_v4(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 one stands for (mapped, 6to4, Teredo's client, NAT64), if any."""
    if isinstance(ip, ipaddress.IPv4Address):
        return None
    if ip in ipaddress.ip_network("64:ff9b::/96"):
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)


def check_base_url(url: str, policy: Policy) -> str:
    """`url` without its trailing slash, if a key may be stored for it. Raises OutboundRefused, which says why.

    Whatever two parsers could read differently is refused. Names are not resolved here: what they resolve to is
    checked when the connection is made.
    """
    url = url.strip()
    if not url.isascii() or not url.isprintable() or " " in url:
        raise OutboundRefused("a base URL holds plain ASCII without spaces")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise OutboundRefused("a base URL reads http://HOST:PORT/PATH, with a port up to 65535") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise OutboundRefused("a base URL starts with http:// or https:// and names a host")
    if "@" in parts.netloc:
        raise OutboundRefused("a base URL holds no user name or password: store the key as the API key")
    if any(char in url for char in "?#\\"):
        raise OutboundRefused("a base URL has no query, no fragment and no backslash")
    if port == 0 or parts.netloc.endswith(":"):
        raise OutboundRefused("the port of a base URL is a number from 1 to 65535")
    _check_host(parts, policy)
    return url.rstrip("/")


def _check_host(parts: SplitResult, policy: Policy) -> None:
    shown = re.sub(r":[0-9]+$", "", parts.netloc.lower())
    host = shown.removesuffix(".")
    literal = _as_ip(host.removeprefix("[").removesuffix("]") if host.startswith("[") else host)
    if literal is not None:
        check_address(literal, policy)
        if shown != literal and not (shown.startswith("[") and ":" in literal and "%" not in shown):
            raise OutboundRefused("an IP address reads 192.0.2.1 or [2001:db8::1]")
    elif not _HOST_NAME.fullmatch(host) or _LIKE_A_NUMBER.fullmatch(host.rpartition(".")[2]):
        raise OutboundRefused("the host of a base URL is a name of letters, digits and hyphens, or an IP address")
    elif policy is Policy.PUBLIC and (host == "localhost" or host.endswith(".localhost")):
        raise OutboundRefused("connections to localhost are not allowed here")


def _as_ip(host: str) -> str | None:
    """The address that `host` spells, also in the short, octal and hexadecimal forms that a resolver accepts."""
    try:
        return str(ipaddress.ip_address(host.partition("%")[0]))
    except ValueError:
        pass
    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except OSError:
        return None


class _Resolver(aiohttp.ThreadedResolver):
    """A name that can't be asked for, such as one with an empty label, is one that isn't there."""

    async def resolve(self, *args: Any, **kwargs: Any) -> list[Any]:
        try:
            return await super().resolve(*args, **kwargs)
        except UnicodeError as error:
            raise OSError("no host can have this name") from error


def guarded_connector(
    policy: Policy,
    *,
    limit: int = 0,
    keepalive_timeout_s: float = 4.0,
    on_connect: Callable[[], None] = lambda: None,
) -> aiohttp.TCPConnector:
    """A connector whose every socket is checked. Kept-alive connections end before the 5 s that uvicorn gives them.

    `on_connect` is called for every new connection, in a context copied from that of the request which needs it.
    """

    def make_socket(info: AddrInfoType) -> socket.socket:
        family, kind, protocol, _, address = info
        check_address(str(address[0]), policy)
        on_connect()
        return socket.socket(family=family, type=kind, proto=protocol)

    return aiohttp.TCPConnector(
        socket_factory=make_socket,
        resolver=_Resolver(),
        limit=limit,
        keepalive_timeout=keepalive_timeout_s,
        ttl_dns_cache=10,
    )


def guarded_session(policy: Policy, *, timeout_s: float = 10.0) -> aiohttp.ClientSession:
    """A client session for occasional calls (tests of a connection, health). Pass allow_redirects=False."""
    return aiohttp.ClientSession(
        connector=guarded_connector(policy),
        timeout=aiohttp.ClientTimeout(total=timeout_s),
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
    )
