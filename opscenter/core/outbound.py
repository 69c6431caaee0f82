"""The one guarded way out: no connection leaves for an address that the policy refuses.

The guard sits where the socket is made, after resolution, so that the address checked is the address connected to:
rebinding resolvers and IP literals pass through it as well. Callers never follow redirects.
"""

import ipaddress
import socket
from enum import Enum
from urllib.parse import urlsplit

import aiohttp
from aiohappyeyeballs import AddrInfoType

_METADATA = frozenset(
    map(
        ipaddress.ip_address,
        ("169.254.169.254", "fd00:ec2::254", "fd20:ce::254", "100.100.100.200", "168.63.129.16", "192.0.0.192"),
    )
)


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
    if ip in _METADATA or ip.is_link_local or ip.is_multicast or ip.is_unspecified or is_reserved:
        raise OutboundRefused(f"connections to {ip} are never allowed (link-local, metadata or reserved address)")
    if policy is Policy.PUBLIC and not ip.is_global:
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

    Names are not resolved here: what they resolve to is checked when the connection is made.
    """
    try:
        parts = urlsplit(url.strip())
    except ValueError as error:
        raise OutboundRefused("a base URL reads http://HOST:PORT/PATH") from error
    if not url.strip().isascii() or any(char.isspace() or not char.isprintable() for char in url.strip()):
        raise OutboundRefused("a base URL holds plain ASCII without spaces")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise OutboundRefused("a base URL starts with http:// or https:// and names a host")
    if parts.username or parts.password:
        raise OutboundRefused("a base URL holds no user name or password: store the key as the API key")
    if parts.query or parts.fragment:
        raise OutboundRefused("a base URL has no query and no fragment")
    try:
        _ = parts.port
    except ValueError as error:
        raise OutboundRefused("the port of a base URL is a number up to 65535") from error
    literal = _as_ip(parts.hostname)
    if literal is not None:
        check_address(literal, policy)
    elif parts.hostname.rstrip(".") == "localhost" and policy is Policy.PUBLIC:
        raise OutboundRefused("connections to localhost are not allowed here")
    return url.strip().rstrip("/")


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


def guarded_connector(policy: Policy, *, limit: int = 0, keepalive_timeout_s: float = 4.0) -> aiohttp.TCPConnector:
    """A connector whose every socket is checked. Kept-alive connections end before the 5 s that uvicorn gives them."""

    def make_socket(info: AddrInfoType) -> socket.socket:
        family, kind, protocol, _, address = info
        check_address(str(address[0]), policy)
        return socket.socket(family=family, type=kind, proto=protocol)

    return aiohttp.TCPConnector(
        socket_factory=make_socket, limit=limit, keepalive_timeout=keepalive_timeout_s, ttl_dns_cache=10
    )


def guarded_session(policy: Policy, *, timeout_s: float = 10.0) -> aiohttp.ClientSession:
    """A client session for occasional calls (tests of a connection, health). Pass allow_redirects=False."""
    return aiohttp.ClientSession(
        connector=guarded_connector(policy),
        timeout=aiohttp.ClientTimeout(total=timeout_s),
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
    )
